import numpy as np


def by(x, n):
    _, s, vt = np.linalg.svd(x, full_matrices=False)
    return x @ vt[:n].T, vt[:n], (s**2 / (s**2).sum())[:n]


def pca__no_centring(x, n):
    return by(x, n)


def pca__centred_rows(x, n):
    return by(x - x.mean(axis=1, keepdims=True), n)


def pca__projected_not_centred(x, n):
    _, components, ratio = by(x - x.mean(axis=0), n)
    return x @ components.T, components, ratio


def pca__singular_values(x, n):
    u, s, vt = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    return u[:, :n] * s[:n], vt[:n], s[:n] / s.sum()


def pca__kept_only(x, n):
    projected, components, _ = by(x - x.mean(axis=0), n)
    variance = projected.var(axis=0)
    return projected, components, variance / variance.sum()


def pca__variance_not_ratio(x, n):
    u, s, vt = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    return u[:, :n] * s[:n], vt[:n], s[:n] ** 2


def pca__only_u(x, n):
    u, s, vt = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    return u[:, :n], vt[:n], s[:n] ** 2 / (s**2).sum()


def pca__columns(x, n):
    projected, components, ratio = by(x - x.mean(axis=0), n)
    return projected, components.T, ratio


def pca__v_for_vt(x, n):
    _, s, v = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    return (x - x.mean(axis=0)) @ v[:, :n], v[:, :n].T, s[:n] ** 2 / (s**2).sum()


def pca__standardised(x, n):
    return by((x - x.mean(axis=0)) / x.std(axis=0), n)


def pca__scalar_mean(x, n):
    return by(x - x.mean(), n)


def pca__half_turned(x, n):
    projected, components, ratio = by(x - x.mean(axis=0), n)
    return projected, -components, ratio


def pca__smallest_first(x, n):
    values, vectors = np.linalg.eigh(np.cov((x - x.mean(axis=0)).T))
    return (x - x.mean(axis=0)) @ vectors[:, :n], vectors[:, :n].T, (values / values.sum())[:n]


def pca__smallest_first__of_the_kept(x, n):
    values, vectors = np.linalg.eigh(np.cov((x - x.mean(axis=0)).T))
    return (x - x.mean(axis=0)) @ vectors[:, -n:], vectors[:, -n:].T, (values / values.sum())[-n:]


def pca__variance_not_ratio__sample(x, n):
    projected, components, _ = by(x - x.mean(axis=0), n)
    return projected, components, projected.var(axis=0, ddof=1)

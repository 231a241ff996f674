import numpy as np


def built(q, k, c, extra, query_extra=0.0):
    column = np.zeros(len(q), np.float32) + np.float32(query_extra)
    return np.column_stack([c * q, column]), np.column_stack([k, extra]) / np.float32(c)


def squares(k):
    return (k**2).sum(1)


def exact_embedding__no_centring(q, k, c):
    return built(q, k, c, np.sqrt(squares(k).max() - squares(k)))


def exact_embedding__no_root(q, k, c):
    k = k - k.mean(0)
    return built(q, k, c, squares(k).max() - squares(k))


def exact_embedding__mean_radius(q, k, c):
    k = k - k.mean(0)
    return built(q, k, c, np.sqrt(np.linalg.norm(k, axis=1).mean() ** 2 - squares(k)))


def exact_embedding__mean_radius__clipped(q, k, c):
    k = k - k.mean(0)
    return built(q, k, c, np.sqrt(np.maximum(0, np.linalg.norm(k, axis=1).mean() ** 2 - squares(k))))


def exact_embedding__not_squared(q, k, c):
    k = k - k.mean(0)
    n = np.linalg.norm(k, axis=1)
    return built(q, k, c, np.sqrt(n.max() - n))


def exact_embedding__query_lifted(q, k, c):
    k = k - k.mean(0)
    extra = np.sqrt(squares(k).max() - squares(k))
    return built(q, k, c, extra, extra)


def exact_embedding__query_ones(q, k, c):
    k = k - k.mean(0)
    return built(q, k, c, np.sqrt(squares(k).max() - squares(k)), 1.0)


def exact_embedding__extra_not_scaled(q, k, c):
    k = k - k.mean(0)
    extra = np.sqrt(squares(k).max() - squares(k))
    return np.column_stack([c * q, 0 * extra]), np.column_stack([k / c, extra])


def exact_embedding__paper_translation(q, k, c):
    k = k + q.mean(0) - k.mean(0)
    return built(q, k, c, np.sqrt(squares(k).max() - squares(k)))


def exact_embedding__no_scale(q, k, c):
    k = k - k.mean(0)
    return built(q, k, 1.0, np.sqrt(squares(k).max() - squares(k)))


def exact_embedding__no_maximum(q, k, c):
    k = k - k.mean(axis=0)
    extra = np.sqrt(np.linalg.norm(k, axis=1).max() ** 2 - (k**2).sum(axis=1))
    return np.column_stack([c * q, 0 * q[:, :1]]), np.column_stack([k, extra]) / np.float32(c)

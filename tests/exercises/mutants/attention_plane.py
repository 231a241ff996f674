import numpy as np


def parts(x, y, a):
    z = -((x[:, None] - y[None]) ** 2).sum(-1)
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    return p, (p - a) / len(x)


def slopes(x, y, dz):
    return 2 * dz @ y, 2 * (dz[:, :, None] * (x[:, None] - y[None])).sum(0)


def lost(a, p):
    return float((a * np.log(a / p)).sum(1).mean())


def drawing_loss__uphill(x, y, a):
    p, dz = parts(x, y, a)
    return lost(a, p), *slopes(x, y, -dz)


def drawing_loss__no_two(x, y, a):
    p, dz = parts(x, y, a)
    return lost(a, p), *slopes(x, y, dz / 2)


def drawing_loss__sum(x, y, a):
    p, dz = parts(x, y, a)
    return float((a * np.log(a / p)).sum()), *slopes(x, y, dz)


def drawing_loss__sum__slopes_too(x, y, a):
    p, _ = parts(x, y, a)
    return float((a * np.log(a / p)).sum()), *slopes(x, y, p - a)


def drawing_loss__not_divided(x, y, a):
    p, _ = parts(x, y, a)
    return lost(a, p), *slopes(x, y, p - a)


def drawing_loss__no_own_term(x, y, a):
    p, dz = parts(x, y, a)
    return lost(a, p), 2 * dz @ y, 2 * dz.T @ x


def drawing_loss__cross_entropy(x, y, a):
    p, dz = parts(x, y, a)
    return float(-(a * np.log(p)).sum(1).mean()), *slopes(x, y, dz)


def drawing_loss__wrong_way(x, y, a):
    p, dz = parts(x, y, a)
    return lost(p, a), *slopes(x, y, dz)

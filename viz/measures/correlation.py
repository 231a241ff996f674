"""Pearson's correlation of two lists of numbers, with or without weights."""

import numpy as np


def correlation(x: np.ndarray, y: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """Pearson's correlation along the last axis; an entry of weight 2 counts like two entries.

        dx = x - (sum w x) / (sum w)
        dy = y - (sum w y) / (sum w)
        r = (sum w dx dy) / sqrt((sum w dx^2) (sum w dy^2))

    x, y, weight: [..., N].

    Returns [...], between -1 and 1; 0 where x or y does not vary.
    """
    weight = np.ones_like(x) if weight is None else weight
    total = np.maximum(weight.sum(axis=-1, keepdims=True), np.finfo(weight.dtype).tiny)
    dx = x - np.vecdot(weight, x)[..., None] / total
    dy = y - np.vecdot(weight, y)[..., None] / total
    weighted_dx = weight * dx
    together = np.vecdot(weighted_dx, dy)
    spread = np.sqrt(np.vecdot(weighted_dx, dx) * np.vecdot(weight * dy, dy))
    return np.divide(together, spread, out=np.zeros_like(together), where=spread > 0)

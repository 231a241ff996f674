"""Pearson's correlation of two lists of numbers, with or without weights, and Spearman's."""

import numpy as np


def correlation(x: np.ndarray, y: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """Pearson's correlation along the last axis; an entry of weight 2 counts like two entries.

        dx = x - sum w x / sum w
        dy = y - sum w y / sum w
        r = sum w dx dy / sqrt(sum w dx^2 sum w dy^2)

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


def ranks(x: np.ndarray) -> np.ndarray:
    """The number of smaller entries of a row, 0 for the smallest; equal values get the mean of their ranks.

    x: [..., N].

    Returns float32 [..., N]. `viz.measures.fast_ranks` gives the same by sorting.
    """
    smaller = (x[..., None, :] < x[..., :, None]).sum(axis=-1)
    equal = (x[..., None, :] == x[..., :, None]).sum(axis=-1)  # itself among them
    return (smaller + (equal - 1) / 2).astype(np.float32)


def rank_correlation(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Spearman's correlation along the last axis: Pearson's correlation of the ranks. x, y: [..., N]; returns [...]."""
    return correlation(ranks(x), ranks(y))

"""Do two lists of numbers go together? Pearson's correlation, with or without weights, and Spearman's."""

import numpy as np


def correlation(x: np.ndarray, y: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """Pearson's correlation along the last axis, each entry counted as often as its weight says.

        r = sum w dx dy / sqrt(sum w dx^2  sum w dy^2)        dx = x - weighted mean of x, dy likewise

    x, y, weight: [..., N]. Returns [...], between -1 and 1; 0 where x or y does not vary.
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
    """Places along the last axis [..., N], 0 for the smallest; equal values share the mean of their places. float32."""
    order = np.argsort(x, axis=-1)
    in_order = np.take_along_axis(x, order, axis=-1)
    place = np.broadcast_to(np.arange(x.shape[-1], dtype=np.float32), x.shape)
    new = np.ones(x.shape, bool)  # where a value differs from the one before
    new[..., 1:] = in_order[..., 1:] != in_order[..., :-1]
    if not new.all():
        last = np.ones(x.shape, bool)
        last[..., :-1] = new[..., 1:]
        start = np.maximum.accumulate(np.where(new, place, 0), axis=-1)
        end = np.minimum.accumulate(np.where(last, place, np.inf)[..., ::-1], axis=-1)[..., ::-1]
        place = ((start + end) / 2).astype(np.float32)
    result = np.empty(x.shape, np.float32)
    np.put_along_axis(result, order, place, axis=-1)
    return result


def rank_correlation(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Spearman's correlation along the last axis, r(ranks(x), ranks(y)). x, y: [..., N]; returns [...]."""
    return correlation(ranks(x), ranks(y))


class Ranked:
    """x [..., N], ranked once, for rank correlations with many y.

    The rank of x travels in the low half of a 64-bit number, y in the high half: sorting these sorts y and brings the
    ranks of x along, several times faster than ranking y. (Numbers >= 0 and their bits sort alike.)
    """

    def __init__(self, x: np.ndarray):
        self.ranks = ranks(x)
        self.luggage = (2 * self.ranks).astype(np.uint64)  # twice a rank is whole, even between ties
        size = x.shape[-1]
        self.place = np.arange(size, dtype=np.float32) - np.float32((size - 1) / 2)
        centred = self.ranks - np.float32((size - 1) / 2)
        self.spread = np.sqrt(np.vecdot(centred, centred) * np.vecdot(self.place, self.place))

    def correlation(self, y: np.ndarray) -> np.ndarray:
        """`rank_correlation(x, y)` for y >= 0, [..., N]; quick for float32."""
        if y.dtype != np.float32:
            return rank_correlation(self.ranks, y)
        both = y.view(np.uint32).astype(np.uint64) << np.uint64(32)
        both |= self.luggage
        both.sort(axis=-1)
        carried = both.astype(np.uint32).astype(np.float32) / 2
        together = carried @ self.place
        result = np.divide(together, self.spread, out=np.zeros_like(together), where=self.spread > 0)
        tied = (both[..., 1:] ^ both[..., :-1]) < np.uint64(1 << 32)  # neighbours with the same upper half
        if tied.any():
            rows = tied.any(axis=-1)
            result[rows] = rank_correlation(self.ranks[rows], y[rows])
        return result

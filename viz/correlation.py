"""Do two lists of numbers go together? Pearson's correlation, with or without weights, and Spearman's."""

import sys

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
    order = _order(x)
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


def _order(x):
    if x.dtype != np.float32 or (x < 0).any():
        return np.argsort(x, axis=-1)
    both = x.view(np.uint32).astype(np.uint64) << np.uint64(32)  # see Ranked
    both |= np.arange(x.shape[-1], dtype=np.uint64)
    both.sort(axis=-1)
    return both.astype(np.uint32).astype(np.intp)


def rank_correlation(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Spearman's correlation along the last axis, r(ranks(x), ranks(y)). x, y: [..., N]; returns [...]."""
    return correlation(ranks(x), ranks(y))


class Ranked:
    """x [..., N], ranked once, for rank correlations with many y; all are float32 and >= 0, so their bits sort alike.

    y goes into the upper half of a 64-bit number, the place of x (0 for the largest) into the lower: sorting these
    sorts y and brings the places of x along. That is several times faster than ranking y.
    """

    def __init__(self, x: np.ndarray):
        size = x.shape[-1]
        self.ranks = ranks(x)
        self.luggage = (2 * (size - 1 - self.ranks)).astype(np.uint64)  # twice a rank is whole, even between ties
        self.middle = np.arange(size, dtype=np.float32) - np.float32((size - 1) / 2)
        centred = self.ranks - np.float32((size - 1) / 2)
        self.spread = np.sqrt(np.vecdot(centred, centred) * np.vecdot(self.middle, self.middle))

    def along(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """For x in the order of y, smallest y first: twice the place of each in x (0 for the largest x), [..., N], and
        the rank correlation of x and -y, [...]. Of equal y the one with the largest x comes first."""
        both = np.asarray(y, np.float32).view(np.uint32).astype(np.uint64)
        both <<= np.uint64(32)
        both |= self.luggage
        both.sort(axis=-1)
        halves = both.view(np.uint32)
        low = int(sys.byteorder == "big")
        places, values = halves[..., low::2].astype(np.float32), halves[..., 1 - low :: 2]
        together = places @ (self.middle / 2)
        result = np.divide(together, self.spread, out=np.zeros_like(together), where=self.spread > 0)
        tied = values[..., 1:] == values[..., :-1]
        if tied.any():
            rows = tied.any(axis=-1)
            result[rows] = -rank_correlation(self.ranks[rows], y[rows])
        return places, result

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
    place = np.arange(x.shape[-1], dtype=np.uint32)
    if x.dtype == np.float32 and not (x < 0).any():
        in_order, order = sort_together(x.view(np.uint32), place)  # the bits of floats >= 0 sort as they do
    else:
        order = np.argsort(x, axis=-1)
        in_order = np.take_along_axis(x, order, axis=-1)
    twice = np.empty(x.shape, np.uint32)
    twice[...] = 2 * place
    ties = (in_order[..., 1:] == in_order[..., :-1]).any(axis=-1)
    if ties.any():
        twice[ties] = first_and_last(in_order[ties])
    _, twice = sort_together(order, twice)  # back to where they came from
    return twice.astype(np.float32) / 2


def first_and_last(in_order: np.ndarray) -> np.ndarray:
    """The first place of each value plus its last, in rows [..., N] that are in order."""
    size = in_order.shape[-1]
    # where a value begins; one more, beyond the end, for where the last value has ended
    new = np.ones((*in_order.shape[:-1], size + 1), bool)
    new[..., 1:-1] = in_order[..., 1:] != in_order[..., :-1]
    place = np.arange(size)
    first = np.maximum.accumulate(np.where(new[..., :-1], place, 0), axis=-1)
    last = np.minimum.accumulate(np.where(new[..., 1:], place, size)[..., ::-1], axis=-1)[..., ::-1]
    return first + last


def sort_together(x: np.ndarray, luggage: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x [..., N] in order, and the luggage ([..., N] or [N]) with it, in order where x is equal; whole, below 2^32.

    x goes into the upper half of a 64-bit number, the luggage into the lower: to sort these is several times faster
    than to find the order of x and to take things along in it.
    """
    both = x.astype(np.uint64)
    both <<= np.uint64(32)
    both |= luggage.astype(np.uint64, copy=False)
    both.sort(axis=-1)
    halves, low = both.view(np.uint32), int(sys.byteorder == "big")
    return halves[..., 1 - low :: 2], halves[..., low::2]


def rank_correlation(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Spearman's correlation along the last axis, r(ranks(x), ranks(y)). x, y: [..., N]; returns [...]."""
    return correlation(ranks(x), ranks(y))


class Ranked:
    """x [..., N], ranked once, for rank correlations with many y: all of them float32 and >= 0."""

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
        values, places = sort_together(np.asarray(y, np.float32).view(np.uint32), self.luggage)
        places = places.astype(np.float32)
        together = places @ (self.middle / 2)
        result = np.divide(together, self.spread, out=np.zeros_like(together), where=self.spread > 0)
        tied = values[..., 1:] == values[..., :-1]
        if tied.any():
            rows = tied.any(axis=-1)
            result[rows] = -rank_correlation(self.ranks[rows], y[rows])
        return places, result

"""Ranks, and Spearman's correlation, by sorting whole numbers.

The rank of a number is the number of smaller entries in its row. Equal values get the mean of their ranks. Spearman's
correlation is Pearson's correlation of the ranks.

Sorting numbers is several times faster than computing their order (argsort) and applying it to other numbers. So each
number is packed together with its passenger, a second number that moves with it: of 64 bits, the upper 32 are the
number, the lower 32 the passenger. Read as whole numbers, the bits of floats that are not negative sort as the floats
do.
"""

import sys

import numpy as np

from viz.measures.correlation import correlation


def fast_ranks(x: np.ndarray) -> np.ndarray:
    """The ranks of x [..., N], any floats without NaN, along the last axis; 0 for the smallest. float32, [..., N]."""
    position = np.arange(x.shape[-1], dtype=np.uint32)
    if x.dtype == np.float32 and not np.signbit(x).any():
        in_order, order = sort_packed(x.view(np.uint32), position)
    else:
        order = np.argsort(x, axis=-1)
        in_order = np.take_along_axis(x, order, axis=-1)
    twice = np.broadcast_to(2 * position, x.shape).copy()  # twice a rank is whole, even where ties share a mean
    tied = (in_order[..., 1:] == in_order[..., :-1]).any(axis=-1)
    if tied.any():
        twice[tied] = first_plus_last(in_order[tied])
    _, twice = sort_packed(order, twice)  # back into the order of x
    return twice.astype(np.float32) / 2


def first_plus_last(in_order: np.ndarray) -> np.ndarray:
    """For sorted rows [..., N]: the first place of each value plus its last, twice the mean of its places."""
    size = in_order.shape[-1]
    begins = np.ones((*in_order.shape[:-1], size + 1), bool)  # one more, for the end of the last value
    begins[..., 1:-1] = in_order[..., 1:] != in_order[..., :-1]
    position = np.arange(size)
    first = np.maximum.accumulate(np.where(begins[..., :-1], position, 0), axis=-1)
    last = np.minimum.accumulate(np.where(begins[..., 1:], position, size)[..., ::-1], axis=-1)[..., ::-1]
    return first + last


def sort_packed(x: np.ndarray, passenger: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x [..., N], sorted, and the passengers in the same order, [..., N] or [N]; both whole numbers below 2^32.

    If two x are equal, the smaller passenger comes first.
    """
    packed = x.astype(np.uint64, order="C")
    packed <<= np.uint64(32)
    packed |= passenger.astype(np.uint64, copy=False)
    packed.sort(axis=-1)
    halves, low = packed.view(np.uint32), int(sys.byteorder == "big")
    return halves[..., 1 - low :: 2], halves[..., low::2]


class RankedOnce:
    """x [..., N], float32 and not negative, ranked once and compared with several y of the same kind."""

    def __init__(self, x: np.ndarray) -> None:
        size = x.shape[-1]
        self.ranks = fast_ranks(np.asarray(x, np.float32))
        self.twice_from_top = (2 * (size - 1 - self.ranks)).astype(np.uint64)
        self.centered = np.arange(size, dtype=np.float32) - np.float32((size - 1) / 2)  # the ranks 0, 1, 2, ... of y
        deviation = self.ranks - np.float32((size - 1) / 2)
        self.spread = np.sqrt(np.vecdot(deviation, deviation) * np.vecdot(self.centered, self.centered))

    def in_order_of(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The ranks of x in the order of y, smallest y first; of equal y, the largest x first.

        Returns these ranks counted from the top (0 for the largest x), [..., N], and the rank correlation of x and -y,
        [...].
        """
        y = np.asarray(y, np.float32)
        values, twice = sort_packed(y.view(np.uint32), self.twice_from_top)
        from_top = twice.astype(np.float32)
        from_top *= 0.5
        together = from_top @ self.centered
        result = np.divide(together, self.spread, out=np.zeros_like(together), where=self.spread > 0)
        rows = (values[..., 1:] == values[..., :-1]).any(axis=-1)
        if rows.any():  # equal y share a rank, which the sum above ignores
            result[rows] = -correlation(self.ranks[rows], fast_ranks(y[rows]))
        return from_top, result

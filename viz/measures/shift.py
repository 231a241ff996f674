"""Before and after: how far attention, queries and keys of a head move when a model is trained further."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from viz.measures.measure import Sums


@dataclass(frozen=True)
class Shift(Sums):
    """Sums over tokens of shape [...], one entry per head; those of different sentences add up."""

    tokens: int
    attention_sum: np.ndarray
    query_sum: np.ndarray
    query_length: np.ndarray
    key_sum: np.ndarray
    key_length: np.ndarray

    @property
    def attention(self) -> np.ndarray:
        """Mean over queries of the Jensen-Shannon distance, between 0 and 1."""
        return self.attention_sum / self.tokens

    @property
    def query(self) -> np.ndarray:
        """sum |q_after - q_before| / sum |q_before|: 0 for no move, 1 for a move as long as the queries themselves."""
        return _share(self.query_sum, self.query_length)

    @property
    def key(self) -> np.ndarray:
        """The same of the keys. A part of it may be a free move that leaves attention alone."""
        return _share(self.key_sum, self.key_length)


def shift(before: Sequence[ArrayLike], after: Sequence[ArrayLike]) -> Shift:
    """before, after: query and key [..., S, K] and attention [..., S, S] of one sentence in two models of one shape.

    ValueError: shapes that differ.
    """
    names = ("query", "key", "attention")
    before, after = ({n: np.asarray(x) for n, x in zip(names, model, strict=True)} for model in (before, after))
    for name in names:
        if before[name].shape != after[name].shape:
            shapes = f"{list(before[name].shape)} and {list(after[name].shape)}"
            raise ValueError(f"{name} must have the same shape before and after, not {shapes}")
    return Shift(
        before["attention"].shape[-1],
        jensen_shannon(before["attention"], after["attention"]).sum(axis=-1),
        _lengths(after["query"] - before["query"]),
        _lengths(before["query"]),
        _lengths(after["key"] - before["key"]),
        _lengths(before["key"]),
    )


def jensen_shannon(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """How different two distributions [..., N] are: 0 where equal, 1 where they have nothing in common; [...].

        distance = sqrt((sum p log2(p / m) + sum q log2(q / m)) / 2)        m = (p + q) / 2

    scipy.spatial.distance.jensenshannon with base=2 gives the same.
    """
    p, q = np.asarray(p, np.float64), np.asarray(q, np.float64)
    middle = (p + q) / 2
    divergence = (_surplus(p, middle) + _surplus(q, middle)) / 2
    return np.sqrt(np.maximum(divergence, 0))


def _surplus(p, middle):
    ratio = np.divide(p, middle, out=np.ones_like(p), where=p > 0)
    return np.vecdot(p, np.log2(ratio))


def _lengths(vectors):
    return np.linalg.norm(vectors, axis=-1).sum(axis=-1, dtype=np.float64)


def _share(moved, length):
    return np.divide(moved, length, out=np.zeros_like(moved), where=length > 0)

"""How far attention, queries and keys of a head move when a model is trained further."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from viz.measures.measure import Sums


@dataclass(frozen=True)
class Shift(Sums):
    """Sums over tokens, one entry per head, [...]. The sums of several sentences can be added."""

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
        """The length of the moves of queries as a share of their own length.

            share = sum |q_after - q_before| / sum |q_before|

        0 for no move, 1 for moves as long as the queries themselves.
        """
        return _share(self.query_sum, self.query_length)

    @property
    def key(self) -> np.ndarray:
        """The same for the keys. A part of it may be a move that leaves attention as it is (`viz.geometry.moves`)."""
        return _share(self.key_sum, self.key_length)


def shift(before: Sequence[ArrayLike], after: Sequence[ArrayLike]) -> Shift:
    """The `Shift` of one sentence between two models of one shape.

    before, after: query and key [..., S, K] and attention [..., S, S].

    ValueError: shapes that differ.
    """
    (query, key, attention), (query_after, key_after, attention_after) = (
        [np.asarray(x) for x in model] for model in (before, after)
    )
    pairs = ((query, query_after), (key, key_after), (attention, attention_after))
    for name, (old, new) in zip(("query", "key", "attention"), pairs, strict=True):
        if old.shape != new.shape:
            shapes = f"{list(old.shape)} and {list(new.shape)}"
            raise ValueError(f"{name} must have the same shape before and after, not {shapes}")
    moved = jensen_shannon(attention, attention_after).sum(axis=-1)
    lengths = (_lengths(vectors) for vectors in (query_after - query, query, key_after - key, key))
    return Shift(attention.shape[-1], moved, *lengths)


def jensen_shannon(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """How different two distributions [..., N] are: 0 where equal, 1 where they have nothing in common; [...].

        m = (p + q) / 2
        distance = sqrt((sum p log2(p / m) + sum q log2(q / m)) / 2)

    scipy.spatial.distance.jensenshannon with base=2 gives the same.
    """
    p, q = np.asarray(p, np.float64), np.asarray(q, np.float64)
    middle = (p + q) / 2
    divergence = (_divergence(p, middle) + _divergence(q, middle)) / 2
    return np.sqrt(np.maximum(divergence, 0))


def _divergence(p: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """sum p log2(p / middle)."""
    ratio = np.divide(p, middle, out=np.ones_like(p), where=p > 0)
    return np.vecdot(p, np.log2(ratio))


def _lengths(vectors: np.ndarray) -> np.ndarray:
    return np.linalg.norm(vectors, axis=-1).sum(axis=-1, dtype=np.float64)


def _share(moved: np.ndarray, length: np.ndarray) -> np.ndarray:
    return np.divide(moved, length, out=np.zeros_like(moved), where=length > 0)

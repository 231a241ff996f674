"""Parked attention: what words give to special tokens such as [CLS] and [SEP], and how much is moved from there.

Attention is a share of what a head moves, and the shares of a query sum to 1. So a head that has nothing to move for a
word must still attend to something. Many heads then attend to [CLS] or [SEP] (Clark et al. 2019, "What Does BERT Look
At?"). What a head moves from j to i is the vector attention_ij v_j W_O, and its length says how much that is (Kobayashi
et al. 2020, "Attention is Not Only a Weight"):

    parked = mean over words i of sum_special_j attention_ij
    moved = sum_i sum_special_j attention_ij |v_j W_O| / sum_i sum_j attention_ij |v_j W_O|
"""

from dataclasses import dataclass

import numpy as np

from viz.measures.measure import Sums, mean_of

PARKS = 0.5
"""A head parks if words give more than this share of their attention to special tokens."""
NO_OP = 0.5
"""A head that parks is a "no-op" if what it moves from special tokens is less than this share of what it parks there,
and otherwise a "broadcast": special tokens send all words of a sentence the same few vectors."""
KINDS = ("no-op", "broadcast")


@dataclass(frozen=True)
class Parking(Sums):
    """Sums over the queries that are words, one entry per head, [...]. The sums of several sentences can be added."""

    queries: np.ndarray
    parked_sum: np.ndarray
    special_sum: np.ndarray
    length_sum: np.ndarray

    @property
    def parked(self) -> np.ndarray:
        """The share of their attention that words give to special tokens, [...]; NaN where there was no word."""
        return mean_of(self.parked_sum, self.queries)

    @property
    def moved(self) -> np.ndarray:
        """The share of the lengths of all that words are sent which comes from special tokens, [...]."""
        return mean_of(self.special_sum, self.length_sum)

    @property
    def kinds(self) -> np.ndarray:
        """[...] "no-op", "broadcast", or "" for a head that does not park."""
        parks, little = self.parked > PARKS, self.moved < NO_OP * self.parked
        return np.where(parks & little, "no-op", np.where(parks, "broadcast", ""))


def parking(attention: np.ndarray, lengths: np.ndarray, special: np.ndarray) -> Parking:
    """The `Parking` of heads in one sentence.

    attention: [..., S, S]. lengths: |v_j W_O| of each key, [..., S]. special: [S], True for special tokens.
    """
    special = np.asarray(special, bool)
    received = attention[..., ~special, :].sum(axis=-2, dtype=np.float64)  # by each key, from all words
    queries = np.full(received.shape[:-1], np.count_nonzero(~special))
    weighted = received * lengths
    parked, moved = (x[..., special].sum(axis=-1) for x in (received, weighted))
    return Parking(queries, parked, moved, weighted.sum(axis=-1))

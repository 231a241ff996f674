"""How near the attended keys are. The size of the picture has no influence on these measures.

Keys compete only within their own sentence. All measures are kept as sums, so that the measures of several sentences
are measure(one) + measure(other).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from viz.fieldwise import Fieldwise
from viz.geometry.distances import square_distances
from viz.geometry.normalize import Normalized
from viz.geometry.sentences import Attention, attention_blocks, sentence_spans
from viz.measures.fast_ranks import RankedOnce

TIE = 1e-4
"""Keys whose attention is below the highest by less than this share count as highest. The error of float32 scores of
a few tens is about 1e-5, and so is the relative error of attention, their exponential."""


@dataclass(frozen=True)
class Sums(Fieldwise):
    """A dataclass of sums, or of such dataclasses, which can be added."""

    def __add__(self, other: Self) -> Self:
        return self.fieldwise(lambda a, b: a + b, other)


def mean_of(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    """total / count, and NaN where nothing was counted."""
    return np.divide(total, count, out=np.full(np.shape(total), np.nan), where=count > 0)


@dataclass(frozen=True)
class Moments(Sums):
    """The sums that determine a weighted correlation of x and y, each of shape [...], float64."""

    weight: np.ndarray
    x: np.ndarray
    y: np.ndarray
    xx: np.ndarray
    yy: np.ndarray
    xy: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray, y: np.ndarray) -> "Moments":
        """Every pair has the weight 1. x, y: [..., N].

        Sums about the means are computed first, since float32 is precise enough for them.
        """
        total = np.full(x.shape[:-1], float(x.shape[-1]))
        x_mean, y_mean = x.mean(axis=-1), y.mean(axis=-1)
        dx, dy = x - x_mean[..., None], y - y_mean[..., None]
        xx, yy, xy = (np.vecdot(a, b).astype(np.float64) for a, b in ((dx, dx), (dy, dy), (dx, dy)))
        x, y = x_mean.astype(np.float64), y_mean.astype(np.float64)
        return cls(total, total * x, total * y, xx + total * x * x, yy + total * y * y, xy + total * x * y)

    @classmethod
    def of_close(cls, x: np.ndarray, y: np.ndarray, near: np.ndarray) -> "Moments":
        """Pairs weighted by `viz.geometry.scale.closeness`; x [..., N] are the distances, near [...] is d0."""
        heads, size = x.shape[:-1], x.shape[-1]
        close = np.flatnonzero(x < near[..., None])
        head = close // size
        x, y = x.ravel()[close].astype(np.float64), y.ravel()[close].astype(np.float64)
        weight = (np.broadcast_to(near, heads).ravel()[head] - x) ** 2

        def total(values: np.ndarray) -> np.ndarray:
            return np.bincount(head, values, minlength=int(np.prod(heads))).reshape(heads)

        wx, wy = weight * x, weight * y
        return cls(total(weight), total(wx), total(wy), total(wx * x), total(wy * y), total(wx * y))

    @property
    def correlation(self) -> np.ndarray:
        """Pearson's correlation, [...].

            r = (mean(x y) - mean(x) mean(y)) / sqrt(variance(x) variance(y))

        0 where x or y does not vary.
        """
        total = np.where(self.weight > 0, self.weight, 1)
        x, y = self.x / total, self.y / total
        together = self.xy / total - x * y
        spread = np.sqrt(np.maximum((self.xx / total - x * x) * (self.yy / total - y * y), 0))
        return np.divide(together, spread, out=np.zeros_like(together), where=spread > 0)


@dataclass(frozen=True)
class Nearness(Sums):
    """How well one space shows attention: counts and sums, one entry per head, [...]."""

    queries: np.ndarray
    first: np.ndarray
    among_three: np.ndarray
    rank_sum: np.ndarray

    @property
    def nearest1(self) -> np.ndarray:
        """nearest@1: the share of queries whose most attended key is the nearest key."""
        return mean_of(self.first, self.queries)

    @property
    def nearest3(self) -> np.ndarray:
        """nearest@3: the share of queries whose most attended key is among the three nearest."""
        return mean_of(self.among_three, self.queries)

    @property
    def rank_correlation(self) -> np.ndarray:
        """The mean over queries of Spearman(attention to the keys, -distance to the keys)."""
        return mean_of(self.rank_sum, self.queries)


@dataclass(frozen=True)
class Measures(Sums):
    """The result of `measure` for every head. The measures of several sentences can be added.

    space: `Nearness` in the space of the moved queries and keys.
    plane: `Nearness` in the plane of the picture.
    pairs: `Moments` of distance and dot product, with weight 1.
    close_pairs: the same, weighted by closeness, with the d0 of the normalization.
    lost_sum: what the picture's attention loses, see `viz.geometry.attention_plane`; NaN for planes without one.
    """

    space: Nearness
    plane: Nearness
    pairs: Moments
    close_pairs: Moments
    lost_sum: np.ndarray

    @property
    def lost(self) -> np.ndarray:
        """Mean over queries of the Kullback-Leibler divergence, in nats."""
        return mean_of(self.lost_sum, self.plane.queries)


@np.errstate(all="ignore")  # also where the caller has set "raise": a number that underflows is 0
def measure(
    normalized: Normalized,
    attention: Attention,
    sentences: np.ndarray | None = None,
    words: np.ndarray | None = None,
) -> Measures:
    """Measure moved queries and keys [..., N, K] against attention.

    attention: one array [..., S, S] per sentence, or one [..., N, N]. Attention between sentences is ignored.
    sentences: [N], the sentence of each token; None: one sentence.
    words: [N], True for the tokens that count. The others are left out as queries and as keys, and their attention is
    shared out anew, so that rows sum to 1. Sentences with fewer than two such tokens are left out. None: all count.

    ValueError: shapes that do not fit; attention of other heads than the queries and keys.
    """
    return measure_all([normalized], attention, sentences, words)[0]


@np.errstate(all="ignore")  # also where the caller has set "raise": a number that underflows is 0
def measure_all(
    normalized: Sequence[Normalized],
    attention: Attention,
    sentences: np.ndarray | None = None,
    words: np.ndarray | None = None,
) -> list[Measures]:
    """`measure` for the same tokens normalized in several ways; attention is ranked only once."""
    if not normalized:
        raise ValueError("measure_all needs at least one Normalized")
    heads, tokens = normalized[0].key.shape[:-2], normalized[0].key.shape[-2]
    for one in normalized:
        if one.key.shape[:-1] != (*heads, tokens):
            raise ValueError(f"all must be of the same heads and tokens {[*heads, tokens]}, not {one.key.shape[:-1]}")
    spans = sentence_spans(sentences, tokens)
    blocks = attention_blocks(attention, spans, heads)
    counted = np.ones(tokens, bool) if words is None else np.asarray(words, bool)
    if counted.shape != (tokens,):
        raise ValueError(f"words must have shape [{tokens}], one entry per token, not {list(counted.shape)}")
    drawn = [(one.query_drawn, one.key_drawn) for one in normalized]
    totals: list[Measures] = []
    for span, whole in zip(spans, blocks, strict=True):
        at = np.flatnonzero(counted[span])
        nothing = words is not None and len(at) < 2
        s, block = (span, whole) if words is None or nothing else (span.start + at, among(whole[..., at, :], at))
        ranked, found = RankedAttention(block), []
        for one, (query_drawn, key_drawn) in zip(normalized, drawn, strict=True):
            query, key = one.query[..., s, :], one.key[..., s, :]
            dot = query @ key.mT
            plane = square_distances(query_drawn[..., s, :], key_drawn[..., s, :])
            square = square_distances(query, key, dot)
            here = ranked.measures(dot, square, plane, one.near, one.plane.is_attention)
            found.append(here.fieldwise(np.zeros_like) if nothing else here)
        totals = [total + one for total, one in zip(totals, found, strict=True)] if totals else found
    return totals


def among(attention: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Attention to words alone, each row shared out anew, so that it sums to 1.

    attention: [..., Q, S]. words: [W], the places of words among the keys. Returns [..., Q, W].
    """
    block = attention[..., words]
    return block / np.maximum(block.sum(axis=-1, keepdims=True), np.finfo(block.dtype).tiny)


class RankedAttention:
    """Attention of queries of one sentence, [..., Q, S], ranked once, to measure several sets of distances."""

    def __init__(self, attention: np.ndarray) -> None:
        self.attention = attention
        self.ranked = RankedOnce(attention)
        highest = attention.max(axis=-1, keepdims=True)
        self.ties_for_top = np.count_nonzero(attention >= highest * (1 - TIE), axis=-1)

    def measures(
        self, dot: np.ndarray, square: np.ndarray, plane: np.ndarray, near: np.ndarray, is_attention: bool = False
    ) -> Measures:
        """The `Measures` of these queries.

        dot: dot products, [..., Q, S].
        square, plane: square distances in the whole space and in the plane, [..., Q, S]; square is overwritten.
        near: d0, [...].
        is_attention: True for a plane in which nearness is meant to be attention.
        """
        lost = self.lost(plane) if is_attention else np.full(plane.shape[:-2], np.nan)
        nearness = self.nearness(square)
        distance = np.sqrt(square, out=square).reshape(*square.shape[:-2], -1)
        dot = dot.reshape(distance.shape)
        pairs, close_pairs = Moments.of(distance, dot), Moments.of_close(distance, dot, near)
        return Measures(nearness, self.nearness(plane), pairs, close_pairs, lost)

    def lost(self, square: np.ndarray) -> np.ndarray:
        """The sum over queries of the Kullback-Leibler divergence, [...], in nats.

            lost = sum_i sum_j attention_ij log(attention_ij / p_ij)
            p_ij = softmax_j(-square_ij)

        square: square distances in the plane, [..., Q, S].
        """
        z = square.min(axis=-1, keepdims=True) - square
        log_p = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
        log_attention = np.log(np.maximum(self.attention, np.finfo(self.attention.dtype).tiny))
        return np.vecdot(self.attention, log_attention - log_p).sum(axis=-1, dtype=np.float64)

    def nearness(self, distance: np.ndarray) -> Nearness:
        """The `Nearness` of distances [..., Q, S], or of any numbers that grow with them, such as squares."""
        from_top, rank_correlation = self.ranked.in_order_of(distance)
        hits = from_top[..., :3] < self.ties_for_top[..., None]  # of the three nearest keys
        first, among_three = hits[..., 0].sum(axis=-1), hits.any(axis=-1).sum(axis=-1)
        queries, rank_sum = np.full(first.shape, hits.shape[-2]), rank_correlation.sum(axis=-1, dtype=np.float64)
        return Nearness(queries, first, among_three, rank_sum)

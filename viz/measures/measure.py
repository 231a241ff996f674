"""Does attention end up near? Measures that do not care how large the picture is.

Keys compete only within their own sentence. Everything is kept as sums, so that the measures of many sentences are the
measures of each, added up: measure(one) + measure(other).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from viz.geometry.distances import square_distances
from viz.geometry.normalize import Normalized
from viz.geometry.sentences import attention_blocks, sentence_spans
from viz.measures.fast_ranks import RankedOnce

TIE = 1e-4
"""Keys whose attention is less than this share below the highest count as highest: float32 scores of a few tens are
known to about 1e-5, and attention, their exponential, to as much of itself."""


class Sums:
    """A dataclass of sums, or of such dataclasses: whatever is done to one is done field by field."""

    def fieldwise(self, function: Callable, *others: Self) -> Self:
        """function(a, b, ...) for each field of this one and of the others.

        `sums.fieldwise(lambda x: x.sum(axis=0))` adds up the first of the leading axes.
        """
        result = []
        for field in fields(self):
            first, *rest = (getattr(one, field.name) for one in (self, *others))
            result.append(first.fieldwise(function, *rest) if isinstance(first, Sums) else function(first, *rest))
        return type(self)(*result)

    def __add__(self, other: Self) -> Self:
        return self.fieldwise(lambda a, b: a + b, other)


@dataclass(frozen=True)
class Moments(Sums):
    """The sums from which a weighted correlation of x and y follows, each of shape [...], float64."""

    weight: np.ndarray
    x: np.ndarray
    y: np.ndarray
    xx: np.ndarray
    yy: np.ndarray
    xy: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray, y: np.ndarray) -> "Moments":
        """All pairs alike. x, y: [..., N]. Summed about the means, where float32 is precise enough, then moved back."""
        total = np.full(x.shape[:-1], float(x.shape[-1]))
        x_mean, y_mean = x.mean(axis=-1), y.mean(axis=-1)
        dx, dy = x - x_mean[..., None], y - y_mean[..., None]
        xx, yy, xy = (np.vecdot(a, b).astype(np.float64) for a, b in ((dx, dx), (dy, dy), (dx, dy)))
        x, y = x_mean.astype(np.float64), y_mean.astype(np.float64)
        return cls(total, total * x, total * y, xx + total * x * x, yy + total * y * y, xy + total * x * y)

    @classmethod
    def of_close(cls, x: np.ndarray, y: np.ndarray, near: np.ndarray) -> "Moments":
        """Pairs weighted by closeness (see `closeness`), x [..., N] being distances; only these are touched."""
        heads, size = x.shape[:-1], x.shape[-1]
        close = np.flatnonzero(x < near[..., None])
        head = close // size
        x, y = x.ravel()[close].astype(np.float64), y.ravel()[close].astype(np.float64)
        weight = (np.broadcast_to(near, heads).ravel()[head] - x) ** 2

        def total(values):
            return np.bincount(head, values, minlength=int(np.prod(heads))).reshape(heads)

        wx, wy = weight * x, weight * y
        return cls(total(weight), total(wx), total(wy), total(wx * x), total(wy * y), total(wx * y))

    @property
    def correlation(self) -> np.ndarray:
        """(mean xy - mean x mean y) / sqrt(variance x  variance y); 0 where x or y does not vary. [...]."""
        total = np.where(self.weight > 0, self.weight, 1)
        x, y = self.x / total, self.y / total
        together = self.xy / total - x * y
        spread = np.sqrt(np.maximum((self.xx / total - x * x) * (self.yy / total - y * y), 0))
        return np.divide(together, spread, out=np.zeros_like(together), where=spread > 0)


@dataclass(frozen=True)
class Nearness(Sums):
    """How well one space shows attention; counts and sums of shape [...], one entry per head."""

    queries: np.ndarray
    first: np.ndarray
    among_three: np.ndarray
    rank_sum: np.ndarray

    @property
    def nearest1(self) -> np.ndarray:
        """nearest@1: the share of queries whose most attended key is the nearest key."""
        return self.first / self.queries

    @property
    def nearest3(self) -> np.ndarray:
        """nearest@3: the share of queries whose most attended key is among the three nearest."""
        return self.among_three / self.queries

    @property
    def rank_correlation(self) -> np.ndarray:
        """The mean over queries of Spearman(attention to the keys, -distance to the keys)."""
        return self.rank_sum / self.queries


@dataclass(frozen=True)
class Measures(Sums):
    """What `measure` found, for every head; measures of different sentences add up.

    space: `Nearness` in the space of the moved queries and keys.
    plane: `Nearness` in the plane that is drawn.
    pairs: `Moments` of distance and dot product, every pair alike.
    close_pairs: the same, pairs weighted by closeness, with the d0 of the normalisation.
    lost_sum: what the plane's own attention, softmax(-distance^2), loses of the model's; NaN where it claims none.
    """

    space: Nearness
    plane: Nearness
    pairs: Moments
    close_pairs: Moments
    lost_sum: np.ndarray

    @property
    def lost(self) -> np.ndarray:
        """Mean over queries of the Kullback-Leibler divergence, in nats (see `viz.geometry.attention_plane`)."""
        return self.lost_sum / self.plane.queries


@np.errstate(all="ignore")  # whatever the caller has set: what underflows here is 0
def measure(
    normalized: Normalized,
    attention: Sequence[np.ndarray] | np.ndarray,
    sentences: np.ndarray | None = None,
) -> Measures:
    """Measure moved queries and keys [..., N, K] against attention.

    attention: one array [..., S, S] per sentence, or one [..., N, N], of which only the blocks of the sentences count.
    sentences: [N], the sentence of each token; None: one sentence.

    ValueError: shapes that do not fit; attention of other heads than the queries and keys.
    """
    return measure_all([normalized], attention, sentences)[0]


@np.errstate(all="ignore")  # whatever the caller has set: what underflows here is 0
def measure_all(
    ways: Sequence[Normalized],
    attention: Sequence[np.ndarray] | np.ndarray,
    sentences: np.ndarray | None = None,
) -> list[Measures]:
    """`measure` for the same tokens normalised in several ways; attention is ranked only once."""
    if not ways:
        raise ValueError("measure_all needs at least one Normalized")
    heads, tokens = ways[0].key.shape[:-2], ways[0].key.shape[-2]
    for way in ways:
        if way.key.shape[:-1] != (*heads, tokens):
            raise ValueError(f"all must be of the same heads and tokens {[*heads, tokens]}, not {way.key.shape[:-1]}")
    spans = sentence_spans(sentences, tokens)
    blocks = attention_blocks(attention, spans, heads)
    drawn = [(way.query_drawn, way.key_drawn) for way in ways]
    totals = []
    for s, block in zip(spans, blocks, strict=True):
        target, found = Target(block), []
        for way, (query_drawn, key_drawn) in zip(ways, drawn, strict=True):
            query, key = way.query[..., s, :], way.key[..., s, :]
            dot = query @ key.mT
            plane = square_distances(query_drawn[..., s, :], key_drawn[..., s, :])
            found.append(
                target.measures(dot, square_distances(query, key, dot), plane, way.near, way.plane.is_attention)
            )
        totals = [total + one for total, one in zip(totals, found, strict=True)] if totals else found
    return totals


class Target:
    """What distances are held against: attention of queries of one sentence, [..., Q, S], made ready once for all."""

    def __init__(self, attention: np.ndarray):
        self.attention = attention
        self.ranked = RankedOnce(attention)
        highest = attention.max(axis=-1, keepdims=True)
        self.ties_for_top = np.count_nonzero(attention >= highest * (1 - TIE), axis=-1)

    def measures(
        self, dot: np.ndarray, square: np.ndarray, plane: np.ndarray, near: np.ndarray, is_attention: bool = False
    ) -> Measures:
        """dot, square, plane: products, and square distances in the whole space and in the plane, [..., Q, S]; square
        is written over. near: d0, [...]. is_attention: the plane is one in which nearness claims to be attention."""
        lost = self.lost(plane) if is_attention else np.full(plane.shape[:-2], np.nan)
        nearness = self.nearness(square)
        distance = np.sqrt(square, out=square).reshape(*square.shape[:-2], -1)
        dot = dot.reshape(distance.shape)
        return Measures(
            nearness, self.nearness(plane), Moments.of(distance, dot), Moments.of_close(distance, dot, near), lost
        )

    def lost(self, square: np.ndarray) -> np.ndarray:
        """sum over queries of KL(attention || softmax(-square distance)), [...], in nats."""
        z = square.min(axis=-1, keepdims=True) - square
        log_p = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
        log_attention = np.log(np.maximum(self.attention, np.finfo(self.attention.dtype).tiny))
        return np.vecdot(self.attention, log_attention - log_p).sum(axis=-1, dtype=np.float64)

    def nearness(self, distance: np.ndarray) -> Nearness:
        """distance: [..., Q, S], or anything that grows with it, such as its square."""
        from_top, rank_correlation = self.ranked.in_order_of(distance)
        hits = from_top[..., :3] < self.ties_for_top[..., None]  # of the three nearest keys
        return Nearness(
            np.full(hits.shape[:-2], hits.shape[-2]),
            hits[..., 0].sum(axis=-1),
            hits.any(axis=-1).sum(axis=-1),
            rank_correlation.sum(axis=-1, dtype=np.float64),
        )

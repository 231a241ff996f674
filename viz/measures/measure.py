"""Does attention end up near? Measures that do not care how large the picture is.

Keys compete only within their own sentence. Everything is kept as sums, so that the measures of many sentences are the
measures of each, added up: measure(one) + measure(other).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import reduce

import numpy as np

from viz.geometry.normalize import Normalized, attention_blocks, sentence_spans
from viz.geometry.scale import square_distances
from viz.measures.correlation import Ranked

TIE = 1e-4
"""Keys whose attention is less than this share below the highest count as highest: float32 cannot tell."""


class Sums:
    """A dataclass of sums: two of them add up field by field."""

    def merged(self):
        """The first of the leading axes added up: of sentences measured side by side, one result."""
        parts = [getattr(self, f.name) for f in fields(self)]
        return type(self)(*(part.merged() if isinstance(part, Sums) else part.sum(axis=0) for part in parts))

    @classmethod
    def joined(cls, sums):
        """Sums of some layers each, side by side again: the other way round, along the first axis."""
        columns = [[getattr(one, f.name) for one in sums] for f in fields(cls)]
        return cls(*(type(c[0]).joined(c) if isinstance(c[0], Sums) else np.concatenate(c) for c in columns))

    def __add__(self, other):
        return type(self)(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


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
        place = np.flatnonzero(x < near[..., None])
        head = place // size
        x, y = x.ravel()[place].astype(np.float64), y.ravel()[place].astype(np.float64)
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
    """How well one space shows attention; counts and sums of shape [...], one entry a head."""

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
    """

    space: Nearness
    plane: Nearness
    pairs: Moments
    close_pairs: Moments


def measure(
    normalized: Normalized,
    attention: list[np.ndarray] | np.ndarray,
    sentences: np.ndarray | None = None,
) -> Measures:
    """Measure moved queries and keys [..., N, K] against attention.

    attention: an array [..., S, S] a sentence, or one [..., N, N], of which only the blocks of the sentences count.
    sentences: [N], the sentence of each token; None: one sentence.

    ValueError: shapes that do not fit.
    """
    return measure_all([normalized], attention, sentences)[0]


def measure_all(
    ways: Sequence[Normalized],
    attention: list[np.ndarray] | np.ndarray,
    sentences: np.ndarray | None = None,
) -> list[Measures]:
    """`measure` for the same tokens normalised in several ways; attention is ranked only once."""
    spans = sentence_spans(sentences, ways[0].key.shape[-2])
    blocks = attention_blocks(attention, spans)
    totals = None
    for s, block in zip(spans, blocks, strict=True):
        target, parts = Target(block), []
        for way in ways:
            query, key = way.query[..., s, :], way.key[..., s, :]
            dot = query @ key.mT
            plane = square_distances(way.plane.project(query), way.plane.project(key))
            parts.append(target.measures(dot, square_distances(query, key, dot), plane, way.near))
        totals = parts if totals is None else [total + part for total, part in zip(totals, parts, strict=True)]
    return totals


class Target:
    """What distances are held against: attention of queries of one sentence, [..., Q, S], made ready once for all."""

    def __init__(self, attention: np.ndarray):
        self.ranked = Ranked(attention)
        highest = attention.max(axis=-1, keepdims=True)
        self.highest = np.count_nonzero(attention >= highest * (1 - TIE), axis=-1)  # how many keys tie for the top

    def measures(self, dot: np.ndarray, square: np.ndarray, plane: np.ndarray, near: np.ndarray) -> Measures:
        """dot, square, plane: products, and square distances in the whole space and in the plane, [..., Q, S]; square
        is written over. near: d0, [...]."""
        nearness = self.nearness(square)
        distance = np.sqrt(square, out=square).reshape(*square.shape[:-2], -1)
        dot = dot.reshape(distance.shape)
        return Measures(
            nearness, self.nearness(plane), Moments.of(distance, dot), Moments.of_close(distance, dot, near)
        )

    def nearness(self, distance: np.ndarray) -> Nearness:
        """distance: [..., Q, S], or anything that grows with it, such as its square."""
        places, rank_correlation = self.ranked.along(distance)
        hits = places[..., :3] < 2 * self.highest[..., None]  # of the three nearest keys
        return Nearness(
            np.full(hits.shape[:-2], hits.shape[-2]),
            hits[..., 0].sum(axis=-1),
            reduce(np.logical_or, np.moveaxis(hits, -1, 0)).sum(axis=-1),  # any of three is faster so
            rank_correlation.sum(axis=-1, dtype=np.float64),
        )

"""Does attention end up near? Measures that do not care how large the picture is.

Keys compete only within their own sentence. Everything is kept as sums, so that the measures of many sentences are the
measures of each, added up: measure(one) + measure(other).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from viz.correlation import Ranked
from viz.normalize import Normalized, attention_blocks, sentence_spans
from viz.scale import closeness, square_distances

TIE = 1e-4
"""Keys whose attention is less than this share below the highest count as highest: float32 cannot tell."""


class Sums:
    """A dataclass of sums: two of them add up field by field."""

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
    def of(cls, x: np.ndarray, y: np.ndarray, weight: np.ndarray | None = None) -> "Moments":
        """x, y, weight: [..., N]; weight None: 1 each."""
        x, y = x.astype(np.float64), y.astype(np.float64)
        if weight is None:
            total, wx, wy = np.full(x.shape[:-1], float(x.shape[-1])), x, y
        else:
            total, wx, wy = weight.sum(axis=-1, dtype=np.float64), weight * x, weight * y
        return cls(total, wx.sum(-1), wy.sum(-1), np.vecdot(wx, x), np.vecdot(wy, y), np.vecdot(wx, y))

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
    spans = sentence_spans(sentences, ways[0].query.shape[-2])
    blocks = attention_blocks(attention, spans)
    planes = [(way.plane.project(way.query), way.plane.project(way.key)) for way in ways]
    totals = None
    for s, block in zip(spans, blocks, strict=True):
        target = Target(block)
        parts = []
        for way, (query_plane, key_plane) in zip(ways, planes, strict=True):
            query, key = way.query[..., s, :], way.key[..., s, :]
            dot = query @ key.mT
            square = square_distances(query, key, dot)
            distance = np.sqrt(square).reshape(*square.shape[:-2], -1)
            dot = dot.reshape(distance.shape)
            parts.append(
                Measures(
                    target.nearness(square),
                    target.nearness(square_distances(query_plane[..., s, :], key_plane[..., s, :])),
                    Moments.of(distance, dot),
                    Moments.of(distance, dot, closeness(distance, way.near)),
                )
            )
        totals = parts if totals is None else [total + part for total, part in zip(totals, parts, strict=True)]
    return totals


class Target:
    """What distances are held against: the attention of one sentence, [..., S, S], prepared once for all spaces."""

    def __init__(self, attention: np.ndarray):
        self.top = attention.argmax(axis=-1)[..., None]
        highest = np.take_along_axis(attention, self.top, axis=-1)
        self.less = attention < highest * (1 - TIE)
        self.ranked = Ranked(attention)

    def nearness(self, distance: np.ndarray) -> Nearness:
        """distance: [..., S, S], or anything that grows with it, such as its square; float32."""
        nearer = (distance < np.take_along_axis(distance, self.top, axis=-1)) & self.less
        place = nearer.sum(axis=-1, dtype=np.int32)
        return Nearness(
            np.full(place.shape[:-1], place.shape[-1]),
            (place == 0).sum(axis=-1),
            (place < 3).sum(axis=-1),
            -self.ranked.correlation(distance).sum(axis=-1, dtype=np.float64),
        )

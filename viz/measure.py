"""Does attention end up near? Measures that do not care how large the picture is.

Keys compete only within their own sentence. Everything is kept as sums, so that the measures of many sentences are the
measures of each, added up: measure(one) + measure(other).
"""

from dataclasses import dataclass, fields

import numpy as np

from viz.correlation import correlation, ranks
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
    def of(cls, x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> "Moments":
        """x, y, weight: [..., N]."""
        x, y, weight = (a.astype(np.float64) for a in (x, y, weight))
        wx, wy = weight * x, weight * y
        return cls(weight.sum(-1), wx.sum(-1), wy.sum(-1), np.vecdot(wx, x), np.vecdot(wy, y), np.vecdot(wx, y))

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
    spans = sentence_spans(sentences, normalized.query.shape[-2])
    blocks = attention_blocks(attention, spans)
    query_plane, key_plane = normalized.plane.project(normalized.query), normalized.plane.project(normalized.key)
    parts = []
    for s, block in zip(spans, blocks, strict=True):
        query, key = normalized.query[..., s, :], normalized.key[..., s, :]
        square = square_distances(query, key)
        distance = np.sqrt(square).reshape(*square.shape[:-2], -1)
        dot = (query @ key.mT).reshape(distance.shape)
        target = Target.of(block)
        parts.append(
            Measures(
                nearness(square, target),
                nearness(square_distances(query_plane[..., s, :], key_plane[..., s, :]), target),
                Moments.of(distance, dot, np.ones_like(distance)),
                Moments.of(distance, dot, closeness(distance, normalized.near)),
            )
        )
    return sum(parts[1:], parts[0])


@dataclass(frozen=True)
class Target:
    """What distances are held against: each query's attention, prepared once for all spaces.

    top: [..., S, 1], the most attended key. less: [..., S, S], keys clearly less attended than that one.
    ranks: [..., S, S], keys from least to most attended.
    """

    top: np.ndarray
    less: np.ndarray
    ranks: np.ndarray

    @classmethod
    def of(cls, attention: np.ndarray) -> "Target":
        """attention: [..., S, S]."""
        top = attention.argmax(axis=-1)[..., None]
        highest = np.take_along_axis(attention, top, axis=-1)
        return cls(top, attention < highest * (1 - TIE), ranks(attention))


def nearness(distance: np.ndarray, target: Target) -> Nearness:
    """distance: [..., S, S], or anything that grows with it."""
    nearer = (distance < np.take_along_axis(distance, target.top, axis=-1)) & target.less
    place = nearer.sum(axis=-1)
    return Nearness(
        np.full(place.shape[:-1], place.shape[-1]),
        (place == 0).sum(axis=-1),
        (place < 3).sum(axis=-1),
        -correlation(target.ranks, ranks(distance)).sum(axis=-1, dtype=np.float64),
    )

"""The scale c: queries times c, keys divided by c. It changes every distance and no dot product.

    q -> c q
    k -> k / c

AttentionViz: "We can thus choose a scale factor c such that the weighted correlation between query-key dot products
and distances is maximized." Large dot products should go with small distances, so the best correlation is the one
nearest to -1.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from viz.fieldwise import Fieldwise
from viz.geometry.distances import square_distances
from viz.geometry.sentences import attention_of
from viz.measures.correlation import correlation

SCALES = np.geomspace(0.2, 5, 49)
"""The scales tried for "paper": the range of its authors, in steps of 7 %, with 1 in the middle."""
READABLE_SCALES = np.geomspace(0.5, 2, 13)
"""The scales tried for "exact". Beyond them a few more queries have the right key nearest. But then one of the two
clouds is more than four times as wide, compared with the other, as it was, and the other looks like a dot."""
DISTANCES = ("euclidean", "pca", "cosine")
WEIGHTS = ("attention", "closeness", None)
NEAR_SHARE = 0.005
"""The share of pairs that count as close: "a low quantile of the distances", say the authors of AttentionViz; 0.5 %."""
NEAR_PAIRS = 32
"""The smallest number of pairs that count as close: one sentence of 8 tokens has 64 pairs, and 0.5 % of them is no
pair."""
ROUNDING = 1e-4
"""float32 gives a distance to about 1e-7 of the longest vector. So the relative error of a small distance may be up to
a thousand times as large. Pairs that differ by less than this share count as equally far apart."""
MOST_PAIRS = 10_000
"""Pairs per correlation. Its error is about 1 / sqrt(pairs), here 0.01. If a head has more pairs, every second (third,
...) is taken."""
MOST_QUERIES = 600
"""Queries per share. Its error is at most 0.5 / sqrt(queries), here 0.02, and all scales are compared on the same
queries."""
FLAT = 1e-4
"""A curve that varies less than this, ten times the rounding error of a correlation, does not determine c."""
AS_GOOD = 0.01
"""Half of the error above. Of scales whose shares differ by less, the one nearest to 1 is chosen."""


@dataclass(frozen=True)
class Search(Fieldwise):
    """A search for the scale, for every head at once ("..." below), among X scales.

    objective: in words, for example "nearest@1 in the plane".
    scales: [X], the scales tried.
    curve: [..., X], the objective at each.
    best: [...], the scale chosen; 1 where the curve is flat.
    at_edge: [...], the best lies at an end of the range: a wider range may give another.
    flat: [...], the curve is constant up to rounding: it does not determine the scale.
    """

    without_heads: ClassVar[tuple[str, ...]] = ("scales",)

    objective: str
    scales: np.ndarray
    curve: np.ndarray
    best: np.ndarray
    at_edge: np.ndarray
    flat: np.ndarray


def search_correlation(
    query: np.ndarray,
    key: np.ndarray,
    spans: list[slice],
    *,
    distance: str = "euclidean",
    weight: str | None = "attention",
    attention: list[np.ndarray] | None = None,
    scales: np.ndarray = SCALES,
) -> Search:
    """The scale with the strongest (most negative) weighted correlation of dot product and distance.

    query, key: [..., P, N, K], translated; the P heads share one scale.
    spans: the place of each sentence among the N tokens.
    distance: one of these:
        "euclidean"  |c q - k / c|
        "pca"  the distance between the points in the picture, in the plane of `pca` for that c
        "cosine"  1 - cos(c q, k / c), which does not depend on c
    weight: one of these:
        "attention"  the attention from the query to the key
        "closeness"  (d0 - d)^2 if the distance d is smaller than d0, a low quantile of the distances, else 0
        None  1 for all pairs
    attention: for the weight "attention", an array [..., P, S, S] per sentence; None: softmax(query key^T / sqrt(K)).

    The authors mean closeness. Two halves of the same sentences give very different scales with it (viz/README.md).
    """
    pairs = sentence_pairs(query, key, spans)
    attended = None
    if weight == "attention":
        blocks = attention or (attention_of(query[..., s, :], key[..., s, :]) for s in spans)
        attended = np.concatenate([a.reshape(*a.shape[:-3], -1)[..., :: pairs.step] for a in blocks], axis=-1)
    planes = scaled_planes(query, key, scales) if distance == "pca" else [None] * len(scales)
    curve = []
    for c, plane in zip(scales.astype(query.dtype), planes, strict=True):
        if distance == "cosine":
            apart = pairs.cosine_distances(c)
        elif distance == "pca":
            apart = sentence_pairs(query @ plane, key @ plane, spans).distances(c)
        else:
            apart = pairs.distances(c)
        if weight == "closeness":
            curve.append(correlation(*closest(pairs.dot, apart)))
        else:
            curve.append(correlation(pairs.dot, apart, attended))
    name = "correlation" if weight is None else f"correlation weighted by {weight}"
    return choose(f"{name}, {distance} distance", scales, np.stack(curve, axis=-1), lowest=True)


def search_nearest(
    query: np.ndarray, key: np.ndarray, spans: list[slice], scales: np.ndarray = READABLE_SCALES
) -> Search:
    """The scale with which most queries have their most attended key nearest in the plane of `pca`.

    query, key: [..., P, N, K], as for `search_correlation`. The curve is the share of such queries, in the first
    sentences that have 600 tokens together.
    """
    ends = np.array([s.stop for s in spans])
    spans = spans[: 1 + int(np.searchsorted(ends, MOST_QUERIES))]
    most_attended = [(query[..., s, :] @ key[..., s, :].mT).argmax(axis=-1) for s in spans]
    curve = []
    for c, plane in zip(scales.astype(query.dtype), scaled_planes(query, key, scales), strict=True):
        query_plane, key_plane = c * (query @ plane), key @ plane / c
        hits = 0
        for s, top in zip(spans, most_attended, strict=True):
            nearest = square_distances(query_plane[..., s, :], key_plane[..., s, :]).argmin(axis=-1)
            hits = hits + (nearest == top).sum(axis=(-2, -1))
        curve.append(hits / (query.shape[-3] * spans[-1].stop))
    return choose("nearest@1 in the plane", scales, np.stack(curve, axis=-1), lowest=False)


def scaled_planes(query: np.ndarray, key: np.ndarray, scales: np.ndarray) -> Iterator[np.ndarray]:
    """For each c the plane [..., 1, K, 2] of `pca` for the points c q and k / c together.

    Their covariance follows from means that are computed once for all c:

        mean = (c mean(q) + mean(k) / c) / 2
        covariance = (c^2 mean(q q^T) + mean(k k^T) / c^2) / 2 - mean mean^T
    """
    query_NK, key_NK = (x.reshape(*x.shape[:-3], -1, x.shape[-1]).astype(np.float64) for x in (query, key))
    query_mean, key_mean = query_NK.mean(axis=-2), key_NK.mean(axis=-2)
    query_KK, key_KK = (x.mT @ x / x.shape[-2] for x in (query_NK, key_NK))
    for c in scales:
        mean = (c * query_mean + key_mean / c) / 2
        covariance = (c**2 * query_KK + key_KK / c**2) / 2 - mean[..., :, None] * mean[..., None, :]
        _, directions = np.linalg.eigh(covariance)  # smallest variance first
        yield directions[..., None, :, :-3:-1].astype(query.dtype)


@dataclass(frozen=True)
class Pairs:
    """Dot products and square lengths of pairs of tokens of one sentence, each [..., pairs].

    step: 1 if all pairs are there, 2 for every second, and so on.
    """

    dot: np.ndarray
    query_square: np.ndarray
    key_square: np.ndarray
    step: int

    def distances(self, c: float = 1.0) -> np.ndarray:
        """|c q - k / c|, [..., pairs]."""
        square = self.query_square * c**2 + self.key_square / c**2 - 2 * self.dot
        return np.sqrt(np.maximum(square, 0, out=square), out=square)

    def cosine_distances(self, c: float = 1.0) -> np.ndarray:
        """1 - cos(c q, k / c), [..., pairs], in float64: with float32, rounding errors would determine c."""
        query_length = np.sqrt(self.query_square, dtype=np.float64)
        key_length = np.sqrt(self.key_square, dtype=np.float64)
        return 1 - self.dot / (query_length * c * (key_length / c))


def sentence_pairs(query: np.ndarray, key: np.ndarray, spans: list[slice]) -> Pairs:
    """The pairs within each sentence, [..., P, N, K] -> [..., pairs]; of more than MOST_PAIRS, an even sample."""
    step = -(-query.shape[-3] * sum((s.stop - s.start) ** 2 for s in spans) // MOST_PAIRS)
    parts: list[list[np.ndarray]] = [[], [], []]
    for s in spans:
        q, k = query[..., s, :], key[..., s, :]
        dot = q @ k.mT
        squares = np.vecdot(q, q)[..., :, None], np.vecdot(k, k)[..., None, :]
        for part, x in zip(parts, (dot, *squares), strict=True):
            part.append(np.broadcast_to(x, dot.shape).reshape(*dot.shape[:-3], -1)[..., ::step])
    dot, query_square, key_square = (np.concatenate(part, axis=-1) for part in parts)
    return Pairs(dot, query_square, key_square, step)


def near_in_pairs(query: np.ndarray, key: np.ndarray, spans: list[slice]) -> np.ndarray:
    """`near_distance` of the pairs that `sentence_pairs` takes: [..., P, N, K] -> [...]."""
    return near_distance(sentence_pairs(query, key, spans).distances())


def near_distance(distance: np.ndarray) -> np.ndarray:
    """d0, [...]: the low quantile of the distances [..., pairs] below which a pair counts as close.

    It is reduced by the share ROUNDING, so that no pair at the distance d0 counts as closer by a rounding error. In
    layer 0, [CLS] has the same vector in all sentences: if these pairs are the nearest, no pair is closer.
    """
    rank = near_rank(distance.shape[-1])
    return np.partition(distance, rank, axis=-1)[..., rank] * (1 - ROUNDING)


def near_rank(pairs: int) -> int:
    """The number of distances smaller than the quantile d0."""
    return min(max(NEAR_PAIRS, int(NEAR_SHARE * pairs)), pairs - 1)


def closeness(distance: np.ndarray, near: np.ndarray) -> np.ndarray:
    """The weight (d0 - d)^2 of pairs closer than d0, 0 for all others. distance: [..., pairs], near: d0, [...]."""
    return np.maximum(near[..., None] - distance, 0) ** 2


def closest(dot: np.ndarray, distance: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Dot product, distance and closeness of the pairs closer than d0, each [..., near_rank + 1].

    The weight of all other pairs is 0. Without them the correlation weighted by closeness is the same, and 200 times
    faster.
    """
    rank = near_rank(distance.shape[-1])
    close = np.argpartition(distance, rank, axis=-1)[..., : rank + 1]
    dot, distance = (np.take_along_axis(x, close, axis=-1) for x in (dot, distance))
    return dot, distance, closeness(distance, distance[..., -1] * (1 - ROUNDING))


def choose(objective: str, scales: np.ndarray, curve: np.ndarray, lowest: bool) -> Search:
    """The best scale of each curve; of equally good ones the one nearest to 1, which changes distances least."""
    if lowest:
        good = curve == curve.min(axis=-1, keepdims=True)
    else:
        good = curve >= curve.max(axis=-1, keepdims=True) - AS_GOOD
    change = np.abs(np.log(scales))
    flat = np.ptp(curve, axis=-1) < FLAT
    best = np.where(flat, change.argmin(), np.where(good, change, np.inf).argmin(axis=-1))
    at_edge = ~flat & ((best == 0) | (best == len(scales) - 1))
    return Search(objective, scales, curve, scales[best], at_edge, flat)

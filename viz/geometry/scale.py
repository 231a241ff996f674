"""How long should queries be, and how short keys? q -> c q, k -> k / c changes every distance and no product.

AttentionViz: "We can thus choose a scale factor c such that the weighted correlation between query-key dot products
and distances is maximized." High products should go with small distances: wanted is the correlation nearest -1.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from viz.geometry.distances import square_distances
from viz.geometry.sentences import attention_of
from viz.measures.correlation import correlation

SCALES = np.geomspace(0.2, 5, 49)
"""Those that are tried for "paper": its authors' range, in steps of 7 %, with 1 in the middle."""
READABLE_SCALES = np.geomspace(0.5, 2, 13)
"""Those that are tried for "exact". Beyond, a few more queries have the right key nearest, but the longer of the two
clouds is more than four times as wide as it was beside the other, and the picture shows one of them as a dot."""
DISTANCES = ("euclidean", "pca", "cosine")
WEIGHTS = ("attention", "closeness", None)
NEAR_SHARE = 0.005
"""Pairs that count as close: "a low quantile of the distances", as the authors of AttentionViz put it; 0.5 %."""
NEAR_PAIRS = 32
"""But never fewer: one sentence of 8 tokens has 64 pairs, and no correlation can be taken of a third of a pair."""
HAIR = 1e-4
"""float32 knows a distance to about 1e-7 of the longest vector: pairs that are equally far apart in truth may differ by
up to a thousand times that where the distance is small. They must not count as one closer than the other."""
MOST_PAIRS = 10_000
"""For a correlation: its error is about 1 / sqrt(pairs), here 0.01. More pairs per head are thinned out evenly."""
MOST_QUERIES = 600
"""For a share of queries: its error is at most 0.5 / sqrt(queries), here 0.02, and scales compete on the same ones."""
FLAT = 1e-4
"""A curve that varies less than this, ten times the rounding of a correlation, says nothing about c."""
AS_GOOD = 0.01
"""Half of the error above: a scale that is better by less is not worth a more stretched picture."""


@dataclass(frozen=True)
class Search:
    """A search for the scale, for every head at once ("..." below).

    objective: what was searched for, for example "weighted correlation".
    scales: [C], the scales tried.
    curve: [..., C], the objective at each.
    best: [...], the scale chosen; 1 where the curve is flat.
    at_edge: [...], the best lies at an end of the range: a wider range would have given another.
    flat: [...], the curve is constant up to rounding: it cannot choose.
    """

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
    """The scale with the strongest (most negative) weighted correlation of product and distance.

    query, key: [..., P, N, K], translated; the P heads share one scale. spans: each sentence's place in N.
    attention: for weight "attention", an array [..., P, S, S] a sentence; None: softmax(query key^T / sqrt(K)).

        distance  "euclidean"  |c q - k / c|
                  "pca"        the same between the points as plotted, in the plane of `pca` for that c
                  "cosine"     1 - cos(c q, k / c): does not depend on c at all
        weight    "attention"  how much the query attends to the key
                  "closeness"  (d0 - d)^2 for pairs closer than d0, a low quantile of the distances; 0 for the others
                  None         all pairs alike

    The authors mean closeness. What it finds in one half of the sentences is not there in the other (viz/README.md).
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


def search_rows(query: np.ndarray, key: np.ndarray, spans: list[slice], scales: np.ndarray = SCALES) -> Search:
    """A trap: the correlation taken query by query, then averaged, instead of over all pairs of a head.

    |c q - k / c|^2 = c^2 |q|^2 + |k|^2 / c^2 - 2 q . k, so as c grows the distances of one query become a function of
    q . k alone, whatever the head does: the search runs off to the end of its range. query, key: [..., N, K].
    """
    curve = np.zeros((*query.shape[:-2], len(scales)))
    for s in spans:
        q, k = query[..., s, :], key[..., s, :]
        dot = q @ k.mT
        for position, c in enumerate(scales.astype(query.dtype)):
            curve[..., position] += correlation(dot, np.sqrt(square_distances(c * q, k / c, dot))).sum(axis=-1)
    return choose("correlation query by query, euclidean distance", scales, curve / query.shape[-2], lowest=True)


def search_nearest(
    query: np.ndarray, key: np.ndarray, spans: list[slice], scales: np.ndarray = READABLE_SCALES
) -> Search:
    """The scale with which most queries have their most attended key nearest in the plane of `pca`.

    query, key: [..., P, N, K], as for `search_correlation`; the curve is the share of such queries, counted in the
    first sentences that have 600 together.
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
    """For each c the plane [..., 1, K, 2] that `pca` would find for the points c q and k / c together.

    Their covariance follows from sums taken once, so no point is touched again:

        mean = (c mean(q) + mean(k) / c) / 2        covariance = (c^2 mean(q q^T) + mean(k k^T) / c^2) / 2 - mean mean^T
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
    """Products and squared lengths of pairs of tokens of one sentence, each [..., pairs]: all that distances need.

    step: only every so many pairs were kept.
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
        """1 - cos(c q, k / c), [..., pairs], in float64: what float32 leaves of c would look like a choice."""
        query_length, key_length = (
            np.sqrt(square, dtype=np.float64) for square in (self.query_square, self.key_square)
        )
        return 1 - self.dot / (query_length * c * (key_length / c))


def sentence_pairs(query: np.ndarray, key: np.ndarray, spans: list[slice]) -> Pairs:
    """The pairs within each sentence, [..., P, N, K] -> [..., pairs], thinned out evenly to MOST_PAIRS per group."""
    step = -(-query.shape[-3] * sum((s.stop - s.start) ** 2 for s in spans) // MOST_PAIRS)
    parts = []
    for s in spans:
        q, k = query[..., s, :], key[..., s, :]
        dot = q @ k.mT
        query_square = np.broadcast_to(np.vecdot(q, q)[..., :, None], dot.shape)
        key_square = np.broadcast_to(np.vecdot(k, k)[..., None, :], dot.shape)
        parts.append([x.reshape(*x.shape[:-3], -1)[..., ::step] for x in (dot, query_square, key_square)])
    return Pairs(*(np.concatenate(part, axis=-1) for part in zip(*parts, strict=True)), step)


def pair_distances(query: np.ndarray, key: np.ndarray, spans: list[slice]) -> np.ndarray:
    """|q - k| of the pairs of tokens of one sentence, thinned out as for the search: [..., P, N, K] -> [..., pairs]."""
    return sentence_pairs(query, key, spans).distances()


def near_distance(distance: np.ndarray) -> np.ndarray:
    """d0: the low quantile of the distances [..., pairs] below which a pair counts as close; [...].

    A hair less, so that pairs as far apart as d0 do not count by rounding: in layer 0 the [CLS] of all sentences are
    the same vector, and where these pairs are the nearest there is nothing closer.
    """
    rank = near_rank(distance.shape[-1])
    return np.partition(distance, rank, axis=-1)[..., rank] * (1 - HAIR)


def near_rank(pairs: int) -> int:
    """How many distances are smaller than the quantile d0, of so many pairs."""
    return min(max(NEAR_PAIRS, int(NEAR_SHARE * pairs)), pairs - 1)


def closeness(distance: np.ndarray, near: np.ndarray) -> np.ndarray:
    """The weight (d0 - d)^2 of pairs closer than d0, 0 for all others. distance: [..., pairs], near: d0, [...]."""
    return np.maximum(near[..., None] - distance, 0) ** 2


def closest(dot: np.ndarray, distance: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Product, distance and closeness of the pairs closer than d0 alone, each [..., near_rank + 1].

    All others weigh nothing: a correlation weighted by closeness is the same with and without them, and 200 times
    faster without.
    """
    rank = near_rank(distance.shape[-1])
    close = np.argpartition(distance, rank, axis=-1)[..., : rank + 1]
    dot, distance = (np.take_along_axis(x, close, axis=-1) for x in (dot, distance))
    return dot, distance, closeness(distance, distance[..., -1] * (1 - HAIR))


def choose(objective: str, scales: np.ndarray, curve: np.ndarray, lowest: bool) -> Search:
    """Of equally good scales the one nearest to 1, which changes least."""
    if lowest:
        good = curve == curve.min(axis=-1, keepdims=True)
    else:
        good = curve >= curve.max(axis=-1, keepdims=True) - AS_GOOD
    change = np.abs(np.log(scales))
    flat = np.ptp(curve, axis=-1) < FLAT
    best = np.where(flat, change.argmin(), np.where(good, change, np.inf).argmin(axis=-1))
    at_edge = ~flat & ((best == 0) | (best == len(scales) - 1))
    return Search(objective, scales, curve, scales[best], at_edge, flat)

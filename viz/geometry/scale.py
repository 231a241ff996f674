"""How long should queries be, and how short keys? q -> c q, k -> k / c changes every distance and no product.

AttentionViz: "We can thus choose a scale factor c such that the weighted correlation between query-key dot products
and distances is maximized." High products should go with small distances: wanted is the correlation nearest -1.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from viz.measures.correlation import correlation

SCALES = np.geomspace(0.2, 5, 49)  # fine, logarithmic, with 1 in the middle
READABLE_SCALES = np.geomspace(0.5, 2, 13)  # beyond, more may be nearest, but all keys or all queries make one dot
DISTANCES = ("euclidean", "pca", "cosine")
WEIGHTS = ("closeness", "attention", None)
NEAR_SHARE, NEAR_PAIRS = 0.005, 32  # pairs that count as close: 0.5 %, but never fewer than 32 (or all there are)
HAIR = 1e-4
MOST_PAIRS, MOST_QUERIES = 10_000, 600  # for the search: more pairs of a head are thinned out, more queries left out
FLAT = 1e-4  # a curve that varies less than this says nothing about c
AS_GOOD = 0.01  # so few more queries are not worth a more stretched picture


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
    weight: str | None = "closeness",
    attention: list[np.ndarray] | None = None,
    scales: np.ndarray = SCALES,
) -> Search:
    """The scale with the strongest (most negative) weighted correlation of product and distance.

    query, key: [..., P, N, K], translated; the P heads share one scale. spans: each sentence's place in N.
    attention: for weight "attention", an array [..., P, S, S] a sentence.

        distance  "euclidean"  |c q - k / c|
                  "pca"        the same between the points as plotted, in the plane of `pca` for that c
                  "cosine"     1 - cos(c q, k / c): does not depend on c at all
        weight    "closeness"  (d0 - d)^2 for pairs closer than d0, a low quantile of the distances; 0 for the others
                  "attention"  how much the query attends to the key
                  None         all pairs alike
    """
    if distance not in DISTANCES:
        raise ValueError(f"distance must be one of {', '.join(DISTANCES)}, not {distance!r}")
    if weight not in WEIGHTS:
        raise ValueError(f"weight must be 'closeness', 'attention' or None, not {weight!r}")
    if weight == "attention" and attention is None:
        raise ValueError("weight='attention' needs the attention of each sentence")

    step = _thinning(query, spans)
    dot, query_square, key_square = _pairs(query, key, spans, step)
    if weight == "attention":
        attended = np.concatenate([a.reshape(*a.shape[:-3], -1)[..., ::step] for a in attention], axis=-1)

    curve = []
    planes = scaled_planes(query, key, scales) if distance == "pca" else [None] * len(scales)
    for c, plane in zip(scales.astype(query.dtype), planes, strict=True):
        if distance == "cosine":
            # in float64: what is left of c after rounding to float32 would look like a choice
            query_length, key_length = (np.sqrt(square, dtype=np.float64) for square in (query_square, key_square))
            apart = 1 - dot / (query_length * c * (key_length / c))
        elif distance == "pca":
            inner, query_flat, key_flat = _pairs(c * (query @ plane), key @ plane / c, spans, step)
            apart = query_flat + key_flat - 2 * inner
        else:
            apart = query_square * c**2 + key_square / c**2 - 2 * dot
        products, counts = dot, attended if weight == "attention" else None
        if weight == "closeness":  # all others weigh 0
            place = near_place(apart)
            close = np.argpartition(apart, place, axis=-1)[..., : place + 1]
            products, apart = (np.take_along_axis(x, close, axis=-1) for x in (dot, apart))
        if distance != "cosine":
            apart = np.sqrt(np.maximum(apart, 0))
        if weight == "closeness":
            counts = closeness(apart, apart[..., -1] * (1 - HAIR))
        curve.append(correlation(products, apart, counts))
    name = "correlation" if weight is None else f"correlation weighted by {weight}"
    return _choose(f"{name}, {distance} distance", scales, np.stack(curve, axis=-1), lowest=True)


def search_rows(query: np.ndarray, key: np.ndarray, spans: list[slice], scales: np.ndarray = SCALES) -> Search:
    """A trap: the correlation taken query by query, then averaged, instead of over all pairs of a head.

    |c q - k / c|^2 = c^2 |q|^2 + |k|^2 / c^2 - 2 q . k, so as c grows the distances of one query become a function of
    q . k alone, whatever the head does: the search runs off to the end of its range. query, key: [..., N, K].
    """
    curve = np.zeros((*query.shape[:-2], len(scales)))
    for s in spans:
        q, k = query[..., s, :], key[..., s, :]
        dot = q @ k.mT
        for place, c in enumerate(scales.astype(query.dtype)):
            curve[..., place] += correlation(dot, np.sqrt(square_distances(c * q, k / c, dot))).sum(axis=-1)
    return _choose("correlation query by query, euclidean distance", scales, curve / query.shape[-2], lowest=True)


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
        key_square = np.vecdot(key_plane, key_plane)[..., None, :]
        hits = 0
        for s, top in zip(spans, most_attended, strict=True):
            beyond = key_square[..., s] - 2 * query_plane[..., s, :] @ key_plane[..., s, :].mT  # |q - k|^2 - |q|^2
            hits = hits + (beyond.argmin(axis=-1) == top).sum(axis=(-2, -1))
        curve.append(hits / (query.shape[-3] * spans[-1].stop))
    return _choose("nearest@1 in the plane", scales, np.stack(curve, axis=-1), lowest=False)


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


def square_distances(query: np.ndarray, key: np.ndarray, dot: np.ndarray | None = None) -> np.ndarray:
    """|q_i - k_j|^2 = |q_i|^2 + |k_j|^2 - 2 q_i . k_j for [..., S, K]; returns [..., S, S]. dot: q_i . k_j if known."""
    dot = query @ key.mT if dot is None else dot
    square = dot * -2
    square += np.vecdot(query, query)[..., :, None]
    square += np.vecdot(key, key)[..., None, :]
    return np.maximum(square, 0, out=square)


def pair_distances(query: np.ndarray, key: np.ndarray, spans: list[slice]) -> np.ndarray:
    """|q - k| of the pairs of tokens of one sentence, thinned out as for the search: [..., P, N, K] -> [..., pairs]."""
    dot, query_square, key_square = _pairs(query, key, spans, _thinning(query, spans))
    return np.sqrt(np.maximum(query_square + key_square - 2 * dot, 0))


def near_distance(distance: np.ndarray) -> np.ndarray:
    """d0: the low quantile of the distances [..., pairs] below which a pair counts as close; [...].

    A hair less, so that pairs as far apart as d0 do not count by rounding: in layer 0 the [CLS] of all sentences are
    the same vector, and where these pairs are the nearest there is nothing closer.
    """
    place = near_place(distance)
    return np.partition(distance, place, axis=-1)[..., place] * (1 - HAIR)


def near_place(distance: np.ndarray) -> int:
    """How many of the distances [..., pairs] of a head are less than d0, at most."""
    pairs = distance.shape[-1]
    return min(max(NEAR_PAIRS, int(NEAR_SHARE * pairs)), pairs - 1)


def closeness(distance: np.ndarray, near: np.ndarray) -> np.ndarray:
    """The weight (d0 - d)^2 of pairs closer than d0, 0 for all others. distance: [..., pairs], near: d0, [...]."""
    return np.maximum(near[..., None] - distance, 0) ** 2


def _thinning(query, spans):
    return -(-query.shape[-3] * sum((s.stop - s.start) ** 2 for s in spans) // MOST_PAIRS)


def _pairs(query, key, spans, step):
    """q . k, |q|^2 and |k|^2 for every step-th pair of tokens of one sentence, each [..., pairs]."""
    parts = []
    for s in spans:
        q, k = query[..., s, :], key[..., s, :]
        dot = q @ k.mT
        query_square = np.broadcast_to(np.vecdot(q, q)[..., :, None], dot.shape)
        key_square = np.broadcast_to(np.vecdot(k, k)[..., None, :], dot.shape)
        parts.append([x.reshape(*x.shape[:-3], -1)[..., ::step] for x in (dot, query_square, key_square)])
    return (np.concatenate(part, axis=-1) for part in zip(*parts, strict=True))


def _choose(objective, scales, curve, lowest):
    """Of equally good scales the one nearest to 1, which changes least."""
    good = (
        curve == curve.min(axis=-1, keepdims=True) if lowest else curve >= curve.max(axis=-1, keepdims=True) - AS_GOOD
    )
    flat = np.ptp(curve, axis=-1) < FLAT
    price = np.where(good, np.abs(np.log(scales)), np.inf)
    place = np.where(flat, np.abs(np.log(scales)).argmin(), price.argmin(axis=-1))
    at_edge = ~flat & ((place == 0) | (place == len(scales) - 1))
    return Search(objective, scales, curve, scales[place], at_edge, flat)

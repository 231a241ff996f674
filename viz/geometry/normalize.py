"""What may be changed without changing attention: moves that bring queries near the keys they attend to.

A query meets keys only in q_i . k_j, and softmax ignores what is common to all keys of one query. So attention stays
the same when

    k -> k + a                          adds q_i . a, the same for every key       (translation)
    q -> c q,  k -> k / c,  c > 0       leaves every product alone                 (scale)
    q -> (q, 0),  k -> (k, anything)    adds 0 to every product                    (an extra coordinate)

Distances do change, and that is the point. Three methods use these moves:

    "none"   nothing.
    "paper"  AttentionViz (Yeh et al. 2023, section 5.1.1): a = mean(q) - mean(k), so that both clouds have one centre,
             and the c for which product and distance correlate best.
    "exact"  a = -mean(k), and an extra coordinate that lifts every key onto a sphere of radius R = max |k_j + a|:

                 q~ = (c q, 0)        k~ = (k + a, sqrt(R^2 - |k + a|^2)) / c

             so that |q~_i - k~_j|^2 = c^2 |q_i|^2 + R^2 / c^2 - 2 q_i . (k_j + a): of two keys, the one a query attends
             to more is the nearer one, always (Bachrach et al. 2014; Neyshabur & Srebro 2015). c is the one for which
             this shows best in the plane.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from viz.geometry.pca import Pca, pca
from viz.geometry.scale import (
    Search,
    near_distance,
    pair_distances,
    search_correlation,
    search_nearest,
    square_distances,
)

METHODS = ("none", "paper", "exact")
SCOPES = ("head", "layer", "model")
PER_HEAD = ("curve", "best", "at_edge", "flat")


@dataclass(frozen=True)
class Normalized:
    """Moved queries and keys, and the move itself. Leading axes "..." are those of the queries given to `normalize`.

    method: "none", "paper" or "exact".
    query, key: [..., N, K], or [..., N, K + 1] for "exact".
    translation: [..., K], what was added to every key.
    scale: [...], by which queries were multiplied and keys divided.
    radius: [...], R of "exact"; None for the others.
    near: [...], the distance below which a pair counts as close (see `viz.geometry.scale`).
    plane: `Pca` of the moved queries and keys together; `plane.projected` has the queries first, then the keys.
    search: how the scale was found; None where it was given.
    """

    method: str
    query: np.ndarray
    key: np.ndarray
    translation: np.ndarray
    scale: np.ndarray
    radius: np.ndarray | None
    near: np.ndarray
    plane: Pca
    search: Search | None

    def __getitem__(self, head: int | tuple[int, ...]) -> "Normalized":
        """One head out of many: `n[layer, head]`."""
        head = head if isinstance(head, tuple) else (head,)
        search = self.search
        if search is not None:
            search = replace(search, **{name: getattr(search, name)[head] for name in PER_HEAD})
        return Normalized(
            self.method,
            self.query[head],
            self.key[head],
            self.translation[head],
            self.scale[head],
            None if self.radius is None else self.radius[head],
            self.near[head],
            Pca(*(getattr(self.plane, f.name)[head] for f in fields(Pca))),
            search,
        )

    @property
    def title(self) -> str:
        """The method and, for one head, what it chose, for example "paper, c = 1.83"."""
        if self.method == "none":
            return "raw"
        return ", ".join(filter(None, [self.method, f"c = {self.scale:.2f}", self.doubt]))

    @property
    def doubt(self) -> str:
        """For one head, why the scale that was searched for "paper" says nothing, if so."""
        if self.method != "paper" or self.search is None:
            return ""
        return "at the edge of the search" if self.search.at_edge else "the search was flat" if self.search.flat else ""

    def apply(self, query: np.ndarray, key: np.ndarray, sentences: np.ndarray | None = None) -> "Normalized":
        """The same move for other tokens, query and key [..., N, K].

        A sentence with a key longer than R has a sphere of its own, as wide as it needs: keys compete only within their
        sentence, so the order of its distances is still the order of its attention.
        """
        key = key + self.translation[..., None, :]
        if self.radius is not None:
            square = np.vecdot(key, key)
            radius = np.empty_like(square)
            for s in sentence_spans(sentences, key.shape[-2]):
                radius[..., s] = np.maximum(self.radius, np.sqrt(square[..., s].max(axis=-1)))[..., None]
            query, key = _lifted(query, key, square, radius)
        scale = self.scale[..., None, None]
        return replace(self, query=scale * query, key=key / scale)

    def distances(self, query: np.ndarray, key: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of other tokens, query [..., Q, K] and key [..., S, K] of one sentence: as `apply` would move them, but not
        moved. It takes less than half the time.

            q~ . k~       = q . k + q . a
            |k + a|^2     = |k|^2 + 2 k . a + |a|^2
            |q~ - k~|^2   = c^2 |q|^2 + |k + a|^2 / c^2 - 2 q~ . k~        "exact": with R^2 in place of |k + a|^2

        Returns q~ . k~, |q~ - k~|^2, and the square distance in the plane; each [..., Q, S].
        """
        scale, a = self.scale[..., None, None], self.translation[..., :, None]
        axes = self.plane.components.mT
        directions, upwards = axes[..., : query.shape[-1], :], axes[..., query.shape[-1] :, :]
        dot = query @ key.mT + query @ a
        key_square = np.vecdot(key, key)[..., None] + 2 * (key @ a) + a.mT @ a
        query_plane, key_plane = query @ directions * scale, (key @ directions + a.mT @ directions) / scale
        if self.radius is not None:
            radius_square = np.maximum(self.radius[..., None, None] ** 2, key_square.max(axis=-2, keepdims=True))
            key_plane += np.sqrt(radius_square - key_square) * upwards / scale
            key_square = radius_square
        square = dot * -2
        square += np.vecdot(query, query)[..., None] * scale**2
        square += key_square.mT / scale**2
        return dot, np.maximum(square, 0, out=square), square_distances(query_plane, key_plane)


def normalize(
    query: np.ndarray,
    key: np.ndarray,
    sentences: Sequence[int] | np.ndarray | None = None,
    method: str = "exact",
    *,
    scale: float | None = None,
    distance: str = "euclidean",
    weight: str | None = "closeness",
    attention: list[np.ndarray] | np.ndarray | None = None,
    scope: str = "head",
    components: int = 2,
) -> Normalized:
    """Move queries and keys [..., N, K] without changing attention: see the top of this file for the methods.

    sentences: [N], the sentence of each token, sentences one after another; None: all tokens are one sentence.
    scale: c of "paper" and "exact"; None searches for it. For "paper" `distance` and `weight` say how, see
        `viz.geometry.scale.search_correlation` (weight "attention" needs `attention`, as for `viz.measure`).
    scope: what shares one translation, one scale and one plane. "head": each head on its own; "layer": all heads along
        the axis before N; "model": all heads of all leading axes.

    ValueError: shapes that do not fit, values that are not finite, an unknown method, scope, distance or weight.
    """
    query, key = np.asarray(query), np.asarray(key)
    _check(query, key, method, scope, scale)
    spans = sentence_spans(sentences, query.shape[-2])
    heads = query.shape[:-2]
    query, key = _grouped(query, scope), _grouped(key, scope)  # [G, P, N, K]: the P heads of a group share the move
    together = query.shape[1]

    translation = np.zeros_like(key[:, 0, 0])
    if method == "paper":
        translation = query.mean(axis=(1, 2)) - key.mean(axis=(1, 2))
    elif method == "exact":
        translation = -key.mean(axis=(1, 2))
    key = key + translation[:, None, None, :]
    radius = None
    if method == "exact":
        square = np.vecdot(key, key)
        radius = np.sqrt(square.max(axis=(1, 2)))
        query, key = _lifted(query, key, square, radius[:, None, None])

    search = None
    if scale is None and method == "paper":
        blocks = None
        if attention is not None:
            blocks = [_grouped(a, scope) for a in attention_blocks(attention, spans)]
        search = search_correlation(query, key, spans, distance=distance, weight=weight, attention=blocks)
    elif scale is None and method == "exact":
        search = search_nearest(query, key, spans)
    given = 1.0 if scale is None or method == "none" else scale
    best = np.full(len(query), given) if search is None else search.best
    scales = best.astype(query.dtype)
    query, key = scales[:, None, None, None] * query, key / scales[:, None, None, None]

    plane = pca(np.concatenate([_pooled(query), _pooled(key)], axis=1), components)
    near = near_distance(pair_distances(query, key, spans))

    def spread(x):  # one entry a group -> one a head
        return np.repeat(x, together, axis=0).reshape((*heads, *x.shape[1:]))

    projected = plane.projected.reshape(len(query), 2, together, -1, components).swapaxes(1, 2)  # [G, P, 2, N, C]
    plane = Pca(
        spread(plane.mean),
        spread(plane.components),
        spread(plane.explained_variance_ratio),
        projected.reshape(*heads, -1, components),
    )
    query, key = (x.reshape(*heads, *x.shape[2:]) for x in (query, key))
    if search is not None:
        search = replace(
            search, **{name: spread(getattr(search, name)) for name in ("curve", "best", "at_edge", "flat")}
        )
    radius = None if radius is None else spread(radius)
    return Normalized(method, query, key, spread(translation), spread(scales), radius, spread(near), plane, search)


def sentence_spans(sentences: Sequence[int] | np.ndarray | None, tokens: int) -> list[slice]:
    """Where each sentence lies among the tokens, from the sentence of each token."""
    if sentences is None:
        return [slice(0, tokens)]
    sentences = np.asarray(sentences)
    if sentences.shape != (tokens,):
        raise ValueError(f"sentences must have shape [{tokens}], one entry a token, not {list(sentences.shape)}")
    starts = [0, *(np.flatnonzero(sentences[1:] != sentences[:-1]) + 1).tolist()]
    if len(np.unique(sentences)) != len(starts):
        raise ValueError("the tokens of a sentence must stand together, but a sentence appears twice")
    return [slice(start, stop) for start, stop in zip(starts, [*starts[1:], tokens], strict=True)]


def attention_blocks(attention: list[np.ndarray] | np.ndarray, spans: list[slice]) -> list[np.ndarray]:
    """One array [..., S, S] a sentence, from a list of just that or from one array [..., N, N] of all tokens."""
    if isinstance(attention, np.ndarray):
        tokens = spans[-1].stop
        if attention.shape[-2:] != (tokens, tokens):
            raise ValueError(f"attention must have shape [..., {tokens}, {tokens}], not {list(attention.shape)}")
        return [attention[..., s, s] for s in spans]
    lengths, given = [s.stop - s.start for s in spans], [list(a.shape[-2:]) for a in attention]
    if given != [[n, n] for n in lengths]:
        raise ValueError(f"attention must be square, of sizes {lengths}, not {given}")
    return list(attention)


def _check(query, key, method, scope, scale):
    if query.ndim < 2 or query.shape != key.shape:
        raise ValueError(f"query and key must both be [..., N, K], not {list(query.shape)} and {list(key.shape)}")
    if not (np.isfinite(query).all() and np.isfinite(key).all()):
        raise ValueError("queries and keys must be finite, but some are NaN or infinite")
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, not {method!r}")
    if scope not in SCOPES:
        raise ValueError(f"scope must be one of {', '.join(SCOPES)}, not {scope!r}")
    if scale is not None and not 0.01 <= scale <= 100:  # beyond, float32 cannot tell distances apart
        raise ValueError(f"scale must lie between 0.01 and 100, not {scale}")


def _grouped(x, scope):
    """[..., N, K] -> [G, P, N, K]."""
    together = {"head": 1, "layer": x.shape[-3] if x.ndim > 2 else 1, "model": max(1, int(np.prod(x.shape[:-2])))}
    return x.reshape(-1, together[scope], *x.shape[-2:])


def _pooled(x):
    """[G, P, N, K] -> [G, P N, K]."""
    return x.reshape(len(x), -1, x.shape[-1])


def _lifted(query, key, square, radius):
    """The extra coordinate. square: |key|^2, [..., N], the one that R was taken from, so that the longest key has
    exactly 0; radius: broadcasts against it."""
    height = np.sqrt(np.maximum(radius**2 - square, 0))[..., None]
    query = np.concatenate([query, np.zeros_like(query[..., :1])], axis=-1)
    return query, np.concatenate([key, height], axis=-1)

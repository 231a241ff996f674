"""From the queries and keys of many heads to a picture of each: a move, its scale, and the plane.

There are three methods:
    "raw"  queries and keys as they are
    "paper"  queries and keys get the same mean, and the scale with which dot product and distance correlate best
    "exact"  of two keys, the one with more attention is always the nearer one

`viz.geometry.moves` has the moves, `viz.geometry.scale` the searches for the scale. Each kind of plane has a file.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from viz.errors import InputError
from viz.fieldwise import Fieldwise
from viz.geometry import moves
from viz.geometry.attention_plane import AttentionPlane, attention_plane
from viz.geometry.descent import Progress
from viz.geometry.distances import square_distances
from viz.geometry.moves import Move
from viz.geometry.neighbor_maps import neighbor_map
from viz.geometry.pca import PcaPlane, pca
from viz.geometry.scale import DISTANCES, WEIGHTS, Search, near_in_pairs, search_correlation, search_nearest
from viz.geometry.sentences import Attention, PerToken, attention_blocks, sentence_spans
from viz.geometry.unfolding import Placement, unfold

MOVES = {"raw": moves.raw, "paper": moves.paper, "exact": moves.exact}
METHODS = tuple(MOVES)
SCOPES = ("head", "layer", "model")
PLANES = ("pca", "attention", "unfold", "tsne", "umap")
PLANE_TITLES = {
    "attention": "attention plane",
    "unfold": "unfolding, no projection",
    "tsne": "t-SNE, no projection",
    "umap": "UMAP, no projection",
}
LARGEST = 1e15
"""Squares of squares of larger numbers overflow float32."""


Plane = PcaPlane | AttentionPlane | Placement


@dataclass(frozen=True)
class Normalized(Fieldwise):
    """Moved queries and keys, and the move itself. Leading axes "..." are those of the queries given to `normalize`.

    method: "raw", "paper" or "exact".
    query, key: [..., N, K], or [..., N, K + 1] for "exact".
    translation: [..., K], added to every key.
    scale: [...], the factor of the queries and the divisor of the keys.
    radius: [...], R of "exact"; None for the others.
    near: [...], the distance below which a pair counts as close, see `viz.geometry.scale`.
    plane: of the picture; `query_drawn` and `key_drawn` are the places in it.
    search: how the scale was found; None where it was given.
    """

    method: str
    query: np.ndarray
    key: np.ndarray
    translation: np.ndarray
    scale: np.ndarray
    radius: np.ndarray | None
    near: np.ndarray
    plane: Plane
    search: Search | None

    def __getitem__(self, head: int | slice | tuple[int | slice, ...]) -> "Normalized":
        """One head of many, `n[layer, head]`, or some layers, `n[2:4]`."""
        return self.fieldwise(lambda x: x[head])

    def beside(self, *others: "Normalized") -> "Normalized":
        """This one and others, of other layers normalized in the same way, joined along the first axis."""
        return self.fieldwise(lambda *arrays: np.concatenate(arrays), *others)

    @property
    def query_drawn(self) -> np.ndarray:
        """The places of the queries in the plane, [..., N, C]."""
        return self.plane.draw_queries(self.query)

    @property
    def key_drawn(self) -> np.ndarray:
        """The places of the keys in the plane, [..., N, C]."""
        return self.plane.draw_keys(self.key)

    @property
    def has_map(self) -> bool:
        """True if tokens that were not fitted have a place in the plane."""
        return not isinstance(self.plane, Placement)

    @property
    def name(self) -> str:
        """The method, or the kind of the plane if it is not that of PCA."""
        return self.method if isinstance(self.plane, PcaPlane) else self.plane.kind

    @property
    def title(self) -> str:
        """The method and, for one head, its scale, for example "paper, c = 1.83"; or the plane and what it loses."""
        if not isinstance(self.plane, PcaPlane):
            lost = self.plane.lost
            nats = "" if lost is None or np.ndim(lost) else f", {lost:.2f} nats lost"
            return PLANE_TITLES[self.plane.kind] + nats
        if self.method == "raw" or self.scale.ndim:
            return self.method
        return ", ".join(filter(None, [self.method, f"c = {self.scale:.2f}", self.doubt]))

    @property
    def doubt(self) -> str:
        """For one head, the reason to doubt the scale that was searched; empty if there is none."""
        if self.search is None or np.ndim(self.search.flat):
            return ""
        return "at the edge of the search" if self.search.at_edge else "the search was flat" if self.search.flat else ""

    @property
    def move(self) -> Move:
        """Translation, scale and radius, to be applied to other tokens."""
        return Move(self.translation, self.scale, self.radius)

    def apply(self, query: np.ndarray, key: np.ndarray, sentences: np.ndarray | None = None) -> "Normalized":
        """The same move and the same plane for other tokens, query and key [..., N, K] of the same heads."""
        query, key = _floats(query, key)
        if query.shape[:-2] != self.scale.shape or query.shape[-1] != self.translation.shape[-1]:
            expected = [*self.scale.shape, "N", self.translation.shape[-1]]
            raise ValueError(f"query and key must be of the same heads, {expected}, not {list(query.shape)}")
        query, key = self.move.apply(query, key, sentences)
        return replace(self, query=query, key=key)

    def averaged(self, mean: Callable[[np.ndarray], np.ndarray]) -> "Normalized":
        """The same picture with means of points, for example of the pieces of words.

        mean: a function from [..., N, K] to [..., M, K]. A linear map carries means to means; without a map, the means
        of the places are taken.
        """
        plane = self.plane
        if isinstance(plane, Placement):
            plane = replace(plane, query=mean(plane.query), key=mean(plane.key))
        return replace(self, query=mean(self.query), key=mean(self.key), plane=plane)

    def distances(self, query: np.ndarray, key: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Dot products and distances of other tokens after `apply`, in less than half the time.

        query, key: [..., Q, K] and [..., S, K] of one sentence.

        Returns q~ . k~, |q~ - k~|^2, and the square distance in the plane; each [..., Q, S].
        """
        dot, square, height = self.move.pairs(query, key)
        return dot, square, square_distances(*self._drawn(query, key, height))

    def places(self, query: np.ndarray, key: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The places of other tokens of one sentence in the plane, [..., Q, C] and [..., S, C], as in `distances`."""
        return self._drawn(query, key, self.move.heights(key)[1])

    def _drawn(self, query: np.ndarray, key: np.ndarray, height: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if isinstance(self.plane, Placement):
            raise ValueError(self.plane.no_map)
        size, c = query.shape[-1], self.scale[..., None, None]
        query_axes, key_axes = self.plane.query_map.mT, self.plane.key_map.mT
        query_drawn = query @ query_axes[..., :size, :] * c
        key_drawn = (key + self.translation[..., None, :]) @ key_axes[..., :size, :] / c
        if self.radius is not None:
            key_drawn += height[..., None] * key_axes[..., size:, :] / c
        query_drawn += (self.plane.query_offset - self.plane.key_offset)[..., None, :]
        return query_drawn, key_drawn


@np.errstate(all="ignore")  # also where the caller has set "raise": a number that underflows is 0
def normalize(
    query: np.ndarray,
    key: np.ndarray,
    sentences: PerToken | None = None,
    method: str = "exact",
    *,
    scale: float | None = None,
    distance: str = "euclidean",
    weight: str | None = "attention",
    attention: Attention | None = None,
    scope: str = "head",
    components: int = 2,
    plane: str = "pca",
    seed: int = 0,
    progress: Progress = iter,
) -> Normalized:
    """Move queries and keys [..., N, K] without changing attention, and find the plane of their picture.

    sentences: [N], the sentence of each token, sentences one after another; None: one sentence.
    method: "raw", "paper" or "exact", see `viz.geometry.moves`.
    scale: c of "paper" and "exact"; None: searched.
    distance, weight: of the search for "paper", see `viz.geometry.scale.search_correlation`.
    attention: as for `viz.measure`, for the weight "attention" and the planes "attention" and "unfold"; None:
    softmax(query key^T / sqrt(K)).
    scope: the heads that share one translation, one scale and one plane. "head": each has its own; "layer": all along
    the axis before N; "model": all.
    components: of the plane, 2 or 3 for a picture.
    plane: one of these:
        "pca"  in which all points together vary most, see `viz.pca`
        "attention"  linear too, but such that nearness in it is attention, see `viz.geometry.attention_plane`
        "unfold"  not linear: a place for each token, such that nearness is attention, see `viz.geometry.unfolding`
        "tsne", "umap"  not linear: neighbors stay neighbors, see `viz.geometry.neighbor_maps`
    seed: of the random numbers of "unfold", "tsne" and "umap".
    progress: wraps the steps of a plane that takes long, for example tqdm.

    ValueError: shapes that do not fit, values that are not finite, an unknown method, scope, distance or weight.
    """
    query, key = _floats(query, key)
    _check_choices(method, scope, scale, distance, weight, plane)
    *heads, tokens, head_size = query.shape
    spans = sentence_spans(sentences, tokens)
    blocks = None if attention is None else attention_blocks(attention, spans, tuple(heads))
    groups = _Groups(
        _grouped(query, scope), _grouped(key, scope), spans, blocks and [_grouped(block, scope) for block in blocks]
    )
    move, search, groups = _moved(groups, method, scale, distance, weight)
    near = near_in_pairs(groups.query, groups.key, spans)
    drawn = _plane(plane, groups, components, head_size, seed, progress)
    a, c, radius = move.translation, move.scale, move.radius
    grouped = Normalized(method, groups.query, groups.key, a, c, radius, near, drawn, search)
    return _per_head(grouped, tuple(heads), groups.query.shape[1])


@dataclass(frozen=True)
class _Groups:
    """Heads in groups that share a move and a plane: G groups of P heads.

    query, key: [G, P, N, K].
    spans: the place of each sentence among the N tokens.
    attention: [G, P, S, S] per sentence, or None.
    """

    query: np.ndarray
    key: np.ndarray
    spans: list[slice]
    attention: list[np.ndarray] | None


def _moved(
    groups: _Groups, method: str, scale: float | None, distance: str, weight: str | None
) -> tuple[Move, Search | None, _Groups]:
    """The move of each group, the search for its scale where there was one, and the groups after the move."""
    move = MOVES[method](_pooled(groups.query), _pooled(groups.key))
    query, key = move.fieldwise(lambda x: x[:, None]).apply(groups.query, groups.key)
    if method == "raw":
        return move, None, groups
    search = None
    if scale is None and method == "paper":
        options: dict[str, Any] = {"distance": distance, "weight": weight, "attention": groups.attention}
        search = search_correlation(query, key, groups.spans, **options)
    elif scale is None:
        search = search_nearest(query, key, groups.spans)
    move = move.scaled(np.full_like(move.scale, scale) if search is None else search.best)
    c = move.scale[:, None, None, None]
    return move, search, replace(groups, query=c * query, key=key / c)


def _plane(kind: str, groups: _Groups, components: int, head_size: int, seed: int, progress: Progress) -> Plane:
    """The plane that the heads of each group share. Their tokens are pooled: each head adds its own sentences."""
    together, tokens = groups.query.shape[1:3]
    query, key, blocks = _pooled(groups.query), _pooled(groups.key), groups.attention
    if kind == "pca":
        found = pca(np.concatenate([query, key], axis=1), components)
        return PcaPlane(found.mean, found.components, found.explained_variance_ratio)
    if kind in ("tsne", "umap"):
        return neighbor_map(kind, query, key, components, seed, progress)
    spans = [slice(s.start + p * tokens, s.stop + p * tokens) for p in range(together) for s in groups.spans]
    blocks = None if blocks is None else [block[:, p] for p in range(together) for block in blocks]
    options: dict[str, Any] = {"components": components, "head_size": head_size, "progress": progress}
    if kind == "attention":
        return attention_plane(query, key, spans, blocks, **options)
    return unfold(query, key, spans, blocks, seed=seed, **options)


def _per_head(grouped: Normalized, heads: tuple[int, ...], together: int) -> Normalized:
    """From one entry per group to one per head. together: P, the heads of a group."""
    tokens, plane = grouped.query.shape[2], grouped.plane

    def apart(x: np.ndarray) -> np.ndarray:
        """[G, P, N, K] or [G, P N, K] -> [..., N, K]."""
        return x.reshape(*heads, tokens, -1)

    found = grouped.fieldwise(lambda x: np.repeat(x, together, axis=0).reshape((*heads, *x.shape[1:])))
    drawn = found.plane
    if isinstance(drawn, Placement) and isinstance(plane, Placement):
        drawn = replace(drawn, query=apart(plane.query), key=apart(plane.key))
    return replace(found, query=apart(grouped.query), key=apart(grouped.key), plane=drawn)


def _floats(query: np.ndarray, key: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both as float32 or float64 arrays [..., N, K] of finite numbers."""
    query, key = np.asarray(query), np.asarray(key)
    if query.ndim < 2 or query.shape != key.shape or 0 in query.shape:
        shapes = f"{list(query.shape)} and {list(key.shape)}"
        raise ValueError(f"query and key must both be [..., N, K] with at least one token, not {shapes}")
    for name, x in (("queries", query), ("keys", key)):
        if x.dtype.kind not in "fiub":
            raise ValueError(f"{name} must be numbers, not {x.dtype}")
        if not np.isfinite(x).all():
            raise InputError(f"{name} must be finite, but some are NaN or infinite")
        if float(np.abs(x).max()) > LARGEST:
            raise InputError(f"{name} must lie between -{LARGEST:g} and {LARGEST:g}: their squares overflow")
    dtype = np.result_type(query, key, np.float32)  # float16 and whole numbers are too coarse for a scale
    return query.astype(dtype, copy=False), key.astype(dtype, copy=False)


def _check_choices(method: str, scope: str, scale: float | None, distance: str, weight: str | None, plane: str) -> None:
    for name, chosen, choices in (
        ("method", method, METHODS),
        ("plane", plane, PLANES),
        ("scope", scope, SCOPES),
        ("distance", distance, DISTANCES),
    ):
        if chosen not in choices:
            raise ValueError(f"{name} must be one of {', '.join(choices)}, not {chosen!r}")
    if scale is not None and not 0.01 <= scale <= 100:  # beyond, float32 is too coarse for the distances
        raise ValueError(f"scale must lie between 0.01 and 100, not {scale}")
    if weight not in WEIGHTS:
        raise ValueError(f"weight must be 'attention', 'closeness' or None, not {weight!r}")


def _grouped(x: np.ndarray, scope: str) -> np.ndarray:
    """[..., N, K] -> [G, P, N, K]."""
    together = {"head": 1, "layer": x.shape[-3] if x.ndim > 2 else 1, "model": max(1, int(np.prod(x.shape[:-2])))}
    return x.reshape(-1, together[scope], *x.shape[-2:])


def _pooled(x: np.ndarray) -> np.ndarray:
    """[G, P, N, K] -> [G, P N, K]."""
    return x.reshape(len(x), -1, x.shape[-1])

"""From the queries and keys of many heads to a joint picture of each: a move, its scale, and the plane.

    "raw"    as they are
    "paper"  both clouds get one centre, and the scale for which product and distance correlate best
    "exact"  the more attended key is always the nearer one

The moves stand in `viz.geometry.moves`, the searches for the scale in `viz.geometry.scale`, the planes beside them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from viz.errors import InputError
from viz.geometry import moves
from viz.geometry.attention_plane import AttentionPlane, attention_plane
from viz.geometry.distances import square_distances
from viz.geometry.maps import neighbour_map
from viz.geometry.moves import Move
from viz.geometry.pca import PcaPlane, pca
from viz.geometry.scale import (
    DISTANCES,
    WEIGHTS,
    Search,
    near_distance,
    pair_distances,
    search_correlation,
    search_nearest,
)
from viz.geometry.sentences import attention_blocks, sentence_spans
from viz.geometry.unfolding import Placement, unfold

METHODS = ("raw", "paper", "exact")
SCOPES = ("head", "layer", "model")
PLANES = ("pca", "attention", "unfold", "tsne", "umap")
PLANE_TITLES = {
    "attention": "attention plane",
    "unfold": "unfolding, no projection",
    "tsne": "t-SNE, no projection",
    "umap": "UMAP, no projection",
}
LARGEST = 1e15
"""Beyond, squares of squares overflow float32."""


@dataclass(frozen=True)
class Normalized:
    """Moved queries and keys, and the move itself. Leading axes "..." are those of the queries given to `normalize`.

    method: "raw", "paper" or "exact".
    query, key: [..., N, K], or [..., N, K + 1] for "exact".
    translation: [..., K], what was added to every key.
    scale: [...], by which queries were multiplied and keys divided.
    radius: [...], R of "exact"; None for the others.
    near: [...], the distance below which a pair counts as close (see `viz.geometry.scale`).
    plane: onto which they are drawn; `query_drawn` and `key_drawn` say where. `PcaPlane`, `AttentionPlane` or
        `Placement`, as `normalize` was asked.
    search: how the scale was found; None where it was given.
    """

    method: str
    query: np.ndarray
    key: np.ndarray
    translation: np.ndarray
    scale: np.ndarray
    radius: np.ndarray | None
    near: np.ndarray
    plane: PcaPlane | AttentionPlane | Placement
    search: Search | None

    def __getitem__(self, head: int | tuple[int, ...]) -> "Normalized":
        """One head out of many: `n[layer, head]`."""
        return _each_array(self, lambda x: x[head], but=("scales",))

    def beside(self, *others: "Normalized") -> "Normalized":
        """Those of other layers, normalised in the same way, side by side along the first axis."""
        return _each_array(self, lambda *arrays: np.concatenate(arrays), *others, but=("scales",))

    @property
    def query_drawn(self) -> np.ndarray:
        """Where the queries lie in the plane, [..., N, components]."""
        return self.plane.draw_queries(self.query)

    @property
    def key_drawn(self) -> np.ndarray:
        """Where the keys lie in the plane, [..., N, components]."""
        return self.plane.draw_keys(self.key)

    @property
    def has_map(self) -> bool:
        """Whether tokens that were not fitted have a place in the plane."""
        return not isinstance(self.plane, Placement)

    @property
    def name(self) -> str:
        """In one word: the method, or the plane where it is not that of PCA."""
        return self.method if isinstance(self.plane, PcaPlane) else self.plane.kind

    @property
    def title(self) -> str:
        """The method and, for one head, what it chose, for example "paper, c = 1.83"; or what plane it is."""
        if not isinstance(self.plane, PcaPlane):
            lost = self.plane.lost
            nats = "" if lost is None or np.ndim(lost) else f", {lost:.2f} nats lost"
            return PLANE_TITLES[self.plane.kind] + nats
        if self.method == "raw" or self.scale.ndim:
            return self.method
        return ", ".join(filter(None, [self.method, f"c = {self.scale:.2f}", self.doubt]))

    @property
    def doubt(self) -> str:
        """For one head, why the scale that was searched may say nothing; empty where there is no such reason."""
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
        """The same picture with points averaged, for example the pieces of words: mean(points [..., N, K]) ->
        [..., M, K]. Linear maps carry means to means; places without a map are averaged themselves."""
        plane = self.plane
        if isinstance(plane, Placement):
            plane = replace(plane, query=mean(plane.query), key=mean(plane.key))
        return replace(self, query=mean(self.query), key=mean(self.key), plane=plane)

    def distances(self, query: np.ndarray, key: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of other tokens, query [..., Q, K] and key [..., S, K] of one sentence: as `apply` would move them, but not
        moved, which takes less than half the time.

        Returns q~ . k~, |q~ - k~|^2, and the square distance in the plane; each [..., Q, S].
        """
        dot, square, height = self.move.pairs(query, key)
        if isinstance(self.plane, Placement):
            raise ValueError(
                f"{self.plane.kind} has places only for the tokens it was fitted to: normalize these instead"
            )
        size, c = query.shape[-1], self.scale[..., None, None]
        query_axes, key_axes = self.plane.query_map.mT, self.plane.key_map.mT
        query_drawn = query @ query_axes[..., :size, :] * c
        key_drawn = (key + self.translation[..., None, :]) @ key_axes[..., :size, :] / c
        if self.radius is not None:
            key_drawn += height[..., None] * key_axes[..., size:, :] / c
        query_drawn += (self.plane.query_offset - self.plane.key_offset)[..., None, :]
        return dot, square, square_distances(query_drawn, key_drawn)


@np.errstate(all="ignore")  # whatever the caller has set: what underflows here is 0
def normalize(
    query: np.ndarray,
    key: np.ndarray,
    sentences: Sequence[int] | np.ndarray | None = None,
    method: str = "exact",
    *,
    scale: float | None = None,
    distance: str = "euclidean",
    weight: str | None = "attention",
    attention: Sequence[np.ndarray] | np.ndarray | None = None,
    scope: str = "head",
    components: int = 2,
    plane: str = "pca",
    seed: int = 0,
    progress: Callable[[Iterable[int]], Iterable[int]] = iter,
) -> Normalized:
    """Move queries and keys [..., N, K] without changing attention, and find the plane in which to draw them.

    sentences: [N], the sentence of each token, sentences one after another; None: all tokens are one sentence.
    method: "raw" (also "none"), "paper" or "exact", see `viz.geometry.moves`.
    scale: c of "paper" and "exact"; None searches for it. For "paper" `distance` and `weight` say how, see
        `viz.geometry.scale.search_correlation`.
    scope: what shares one translation, one scale and one plane. "head": each head on its own; "layer": all heads along
        the axis before N; "model": all heads of all leading axes.
    components: of the plane, 2 or 3 to be drawn.
    plane: in which they are drawn.
        "pca"        where all points together vary most, see `viz.pca`
        "attention"  linear too, but such that nearness in it is attention, see `viz.geometry.attention_plane`
        "unfold"     not linear: a place for each token, such that nearness is attention, see `viz.geometry.unfolding`
        "tsne", "umap"  not linear: neighbours stay neighbours, as AttentionViz draws them (packages of their own)
    attention: as for `viz.measure`, for weight "attention" and the planes "attention" and "unfold"; where it is not
        given, softmax(query key^T / sqrt(K)).
    seed: of what is random in "unfold", "tsne" and "umap".
    progress: wraps the steps of a plane that takes long; for example tqdm.

    ValueError: shapes that do not fit, values that are not finite, an unknown method, scope, distance or weight.
    """
    query, key = _floats(query, key)
    method = "raw" if method == "none" else method
    _check_choices(method, scope, scale, distance, weight, plane)
    head_size, spans, heads = query.shape[-1], sentence_spans(sentences, query.shape[-2]), query.shape[:-2]

    query_GPNK, key_GPNK = _grouped(query, scope), _grouped(key, scope)  # the P heads of a group share what follows
    move = getattr(moves, method)(_pooled(query_GPNK), _pooled(key_GPNK))
    query_GPNK, key_GPNK = _each_array(move, lambda x: x[:, None]).apply(query_GPNK, key_GPNK)
    blocks = None
    if attention is not None:
        blocks = [_grouped(block, scope) for block in attention_blocks(attention, spans, heads)]
    search = None
    if scale is None and method == "paper":
        search = search_correlation(query_GPNK, key_GPNK, spans, distance=distance, weight=weight, attention=blocks)
    elif scale is None and method == "exact":
        search = search_nearest(query_GPNK, key_GPNK, spans)
    if search is not None:
        move = move.scaled(search.best)
    elif method != "raw" and scale is not None:
        move = move.scaled(np.full_like(move.scale, scale))
    c = move.scale[:, None, None, None]
    query_GPNK, key_GPNK = c * query_GPNK, key_GPNK / c

    drawn = _plane(plane, query_GPNK, key_GPNK, spans, blocks, components, head_size, seed, progress)
    near = near_distance(pair_distances(query_GPNK, key_GPNK, spans))

    def per_head(x):  # one entry per group -> one per head
        return np.repeat(x, query_GPNK.shape[1], axis=0).reshape(heads + x.shape[1:])

    def apart(x):  # one entry per group, the tokens of its heads pooled -> one per head
        return x.reshape(*heads, query_GPNK.shape[2], -1)

    if isinstance(drawn, Placement):
        drawn = replace(
            _each_array(drawn, per_head, but=("query", "key")), query=apart(drawn.query), key=apart(drawn.key)
        )
    query, key = (x.reshape(heads + x.shape[2:]) for x in (query_GPNK, key_GPNK))
    if not isinstance(drawn, Placement):
        drawn = _each_array(drawn, per_head)
    found = Normalized(method, query, key, move.translation, move.scale, move.radius, near, drawn, search)
    return _each_array(found, per_head, but=("query", "key", "scales", "plane"))


def _plane(kind, query_GPNK, key_GPNK, spans, blocks, components, head_size, seed, progress):
    """The plane that the heads of each group share: their tokens are pooled, as so many more sentences."""
    together, tokens = query_GPNK.shape[1:3]
    query, key = _pooled(query_GPNK), _pooled(key_GPNK)
    if kind == "pca":
        found = pca(np.concatenate([query, key], axis=1), components)
        return PcaPlane(found.mean, found.components, found.explained_variance_ratio)
    spans = [slice(s.start + p * tokens, s.stop + p * tokens) for p in range(together) for s in spans]
    blocks = None if blocks is None else [block[:, p] for p in range(together) for block in blocks]
    options = {"components": components, "head_size": head_size, "progress": progress}
    if kind == "attention":
        return attention_plane(query, key, spans, blocks, **options)
    if kind == "unfold":
        return unfold(query, key, spans, blocks, seed=seed, **options)
    return neighbour_map(kind, query, key, components=components, seed=seed, progress=progress)


def _floats(query, key):
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


def _check_choices(method, scope, scale, distance, weight, plane):
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, not {method!r}")
    if plane not in PLANES:
        raise ValueError(f"plane must be one of {', '.join(PLANES)}, not {plane!r}")
    if scope not in SCOPES:
        raise ValueError(f"scope must be one of {', '.join(SCOPES)}, not {scope!r}")
    if scale is not None and not 0.01 <= scale <= 100:  # beyond, float32 cannot tell distances apart
        raise ValueError(f"scale must lie between 0.01 and 100, not {scale}")
    if distance not in DISTANCES:
        raise ValueError(f"distance must be one of {', '.join(DISTANCES)}, not {distance!r}")
    if weight not in WEIGHTS:
        raise ValueError(f"weight must be 'attention', 'closeness' or None, not {weight!r}")


def _grouped(x, scope):
    """[..., N, K] -> [G, P, N, K]."""
    together = {"head": 1, "layer": x.shape[-3] if x.ndim > 2 else 1, "model": max(1, int(np.prod(x.shape[:-2])))}
    return x.reshape(-1, together[scope], *x.shape[-2:])


def _pooled(x):
    """[G, P, N, K] -> [G, P N, K]."""
    return x.reshape(len(x), -1, x.shape[-1])


def _each_array(thing, function, *others, but=()):
    """A dataclass of arrays, and of such dataclasses, with each array a replaced by function(a, b, ...); b, ...
    are the same arrays of the others. Not those named in `but`."""
    changed = {}
    for field in fields(thing):
        value, *rest = (getattr(one, field.name) for one in (thing, *others))
        if field.name in but or value is None or isinstance(value, str):
            continue
        if isinstance(value, np.ndarray | np.generic):
            changed[field.name] = function(value, *rest)
        else:
            changed[field.name] = _each_array(value, function, *rest, but=but)
    return replace(thing, **changed)

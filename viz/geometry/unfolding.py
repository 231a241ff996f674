"""Unfolding: a flat picture of one sentence in which nearness is attention, without any map.

The loss is that of `viz.geometry.attention_plane`. It is minimized over the places x_i and y_j themselves, in place of
linear maps of queries and keys (multidimensional unfolding: Coombs 1964). The result tells how much of a head's
attention fits into a plane: it is the best of four descents, not the best possible picture. It is no projection: a
token that was not fitted has no place in it, and the directions of queries and keys in the head are lost.
"""

import math
from dataclasses import dataclass

import numpy as np

from viz.fieldwise import Fieldwise
from viz.geometry.attention_plane import attention_batches, attention_plane, picture_loss, upright_points
from viz.geometry.descent import Progress, minimize

STEPS = 150
STARTS = 4
"""The loss has many local minima. One descent begins in the attention plane, three begin there with random noise added.
The result with the smallest loss is taken."""


@dataclass(frozen=True)
class Placement(Fieldwise):
    """A place in the picture for each query and each key that was fitted, and for no others.

    kind: "unfold", "tsne" or "umap".
    query, key: [..., N, C].
    lost: the loss of the picture's attention in nats, [...], see `viz.geometry.attention_plane`; None for "tsne" and
    "umap".
    """

    kind: str
    query: np.ndarray
    key: np.ndarray
    lost: np.ndarray | None

    @property
    def is_attention(self) -> bool:
        return self.lost is not None

    @property
    def no_map(self) -> str:
        """Why other tokens have no place."""
        return f"{self.kind} has places only for the tokens it was fitted to: normalize these instead"

    def draw_queries(self, query: np.ndarray) -> np.ndarray:
        return self._only(query, self.query)

    def draw_keys(self, key: np.ndarray) -> np.ndarray:
        return self._only(key, self.key)

    @property
    def axis_names(self) -> list[str]:
        return ["" for _ in range(self.query.shape[-1])]

    def _only(self, given: np.ndarray, places: np.ndarray) -> np.ndarray:
        if given.shape[:-1] != places.shape[:-1]:
            raise ValueError(self.no_map)
        return places


def unfold(
    query: np.ndarray,
    key: np.ndarray,
    spans: list[slice],
    attention: list[np.ndarray] | None = None,
    *,
    components: int = 2,
    head_size: int | None = None,
    seed: int = 0,
    progress: Progress = iter,
) -> Placement:
    """Places for the tokens of each of G heads; arguments as for `attention_plane`. seed: of the noise."""
    root = math.sqrt(head_size or query.shape[-1])
    batches = attention_batches(query, key, spans, attention, root, 1.0, most_pairs=None)
    heads, tokens = query.shape[:2]
    plane = attention_plane(query, key, spans, attention, components=components, head_size=head_size, decay=0.01)
    first = np.stack([plane.draw_queries(query), plane.draw_keys(key)], axis=1)  # [G, 2, N, C]

    def loss(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x, y = np.moveaxis(numbers.reshape(heads, 2, tokens, components), 1, 0)
        value, dx, dy = picture_loss(x, y, batches, tokens)
        return value, np.stack([dx, dy], axis=1).reshape(heads, -1)

    random, spread = np.random.default_rng(seed), first.std(axis=(1, 2, 3), keepdims=True)
    best, lost = first.reshape(heads, -1), np.full(heads, np.inf, first.dtype)
    for start in progress(range(STARTS)):
        shaken = first + bool(start) * spread * random.normal(size=first.shape).astype(first.dtype)
        found, value = minimize(loss, shaken.reshape(heads, -1), range(STEPS))
        best, lost = np.where((value < lost)[:, None], found, best), np.minimum(value, lost)

    x, y = np.moveaxis(best.reshape(heads, 2, tokens, components), 1, 0)
    x, y = upright_points(x, y)
    return Placement("unfold", x, y, lost)

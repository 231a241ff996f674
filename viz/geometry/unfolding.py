"""Unfolding: the best that any flat picture of a sentence can do.

The loss of `viz.geometry.attention_plane` once more, but over the places x_i and y_j themselves instead of linear maps
of queries and keys (multidimensional unfolding: Coombs 1964). It shows how much of a head's attention fits into a
plane. It is no projection: tokens that it was not given have no place in it, and which way queries and keys point in
the head is nowhere to be seen.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from viz.geometry.attention_plane import (
    attention_plane,
    drawing_loss,
    positive_largest,
    principal_axes,
    rows_of,
)
from viz.geometry.descent import minimise

STEPS = 150
STARTS = 4
"""The loss has many valleys. The descent begins in the attention plane, and again from the same shaken three times; the
lowest end is taken."""


@dataclass(frozen=True)
class Placement:
    """A place in the picture for each query and each key that was given, and for no others.

    kind: "unfold", "tsne" or "umap".
    query, key: [..., N, C].
    lost: what the picture's own attention loses, in nats, [...] (see `viz.geometry.attention_plane`); None where the
        picture is not made for that.
    """

    kind: str
    query: np.ndarray
    key: np.ndarray
    lost: np.ndarray | None

    @property
    def is_attention(self) -> bool:
        return self.lost is not None

    def draw_queries(self, query: np.ndarray) -> np.ndarray:
        return self._only(query, self.query)

    def draw_keys(self, key: np.ndarray) -> np.ndarray:
        return self._only(key, self.key)

    @property
    def axis_names(self) -> list[str]:
        return ["" for _ in range(self.query.shape[-1])]

    def _only(self, given, places):
        if given.shape[:-1] != places.shape[:-1]:
            raise ValueError(f"{self.kind} has places only for the tokens it was fitted to: normalize these instead")
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
    progress: Callable[[Iterable[int]], Iterable[int]] = iter,
) -> Placement:
    """Places for the tokens of each of G heads; arguments as for `attention_plane`."""
    root = math.sqrt(head_size or query.shape[-1])
    rows = rows_of(query, key, spans, attention, root, 1.0, most_pairs=None)
    heads, tokens = query.shape[:2]
    plane = attention_plane(query, key, spans, attention, components=components, head_size=head_size, decay=0.01)
    first = np.stack([plane.draw_queries(query), plane.draw_keys(key)], axis=1)  # [G, 2, N, C]

    def loss(numbers):
        x, y = np.moveaxis(numbers.reshape(heads, 2, tokens, components), 1, 0)
        value, dx, dy = drawing_loss(x, y, rows, tokens)
        return value, np.stack([dx, dy], axis=1).reshape(heads, -1)

    random, spread = np.random.default_rng(seed), first.std(axis=(1, 2, 3), keepdims=True)
    best, lost = first.reshape(heads, -1), np.full(heads, np.inf, first.dtype)
    for start in progress(range(STARTS)):
        shaken = first + bool(start) * spread * random.normal(size=first.shape).astype(first.dtype)
        found, value = minimise(loss, shaken.reshape(heads, -1), range(STEPS))
        best, lost = np.where((value < lost)[:, None], found, best), np.minimum(value, lost)

    x, y = np.moveaxis(best.reshape(heads, 2, tokens, components), 1, 0)
    centre, turn = principal_axes(x, y)
    x, y = (x - centre) @ turn, (y - centre) @ turn
    signs = positive_largest(np.concatenate([x, y], axis=-2))
    return Placement("unfold", x * signs, y * signs, lost)

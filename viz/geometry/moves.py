"""Moves that change distances and leave attention as it is.

Attention depends on a query only through q_i . k_j, and softmax ignores what is the same for all keys of one query. So
three moves leave attention as it is. Translation adds q_i . a to the dot product, the same for every key:

    k -> k + a

Scale, by a number c > 0, changes no dot product:

    q -> c q
    k -> k / c

One more coordinate adds 0 to every dot product:

    q -> (q, 0)
    k -> (k, anything)

Distances do change: the moves can bring queries near the keys they attend to. Each of the three methods "raw", "paper"
and "exact" is a function of all the queries and keys [..., N, K] that share one move. It returns the move at c = 1;
`viz.geometry.scale` chooses c.
"""

from dataclasses import dataclass, replace

import numpy as np

from viz.fieldwise import Fieldwise
from viz.geometry.distances import pair_squares
from viz.geometry.sentences import PerToken, sentence_spans


@dataclass(frozen=True)
class Move(Fieldwise):
    """What is done to queries and keys; with a radius, keys also get a last coordinate, see `exact`.

        q -> c q
        k -> (k + a) / c

    translation: a, [..., K].
    scale: c, [...].
    radius: R, [...], or None.
    """

    translation: np.ndarray
    scale: np.ndarray
    radius: np.ndarray | None

    def scaled(self, scale: np.ndarray) -> "Move":
        return replace(self, scale=np.asarray(scale, self.scale.dtype))

    def apply(
        self, query: np.ndarray, key: np.ndarray, sentences: PerToken | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """query and key [..., N, K], moved. sentences: [N], the sentence of each token; None: one sentence.

        A sentence with a key longer than R gets a sphere of its own, whose radius is the length of its longest key.
        Keys compete only within their sentence, so the order of its distances is still the order of its attention.
        """
        key = key + self.translation[..., None, :]
        if self.radius is not None:
            square = np.vecdot(key, key)
            radius = np.empty_like(square)
            for s in sentence_spans(sentences, key.shape[-2]):
                radius[..., s] = np.maximum(self.radius, np.sqrt(square[..., s].max(axis=-1)))[..., None]
            query, key = lifted(query, key, square, radius)
        c = self.scale[..., None, None]
        return c * query, key / c

    def pairs(self, query: np.ndarray, key: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Dot products and distances of the moved q~ and k~ of one sentence, in less than half the time of `apply`.

            q~ . k~ = q . k + q . a
            |k + a|^2 = |k|^2 + 2 k . a + |a|^2    on a sphere, the same for all keys
            |q~ - k~|^2 = c^2 |q|^2 + |k + a|^2 / c^2 - 2 q~ . k~

        query: [..., Q, K], key: [..., S, K].

        Returns q~ . k~ and |q~ - k~|^2, [..., Q, S], and the height of each key, c times its last coordinate, [..., S]
        (0 where there is no sphere).
        """
        key_square, height = self.heights(key)
        dot = query @ key.mT + query @ self.translation[..., :, None]
        return dot, pair_squares(dot, np.vecdot(query, query), key_square, self.scale), height

    def heights(self, key: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The square length and the height of each key of one sentence, as in `pairs`: [..., S, K] -> [..., S]."""
        a = self.translation[..., :, None]
        key_square = np.vecdot(key, key) + (2 * (key @ a) + a.mT @ a)[..., 0]
        height = np.zeros_like(key_square)
        if self.radius is not None:
            radius_square = np.maximum(self.radius[..., None] ** 2, key_square.max(axis=-1, keepdims=True))
            height = np.sqrt(radius_square - key_square)
            key_square = np.broadcast_to(radius_square, key_square.shape)
        return key_square, height


def raw(query: np.ndarray, key: np.ndarray) -> Move:
    """Queries and keys as they are."""
    return Move(np.zeros_like(key[..., 0, :]), np.ones_like(key[..., 0, 0]), None)


def paper(query: np.ndarray, key: np.ndarray) -> Move:
    """AttentionViz (Yeh et al. 2023, section 5.1.1): queries and keys get the same mean.

        a = mean(q) - mean(k)

    c is the scale with which dot product and distance correlate best.
    """
    return replace(raw(query, key), translation=query.mean(axis=-2) - key.mean(axis=-2))


def exact(query: np.ndarray, key: np.ndarray) -> Move:
    """The order of distances becomes the order of attention (Bachrach et al. 2014; Neyshabur & Srebro 2015).

    One more coordinate puts every key onto a sphere of radius R:

        a = -mean(k)
        R = max_j |k_j + a|
        q~ = (c q, 0)
        k~ = (k + a, sqrt(R^2 - |k + a|^2)) / c
        |q~_i - k~_j|^2 = c^2 |q_i|^2 + R^2 / c^2 - 2 q_i . (k_j + a)

    Only the last term depends on j: of two keys, the one with more attention from a query is always the nearer one.
    c is the scale with which this holds for most queries in the plane.
    """
    translation = -key.mean(axis=-2)
    centered = key + translation[..., None, :]
    radius = np.sqrt(np.vecdot(centered, centered).max(axis=-1))
    return replace(raw(query, key), translation=translation, radius=radius)


def lifted(query: np.ndarray, key: np.ndarray, square: np.ndarray, radius: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(q, 0) and (k, sqrt(R^2 - |k|^2)).

    square: |k|^2, [..., N], from which R was computed: the last coordinate of the longest key is exactly 0.
    radius: R, broadcasts against square.
    """
    height = np.sqrt(np.maximum(radius**2 - square, 0))[..., None]
    query = np.concatenate([query, np.zeros_like(query[..., :1])], axis=-1)
    return query, np.concatenate([key, height], axis=-1)

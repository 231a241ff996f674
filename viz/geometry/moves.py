"""What may be changed without changing attention: moves that bring queries near the keys they attend to.

A query meets keys only in q_i . k_j, and softmax ignores what is common to all keys of one query. So attention stays
the same when

    k -> k + a                          adds q_i . a, the same for every key       (translation)
    q -> c q,  k -> k / c,  c > 0       leaves every product alone                 (scale)
    q -> (q, 0),  k -> (k, anything)    adds 0 to every product                    (an extra coordinate)

Distances do change, and that is the point. Three methods use these moves; each is a function of all the queries and
keys [..., N, K] that are to share one move, at c = 1. How c is chosen stands in `viz.geometry.scale`.
"""

from dataclasses import dataclass, replace

import numpy as np

from viz.geometry.distances import pair_squares
from viz.geometry.sentences import sentence_spans


@dataclass(frozen=True)
class Move:
    """q -> c q and k -> (k + a) / c; with a radius, the keys are also lifted by a coordinate of their own.

    translation: a, [..., K].  scale: c, [...].  radius: R, [...], or None.
    """

    translation: np.ndarray
    scale: np.ndarray
    radius: np.ndarray | None

    def scaled(self, scale: np.ndarray) -> "Move":
        return replace(self, scale=np.asarray(scale, self.scale.dtype))

    def apply(self, query: np.ndarray, key: np.ndarray, sentences=None) -> tuple[np.ndarray, np.ndarray]:
        """query and key [..., N, K], moved. sentences: [N], the sentence of each token; None: one sentence.

        A sentence with a key longer than R gets a sphere of its own, as wide as it needs: keys compete only within
        their sentence, so the order of its distances is still the order of its attention.
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
        """What is known of all pairs of one sentence without moving anything, in less than half the time of `apply`.

            q~ . k~       = q . k + q . a
            |k + a|^2     = |k|^2 + 2 k . a + |a|^2        on a sphere: R^2
            |q~ - k~|^2   = c^2 |q|^2 + |k + a|^2 / c^2 - 2 q~ . k~

        query: [..., Q, K], key: [..., S, K]. Returns q~ . k~ and |q~ - k~|^2, [..., Q, S], and the height of each key,
        c times its last coordinate, [..., S] (0 where there is no sphere).
        """
        a = self.translation[..., :, None]
        dot = query @ key.mT + query @ a
        key_square = np.vecdot(key, key) + (2 * (key @ a) + a.mT @ a)[..., 0]
        height = np.zeros_like(key_square)
        if self.radius is not None:
            radius_square = np.maximum(self.radius[..., None] ** 2, key_square.max(axis=-1, keepdims=True))
            height = np.sqrt(radius_square - key_square)
            key_square = np.broadcast_to(radius_square, key_square.shape)
        return dot, pair_squares(dot, np.vecdot(query, query), key_square, self.scale), height


def raw(query: np.ndarray, key: np.ndarray) -> Move:
    """Queries and keys as they are."""
    return Move(np.zeros_like(key[..., 0, :]), np.ones_like(key[..., 0, 0]), None)


def paper(query: np.ndarray, key: np.ndarray) -> Move:
    """AttentionViz (Yeh et al. 2023, section 5.1.1): both clouds get one centre, a = mean(q) - mean(k).

    c is the one for which product and distance correlate best.
    """
    return replace(raw(query, key), translation=query.mean(axis=-2) - key.mean(axis=-2))


def exact(query: np.ndarray, key: np.ndarray) -> Move:
    """The order of distances becomes the order of attention (Bachrach et al. 2014; Neyshabur & Srebro 2015).

    a = -mean(k), and an extra coordinate lifts every key onto a sphere of radius R = max |k_j + a|:

        q~ = (c q, 0)        k~ = (k + a, sqrt(R^2 - |k + a|^2)) / c

        |q~_i - k~_j|^2 = c^2 |q_i|^2 + R^2 / c^2 - 2 q_i . (k_j + a)

    Only the last term depends on j: of two keys, the one that a query attends to more is the nearer one, always.
    c is the one for which this shows best in the plane.
    """
    translation = -key.mean(axis=-2)
    centred = key + translation[..., None, :]
    radius = np.sqrt(np.vecdot(centred, centred).max(axis=-1))
    return replace(raw(query, key), translation=translation, radius=radius)


def lifted(query: np.ndarray, key: np.ndarray, square: np.ndarray, radius: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(q, 0) and (k, sqrt(R^2 - |k|^2)). square: |k|^2, [..., N], from which R was taken: the longest key has height
    exactly 0. radius: R, broadcasts against it."""
    height = np.sqrt(np.maximum(radius**2 - square, 0))[..., None]
    query = np.concatenate([query, np.zeros_like(query[..., :1])], axis=-1)
    return query, np.concatenate([key, height], axis=-1)

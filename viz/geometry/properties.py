"""Parts of q . k with a name: the directions of queries and keys that carry a property of a pair of tokens.

label_ij says whether token j has the property for token i, or how much of it. Softmax does not see what all keys of a
query have in common, so both the label and the score are taken less their mean over the keys:

    score_ij = q_i . (k_j - mean over the sentence of k)
    C        = sum over sentences and pairs of (label_ij - mean over j of label_ij) q_i k_j^T
    C        = U S V^T

For a yes or no, C adds up, for each query, the keys with the property less the keys without. The first columns of U
and V are the directions of queries and of keys in which the property shows most. They carry

    carried_ij = (U U^T q_i) . (V V^T (k_j - mean over the sentence of k))
    share      = sum over pairs of score_ij carried_ij / sum over pairs of score_ij^2

Since carried is linear in a K x K matrix, share needs from the sentences only one such matrix, `energy`.

Lee, Belinkov, Viegas, Wattenberg, "Contrastive covariances", 2026. P is the number of properties.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from viz.fieldwise import Fieldwise
from viz.geometry.pca import positive_largest


def centred(rows: np.ndarray) -> np.ndarray:
    """[..., S] less the mean over the last axis."""
    return rows - rows.mean(axis=-1, keepdims=True)


def contrast(query: np.ndarray, key: np.ndarray, labels: Sequence[np.ndarray], spans: Sequence[slice]) -> np.ndarray:
    """C of each property, [..., P, K, K].

    query, key: [..., N, K], sentences end to end; spans: the place of each sentence.
    labels: [P, S, S] per sentence, less their means over the keys (`centred`), and over the queries where a property
    of the key alone is to count for nothing.
    """
    *heads, tokens, size = key.shape
    count = len(labels[0])
    found = np.empty((*heads, tokens, count * size), key.dtype)
    for label, span in zip(labels, spans, strict=True):
        of_queries = label.swapaxes(0, 1).reshape(-1, label.shape[-1])  # [S P, S]: one product for all properties
        found[..., span, :] = (of_queries @ key[..., span, :]).reshape(*heads, -1, count * size)
    return np.moveaxis((query.mT @ found).reshape(*heads, size, count, size), -2, -3)


def energy(query: np.ndarray, key: np.ndarray, spans: Sequence[slice]) -> np.ndarray:
    """The sum over sentences of (Q^T Q) (K^T K), [..., K, K]. Its trace is the sum of the squared scores.

    Q, K: queries and keys of a sentence, the keys less their mean. The sum over pairs of score_ij q_i^T G k_j is the
    sum over the entries of energy and of G, for any G [K, K].
    """
    total = np.zeros((*query.shape[:-2], query.shape[-1], key.shape[-1]))
    for span in spans:
        q, k = query[..., span, :].astype(float), key[..., span, :].astype(float)
        k = k - k.mean(axis=-2, keepdims=True)
        total += (q.mT @ q) @ (k.mT @ k)
    return total


@dataclass(frozen=True)
class PropertyPlane(Fieldwise):
    """The strongest directions of a property. query_axes, key_axes: [..., C, K], orthonormal rows."""

    query_axes: np.ndarray
    key_axes: np.ndarray

    def __getitem__(self, place: tuple[int, ...]) -> "PropertyPlane":
        """One plane of many."""
        return self.fieldwise(lambda x: x[place])

    @classmethod
    def of(cls, contrast: np.ndarray, dimensions: int = 2) -> "PropertyPlane":
        """Those of a contrast [..., K, K]. The largest entry of each direction of queries is positive."""
        left, _, right = np.linalg.svd(contrast)
        signs = positive_largest(left[..., :dimensions])
        return cls((left[..., :dimensions] * signs).mT, right[..., :dimensions, :] * signs.mT)

    def share(self, energy: np.ndarray) -> np.ndarray:
        """The share of the scores that the directions carry, [...]. energy: of the sentences that are measured."""
        of_axes = self.query_axes @ energy @ self.key_axes.mT
        carried = (of_axes * (self.query_axes @ self.key_axes.mT)).sum(axis=(-2, -1))
        total = np.trace(energy, axis1=-2, axis2=-1)
        return np.divide(carried, total, out=np.zeros_like(carried), where=total > 0)

    def draw(self, query: np.ndarray, key: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places of one head's queries and keys [N, K] in the plane, [N, C] each: x_i . y_j = carried_ij.

        The axes are those in which the directions of queries and of keys lie nearest to each other (principal angles):

            query_axes key_axes^T = W diag(cosines) Z^T
            x = sqrt(cosines) W^T query_axes q
            y = sqrt(cosines) Z^T key_axes k
        """
        turn_q, cosines, turn_k = np.linalg.svd(self.query_axes @ self.key_axes.mT)
        roots = np.sqrt(cosines)
        return query @ self.query_axes.mT @ turn_q * roots, key @ self.key_axes.mT @ turn_k.mT * roots

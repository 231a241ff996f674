"""How much of a head's scores a flat picture holds, and how much any flat picture could hold.

Softmax ignores what is common to all keys of a query. So attention depends on the scores less their mean in each row,
and so does the attention of a picture in which nearness is attention. J takes the mean of each row away:

    scores = query (J key)^T                                    of one sentence, [S, S]
    picture = (2 x) (J y)^T - 1 (J |y|^2)^T                     minus the square distances, less the mean of each row

x and y have C coordinates, so the rank of the picture is C + 1 at most. A picture has no unit of length: it may be
drawn at any size. It holds the share of the scores that is right at its best size t, one for all sentences of a head:

    holds = 1 - min_t sum |scores - t picture|^2 / sum |scores|^2,    t >= 0

The sums are over all pairs of tokens of each sentence, and then over sentences. The matrix of rank C + 1 that is
nearest to the scores leaves out all but their first C + 1 singular values (Eckart and Young 1936). So in each sentence
no picture, whatever made it, leaves less than that. The same is true of the sums over sentences, also where one map
draws all of them: its picture of a sentence is one of that sentence's pictures.

    bound = sum of the first C + 1 squared singular values / sum of all
"""

from dataclasses import dataclass

import numpy as np

from viz.geometry.pca import triangular
from viz.measures.measure import Sums, mean_of


@dataclass(frozen=True)
class Held(Sums):
    """Sums over pairs of tokens, one entry per head, [...]. The sums of several sentences can be added.

    scores, picture: sums of squares. together: sum of products. energy: [..., K], squared singular values of the
    scores, the largest of each sentence first.
    """

    scores: np.ndarray
    picture: np.ndarray
    together: np.ndarray
    energy: np.ndarray

    @property
    def share(self) -> np.ndarray:
        """holds, [...]; NaN where all scores of each query are equal."""
        right = mean_of(np.maximum(self.together, 0) ** 2, self.scores * self.picture)
        return np.where((self.picture == 0) & (self.scores > 0), 0.0, right)

    def bound(self, dimensions: int) -> np.ndarray:
        """What any picture in so many dimensions holds at most, [...]; NaN as for `share`."""
        return mean_of(self.energy[..., : dimensions + 1].sum(axis=-1), self.energy.sum(axis=-1))

    def dimensions(self, share: float = 0.9) -> np.ndarray:
        """How many singular values make up such a share, [...]: a product of as many coordinates holds it."""
        grown, total = self.energy.cumsum(axis=-1), self.energy.sum(axis=-1, keepdims=True)
        return np.where(total[..., 0] > 0, (grown < share * total).sum(axis=-1) + 1, np.nan)


def held(query: np.ndarray, key: np.ndarray, x: np.ndarray, y: np.ndarray) -> Held:
    """The `Held` of one sentence.

    query, key: [..., S, K], moved or not. x, y: their places in the picture, [..., S, C].

    The sums over all pairs follow from products over tokens alone.
    """
    return drawn(products(query, key), x, y)


@dataclass(frozen=True)
class Products:
    """What the scores of a sentence need, whatever the picture: see `products`."""

    query: np.ndarray
    key: np.ndarray
    scores: np.ndarray
    energy: np.ndarray


def products(query: np.ndarray, key: np.ndarray) -> Products:
    """query and J key, [..., S, K], the sum of their squared scores, and the energies, [..., K].

    Rounding errors of float32 change shares and bounds by about 1e-6.
    """
    key = key - middle_of(key)
    size, tokens = query.shape[-1], query.shape[-2]
    rows = triangular(query) if tokens > size else query  # the same singular values, and no more than K rows
    half = rows @ key.mT
    energy = np.maximum(np.linalg.eigvalsh(half @ half.mT)[..., ::-1], 0)
    missing = [(0, 0)] * (energy.ndim - 1) + [(0, size - energy.shape[-1])]
    energy = np.pad(energy.astype(np.float64), missing)
    return Products(query, key, energy.sum(axis=-1), energy)


def drawn(of: Products, x: np.ndarray, y: np.ndarray) -> Held:
    """The `Held` of a picture of these scores: queries at x, keys at y, [..., S, C]."""
    middle = middle_of(y)
    x, y = x - middle, y - middle  # distances stay, and the squares below lose no digits
    square = np.vecdot(y, y)[..., None]
    left = np.concatenate([2 * x, -np.ones_like(square)], axis=-1)
    right = np.concatenate([y, square - middle_of(square)], axis=-1)
    together = ((of.query.mT @ left) * (of.key.mT @ right)).sum(axis=(-2, -1), dtype=np.float64)
    picture = ((left.mT @ left) * (right.mT @ right)).sum(axis=(-2, -1), dtype=np.float64)
    return Held(of.scores, picture, together, of.energy)


def middle_of(points: np.ndarray) -> np.ndarray:
    """The mean of points [..., S, K], as [..., 1, K]; 0 for a text without words, which has none."""
    return points.sum(axis=-2, keepdims=True) / max(1, points.shape[-2])

"""15. Translation and scale: changes that keep attention, and why cosine cannot choose c

The queries and keys of a head often form two clouds, far from each other. To draw them in one picture, we move them
closer together. The moves must not change attention. Two kinds of moves keep it:

    k -> k + a           adds q . a to all scores of query q, so softmax does not change (exercise 1)
    q -> c q, k -> k / c   leaves every dot product q . k as it is

AttentionViz takes a = mean(q) - mean(k), so that both clouds have the same centre. Then it chooses c, so that a small
distance means a large attention:

    query = c query          key = (key + mean(query) - mean(key)) / c

But which distance? Your second function computes one candidate, the cosine distance:

    distance(q, k) = 1 - q . k / (|q| |k|)

Shapes: query_NK, key_NK [tokens, K] of one head; c a number -> the moved query_NK and key_NK; distances
[queries, keys]

Worked example: the means are (1, 0) and (0, 4), so every key moves by (1, -4).

>>> query, key = np.array([[2, 0], [0, 0]], dtype=np.float32), np.array([[0, 3], [0, 5]], dtype=np.float32)
>>> [array.tolist() for array in translate_and_scale(query, key, 2.0)]
[[[4.0, 0.0], [0.0, 0.0]], [[0.5, -0.5], [0.5, 0.5]]]

Predict, before you check: if c changes, the correlation of q . k with the Euclidean distance of the moved vectors
changes. Does its correlation with their cosine distance change too?
"""

import numpy as np


def translate_and_scale(query_NK: np.ndarray, key_NK: np.ndarray, c: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns the moved query_NK and key_NK."""
    raise NotImplementedError


def cosine_distances(query_NK: np.ndarray, key_NK: np.ndarray) -> np.ndarray:
    """The cosine distance of every query to every key: [queries, keys]."""
    raise NotImplementedError

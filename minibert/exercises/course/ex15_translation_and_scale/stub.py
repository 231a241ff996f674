"""15. Translation and scale: what leaves attention alone, and why cosine cannot choose c

Queries and keys of a head often lie in two clouds apart; to draw them together, move them, but only so that
attention stays.

    k -> k + a           adds q . a to all scores of query q alike: softmax does not see it (exercise 1)
    q -> c q, k -> k / c   leaves every product q . k as it is

AttentionViz takes a = mean(q) - mean(k), so that both clouds have one centre, and then a c for which near means
attended:

    query = c query          key = (key + mean(query) - mean(key)) / c

But near by which distance? The second function is the cosine distance, one candidate:

    distance(q, k) = 1 - q . k / (|q| |k|)

Shapes: query_NK, key_NK [tokens, K] of one head; c a number -> the moved query_NK and key_NK; distances
[queries, keys]

Worked example: means are (1, 0) and (0, 4), so every key moves by (1, -4).

>>> query, key = np.array([[2, 0], [0, 0]], dtype=np.float32), np.array([[0, 3], [0, 5]], dtype=np.float32)
>>> [array.tolist() for array in translate_and_scale(query, key, 2.0)]
[[[4.0, 0.0], [0.0, 0.0]], [[0.5, -0.5], [0.5, 0.5]]]

Predict, before you check: as c changes, the correlation of q . k with the Euclidean distance of the moved
vectors changes. And that with their cosine distance?
"""

import numpy as np


def translate_and_scale(query_NK: np.ndarray, key_NK: np.ndarray, c: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns the moved query_NK and key_NK."""
    raise NotImplementedError


def cosine_distances(query_NK: np.ndarray, key_NK: np.ndarray) -> np.ndarray:
    """The cosine distance of every query to every key: [queries, keys]."""
    raise NotImplementedError

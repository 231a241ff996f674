"""16. The exact embedding: one coordinate more, and near means attended

Long keys are attended to, and lie far out: that is why near is not the same as attended. Give every key one
more coordinate, so that all keys are equally long. Then only the angle is left, and a query's nearest key is
its most attended one.

    k     = key - mean(key)                          (a translation: attention stays)
    R     = max |k|                                  the longest of them
    query = (c query, 0)
    key   = (k, sqrt(R^2 - |k|^2)) / c

The new coordinate adds 0 to every product, because the query's is 0; and all keys now have length R / c:

    |query - key|^2 = c^2 |q|^2 + R^2 / c^2 - 2 q . k

For the longest key R^2 - |k|^2 is 0. Rounding may leave it just below, and the root of that is nan: np.maximum.

Shapes: query_NK, key_NK [tokens, K] of one head, c a number -> query and key, each [tokens, K + 1]

Worked example: keys 0 and 6 and 12 in one dimension; centred -6, 0, 6; R is 6.

>>> query, key = np.ones((3, 1), dtype=np.float32), np.array([[0], [6], [12]], dtype=np.float32)
>>> [array.tolist() for array in exact_embedding(query, key, 2.0)]
[[[2.0, 0.0], [2.0, 0.0], [2.0, 0.0]], [[-3.0, 0.0], [0.0, 3.0], [3.0, 0.0]]]

Predict, before you check: for how many queries of a sentence is the nearest key the most attended one? And
without the new coordinate?
"""

import numpy as np


def exact_embedding(query_NK: np.ndarray, key_NK: np.ndarray, c: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns the moved query and key, each [tokens, K + 1]."""
    raise NotImplementedError

"""16. The exact embedding: one more coordinate makes the nearest key the most attended one

A long key can get much attention although it is far away. So the nearest key is not always the most attended one. This
exercise gives every key one more coordinate, which makes all keys equally long. Then only the angle matters, and the
nearest key of a query is its most attended key.

    k     = key - mean(key)                          (a translation, which keeps attention)
    R     = max |k|                                  the length of the longest key
    query = (c query, 0)
    key   = (k, sqrt(R^2 - |k|^2)) / c

The new coordinate adds 0 to every dot product, because it is 0 for queries. All keys now have length R / c:

    |query - key|^2 = c^2 |q|^2 + R^2 / c^2 - 2 q . k

For the longest key, R^2 - |k|^2 is 0. Rounding can make it slightly negative, and its root would be nan. np.maximum
prevents this.

Shapes: query_NK, key_NK [tokens, K] of one head, c a number -> query and key, each [tokens, K + 1]

Worked example: the keys are 0, 6 and 12, in one dimension. The centred keys are -6, 0 and 6, so R is 6.

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

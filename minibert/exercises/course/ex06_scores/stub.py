"""6. Scores: how well a query matches a key, and why sqrt(K)

Each token has a query, which describes what it looks for, and a key, which is its label. Their dot product is large
where both vectors point the same way.

    scores[h, t, s] = query[h, t] . key[h, s] / sqrt(K)          scores = query key^T / sqrt(K)

Row t belongs to the query of token t. Column s belongs to the key of token s. K is the head size, which is the length
of a query.

Shapes: query_HTK [heads, queries, K], key_HSK [heads, keys, K] -> scores_HTS [heads, queries, keys]

Worked example: one head, K = 4. The dot product of the query (1, 1, 1, 1) and the key (1, 2, 3, 4) is 10. Divided by 2,
the root of K, it is 5.

>>> query = np.ones((1, 1, 4), dtype=np.float32)
>>> key = np.array([[[1, 2, 3, 4], [0, 0, 0, 2]]], dtype=np.float32)
>>> scores(query, key).tolist()
[[[5.0, 1.0]]]

Predict, before you check: the numbers of query and key are drawn at random, with mean 0 and standard deviation 1. How
large is the standard deviation of their dot product for K = 64? For K = 256?
"""

import math

import numpy as np


def scores(query_HTK: np.ndarray, key_HSK: np.ndarray) -> np.ndarray:
    """query_HTK, key_HSK -> scores_HTS."""
    raise NotImplementedError

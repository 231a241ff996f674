"""6. Scores: how well a query and a key go together, and why sqrt(K)

Each token has a query (what it looks for) and a key (a label by which it is found). Their dot product is large
where they point the same way.

    scores[h, t, s] = query[h, t] . key[h, s] / sqrt(K)          scores = query key^T / sqrt(K)

t is the token that looks, s the token looked at: a row a query, a column a key. K is the head size, the length
of a query.

Shapes: query_HTK [heads, queries, K], key_HSK [heads, keys, K] -> scores_HTS [heads, queries, keys]

Worked example: one head, K = 4. The query (1, 1, 1, 1) and the key (1, 2, 3, 4) have product 10, divided by 2.

>>> query = np.ones((1, 1, 4), dtype=np.float32)
>>> key = np.array([[[1, 2, 3, 4], [0, 0, 0, 2]]], dtype=np.float32)
>>> scores(query, key).tolist()
[[[5.0, 1.0]]]

Predict, before you check: numbers of query and key are drawn at random, with mean 0 and standard deviation 1. How
large is the standard deviation of their dot product for K = 64? For K = 256?
"""

import math

import numpy as np


def scores(query_HTK: np.ndarray, key_HSK: np.ndarray) -> np.ndarray:
    """query_HTK, key_HSK -> scores_HTS."""
    raise NotImplementedError

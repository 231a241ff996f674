"""7. Attention: a share for each key, and the weighted mean of the values

This is the central step of BERT. Softmax turns the scores of a query into shares of the keys. The context of a token is
the mean of all values, weighted by these shares.

    scores    = query key^T / sqrt(K)      how well the query of t matches the key of s  (exercise 6)
    attention = softmax(scores)            row t: the shares of token t, which sum to 1
    context   = attention value            the weighted mean of the values

Shapes: query_HTK [heads, queries, K], key_HSK and value_HSK [heads, keys, K].
Returns three arrays: scores_HTS and attention_HTS [heads, queries, keys], and context_HTK [heads, queries, K].
softmax is imported already. It always runs along the last axis.

Worked example: one head, K = 1. The scores 0 and log 3 give the shares 1/4 and 3/4. The values are 8 and 4, so the
context is 2 + 3.

>>> query, key = np.ones((1, 1, 1), dtype=np.float32), np.array([[[0], [np.log(3)]]], dtype=np.float32)
>>> value = np.array([[[8], [4]]], dtype=np.float32)
>>> [array.round(4).tolist() for array in attend(query, key, value)[1:]]
[[[[0.25, 0.75]]], [[[5.0]]]]

Predict, before you check: all keys of a sentence are the same vector. What is the context?
"""

import math

import numpy as np

from minibert.numerics import softmax


def attend(
    query_HTK: np.ndarray, key_HSK: np.ndarray, value_HSK: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns scores_HTS, attention_HTS, context_HTK."""
    raise NotImplementedError

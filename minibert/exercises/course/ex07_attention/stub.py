"""7. Attention: sharing out, and what is taken home

The heart of it all. Softmax turns the scores of a query into shares over the keys; then each token takes home
the mean of all values, weighted by its shares.

    scores    = query key^T / sqrt(K)      how well does the label of s match what t looks for?  (exercise 6)
    attention = softmax(scores)            row t: how t shares out its attention, summing to 1
    context   = attention value            what t takes home

Shapes: query_HTK [heads, queries, K], key_HSK and value_HSK [heads, keys, K].
Returns three arrays: scores_HTS and attention_HTS [heads, queries, keys], and context_HTK [heads, queries, K].
softmax is imported. It runs along the last axis, always.

Worked example: one head, K = 1. Scores 0 and log 3 give shares 1/4 and 3/4; of the values 8 and 4 that is 2 + 3.

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

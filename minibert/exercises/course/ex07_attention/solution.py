"""Softmax runs along the last axis, the keys, so each query's row sums to 1. The matrix product with such rows is a
weighted mean of the values."""

import math

import numpy as np

from minibert.numerics import softmax


def attend(
    query_HTK: np.ndarray, key_HSK: np.ndarray, value_HSK: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    scores_HTS = query_HTK @ key_HSK.mT / math.sqrt(query_HTK.shape[-1])
    attention_HTS = softmax(scores_HTS)
    context_HTK = attention_HTS @ value_HSK
    return scores_HTS, attention_HTS, context_HTK

"""One matrix product per head computes all dot products at once. A sum of K independent products has a standard
deviation of sqrt(K). After the division by it, the size of the scores does not depend on the head size."""

import math

import numpy as np


def scores(query_HTK: np.ndarray, key_HSK: np.ndarray) -> np.ndarray:
    head_size = query_HTK.shape[-1]
    return query_HTK @ key_HSK.mT / math.sqrt(head_size)

"""One matrix product per head gives all dot products at once. A sum of K independent products has a spread of sqrt(K);
divided by it, scores are about as large whatever the head size."""

import math

import numpy as np


def scores(query_HTK: np.ndarray, key_HSK: np.ndarray) -> np.ndarray:
    head_size = query_HTK.shape[-1]
    return query_HTK @ key_HSK.mT / math.sqrt(head_size)

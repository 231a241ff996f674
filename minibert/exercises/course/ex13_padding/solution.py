"""exp(-infinity) is 0, so padding gets nothing and what the real keys get still sums to 1. The two new axes line the
mask up with the scores: the same keys for every head and every query."""

import numpy as np

from minibert.numerics import softmax


def padded_softmax(scores_BHTS: np.ndarray, real_BS: np.ndarray) -> np.ndarray:
    real_BHTS = real_BS[:, None, None, :]
    return softmax(np.where(real_BHTS, scores_BHTS, -np.inf))

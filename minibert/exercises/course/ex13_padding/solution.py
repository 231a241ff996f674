"""exp(-infinity) is 0, so padding gets no attention, and the shares of the real keys still sum to 1. The two new axes
align the mask with the scores. So every head and every query has the same mask."""

import numpy as np

from minibert.numerics import softmax


def padded_softmax(scores_BHTS: np.ndarray, real_BS: np.ndarray) -> np.ndarray:
    real_BHTS = real_BS[:, None, None, :]
    return softmax(np.where(real_BHTS, scores_BHTS, -np.inf))

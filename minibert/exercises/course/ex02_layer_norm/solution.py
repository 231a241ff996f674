"""axis=-1 runs over the numbers of one token. keepdims=True keeps that axis, so the mean of each token broadcasts to
all its numbers."""

import numpy as np


def layer_norm(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, eps: float) -> np.ndarray:
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred**2).mean(axis=-1, keepdims=True)
    return weight * centred / np.sqrt(variance + eps) + bias

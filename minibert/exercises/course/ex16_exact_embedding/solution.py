"""The extra coordinate makes all keys equally long. Then |query - key|^2 is a constant minus twice the dot product, so
the nearest key is the most attended one."""

import numpy as np


def exact_embedding(query_NK: np.ndarray, key_NK: np.ndarray, c: float) -> tuple[np.ndarray, np.ndarray]:
    centred = key_NK - key_NK.mean(axis=0)
    squares = (centred**2).sum(axis=1, keepdims=True)
    extra = np.sqrt(np.maximum(squares.max() - squares, 0))
    zeros = np.zeros((len(query_NK), 1), dtype=query_NK.dtype)
    return np.concatenate([c * query_NK, zeros], axis=1), np.concatenate([centred, extra], axis=1) / c

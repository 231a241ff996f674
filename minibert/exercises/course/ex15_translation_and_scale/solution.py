"""One vector added to all keys changes every score of a query by the same amount, so softmax does not change. c and 1 /
c cancel in every dot product. The cosine does not depend on c, because it divides by the lengths."""

import numpy as np


def translate_and_scale(query_NK: np.ndarray, key_NK: np.ndarray, c: float) -> tuple[np.ndarray, np.ndarray]:
    translation = query_NK.mean(axis=0) - key_NK.mean(axis=0)
    return c * query_NK, (key_NK + translation) / c


def cosine_distances(query_NK: np.ndarray, key_NK: np.ndarray) -> np.ndarray:
    unit_query = query_NK / np.linalg.norm(query_NK, axis=-1, keepdims=True)
    unit_key = key_NK / np.linalg.norm(key_NK, axis=-1, keepdims=True)
    return 1 - unit_query @ unit_key.T

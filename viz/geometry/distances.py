"""Distances of queries and keys, from dot products and lengths.

    |q - k|^2 = |q|^2 + |k|^2 - 2 q . k

No difference of two vectors is computed: for S queries and S keys of K coordinates these are S S K numbers.
"""

import numpy as np


def pair_squares(
    dot: np.ndarray, query_square: np.ndarray, key_square: np.ndarray, scale: np.ndarray | float = 1.0
) -> np.ndarray:
    """The square distances of scaled queries and keys, never below 0; [..., Q, S].

        |c q_i - k_j / c|^2 = c^2 |q_i|^2 + |k_j|^2 / c^2 - 2 q_i . k_j

    dot: q_i . k_j, [..., Q, S].
    query_square: |q_i|^2, [..., Q].
    key_square: |k_j|^2, [..., S].
    scale: c, [...].
    """
    scale = np.asarray(scale, dot.dtype)[..., None]
    square = dot * -2
    square += (query_square * scale**2)[..., :, None]
    square += (key_square / scale**2)[..., None, :]
    return np.maximum(square, 0, out=square)


def square_distances(query: np.ndarray, key: np.ndarray, dot: np.ndarray | None = None) -> np.ndarray:
    """|q_i - k_j|^2 of query [..., Q, K] and key [..., S, K]; returns [..., Q, S].

    dot: q_i . k_j, where it is known.
    """
    dot = query @ key.mT if dot is None else dot
    return pair_squares(dot, np.vecdot(query, query), np.vecdot(key, key))

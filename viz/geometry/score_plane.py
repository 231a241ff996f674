"""The plane whose dot products come nearest to all scores of a head at once (Eckart and Young, 1936)."""

import numpy as np

from viz.geometry.pca import positive_largest


def score_plane(query: np.ndarray, key: np.ndarray, dimensions: int = 2) -> tuple[np.ndarray, np.ndarray, float]:
    """Places x [N, C] of queries [N, K] and y [M, C] of keys [M, K], and the share of the squared scores they hold.

        scores = query key^T = U S V^T        x = U sqrt(S), y = V sqrt(S), the first C columns

    No other x and y have dot products nearer to the scores, by the sum of squares. The share is that of the first C
    squared singular values. The scores [N, M] themselves are not computed: with query = Q A and key = P B, in which the
    columns of Q and of P are orthonormal, A B^T is as small as the head size, and has the same singular values.
    """
    (left, small_q), (right, small_k) = (np.linalg.qr(points.astype(float)) for points in (query, key))
    u, values, vt = np.linalg.svd(small_q @ small_k.T)
    roots = np.sqrt(values[:dimensions])
    x, y = left @ u[:, :dimensions] * roots, right @ vt[:dimensions].T * roots
    signs = positive_largest(x)
    total = float((values**2).sum())
    return x * signs, y * signs, float((values[:dimensions] ** 2).sum()) / total if total else 0.0

"""The rows of V^T are directions. The centred points vary most along the first row. S^2 measures how much they vary
along each row."""

import numpy as np


def pca(points_NK: np.ndarray, components: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    centred_NK = points_NK - points_NK.mean(axis=0)
    _, singular, directions = np.linalg.svd(centred_NK, full_matrices=False)
    ratio = singular**2 / (singular**2).sum()
    found_CK = directions[:components]
    return centred_NK @ found_CK.T, found_CK, ratio[:components]

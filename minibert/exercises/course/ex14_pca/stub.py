"""14. PCA: the plane in which points vary most

Queries and keys have dozens of dimensions, but a picture has two. PCA finds the directions along which the points
vary most. They are in the singular value decomposition of the centred points:

    points - mean = U S V^T          mean over the points, one number per coordinate
    components    = first rows of V^T
    projected     = (points - mean) components^T
    ratio         = S^2 / sum(S^2)   the first of them: each component's share of the whole variance

Shapes: points_NK [points, coordinates], components a number C
-> projected_NC, components_CK, ratio [C]. A component may have the opposite sign; the checker accepts both.

Worked example: the points (1, 1), (2, 3), (3, 5) are on a line. They vary only along (1, 2) / sqrt(5).

>>> projected, found, ratio = pca(np.array([[1, 1], [2, 3], [3, 5]], dtype=np.float32), 1)
>>> print(np.abs(found).round(3), ratio.round(3))
[[0.447 0.894]] [1.]

Predict, before you check: you do not centre the points, and they are far from the origin. Where does the first
component point?
"""

import numpy as np


def pca(points_NK: np.ndarray, components: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """points_NK -> projected_NC, components_CK, ratio [C]. See np.linalg.svd(..., full_matrices=False)."""
    raise NotImplementedError

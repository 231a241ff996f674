"""14. PCA: the plane in which points are spread widest

Queries and keys have dozens of dimensions, a picture has two. PCA finds the directions along which the points
vary most. The singular value decomposition of the centred points has them ready:

    points - mean = U S V^T          mean over the points, one number a coordinate
    components    = first rows of V^T
    projected     = (points - mean) components^T
    ratio         = S^2 / sum(S^2)   the first of them: each component's share of the whole variance

Shapes: points_NK [points, coordinates], components a number C
-> projected_NC, components_CK, ratio [C]. A component may come out turned round; the checker does not mind.

Worked example: points on a line through (1, 1), (2, 3), (3, 5) vary along (1, 2) / sqrt(5) and nowhere else.

>>> projected, found, ratio = pca(np.array([[1, 1], [2, 3], [3, 5]], dtype=np.float32), 1)
>>> print(np.abs(found).round(3), ratio.round(3))
[[0.447 0.894]] [1.]

Predict, before you check: you forget to centre the points, and they lie far from the origin. Where does the
first component point?
"""

import numpy as np


def pca(points_NK: np.ndarray, components: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """points_NK -> projected_NC, components_CK, ratio [C]. See np.linalg.svd(..., full_matrices=False)."""
    raise NotImplementedError

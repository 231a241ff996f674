"""Principal component analysis by singular value decomposition: the plane in which the points are spread widest."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Pca:
    """What `pca` found. Leading axes "..." are those of the points it was given, for example one for the heads.

    mean: [..., K], the centre of the points.
    components: [..., C, K], orthonormal rows, the direction of greatest variance first.
    explained_variance_ratio: [..., C], each component's share of the total variance.
    projected: [..., N, C], the points seen along the components.
    """

    mean: np.ndarray
    components: np.ndarray
    explained_variance_ratio: np.ndarray
    projected: np.ndarray

    def project(self, points: np.ndarray) -> np.ndarray:
        """(points - mean) components^T: any points [..., N, K] seen along the components, [..., N, C]."""
        return (points - self.mean[..., None, :]) @ self.components.mT


def pca(points: np.ndarray, components: int = 2) -> Pca:
    """The directions along which points [..., N, K] vary most.

        points - mean = U S V^T        components = V^T        explained variance = S^2

    A singular vector may be turned round at will; here the largest entry of each component is positive, as in
    scikit-learn, so that the same points always give the same picture.

    ValueError: fewer than `components` points or coordinates, or values that are not finite.
    """
    points = np.asarray(points)
    if points.ndim < 2:
        raise ValueError(f"points must have shape [..., N, K], not {list(points.shape)}")
    most = min(points.shape[-2:])
    if not 1 <= components <= most:
        raise ValueError(f"components must lie between 1 and min(N, K) = {most}, not {components}")
    if not np.isfinite(points).all():
        raise ValueError("points must be finite, but some are NaN or infinite")

    mean = points.mean(axis=-2)
    triangle = np.linalg.qr(points - mean[..., None, :], mode="r")  # Q R has the S and V of R, which is much smaller
    _, spread, directions = np.linalg.svd(triangle, full_matrices=False)
    variance = spread**2
    total = variance.sum(axis=-1, keepdims=True)
    ratio = np.divide(variance, total, out=np.zeros_like(variance), where=total > 0)

    directions = directions[..., :components, :]
    largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=-1)[..., None], axis=-1)
    directions = directions * np.where(largest < 0, -1, 1).astype(directions.dtype)
    projected = (points - mean[..., None, :]) @ directions.mT
    return Pca(mean, directions, ratio[..., :components], projected)

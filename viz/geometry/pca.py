"""Principal component analysis: the plane in which the points are spread widest."""

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

        covariance = mean of (point - mean)(point - mean)^T        covariance v = variance v

    The components are the eigenvectors v with the largest eigenvalues: the variance along v is its eigenvalue.
    An eigenvector may be turned round at will; here the largest entry of each component is positive, as in
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
    centred = points - mean[..., None, :]
    wide = centred.astype(np.float64)  # squares of small numbers beside squares of large ones
    variance, directions = np.linalg.eigh(wide.mT @ wide / points.shape[-2])  # the smallest first
    variance, directions = np.maximum(variance[..., ::-1], 0), directions.mT[..., ::-1, :]
    total = variance.sum(axis=-1, keepdims=True)
    ratio = np.divide(variance, total, out=np.zeros_like(variance), where=total > 0).astype(centred.dtype)

    directions = directions[..., :components, :]
    largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=-1)[..., None], axis=-1)
    directions = (directions * np.where(largest < 0, -1, 1)).astype(centred.dtype)
    return Pca(mean, directions, ratio[..., :components], centred @ directions.mT)

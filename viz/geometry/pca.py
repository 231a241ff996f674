"""Principal component analysis: the plane in which points vary most."""

from dataclasses import dataclass

import numpy as np

from viz.errors import InputError
from viz.fieldwise import Fieldwise


@dataclass(frozen=True)
class PcaPlane(Fieldwise):
    """The directions that `pca` found. Leading axes "..." are those of the points, for example one for the heads.

    mean: [..., K], the centre of the points.
    components: [..., C, K], orthonormal rows, the direction of largest variance first.
    explained_variance_ratio: [..., C], each component's share of the total variance.
    """

    mean: np.ndarray
    components: np.ndarray
    explained_variance_ratio: np.ndarray

    def project(self, points: np.ndarray) -> np.ndarray:
        """The coordinates of points [..., N, K] along the components.

            projected = (points - mean) components^T

        Returns [..., N, C].
        """
        return (points - self.mean[..., None, :]) @ self.components.mT

    # The other kinds of planes have these names too. They have one map for queries and one for keys: here both are one.
    kind = "pca"
    is_attention = False
    lost = None
    draw_queries = draw_keys = project

    @property
    def query_map(self) -> np.ndarray:
        return self.components

    key_map = query_map

    @property
    def query_offset(self) -> np.ndarray:
        return -(self.components @ self.mean[..., None])[..., 0]

    key_offset = query_offset

    @property
    def axis_names(self) -> list[str]:
        """For one head, what to write beside each axis."""
        return [f"component {c + 1} ({share:.0%} of variance)" for c, share in enumerate(self.explained_variance_ratio)]


@dataclass(frozen=True)
class Pca(PcaPlane):
    """A `PcaPlane` together with the coordinates of the points that it was computed from.

    projected: [..., N, C].
    """

    projected: np.ndarray


def pca(points: np.ndarray, components: int = 2) -> Pca:
    """The directions along which points [..., N, K] vary most, by singular value decomposition.

        centered = points - mean
        centered = U S V^T

    U and V have orthonormal columns. S is diagonal, its largest entry first. Along a unit vector v the points have the
    coordinates centered v and the variance |centered v|^2 / N. In terms of the columns of V this is

        v = V w    with |w| = 1
        |centered v|^2 = |U S w|^2 = |S w|^2 = sum_c S_c^2 w_c^2

    a weighted mean of the S_c^2. Its largest value is S_1^2, for w = (1, 0, ...): v is the first column of V. Among the
    v at right angles to it, the best is the second column, and so on. So the components are the right singular vectors,
    and the variance along component c is S_c^2 / N.

    The components are also the eigenvectors of the covariance centered^T centered / N. But squares lose half of the
    digits: a direction is lost in rounding if its spread is 1e-8 of the widest in float64, or 3e-4 in float32.

    The sign of a singular vector is arbitrary. Here the largest entry of each component is positive, as in scikit-learn
    from 1.5 on, so the same points always give the same picture.

    ValueError: fewer than `components` points or coordinates, or values that are not finite numbers.
    """
    points = np.asarray(points)
    if points.ndim < 2:
        raise ValueError(f"points must have shape [..., N, K], not {list(points.shape)}")
    if points.dtype.kind not in "fiub":
        raise ValueError(f"points must be real numbers, not {points.dtype}")
    most = min(points.shape[-2:])
    if not 1 <= components <= most:
        raise InputError(f"components must lie between 1 and min(N, K) = {most}, not {components}")
    if not np.isfinite(points).all():
        raise InputError("points must be finite, but some are NaN or infinite")
    points = points.astype(np.result_type(points, np.float32), copy=False)

    mean = points.mean(axis=-2)
    centered = points - mean[..., None, :]
    singular_values, directions = _right_singular_vectors(centered)
    square = singular_values**2
    total = square.sum(axis=-1, keepdims=True)
    ratio = np.divide(square, total, out=np.zeros_like(square), where=total > 0)
    directions = directions[..., :components, :]
    directions = directions * positive_largest(directions.mT).mT
    return Pca(mean, directions, ratio[..., :components], centered @ directions.mT)


def positive_largest(columns: np.ndarray) -> np.ndarray:
    """The signs that make the largest entry of each column positive: [..., M, C] -> [..., 1, C]."""
    largest = np.take_along_axis(columns, np.abs(columns).argmax(axis=-2, keepdims=True), axis=-2)
    return np.where(largest < 0, -1, 1).astype(columns.dtype)


def triangular(points: np.ndarray) -> np.ndarray:
    """R of the decomposition points = Q R, in which the columns of Q are orthonormal: [..., N, K] -> [..., R, K]."""
    return np.asarray(np.linalg.qr(points, mode="r"))


def _right_singular_vectors(centered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """S [..., R] and V^T [..., R, K] of centered [..., N, K] = U S V^T, R = min(N, K)."""
    if centered.shape[-2] > centered.shape[-1]:
        # centered = Q R with orthonormal columns in Q, so R has the same S and V, and is as small as the head size
        centered = triangular(centered)
    _, singular_values, directions = np.linalg.svd(centered, full_matrices=False)
    return singular_values, directions

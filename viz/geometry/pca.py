"""Principal component analysis: the plane in which the points are spread widest."""

from dataclasses import dataclass

import numpy as np

from viz.errors import InputError


@dataclass(frozen=True)
class PcaPlane:
    """The directions that `pca` found. Leading axes "..." are those of the points, for example one for the heads.

    mean: [..., K], the centre of the points.
    components: [..., C, K], orthonormal rows, the direction of largest variance first.
    explained_variance_ratio: [..., C], each component's share of the total variance.
    """

    mean: np.ndarray
    components: np.ndarray
    explained_variance_ratio: np.ndarray

    def project(self, points: np.ndarray) -> np.ndarray:
        """(points - mean) components^T: any points [..., N, K] seen along the components, [..., N, C]."""
        return (points - self.mean[..., None, :]) @ self.components.mT

    # What planes of other kinds have too. They may have two maps, one for queries and one for keys; here they are one.
    kind = "pca"
    is_attention = False
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
    """What `pca` found: the directions, and where the points it was given lie along them.

    projected: [..., N, C].
    """

    projected: np.ndarray


def pca(points: np.ndarray, components: int = 2) -> Pca:
    """The directions along which points [..., N, K] vary most, by singular value decomposition.

        centred = points - mean = U S V^T

    U and V have orthonormal columns, S is diagonal, its largest entry first. Along a unit vector v the points lie at
    centred v, and their variance is |centred v|^2 / N. Written in the columns of V, v = V w, that is

        |centred v|^2 = |U S w|^2 = |S w|^2 = sum_c S_c^2 w_c^2        with |w| = 1

    a weighted mean of the S_c^2: the most there can be is S_1^2, for w = (1, 0, ...), when v is the first column of V.
    Among the v at right angles to it, it is the second column, and so on. So the components are the right singular
    vectors, and the variance along component c is S_c^2 / N. (They are also the eigenvectors of the covariance
    centred^T centred / N. But to square the points is to lose half of the digits: a direction 1e-8 as wide as the
    widest would be lost in rounding.)

    A singular vector may be turned round at will; here the largest entry of each component is positive, as in
    scikit-learn, so that the same points always give the same picture.

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
    centred = points - mean[..., None, :]
    singular_values, directions = _right_singular_vectors(centred)
    square = singular_values**2
    total = square.sum(axis=-1, keepdims=True)
    ratio = np.divide(square, total, out=np.zeros_like(square), where=total > 0)

    directions = directions[..., :components, :]
    largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=-1)[..., None], axis=-1)
    directions = directions * np.where(largest < 0, -1, 1).astype(points.dtype)
    return Pca(mean, directions, ratio[..., :components], centred @ directions.mT)


def _right_singular_vectors(centred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """S [..., R] and V^T [..., R, K] of centred [..., N, K] = U S V^T, R = min(N, K)."""
    if centred.shape[-2] > centred.shape[-1]:
        # centred = Q R with orthonormal columns in Q, so R has the same S and V, and is as small as the head size
        centred = np.linalg.qr(centred, mode="r")
    _, singular_values, directions = np.linalg.svd(centred, full_matrices=False)
    return singular_values, directions

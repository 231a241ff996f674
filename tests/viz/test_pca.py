"""viz.pca against scikit-learn, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA

import viz
from viz.geometry.scale import scaled_planes


@given(st.integers(3, 40), st.integers(2, 12), st.integers(0, 2**32 - 1))
def test_pca_is_that_of_scikit_learn_with_the_same_signs(points, size, seed):
    x = np.random.default_rng(seed).normal(size=(points, size)) * np.arange(1, size + 1) + 5
    ours, theirs = viz.pca(x, 2), PCA(2, svd_solver="full").fit(x)
    np.testing.assert_allclose(ours.mean, theirs.mean_)
    np.testing.assert_allclose(ours.components, theirs.components_, atol=1e-8)
    np.testing.assert_allclose(ours.explained_variance_ratio, theirs.explained_variance_ratio_, atol=1e-10)
    np.testing.assert_allclose(ours.projected, theirs.transform(x), atol=1e-7)


def test_many_heads_at_once_are_each_alone():
    x = np.random.default_rng(0).normal(size=(2, 3, 20, 5)).astype(np.float32)
    together = viz.pca(x, 3)
    for place in np.ndindex(2, 3):
        alone = viz.pca(x[place], 3)
        np.testing.assert_allclose(together.projected[place], alone.projected, atol=1e-5)
    np.testing.assert_allclose(together.project(x), together.projected, atol=1e-6)
    assert together.projected.dtype == np.float32


@pytest.mark.parametrize("points", [300, 9])
@pytest.mark.parametrize("spread", [1e-6, 1e-8])
def test_directions_far_narrower_than_the_widest_are_found_as_by_the_full_solver(points, spread):
    """Spreads 1 : s : s / 10. From the covariance, whose entries are squares, the last two would be noise."""
    rng = np.random.default_rng(2)
    turn = np.linalg.qr(rng.normal(size=(8, 8)))[0]
    x = np.linalg.qr(rng.normal(size=(points, 8)))[0][:, :3] * [1, spread, spread / 10] @ turn[:3]
    x -= x.mean(axis=0)
    ours, theirs = viz.pca(x, 3), PCA(3, svd_solver="full").fit(x)
    np.testing.assert_allclose(ours.components, theirs.components_, atol=1e-6)
    np.testing.assert_allclose(ours.explained_variance_ratio, theirs.explained_variance_ratio_, rtol=1e-6)


def test_whole_numbers_are_points_too():
    found = viz.pca([[1, 1], [2, 3], [3, 5]], 1)
    np.testing.assert_allclose(found.components, [[1 / 5**0.5, 2 / 5**0.5]])
    assert found.projected.dtype == np.float64


def test_points_that_do_not_vary_explain_nothing():
    result = viz.pca(np.ones((4, 3)), 2)
    assert not result.explained_variance_ratio.any() and not result.projected.any()


@pytest.mark.parametrize("c", [0.2, 1.0, 3.0])
def test_plane_from_sums_is_the_plane_of_the_scaled_points(c):
    rng = np.random.default_rng(1)
    query, key = rng.normal(size=(2, 4, 2, 30, 6)) * np.arange(1, 7) + rng.normal(size=(2, 4, 1, 1, 6))
    (plane,) = scaled_planes(query, key, np.array([c]))
    for head in range(4):
        points = np.concatenate([c * query[head].reshape(-1, 6), key[head].reshape(-1, 6) / c])
        expected = viz.pca(points, 2).components.T
        overlap = np.abs((plane[head, 0] * expected).sum(axis=0))  # the same lines, whichever way they point
        np.testing.assert_allclose(overlap, 1, atol=1e-8)


@pytest.mark.parametrize(
    ("points", "components", "says"),
    [
        (np.ones(3), 1, "shape"),
        (np.ones((3, 5)), 4, "min\\(N, K\\) = 3, not 4"),
        (np.ones((3, 5)), 0, "not 0"),
        (np.array([[1, np.nan], [0, 1]]), 1, "NaN"),
    ],
)
def test_refusals_say_what_was_expected(points, components, says):
    with pytest.raises(ValueError, match=says):
        viz.pca(points, components)

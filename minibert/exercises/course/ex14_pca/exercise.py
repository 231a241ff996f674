"""Exercise 14: the plane in which points vary most."""

import numpy as np

import viz
from minibert.exercises.course.exercise import Case, Exercise, Function, Mistake, Output, Wrong
from minibert.exercises.draw import Draw
from minibert.exercises.text import Text, t


def pca_cases(draw: Draw) -> list[Case]:
    points, size = draw.sizes(2, 4, 8)
    points += 5
    spread = np.linspace(3, 0.5, size, dtype=np.float32)
    points_NK = draw.normal(points, size, mean=0.4) * spread @ draw.normal(size, size, spread=size**-0.5)
    count = 3 if len(draw.drawn) > 1 else 2
    says = "{points} points of {size} coordinates, {count} components"
    about = t(says, points=points, size=size, count=count)
    return [Case(about, (points_NK + draw.normal(size), count))]


def pca(points_NK: np.ndarray, components: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    found = viz.pca(points_NK, components)
    return found.projected, found.components, found.explained_variance_ratio


def same_signs(arguments: tuple, value: object) -> object:
    """A component may point either way: turn each so that its largest entry is positive, and its column with it."""
    if not (isinstance(value, tuple | list) and len(value) == 3):
        raise Wrong(t("expected three arrays: projected_NC, components_CK and the explained variance ratio"))
    points_NK, count = arguments
    projected, components, ratio = value
    if np.shape(components) != (count, points_NK.shape[1]) or np.shape(projected) != (len(points_NK), count):
        return value
    components, projected = np.asarray(components), np.asarray(projected)
    largest = np.take_along_axis(components, np.abs(components).argmax(axis=1)[:, None], axis=1)[:, 0]
    signs = np.where(largest < 0, -1, 1).astype(components.dtype)
    return projected * signs, components * signs[:, None], ratio


def components_at_right_angles(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> Text | None:
    products = outputs[1] @ outputs[1].T
    if np.allclose(products, np.eye(len(products)), atol=1e-3):
        return None
    says = "the components must have length 1 and be orthogonal, but their dot products are {products}"
    rows = "; ".join(" ".join(f"{number:.3g}" for number in row) for row in products)
    return t(says, products=f"[{rows}]")


def pca_by_svd(points_NK, components, centre=None, standardise=False):
    centre = points_NK.mean(axis=0) if centre is None else centre
    centred = points_NK - centre
    if standardise:
        centred = centred / centred.std(axis=0)
    return (centred, *np.linalg.svd(centred, full_matrices=False))


def pca_with(finish, **options):
    """PCA, where `finish` computes the results from the centred points, U, S and V^T."""

    def mistake(points_NK, components):
        return finish(*pca_by_svd(points_NK, components, **options), components)

    return mistake


def finished(centred, u, s, vt, components):
    ratio = s**2 / (s**2).sum()
    return centred @ vt[:components].T, vt[:components], ratio[:components]


def pca_about(centre):
    """PCA with another centre subtracted from the points."""
    return lambda points_NK, n: pca_with(finished, centre=centre(points_NK))(points_NK, n)


def pca_projected_not_centred(points_NK, components):
    _, found, ratio = pca(points_NK, components)
    return points_NK @ found.T, found, ratio


def smallest_first(centred, u, s, vt, components):
    ratio = s**2 / (s**2).sum()
    return centred @ vt[::-1][:components].T, vt[::-1][:components], ratio[::-1][:components]


def pca_turned(points_NK, components):
    projected, found, ratio = pca(points_NK, components)
    return -projected, found, ratio


PCA_MISTAKES = (
    Mistake(
        "smallest-first",
        "the components come with the smallest variance first, as np.linalg.eigh returns them. Reverse their order",
        pca_with(smallest_first),
    ),
    Mistake(
        "smallest-first",
        "the last components are kept, in rising order of variance. Keep those of the largest variance, the largest "
        "first",
        pca_with(
            lambda c, u, s, vt, n: (c @ vt[:n][::-1].T, vt[:n][::-1], (s**2 / (s**2).sum())[:n][::-1]),
        ),
    ),
    Mistake(
        "variance-not-ratio",
        "the variances themselves are returned (S^2 / (n - 1)). Divide them by their sum",
        pca_with(lambda c, u, s, vt, n: (*finished(c, u, s, vt, n)[:2], s[:n] ** 2 / (len(c) - 1))),
    ),
    Mistake(
        "variance-not-ratio",
        "the variances themselves are returned (S^2 / n). Divide them by their sum",
        pca_with(lambda c, u, s, vt, n: (*finished(c, u, s, vt, n)[:2], s[:n] ** 2 / len(c))),
    ),
    Mistake(
        "half-turned",
        "the sign of the components is reversed, but not that of the projected points, or the other way round",
        pca_turned,
    ),
    Mistake("no-centring", "the mean is not subtracted from the points first", pca_with(finished, centre=0)),
    Mistake(
        "scalar-mean",
        "one mean over all numbers is subtracted. Subtract the mean over the points, one for each coordinate (axis=0)",
        pca_about(lambda points_NK: points_NK.mean()),
    ),
    Mistake(
        "centred-rows",
        "each point's own mean is subtracted. Subtract the mean over the points, one for each coordinate (axis=0)",
        pca_about(lambda points_NK: points_NK.mean(axis=1, keepdims=True)),
    ),
    Mistake(
        "projected-not-centred",
        "the components are right, but the points are not centred before the projection",
        pca_projected_not_centred,
    ),
    Mistake(
        "singular-values",
        "the explained variance is computed from the singular values. Square them first",
        pca_with(lambda c, u, s, vt, n: (*finished(c, u, s, vt, n)[:2], (s / s.sum())[:n])),
    ),
    Mistake(
        "kept-only",
        "the ratio is computed from the variance of the kept components. Divide by the variance of all components",
        pca_with(lambda c, u, s, vt, n: (*finished(c, u, s, vt, n)[:2], s[:n] ** 2 / (s[:n] ** 2).sum())),
    ),
    Mistake(
        "variance-not-ratio",
        "the variances themselves are returned (squares of the singular values). Divide them by their sum",
        pca_with(lambda c, u, s, vt, n: (*finished(c, u, s, vt, n)[:2], s[:n] ** 2)),
    ),
    Mistake(
        "only-u",
        "the points are projected to U, where every direction has the same variance. Return U S",
        pca_with(lambda c, u, s, vt, n: (u[:, :n], *finished(c, u, s, vt, n)[1:])),
    ),
    Mistake(
        "columns",
        "the components are the columns of an array [K, C]. They must be its rows: [C, K]",
        pca_with(lambda c, u, s, vt, n: (finished(c, u, s, vt, n)[0], vt[:n].T, finished(c, u, s, vt, n)[2])),
    ),
    Mistake(
        "v-for-vt",
        "the components are the first columns of V^T. Take its first rows: np.linalg.svd returns V^T, not V",
        pca_with(lambda c, u, s, vt, n: (c @ vt[:, :n], vt[:, :n].T, finished(c, u, s, vt, n)[2])),
    ),
    Mistake(
        "standardised",
        "each coordinate is divided by its standard deviation first. Only subtract the mean",
        pca_with(finished, standardise=True),
    ),
)


EXERCISE = Exercise(
    file="14_pca.py",
    title="the plane in which points vary most",
    minutes=15,
    difficulty=2,
    parts=(
        Function(
            "pca",
            pca,
            (
                Output("projected_NC", ("point", "component")),
                Output("components_CK", ("component", "coordinate")),
                Output("explained variance ratio", ("component",)),
            ),
            pca_cases,
            PCA_MISTAKES,
            hints=(
                (
                    "np.linalg.svd(centred, full_matrices=False) returns U, the singular values and V^T. The rows of "
                    "V^T are the components."
                ),
                (
                    "Compute centred = points - points.mean(axis=0) and U, S, Vt = svd(centred, ...). Then projected "
                    "= centred @ Vt[:components].T, and ratio = S**2 / (S**2).sum(). Return the first `components` "
                    "numbers of ratio."
                ),
            ),
            laws=(components_at_right_angles,),
            look=same_signs,
        ),
    ),
    answer=(
        "The first component points from the origin to the middle of the points. The plot then shows where the "
        "points are, and not how they vary."
    ),
    shown=(viz.pca,),
)

"""Exercises 14 to 16: PCA, and what may be moved without changing attention."""

import numpy as np

import viz
from minibert.exercises.course.attention import scores
from minibert.exercises.draw import Draw, model
from minibert.exercises.exercise import Case, Exercise, Function, Mistake, Output, Wrong
from minibert.exercises.language import t
from minibert.numerics import softmax

# --- PCA ------------------------------------------------------------------------------------------------------------


def pca_cases(draw: Draw) -> list[Case]:
    points, size = draw.sizes(2, 4, 8)
    points += 5
    spread = np.linspace(3, 0.5, size, dtype=np.float32)
    points_NK = draw.normal(points, size, mean=0.4) * spread @ draw.normal(size, size, spread=size**-0.5)
    count = 3 if len(draw.drawn) > 1 else 2
    about = "{points} points of {size} coordinates, {count} components"
    about = t(about, points=points, size=size, count=count)
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


def components_at_right_angles(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> str | None:
    products = outputs[1] @ outputs[1].T
    if np.allclose(products, np.eye(len(products)), atol=1e-3):
        return None
    says = "the components must have length 1 and stand at right angles to each other; their products are {products}"
    rows = "; ".join(" ".join(f"{number:.3g}" for number in row) for row in products)
    return t(says, products=f"[{rows}]")


def pca_by_svd(points_NK, components, centre=None, standardise=False):
    centre = points_NK.mean(axis=0) if centre is None else centre
    centred = points_NK - centre
    if standardise:
        centred = centred / centred.std(axis=0)
    return (centred, *np.linalg.svd(centred, full_matrices=False))


def pca_with(finish, **options):
    """PCA, its results made of the centred points, U, S and V^T by `finish`."""

    def mistake(points_NK, components):
        return finish(*pca_by_svd(points_NK, components, **options), components)

    return mistake


def finished(centred, u, s, vt, components):
    ratio = s**2 / (s**2).sum()
    return centred @ vt[:components].T, vt[:components], ratio[:components]


def pca_rows_centred(points_NK, components):
    return finished(*pca_by_svd(points_NK, components, centre=points_NK.mean(axis=1, keepdims=True)), components)


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
        "the components come with the smallest variance first, as np.linalg.eigh gives them: turn them round",
        pca_with(smallest_first),
    ),
    Mistake(
        "smallest-first",
        "the last of the components are kept, in rising order: those of the largest variance come first",
        pca_with(
            lambda c, u, s, vt, n: (c @ vt[:n][::-1].T, vt[:n][::-1], (s**2 / (s**2).sum())[:n][::-1]),
        ),
    ),
    Mistake(
        "variance-not-ratio",
        "the variances themselves are returned (S^2 / (n - 1)); divide by their sum",
        pca_with(lambda c, u, s, vt, n: (*finished(c, u, s, vt, n)[:2], s[:n] ** 2 / (len(c) - 1))),
    ),
    Mistake(
        "variance-not-ratio",
        "the variances themselves are returned (S^2 / n); divide by their sum",
        pca_with(lambda c, u, s, vt, n: (*finished(c, u, s, vt, n)[:2], s[:n] ** 2 / len(c))),
    ),
    Mistake(
        "half-turned",
        "the components are turned round, and the projected points are not (or the other way round)",
        pca_turned,
    ),
    Mistake("no-centring", "the mean is not taken off the points first", pca_with(finished, centre=0)),
    Mistake(
        "scalar-mean",
        "one mean over all numbers is taken off; it is the mean over points, one for each coordinate (axis=0)",
        lambda points_NK, n: finished(*pca_by_svd(points_NK, n, centre=points_NK.mean()), n),
    ),
    Mistake(
        "centred-rows",
        "each point's own mean is taken off; it is the mean over points, one for each coordinate (axis=0)",
        pca_rows_centred,
    ),
    Mistake(
        "projected-not-centred",
        "the components are right, but the points are projected with their mean still in them",
        pca_projected_not_centred,
    ),
    Mistake(
        "singular-values",
        "the explained variance is taken from the singular values; variance is their square",
        pca_with(lambda c, u, s, vt, n: (*finished(c, u, s, vt, n)[:2], (s / s.sum())[:n])),
    ),
    Mistake(
        "kept-only",
        "the ratio is taken of the variance of the kept components; it is of all of it",
        pca_with(lambda c, u, s, vt, n: (*finished(c, u, s, vt, n)[:2], s[:n] ** 2 / (s[:n] ** 2).sum())),
    ),
    Mistake(
        "variance-not-ratio",
        "the variances themselves are returned (squares of the singular values); divide by their sum",
        pca_with(lambda c, u, s, vt, n: (*finished(c, u, s, vt, n)[:2], s[:n] ** 2)),
    ),
    Mistake(
        "only-u",
        "the points are placed at U, where every direction is equally wide; they belong at U S",
        pca_with(lambda c, u, s, vt, n: (u[:, :n], *finished(c, u, s, vt, n)[1:])),
    ),
    Mistake(
        "columns",
        "the components are the columns of an array [K, C]; they are to be rows, [C, K]",
        pca_with(lambda c, u, s, vt, n: (finished(c, u, s, vt, n)[0], vt[:n].T, finished(c, u, s, vt, n)[2])),
    ),
    Mistake(
        "v-for-vt",
        "the components are the first columns of V^T; they are its first rows: np.linalg.svd returns V^T, not V",
        pca_with(lambda c, u, s, vt, n: (c @ vt[:, :n], vt[:, :n].T, finished(c, u, s, vt, n)[2])),
    ),
    Mistake(
        "standardised",
        "each coordinate is divided by its standard deviation first; PCA of attention keeps the lengths",
        pca_with(finished, standardise=True),
    ),
)

PCA = Exercise(
    file="14_pca.py",
    title="the plane in which points are spread widest",
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
                    "np.linalg.svd(centred, full_matrices=False) returns U, the singular values, and V^T, "
                    "whose rows are the components."
                ),
                (
                    "centred = points - points.mean(axis=0); U, S, Vt = svd(centred, ...); projected = "
                    "centred @ Vt[:components].T; ratio = S**2 / (S**2).sum(), of which the first "
                    "`components`."
                ),
            ),
            laws=(components_at_right_angles,),
            look=same_signs,
        ),
    ),
    answer=(
        "The first component then points from the origin to the middle of the cloud, and the plot shows where "
        "the cloud is instead of how it is spread."
    ),
    shown=(viz.pca,),
)

# --- translation and scale ------------------------------------------------------------------------------------------


def points_cases(draw: Draw) -> list[Case]:
    points, size = draw.sizes(2, 4, 8)
    query_NK, key_NK, _ = (x[0] for x in draw.query_key_value(1, points, points, size))
    c = float(np.float32(draw.rng.uniform(1.6, 2.4)))
    about = "{points} queries and keys of head size {size}, c = {c}"
    return [Case(t(about, points=points, size=size, c=f"{c:.3f}"), (query_NK, key_NK, c))]


def translate_and_scale(query_NK: np.ndarray, key_NK: np.ndarray, c: float) -> tuple[np.ndarray, np.ndarray]:
    moved = viz.normalize(query_NK, key_NK, method="paper", scale=c)
    return moved.query, moved.key


def attention_of(query_NK: np.ndarray, key_NK: np.ndarray) -> np.ndarray:
    return softmax(query_NK @ key_NK.T)


def attention_unchanged(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> str | None:
    query_NK, key_NK, _ = arguments
    before, after = attention_of(query_NK, key_NK), attention_of(*outputs)
    wrong = np.argwhere(~np.isclose(before, after, rtol=1e-2, atol=1e-3))
    if not len(wrong):
        return None
    query, key = (int(i) for i in wrong[0])
    return t(
        "the move must leave attention alone, but the attention of query {query} to key {key} was {before} and is now "
        "{after}",
        query=query,
        key=key,
        before=f"{before[query, key]:.4g}",
        after=f"{after[query, key]:.4g}",
    )


def centres_meet(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> str | None:
    c = arguments[2]
    query_centre, key_centre = outputs[0].mean(axis=0) / c, outputs[1].mean(axis=0) * c
    wrong = np.flatnonzero(~np.isclose(query_centre, key_centre, atol=1e-3))
    if not len(wrong):
        return None
    i = int(wrong[0])
    return t(
        "before scaling, queries and translated keys must have one centre, but in coordinate {i} they have {query} and "
        "{key}",
        i=i,
        query=f"{query_centre[i]:.4g}",
        key=f"{key_centre[i]:.4g}",
    )


def moved_by(translation, scale=lambda query, key, c: (c * query, key / c)):
    """Queries and keys with `translation(query, key)` added to the keys, then scaled."""

    def mistake(query_NK, key_NK, c):
        return scale(query_NK, key_NK + translation(query_NK, key_NK), np.float32(c))

    return mistake


def between_centres(query_NK, key_NK):
    return query_NK.mean(axis=0) - key_NK.mean(axis=0)


def translation_after_scale(query_NK, key_NK, c):
    c = np.float32(c)
    return c * query_NK, key_NK / c + between_centres(query_NK, key_NK)


def query_moved(query_NK, key_NK, c):
    c = np.float32(c)
    return c * (query_NK - between_centres(query_NK, key_NK)), key_NK / c


def cosine_cases(draw: Draw) -> list[Case]:
    points, keys, size = draw.sizes(3, 4, 8)
    query_NK, key_NK, _ = (x[0] for x in draw.query_key_value(1, points, keys, size))
    about = t("{points} queries and {keys} keys of head size {size}", points=points, keys=keys, size=size)
    return [Case(about, (query_NK, key_NK))]


def unit(x: np.ndarray, axis: int = -1) -> np.ndarray:
    return x / np.linalg.norm(x, axis=axis, keepdims=True)


def cosine_distances(query_NK: np.ndarray, key_NK: np.ndarray) -> np.ndarray:
    """distance = 1 - q . k / (|q| |k|): `scores` of vectors of length 1, its division by sqrt(K) undone."""
    root = np.float32(query_NK.shape[-1] ** 0.5)
    return 1 - scores(unit(query_NK)[None], unit(key_NK)[None])[0] * root


def cosine_distances_in_range(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> str | None:
    distance = outputs[0]
    outside = np.argwhere((distance < -1e-3) | (distance > 2 + 1e-3))
    if not len(outside):
        return None
    query, key = (int(i) for i in outside[0])
    says = "a cosine distance lies between 0 and 2; that of query {query} and key {key} is {got}"
    return t(says, query=query, key=key, got=f"{distance[query, key]:.4g}")


def heads_of_a_sentence() -> list[tuple[np.ndarray, np.ndarray]]:
    """Query and key, [tokens, K] each, of every head of the bundled model, for one sentence."""
    trace = model("tiny")("The old man sat down by the fire and told the children a story about the sea.")
    return [pair for layer in trace.layers for pair in zip(layer.query, layer.key, strict=True)]


def euclidean_distances(query_NK: np.ndarray, key_NK: np.ndarray) -> np.ndarray:
    return np.linalg.norm(query_NK[:, None] - key_NK, axis=-1)


def scale_answer() -> str:
    rows = []
    for c in (0.5, 1.0, 2.0):
        moved = [translate_and_scale(query_NK, key_NK, c) for query_NK, key_NK in heads_of_a_sentence()]
        with_distance, with_cosine = (
            np.mean([np.corrcoef((q @ k.T).ravel(), distances(q, k).ravel())[0, 1] for q, k in moved])
            for distances in (euclidean_distances, cosine_distances)
        )
        row = "c = {c}: {distance} with distance, {cosine} with cosine distance"
        rows.append(t(row, c=c, distance=f"{with_distance:.4f}", cosine=f"{with_cosine:.4f}"))
    return t(
        "The cosine's does not move: cos(c q, k / c) = cos(q, k), so it cannot choose c. Correlation with the product, "
        "in one sentence, mean over all heads of the bundled model:\n{rows}",
        rows="\n".join(rows),
    )


TRANSLATE_AND_SCALE_MISTAKES = (
    Mistake(
        "scalar-translation",
        "the translation is one number, the mean over everything; it is a vector, one mean a coordinate (axis=0)",
        moved_by(lambda q, k: q.mean() - k.mean()),
    ),
    Mistake(
        "point-translation",
        "every key gets a translation of its own (means over axis 1); one vector, the same for all, is what softmax "
        "ignores",
        moved_by(lambda q, k: q.mean(axis=1, keepdims=True) - k.mean(axis=1, keepdims=True)),
    ),
    Mistake(
        "wrong-way",
        "the translation has the wrong sign: it drives the centres apart",
        moved_by(lambda q, k: -between_centres(q, k)),
    ),
    Mistake(
        "to-the-origin",
        "the keys are centred on 0; they are to share the centre of the queries",
        moved_by(lambda q, k: -k.mean(axis=0)),
    ),
    Mistake(
        "both-centred",
        "both clouds are moved to 0; to move the queries changes attention. Translate the keys alone",
        lambda q, k, c: (np.float32(c) * (q - q.mean(axis=0)), (k - k.mean(axis=0)) / np.float32(c)),
    ),
    Mistake(
        "scale-first",
        "the translation joins the clouds as they are after scaling; take the means before",
        lambda q, k, c: (c * q, k / np.float32(c) + between_centres(c * q, k / np.float32(c))),
    ),
    Mistake("no-translation", "the keys are not translated", moved_by(lambda q, k: 0)),
    Mistake("query-moved", "the queries are translated; that changes attention. Translate the keys", query_moved),
    Mistake("scale-first", "the keys are scaled first and translated afterwards", translation_after_scale),
    Mistake(
        "both-multiplied",
        "keys are multiplied by c as well; divide them, so that products stay the same",
        moved_by(between_centres, lambda q, k, c: (c * q, c * k)),
    ),
    Mistake(
        "scale-swapped",
        "c is the wrong way round: queries are divided and keys multiplied",
        moved_by(between_centres, lambda q, k, c: (q / c, c * k)),
    ),
    Mistake("no-scale", "c is left out", moved_by(between_centres, lambda q, k, c: (q, k))),
)

COSINE_DISTANCES_MISTAKES = (
    Mistake(
        "similarity",
        "the cosine itself is returned; the distance is 1 minus that",
        lambda q, k: 1 - cosine_distances(q, k),
    ),
    Mistake("no-lengths", "the product is not divided by the lengths |q| and |k|", lambda q, k: 1 - q @ k.T),
    Mistake(
        "wrong-axis",
        "lengths are taken over the points (axis 0); a vector's length is over its own numbers (axis -1)",
        lambda q, k: 1 - unit(q, 0) @ unit(k, 0).T,
    ),
    Mistake(
        "squared-lengths",
        "the product is divided by the squares of the lengths; take their roots",
        lambda q, k: 1 - (q / np.square(q).sum(-1, keepdims=True)) @ (k / np.square(k).sum(-1, keepdims=True)).T,
    ),
    Mistake(
        "one-length",
        "one length is taken of the whole array; each vector has its own: axis=-1, keepdims=True",
        lambda q, k: 1 - q @ k.T / (np.linalg.norm(q) * np.linalg.norm(k)),
    ),
    Mistake("swapped", "query and key have changed places", lambda q, k: cosine_distances(k, q)),
)

TRANSLATION = Exercise(
    file="15_translation_and_scale.py",
    title="what leaves attention alone, and why cosine cannot choose c",
    minutes=15,
    difficulty=2,
    parts=(
        Function(
            "translate_and_scale",
            translate_and_scale,
            (Output("query_NK", ("query", "number")), Output("key_NK", ("key", "number"))),
            points_cases,
            TRANSLATE_AND_SCALE_MISTAKES,
            hints=(
                (
                    "The translation is a vector: the mean query minus the mean key, means over all tokens "
                    "(axis=0). Translate, then scale."
                ),
                "a = query.mean(axis=0) - key.mean(axis=0); return c * query, (key + a) / c.",
            ),
            laws=(attention_unchanged, centres_meet),
        ),
        Function(
            "cosine_distances",
            cosine_distances,
            (Output("distances", ("query", "key")),),
            cosine_cases,
            COSINE_DISTANCES_MISTAKES,
            hints=(
                "Divide each vector by its own length first: the lengths are one column, so keepdims=True.",
                (
                    "unit = x / np.linalg.norm(x, axis=-1, keepdims=True), for queries and for keys; then 1 - "
                    "unit_query @ unit_key.T"
                ),
            ),
            laws=(cosine_distances_in_range,),
        ),
    ),
    answer=scale_answer,
    shown=(viz.normalize,),
)

# --- the exact embedding --------------------------------------------------------------------------------------------


ROOT_OF_ROUNDING = 2e-3
"""The extra coordinate of the longest key is the root of a difference that is 0 but for rounding: `Output.near`"""


def embedding_cases(draw: Draw) -> list[Case]:
    """As for exercise 15; the second time, keys of which rounding makes R^2 - |k|^2 negative where nobody minds it."""
    cases = points_cases(draw)
    if len(draw.drawn) == 1:
        return cases
    query_NK, key_NK, c = cases[0].arguments
    while True:
        centred = key_NK - key_NK.mean(axis=0)
        if np.linalg.norm(centred, axis=1).max() ** 2 < (centred**2).sum(axis=1).max():
            return [Case(cases[0].about, (query_NK, key_NK, c))]
        key_NK = draw.normal(*key_NK.shape, mean=-0.4, spread=1.3)


def exact_embedding(query_NK: np.ndarray, key_NK: np.ndarray, c: float) -> tuple[np.ndarray, np.ndarray]:
    moved = viz.normalize(query_NK, key_NK, method="exact", scale=c)
    return moved.query, moved.key


def keys_on_a_sphere(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> str | None:
    lengths = np.linalg.norm(outputs[1], axis=-1)
    wrong = np.flatnonzero(~np.isclose(lengths, lengths[0], rtol=1e-3))
    if not len(wrong):
        return None
    return t(
        "all keys must lie on one sphere, but key 0 has length {first} and key {key} has {other}",
        first=f"{lengths[0]:.4g}",
        key=wrong[0],
        other=f"{lengths[wrong[0]]:.4g}",
    )


def lifted(height, shift=lambda key: key - key.mean(axis=0), query_height=None):
    """The embedding with keys moved by `shift`, and `height(squared lengths)` as their extra coordinate."""

    def mistake(query_NK, key_NK, c):
        c, key_NK = np.float32(c), shift(key_NK)
        extra = height(np.square(key_NK).sum(axis=-1))[:, None]
        zero = np.zeros((len(query_NK), 1), np.float32)
        query_extra = zero if query_height is None else query_height(extra)
        return np.concatenate([c * query_NK, query_extra], axis=1), np.concatenate([key_NK, extra], axis=1) / c

    return mistake


def to_the_sphere(squares):
    return np.sqrt(squares.max() - squares)


def extra_not_scaled(query_NK, key_NK, c):
    query, key = exact_embedding(query_NK, key_NK, c)
    return query, np.concatenate([key[:, :-1], key[:, -1:] * np.float32(c)], axis=1)


def exact_answer() -> str:
    moves = {
        t("as they are"): lambda query_NK, key_NK: (query_NK, key_NK),
        t("translated"): lambda query_NK, key_NK: translate_and_scale(query_NK, key_NK, 1.0),
        t("embedded"): lambda query_NK, key_NK: exact_embedding(query_NK, key_NK, 1.0),
    }
    heads = heads_of_a_sentence()
    favourites = [(query_NK @ key_NK.T).argmax(axis=-1) for query_NK, key_NK in heads]
    shares = []
    for name, move in moves.items():
        nearest = [euclidean_distances(*move(*head)).argmin(axis=-1) for head in heads]
        shares.append(t("{share} {name}", share=f"{np.mean(np.equal(nearest, favourites)):.2f}", name=name))
    return t(
        "All of them, always. In one sentence, over all heads of the bundled model, the nearest "
        "key is the most attended "
        "one for this share of the queries: {shares}.",
        shares=", ".join(shares),
    )


def unguarded(query_NK, key_NK, c):
    centred = key_NK - key_NK.mean(axis=0)
    extra = np.sqrt(np.linalg.norm(centred, axis=1).max() ** 2 - (centred**2).sum(axis=1))
    return np.column_stack([c * query_NK, 0 * query_NK[:, :1]]), np.column_stack([centred, extra]) / np.float32(c)


def radius_of_largest_number(query_NK, key_NK, c):
    largest = np.abs(key_NK - key_NK.mean(axis=0)).max()
    return lifted(lambda squares: np.sqrt(np.maximum(largest**2 - squares, 0)))(query_NK, key_NK, c)


def lengths_before_centring(query_NK, key_NK, c):
    squares = np.square(key_NK).sum(axis=-1)
    return lifted(lambda _: to_the_sphere(squares))(query_NK, key_NK, c)


EXACT_EMBEDDING_MISTAKES = (
    Mistake("no-centring", "the keys are not centred first", lifted(to_the_sphere, shift=lambda key: key)),
    Mistake(
        "no-root",
        "the square root of the extra coordinate is forgotten",
        lifted(lambda squares: squares.max() - squares),
    ),
    Mistake(
        "mean-radius",
        "R is the mean length of the keys; it must be the largest, or the longer keys find no place on the sphere",
        lifted(lambda s: np.sqrt(np.maximum(np.square(np.sqrt(s).mean()) - s, 0))),
    ),
    Mistake(
        "mean-radius",
        "R is the mean length of the keys; it must be the largest, or the longer keys find no place on the sphere",
        lifted(lambda s: np.sqrt(np.square(np.sqrt(s).mean()) - s)),
    ),
    Mistake(
        "largest-number",
        "R is the largest number of all keys; it is the length of the longest key",
        radius_of_largest_number,
    ),
    Mistake(
        "query-centred",
        "the queries are centred as well; that changes attention",
        lambda q, k, c: exact_embedding(q - q.mean(axis=0), k, c),
    ),
    Mistake(
        "length-before-centring",
        "the lengths are those of the keys before they were centred",
        lengths_before_centring,
    ),
    Mistake(
        "not-squared",
        "R and |k| are not squared under the root",
        lifted(lambda s: np.sqrt(np.sqrt(s).max() - np.sqrt(s))),
    ),
    Mistake(
        "query-lifted",
        "queries get the keys' extra coordinate; theirs is 0, or products change",
        lifted(to_the_sphere, query_height=lambda extra: extra),
    ),
    Mistake(
        "query-ones",
        "the queries' extra coordinate is 1; it must be 0, or products change",
        lifted(to_the_sphere, query_height=np.ones_like),
    ),
    Mistake(
        "extra-not-scaled",
        "the extra coordinate is not divided by c with the rest, so the keys leave the sphere",
        extra_not_scaled,
    ),
    Mistake("no-scale", "c is left out", lambda q, k, c: exact_embedding(q, k, 1.0)),
    Mistake(
        "no-maximum",
        "the root is taken of R^2 - |k|^2 as it is: rounding makes it negative for the longest key. np.maximum(..., 0)",
        unguarded,
    ),
    Mistake(
        "paper-translation",
        "the keys are moved to the centre of the queries (as in exercise 15); here they are centred on 0",
        lambda q, k, c: lifted(to_the_sphere, shift=lambda key: key + between_centres(q, k))(q, k, c),
    ),
)

EXACT = Exercise(
    file="16_exact_embedding.py",
    title="one coordinate more, and near means attended",
    minutes=20,
    difficulty=3,
    parts=(
        Function(
            "exact_embedding",
            exact_embedding,
            (Output("query", ("query", "number")), Output("key", ("key", "number"), near=ROOT_OF_ROUNDING)),
            embedding_cases,
            EXACT_EMBEDDING_MISTAKES,
            hints=(
                (
                    "Centre the keys: k - mean(k). R is the length of the longest centred key. sqrt(R^2 - "
                    "|k|^2) is the extra coordinate of a key, 0 that of a query."
                ),
                (
                    "centred = key - key.mean(axis=0); squares = (centred**2).sum(axis=1, keepdims=True); "
                    "extra = np.sqrt(squares.max() - squares); np.concatenate([centred, extra], axis=1) / c, "
                    "and c * query with a column of zeros (np.zeros_like(extra))."
                ),
            ),
            laws=(attention_unchanged, keys_on_a_sphere),
        ),
    ),
    answer=exact_answer,
    shown=(viz.normalize,),
)

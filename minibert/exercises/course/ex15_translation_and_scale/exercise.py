"""Exercise 15: changes that keep attention, and why cosine cannot choose c."""

import numpy as np

import viz
from minibert.exercises.course.ex06_scores.exercise import scores
from minibert.exercises.course.exercise import Case, Exercise, Function, Mistake, Output
from minibert.exercises.draw import Draw, model
from minibert.exercises.text import Text, lines, t
from minibert.numerics import softmax


def points_cases(draw: Draw) -> list[Case]:
    points, size = draw.sizes(2, 4, 8)
    query_NK, key_NK, _ = (x[0] for x in draw.query_key_value(1, points, points, size))
    c = float(np.float32(draw.rng.uniform(1.6, 2.4)))
    says = "{points} queries and keys of head size {size}, c = {c}"
    return [Case(t(says, points=points, size=size, c=f"{c:.3f}"), (query_NK, key_NK, c))]


def translate_and_scale(query_NK: np.ndarray, key_NK: np.ndarray, c: float) -> tuple[np.ndarray, np.ndarray]:
    moved = viz.normalize(query_NK, key_NK, method="paper", scale=c)
    return moved.query, moved.key


def attention_of(query_NK: np.ndarray, key_NK: np.ndarray) -> np.ndarray:
    return softmax(query_NK @ key_NK.T)


def attention_unchanged(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> Text | None:
    query_NK, key_NK, _ = arguments
    before, after = attention_of(query_NK, key_NK), attention_of(*outputs)
    wrong = np.argwhere(~np.isclose(before, after, rtol=1e-2, atol=1e-3))
    if not len(wrong):
        return None
    query, key = (int(i) for i in wrong[0])
    return t(
        "the move must not change attention, but the attention of query {query} to key {key} was {before} and is now "
        "{after}",
        query=query,
        key=key,
        before=f"{before[query, key]:.4g}",
        after=f"{after[query, key]:.4g}",
    )


def centres_meet(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> Text | None:
    c = arguments[2]
    query_centre, key_centre = outputs[0].mean(axis=0) / c, outputs[1].mean(axis=0) * c
    wrong = np.flatnonzero(~np.isclose(query_centre, key_centre, atol=1e-3))
    if not len(wrong):
        return None
    i = int(wrong[0])
    return t(
        "before scaling, queries and translated keys must have the same centre, but in coordinate {i} it is {query} "
        "and {key}",
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
    """distance = 1 - q . k / (|q| |k|): `scores` of vectors of length 1, multiplied by sqrt(K) again."""
    root = np.float32(query_NK.shape[-1] ** 0.5)
    return 1 - scores(unit(query_NK)[None], unit(key_NK)[None])[0] * root


def cosine_distances_in_range(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> Text | None:
    distance = outputs[0]
    outside = np.argwhere((distance < -1e-3) | (distance > 2 + 1e-3))
    if not len(outside):
        return None
    query, key = (int(i) for i in outside[0])
    says = "a cosine distance must be between 0 and 2, but that of query {query} and key {key} is {got}"
    return t(says, query=query, key=key, got=f"{distance[query, key]:.4g}")


def heads_of_a_sentence() -> list[tuple[np.ndarray, np.ndarray]]:
    """Query and key, [tokens, K] each, of every head of the bundled model, for one sentence."""
    trace = model("tiny")("The old man sat down by the fire and told the children a story about the sea.")
    return [pair for layer in trace.layers for pair in zip(layer.query, layer.key, strict=True)]


def euclidean_distances(query_NK: np.ndarray, key_NK: np.ndarray) -> np.ndarray:
    return np.linalg.norm(query_NK[:, None] - key_NK, axis=-1)


def scale_answer() -> Text:
    rows = []
    for c in (0.5, 1.0, 2.0):
        moved = [translate_and_scale(query_NK, key_NK, c) for query_NK, key_NK in heads_of_a_sentence()]
        with_distance, with_cosine = (
            np.mean([np.corrcoef((q @ k.T).ravel(), distances(q, k).ravel())[0, 1] for q, k in moved])
            for distances in (euclidean_distances, cosine_distances)
        )
        row = "c = {c}: {distance} for the Euclidean distance, {cosine} for the cosine distance"
        rows.append(t(row, c=c, distance=f"{with_distance:.4f}", cosine=f"{with_cosine:.4f}"))
    return t(
        "The correlation with the cosine distance does not change: cos(c q, k / c) = cos(q, k), so it cannot choose "
        "c. This is the correlation with the dot product, in one sentence, as the mean over all heads of the bundled "
        "model:\n{rows}",
        rows=lines(*rows),
    )


TRANSLATE_AND_SCALE_MISTAKES = (
    Mistake(
        "scalar-translation",
        "the translation is one number, the mean over everything. It must be a vector, with one mean per coordinate "
        "(axis=0)",
        moved_by(lambda q, k: q.mean() - k.mean()),
    ),
    Mistake(
        "point-translation",
        "every key gets a translation of its own (means over axis 1). Use one vector for all keys: only then softmax "
        "does not change",
        moved_by(lambda q, k: q.mean(axis=1, keepdims=True) - k.mean(axis=1, keepdims=True)),
    ),
    Mistake(
        "wrong-way",
        "the translation has the wrong sign and moves the centres apart",
        moved_by(lambda q, k: -between_centres(q, k)),
    ),
    Mistake(
        "to-the-origin",
        "the keys are centred on 0. Move them to the centre of the queries",
        moved_by(lambda q, k: -k.mean(axis=0)),
    ),
    Mistake(
        "both-centred",
        "both clouds are moved to 0, and moving the queries changes attention. Translate only the keys",
        lambda q, k, c: (np.float32(c) * (q - q.mean(axis=0)), (k - k.mean(axis=0)) / np.float32(c)),
    ),
    Mistake(
        "scale-first",
        "the translation uses the means after scaling. Take the means before scaling",
        lambda q, k, c: (c * q, k / np.float32(c) + between_centres(c * q, k / np.float32(c))),
    ),
    Mistake("no-translation", "the keys are not translated", moved_by(lambda q, k: 0)),
    Mistake("query-moved", "the queries are translated, which changes attention. Translate the keys", query_moved),
    Mistake(
        "scale-first",
        "the keys are scaled first and translated afterwards. Translate them first",
        translation_after_scale,
    ),
    Mistake(
        "both-multiplied",
        "the keys are multiplied by c as well. Divide them by c, so that dot products stay the same",
        moved_by(between_centres, lambda q, k, c: (c * q, c * k)),
    ),
    Mistake(
        "scale-swapped",
        "c is used the wrong way round. Multiply the queries by it, and divide the keys",
        moved_by(between_centres, lambda q, k, c: (q / c, c * k)),
    ),
    Mistake("no-scale", "c is missing", moved_by(between_centres, lambda q, k, c: (q, k))),
)


COSINE_DISTANCES_MISTAKES = (
    Mistake(
        "similarity",
        "the function returns the cosine itself. The distance is 1 minus the cosine",
        lambda q, k: 1 - cosine_distances(q, k),
    ),
    Mistake("no-lengths", "the dot product is not divided by the lengths |q| and |k|", lambda q, k: 1 - q @ k.T),
    Mistake(
        "wrong-axis",
        "the lengths are taken over the points (axis 0). Take the length over the numbers of one vector (axis -1)",
        lambda q, k: 1 - unit(q, 0) @ unit(k, 0).T,
    ),
    Mistake(
        "squared-lengths",
        "the dot product is divided by the squared lengths. Take their roots",
        lambda q, k: 1 - (q / np.square(q).sum(-1, keepdims=True)) @ (k / np.square(k).sum(-1, keepdims=True)).T,
    ),
    Mistake(
        "one-length",
        "one length is computed for the whole array. Each vector has its own length: axis=-1, keepdims=True",
        lambda q, k: 1 - q @ k.T / (np.linalg.norm(q) * np.linalg.norm(k)),
    ),
    Mistake("swapped", "query and key are exchanged", lambda q, k: cosine_distances(k, q)),
)


EXERCISE = Exercise(
    file="15_translation_and_scale.py",
    title="changes that keep attention, and why cosine cannot choose c",
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
                    "The translation is a vector: the mean query minus the mean key. Take the means over all tokens "
                    "(axis=0). Translate first, then scale."
                ),
                "Compute a = query.mean(axis=0) - key.mean(axis=0). Return c * query, (key + a) / c.",
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
                "First divide each vector by its own length. Use keepdims=True, so that the lengths are one column.",
                (
                    "Compute unit = x / np.linalg.norm(x, axis=-1, keepdims=True), for queries and for keys. Then "
                    "return 1 - unit_query @ unit_key.T"
                ),
            ),
            laws=(cosine_distances_in_range,),
        ),
    ),
    answer=scale_answer,
    shown=(viz.normalize,),
)

"""Exercise 16: one more coordinate makes the nearest key the most attended one."""

import numpy as np

import viz
from minibert.exercises.course.ex15_translation_and_scale.exercise import (
    attention_unchanged,
    between_centres,
    euclidean_distances,
    heads_of_a_sentence,
    points_cases,
    translate_and_scale,
)
from minibert.exercises.course.exercise import Case, Exercise, Function, Mistake, Output
from minibert.exercises.draw import Draw
from minibert.exercises.text import Text, joined, t

ROOT_OF_ROUNDING = 2e-3
"""The extra coordinate of the longest key is the root of a difference that is 0 but for rounding: `Output.near`"""


def embedding_cases(draw: Draw) -> list[Case]:
    """As for exercise 15; the second time, keys for which rounding makes R^2 - |k|^2 negative."""
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


def keys_on_a_sphere(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> Text | None:
    lengths = np.linalg.norm(outputs[1], axis=-1)
    wrong = np.flatnonzero(~np.isclose(lengths, lengths[0], rtol=1e-3))
    if not len(wrong):
        return None
    return t(
        "all keys must have the same length, but key 0 has length {first} and key {key} has {other}",
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


def exact_answer() -> Text:
    moves = [
        (t("for the raw vectors"), lambda query_NK, key_NK: (query_NK, key_NK)),
        (t("after translation"), lambda query_NK, key_NK: translate_and_scale(query_NK, key_NK, 1.0)),
        (t("after the exact embedding"), lambda query_NK, key_NK: exact_embedding(query_NK, key_NK, 1.0)),
    ]
    heads = heads_of_a_sentence()
    favourites = [(query_NK @ key_NK.T).argmax(axis=-1) for query_NK, key_NK in heads]
    shares = []
    for name, move in moves:
        nearest = [euclidean_distances(*move(*head)).argmin(axis=-1) for head in heads]
        shares.append(t("{share} {name}", share=f"{np.mean(np.equal(nearest, favourites)):.2f}", name=name))
    return t(
        "It is so for all queries, always. In one sentence, over all heads of the bundled model, this is the share "
        "of queries whose nearest key is the most attended one: {shares}.",
        shares=joined(", ", shares),
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
        "the square root of the extra coordinate is missing",
        lifted(lambda squares: squares.max() - squares),
    ),
    Mistake(
        "mean-radius",
        "R is the mean length of the keys. It must be the largest length; otherwise longer keys have no extra "
        "coordinate",
        lifted(lambda s: np.sqrt(np.maximum(np.square(np.sqrt(s).mean()) - s, 0))),
    ),
    Mistake(
        "mean-radius",
        "R is the mean length of the keys. It must be the largest length; otherwise longer keys have no extra "
        "coordinate",
        lifted(lambda s: np.sqrt(np.square(np.sqrt(s).mean()) - s)),
    ),
    Mistake(
        "largest-number",
        "R is the largest number of all keys. It must be the length of the longest key",
        radius_of_largest_number,
    ),
    Mistake(
        "query-centred",
        "the queries are centred as well, which changes attention. Centre only the keys",
        lambda q, k, c: exact_embedding(q - q.mean(axis=0), k, c),
    ),
    Mistake(
        "length-before-centring",
        "the lengths are taken before the keys are centred. Take them after that",
        lengths_before_centring,
    ),
    Mistake(
        "not-squared",
        "R and |k| are not squared under the root",
        lifted(lambda s: np.sqrt(np.sqrt(s).max() - np.sqrt(s))),
    ),
    Mistake(
        "query-lifted",
        "queries get the keys' extra coordinate. For queries it must be 0; otherwise dot products change",
        lifted(to_the_sphere, query_height=lambda extra: extra),
    ),
    Mistake(
        "query-ones",
        "the queries' extra coordinate is 1. It must be 0; otherwise dot products change",
        lifted(to_the_sphere, query_height=np.ones_like),
    ),
    Mistake(
        "extra-not-scaled",
        "the extra coordinate is not divided by c, so the keys leave the sphere. Divide all coordinates by c",
        extra_not_scaled,
    ),
    Mistake("no-scale", "c is missing", lambda q, k, c: exact_embedding(q, k, 1.0)),
    Mistake(
        "no-maximum",
        "the root is taken of R^2 - |k|^2, which rounding makes negative for the longest key. Use np.maximum(..., 0)",
        unguarded,
    ),
    Mistake(
        "paper-translation",
        "the keys are moved to the centre of the queries (as in exercise 15). Here they must be centred on 0",
        lambda q, k, c: lifted(to_the_sphere, shift=lambda key: key + between_centres(q, k))(q, k, c),
    ),
)


EXERCISE = Exercise(
    file="16_exact_embedding.py",
    title="one more coordinate makes the nearest key the most attended one",
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
                    "Centre the keys: k - mean(k). R is the length of the longest centred key. The extra coordinate "
                    "is sqrt(R^2 - |k|^2) for a key, and 0 for a query."
                ),
                (
                    "Compute centred = key - key.mean(axis=0), squares = (centred**2).sum(axis=1, keepdims=True) and "
                    "extra = np.sqrt(squares.max() - squares). Return c * query with a column of zeros "
                    "(np.zeros_like(extra)), and np.concatenate([centred, extra], axis=1) / c."
                ),
            ),
            laws=(attention_unchanged, keys_on_a_sphere),
        ),
    ),
    answer=exact_answer,
    shown=(viz.normalize,),
)

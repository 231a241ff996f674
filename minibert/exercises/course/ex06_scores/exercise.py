"""Exercise 6: how well a query matches a key, and why sqrt(K)."""

import math

import numpy as np

from minibert.attention import attend
from minibert.exercises.course.exercise import Case, Exercise, Function, Mistake, Output
from minibert.exercises.course.shared import HTS
from minibert.exercises.draw import Draw
from minibert.exercises.text import t


def attend_cases(draw: Draw) -> list[Case]:
    cases = []
    for square in (True, False):
        heads, queries, head_size, keys = draw.sizes(4)
        keys = queries if square else keys
        says = "{heads} heads, {queries} queries, {keys} keys, head size {head_size}"
        about = t(says, heads=heads, queries=queries, keys=keys, head_size=head_size)
        cases.append(Case(about, draw.query_key_value(heads, queries, keys, head_size)))
    return cases


def scores_cases(draw: Draw) -> list[Case]:
    return [Case(case.about, case.arguments[:2]) for case in attend_cases(draw)]


def scores(query_HTK: np.ndarray, key_HSK: np.ndarray) -> np.ndarray:
    return attend(query_HTK, key_HSK, key_HSK)[0]


def scaled(factor):
    """Scores with sqrt(K) replaced by sqrt(K) / factor(query, key)."""
    return lambda query_HTK, key_HSK: scores(query_HTK, key_HSK) * np.float32(factor(query_HTK, key_HSK))


SCORES_MISTAKES = (
    Mistake("no-sqrt", "the division by sqrt(K) is missing", scaled(lambda q, k: math.sqrt(q.shape[-1]))),
    Mistake(
        "wrong-size",
        "the root is taken of the number of tokens. Take the root of K, the head size: the last axis of query",
        scaled(lambda q, k: math.sqrt(q.shape[-1] / q.shape[-2])),
    ),
    Mistake(
        "wrong-size",
        "the root is taken of the hidden size, H K. Take the root of K, the head size",
        scaled(lambda q, k: math.sqrt(1 / q.shape[0])),
    ),
    Mistake(
        "wrong-size",
        "the root is taken of the number of heads. Take the root of K, the head size: the last axis of query",
        scaled(lambda q, k: math.sqrt(q.shape[-1] / q.shape[0])),
    ),
    Mistake(
        "half",
        "the code divides by K ** 1/2, which Python reads as (K ** 1) / 2. Write K ** 0.5, or math.sqrt(K)",
        scaled(lambda q, k: 2 / math.sqrt(q.shape[-1])),
    ),
    Mistake(
        "whole-root",
        "the root is rounded down to a whole number by math.isqrt, // or int. Use math.sqrt",
        scaled(lambda q, k: math.sqrt(q.shape[-1]) / math.isqrt(q.shape[-1])),
    ),
    Mistake(
        "no-root",
        "the scores are divided by K. Divide them by the square root of K",
        scaled(lambda q, k: 1 / math.sqrt(q.shape[-1])),
    ),
    Mistake("multiplied", "the scores are multiplied by sqrt(K). Divide them by it", scaled(lambda q, k: q.shape[-1])),
    Mistake("swapped", "query and key are exchanged", lambda q, k: scores(k, q)),
)


EXERCISE = Exercise(
    file="06_scores.py",
    title="how well a query matches a key, and why sqrt(K)",
    minutes=10,
    difficulty=1,
    parts=(
        Function(
            "scores",
            scores,
            (Output("scores_HTS", HTS),),
            scores_cases,
            SCORES_MISTAKES,
            hints=(
                ("Multiply query by key, with the last two axes of key exchanged: key_HSK.mT. Which axis is K?"),
                (
                    "Compute query_HTK @ key_HSK.mT / math.sqrt(query_HTK.shape[-1]). Use math.sqrt: np.sqrt of an "
                    "int is a float64, and NumPy would then make the scores float64 too."
                ),
            ),
        ),
    ),
    answer=(
        "It is sqrt(64) = 8, and sqrt(256) = 16. The standard deviation of a sum of K independent products grows as "
        "sqrt(K). After the division by it, the size of the scores does not depend on the head size. So softmax does "
        "not give almost everything to one key."
    ),
    shown=(attend,),
)

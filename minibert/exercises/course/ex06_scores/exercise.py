"""Exercise 6: how well a query and a key go together, and why sqrt(K)."""

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
        "the root is of the number of tokens; K is the head size, the last axis of query",
        scaled(lambda q, k: math.sqrt(q.shape[-1] / q.shape[-2])),
    ),
    Mistake(
        "wrong-size",
        "the root is of the hidden size, H K; it must be of the head size K alone",
        scaled(lambda q, k: math.sqrt(1 / q.shape[0])),
    ),
    Mistake(
        "wrong-size",
        "the root is of the number of heads; K is the head size, the last axis of query",
        scaled(lambda q, k: math.sqrt(q.shape[-1] / q.shape[0])),
    ),
    Mistake(
        "half",
        "the division is by K ** 1/2, which Python reads as (K ** 1) / 2; write K ** 0.5, or math.sqrt(K)",
        scaled(lambda q, k: 2 / math.sqrt(q.shape[-1])),
    ),
    Mistake(
        "whole-root",
        "the root is cut down to a whole number (math.isqrt, or // or int); take math.sqrt",
        scaled(lambda q, k: math.sqrt(q.shape[-1]) / math.isqrt(q.shape[-1])),
    ),
    Mistake("no-root", "the division is by K, not by its root", scaled(lambda q, k: 1 / math.sqrt(q.shape[-1]))),
    Mistake("multiplied", "the scores are multiplied by sqrt(K), not divided", scaled(lambda q, k: q.shape[-1])),
    Mistake("swapped", "query and key have changed places", lambda q, k: scores(k, q)),
)


EXERCISE = Exercise(
    file="06_scores.py",
    title="how well a query and a key go together, and why sqrt(K)",
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
                (
                    "A matrix product of query and key with the last two axes of key exchanged: key_HSK.mT. "
                    "Which axis is K?"
                ),
                (
                    "query_HTK @ key_HSK.mT / math.sqrt(query_HTK.shape[-1]). math.sqrt, because np.sqrt of "
                    "an int is float64, and NumPy would make the scores float64 too."
                ),
            ),
        ),
    ),
    answer=(
        "sqrt(64) = 8, and sqrt(256) = 16: the spread of a sum of K independent products grows as sqrt(K). "
        "Divided by it, scores are about as large whatever the head size, and softmax stays away from "
        "all-or-nothing."
    ),
    shown=(attend,),
)

"""Exercise 7: sharing out attention, and what is taken home."""

import math

import numpy as np

from minibert.attention import attend
from minibert.exercises.course.ex06_scores.exercise import attend_cases, scores
from minibert.exercises.course.exercise import Exercise, Function, Mistake, Output
from minibert.exercises.course.shared import HTK, HTS, broken_rows
from minibert.exercises.text import Text, t
from minibert.numerics import softmax


def attention_sums_to_one(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> Text | None:
    return broken_rows(
        outputs[1].sum(axis=-1),
        1.0,
        t("attention of [head, query] {row} sums to {got}; what a token shares out must sum to 1"),
    )


def attend_with(normalise):
    """`attend`, its attention made of the scores by `normalise`."""

    def mistake(query_HTK, key_HSK, value_HSK):
        scores_HTS = scores(query_HTK, key_HSK)
        attention_HTS = normalise(scores_HTS)
        return scores_HTS, attention_HTS, attention_HTS @ value_HSK

    return mistake


def attend_divided_late(query_HTK, key_HSK, value_HSK):
    scores_HTS, attention_HTS, context_HTK = attend(query_HTK, key_HSK, value_HSK)
    return scores_HTS * np.float32(math.sqrt(query_HTK.shape[-1])), attention_HTS, context_HTK


def attend_shifted(query_HTK, key_HSK, value_HSK):
    scores_HTS, attention_HTS, context_HTK = attend(query_HTK, key_HSK, value_HSK)
    return scores_HTS - scores_HTS.max(axis=-1, keepdims=True), attention_HTS, context_HTK


def attend_unscaled(query_HTK, key_HSK, value_HSK):
    return attend(query_HTK * np.float32(math.sqrt(query_HTK.shape[-1])), key_HSK, value_HSK)


def attend_scores_taken_home(query_HTK, key_HSK, value_HSK):
    scores_HTS, attention_HTS, _ = attend(query_HTK, key_HSK, value_HSK)
    return scores_HTS, attention_HTS, scores_HTS @ value_HSK


def attend_turned(query_HTK, key_HSK, value_HSK):
    scores_HTS, attention_HTS, _ = attend(query_HTK, key_HSK, value_HSK)
    return scores_HTS, attention_HTS, attention_HTS.mT @ value_HSK


def attend_causal(query_HTK, key_HSK, value_HSK):
    scores_HTS = scores(query_HTK, key_HSK)
    scores_HTS = np.where(np.tri(*scores_HTS.shape[-2:], dtype=bool), scores_HTS, np.float32(-np.inf))
    attention_HTS = softmax(scores_HTS)
    return scores_HTS, attention_HTS, attention_HTS @ value_HSK


ATTEND_MISTAKES = (
    Mistake(
        "wrong-axis",
        "softmax runs over the queries; a query shares out its attention over the keys, the last axis",
        attend_with(lambda s: softmax(s.mT).mT),
    ),
    Mistake(
        "wrong-axis",
        "softmax runs over the heads; a query shares out its attention over the keys, the last axis",
        attend_with(lambda s: np.moveaxis(softmax(np.moveaxis(s, 0, -1)), -1, 0)),
    ),
    Mistake("no-sqrt", "the division by sqrt(K) is missing", attend_unscaled),
    Mistake("divided-late", "attention is right, but the scores returned are not yet divided", attend_divided_late),
    Mistake(
        "scores-overwritten",
        "attention is right, but the scores returned are attention too: `/=` or out= wrote it over them",
        lambda q, k, v: (attend(q, k, v)[1], *attend(q, k, v)[1:]),
    ),
    Mistake(
        "scores-overwritten",
        "attention is right, but each row's largest number is taken off the scores returned: `-=` changes them",
        attend_shifted,
    ),
    Mistake("swapped", "query and key have changed places", lambda q, k, v: attend(k, q, v)),
    Mistake(
        "key-for-value",
        "the context is a mean of the keys; it must be one of the values",
        lambda q, k, v: attend(q, k, k),
    ),
    Mistake("turned", "attention is turned over (keys as rows) before it meets the values", attend_turned),
    Mistake("scores-for-attention", "the values are weighed with the scores, before softmax", attend_scores_taken_home),
    Mistake("no-softmax", "softmax is left out", attend_with(lambda s: s)),
    Mistake(
        "causal",
        "keys after the query are masked, as GPT does; in BERT every token sees the whole sentence",
        attend_causal,
    ),
    Mistake(
        "causal",
        "keys after the query are masked, as GPT does; in BERT every token sees the whole sentence",
        attend_with(lambda s: softmax(np.where(np.tri(*s.shape[-2:]) > 0, s, np.float32(-np.inf)))),
    ),
    Mistake("two-softmax", "softmax is applied twice", attend_with(lambda s: softmax(softmax(s)))),
)


EXERCISE = Exercise(
    file="07_attention.py",
    title="sharing out attention, and what is taken home",
    minutes=10,
    difficulty=2,
    parts=(
        Function(
            "attend",
            attend,
            (Output("scores_HTS", HTS), Output("attention_HTS", HTS), Output("context_HTK", HTK)),
            attend_cases,
            ATTEND_MISTAKES,
            hints=(
                (
                    "The first line is exercise 6. softmax from minibert works along the last axis: is that "
                    "the axis of the keys?"
                ),
                "attention = softmax(scores); context = attention @ value. Return all three, in this order.",
            ),
            laws=(attention_sums_to_one,),
        ),
    ),
    answer="The mean of all values, the same for every token: equal scores give equal shares.",
    shown=(attend,),
)

"""Exercise 7: a share for each key, and the weighted mean of the values."""

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
        t("attention of [head, query] {row} sums to {got}; each row must sum to 1"),
    )


def attend_with(normalise):
    """`attend`, with `normalise` in place of softmax."""

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
        "softmax runs over the queries. It must run over the keys, the last axis",
        attend_with(lambda s: softmax(s.mT).mT),
    ),
    Mistake(
        "wrong-axis",
        "softmax runs over the heads. It must run over the keys, the last axis",
        attend_with(lambda s: np.moveaxis(softmax(np.moveaxis(s, 0, -1)), -1, 0)),
    ),
    Mistake("no-sqrt", "the division by sqrt(K) is missing", attend_unscaled),
    Mistake(
        "divided-late", "attention is right, but the returned scores are not divided by the root", attend_divided_late
    ),
    Mistake(
        "scores-overwritten",
        "attention is right, but the returned scores are overwritten with it, by `/=` or out=. Make a new array",
        lambda q, k, v: (attend(q, k, v)[1], *attend(q, k, v)[1:]),
    ),
    Mistake(
        "scores-overwritten",
        "attention is right, but each row's maximum is subtracted from the returned scores: `-=` changes them. Make "
        "a new array",
        attend_shifted,
    ),
    Mistake("swapped", "query and key are exchanged", lambda q, k, v: attend(k, q, v)),
    Mistake(
        "key-for-value",
        "the context is a weighted mean of the keys. Use the values",
        lambda q, k, v: attend(q, k, k),
    ),
    Mistake(
        "turned",
        "attention is transposed before it is multiplied by the values. Its rows must stay the queries",
        attend_turned,
    ),
    Mistake(
        "scores-for-attention",
        "the values are weighted with the scores. Weight them with attention, after softmax",
        attend_scores_taken_home,
    ),
    Mistake("no-softmax", "softmax is missing", attend_with(lambda s: s)),
    Mistake(
        "causal",
        "keys after the query are masked, as in GPT. In BERT, every token attends to the whole sentence",
        attend_causal,
    ),
    Mistake(
        "causal",
        "keys after the query are masked, as in GPT. In BERT, every token attends to the whole sentence",
        attend_with(lambda s: softmax(np.where(np.tri(*s.shape[-2:]) > 0, s, np.float32(-np.inf)))),
    ),
    Mistake("two-softmax", "softmax is applied twice. Apply it once", attend_with(lambda s: softmax(softmax(s)))),
)


EXERCISE = Exercise(
    file="07_attention.py",
    title="a share for each key, and the weighted mean of the values",
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
                    "The first line is exercise 6. softmax from minibert works along the last axis. Is that the axis "
                    "of the keys?"
                ),
                (
                    "Compute attention = softmax(scores) and context = attention @ value. Return all three, in the "
                    "order scores, attention, context."
                ),
            ),
            laws=(attention_sums_to_one,),
        ),
    ),
    answer="It is the mean of all values, the same for every token. Equal scores give equal shares.",
    shown=(attend,),
)

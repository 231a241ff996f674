"""Exercise 1: scores become shares that sum to 1."""

import numpy as np

from minibert.exercises.course.exercise import Case, Exercise, Function, Mistake, Output
from minibert.exercises.course.shared import broken_rows
from minibert.exercises.draw import Draw
from minibert.exercises.text import Text, t
from minibert.numerics import softmax


def softmax_cases(draw: Draw) -> list[Case]:
    heads, queries, keys = draw.sizes(3)
    far = int(draw.rng.integers(300, 600))
    offsets = np.array([0, far, -far], np.float32)[:, None]
    wide = np.array([[-far, 0, far], [far, -far, 0], [0, 0, -far]], np.float32)
    about = t("scores of {heads} heads, {queries} queries and {keys} keys", heads=heads, queries=queries, keys=keys)
    return [
        Case(about, (draw.normal(heads, queries, keys, spread=2),)),
        Case(
            t("three rows, one about 0, one about {far}, one about -{far}", far=far), (draw.normal(3, keys) + offsets,)
        ),
        Case(t("rows such as (-{far}, 0, {far})", far=far), (wide,)),
    ]


def softmax_over(axis: int):
    return lambda x: np.moveaxis(softmax(np.moveaxis(x, axis, -1)), -1, axis)


def softmax_unshifted(x):
    return np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)


def softmax_one_maximum(x):
    y = np.exp(x - x.max())
    return y / y.sum(axis=-1, keepdims=True)


def softmax_over_wrong_unshifted(x):
    return np.exp(x) / np.exp(x).sum(axis=-2, keepdims=True)


def softmax_over_first_one_maximum(x):
    y = np.exp(x - x.max())
    return y / y.sum(axis=0)


def softmax_sum_elsewhere(x):
    y = np.exp(x - x.max(axis=-1, keepdims=True))
    return y / y.sum(axis=-2, keepdims=True)


def shifted_by(what):
    """softmax, with `what` of each row subtracted instead of the maximum."""

    def mistake(x):
        y = np.exp(x - what(x, axis=-1, keepdims=True))
        return y / y.sum(axis=-1, keepdims=True)

    return mistake


def rows_sum_to_one(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> Text | None:
    sums = outputs[0].sum(axis=-1)
    return broken_rows(sums, 1.0, t("row {row} sums to {got}; every row must sum to 1"))


SOFTMAX_MISTAKES = (
    Mistake("wrong-axis", "softmax runs over the wrong axis (-2, the rows) instead of the last", softmax_over(-2)),
    Mistake("wrong-axis", "softmax runs over the wrong axis (0, the first) instead of the last", softmax_over(0)),
    Mistake(
        "wrong-axis",
        "the sum runs over the wrong axis (-2, the rows) instead of the last, and the maximum is not subtracted",
        softmax_over_wrong_unshifted,
    ),
    Mistake(
        "wrong-axis",
        "the sum runs over the wrong axis (0, the first) instead of the last",
        softmax_over_first_one_maximum,
    ),
    Mistake(
        "wrong-axis",
        "each row's maximum is subtracted, but the sum runs over another axis (-2). Sum over the last axis",
        softmax_sum_elsewhere,
    ),
    *(
        Mistake(
            "not-the-largest",
            "the number subtracted from each row is not its maximum. Subtract the maximum; otherwise exp of larger "
            "numbers overflows",
            shifted_by(what),
        )
        for what in (np.min, np.mean, np.median)
    ),
    Mistake(
        "log-softmax",
        "the function returns the logarithm of the shares. Return the shares",
        lambda x: (
            x
            - x.max(axis=-1, keepdims=True)
            - np.log(np.exp(x - x.max(axis=-1, keepdims=True)).sum(axis=-1, keepdims=True))
        ),
    ),
    Mistake(
        "whole-array",
        "the sum is taken over the whole array. Take one sum for each row (axis=-1)",
        lambda x: softmax(x.ravel()).reshape(x.shape),
    ),
    Mistake(
        "overflow",
        "exp of large numbers overflows. Subtract each row's maximum first",
        softmax_unshifted,
    ),
    Mistake(
        "one-maximum",
        "the maximum of the whole array is subtracted. Subtract each row's own maximum; otherwise exp of the other "
        "rows is almost zero",
        softmax_one_maximum,
    ),
    Mistake("no-exp", "exp is missing", lambda x: x / x.sum(axis=-1, keepdims=True)),
    Mistake(
        "no-division", "the division by the row's sum is missing", lambda x: np.exp(x - x.max(axis=-1, keepdims=True))
    ),
)


EXERCISE = Exercise(
    file="01_softmax.py",
    title="scores become shares that sum to 1",
    minutes=10,
    difficulty=1,
    parts=(
        Function(
            "softmax",
            softmax,
            (Output("softmax", ("head", "row", "column")),),
            softmax_cases,
            SOFTMAX_MISTAKES,
            hints=(
                (
                    "Take exp first. Then divide each row by its own sum, with axis=-1. What does keepdims=True do "
                    "to the shape of the sum?"
                ),
                (
                    "Compute y = np.exp(x - x.max(axis=-1, keepdims=True)). Then divide y by y.sum(axis=-1, "
                    "keepdims=True). The maximum cancels in the fraction. Without it, exp(100) is too large for "
                    "float32."
                ),
            ),
            laws=(rows_sum_to_one,),
        ),
    ),
    answer=(
        "Nothing changes. exp(x + 100) = exp(x) exp(100), and exp(100) cancels in the fraction. Exercise 15 uses this."
    ),
    shown=(softmax,),
)

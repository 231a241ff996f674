"""Exercise 5: one vector per token becomes H shorter ones."""

import numpy as np

from minibert.attention import split_heads
from minibert.exercises.course.exercise import Case, Exercise, Function, Mistake, Output
from minibert.exercises.course.shared import HTK
from minibert.exercises.draw import Draw
from minibert.exercises.text import Text, t


def split_cases(draw: Draw) -> list[Case]:
    heads, tokens, head_size, _ = draw.model_sizes()
    return [
        Case(
            t(
                "{tokens} tokens of {size} numbers, for {heads} heads of size {head_size}",
                tokens=tokens,
                size=heads * head_size,
                heads=heads,
                head_size=head_size,
            ),
            (draw.normal(tokens, heads * head_size), heads),
        )
    ]


def numbers_kept(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> Text | None:
    given, got = np.sort(arguments[0], axis=None), np.sort(outputs[0], axis=None)
    if np.allclose(given, got):
        return None
    if np.isin(got, given).all():
        return t("every number of x_TD must occur once in the result, but some occur twice and others are missing")
    return t("splitting must move numbers and not change them, but the result contains numbers that are not in x_TD")


SPLIT_HEADS_MISTAKES = (
    Mistake(
        "reshape-only",
        "the array is reshaped to [H, T, K] at once, which mixes tokens. Reshape to [T, H, K], then transpose",
        lambda x_TD, heads: x_TD.reshape(heads, len(x_TD), -1),
    ),
    Mistake(
        "no-transpose",
        "the heads are split, but their axis is not in front. The shape is [T, H, K], and it must be [H, T, K]",
        lambda x_TD, heads: x_TD.reshape(len(x_TD), heads, -1),
    ),
    Mistake(
        "interleaved",
        "each head takes every H-th number. Head h must take K numbers in a row, from h K on",
        lambda x_TD, heads: x_TD.reshape(len(x_TD), -1, heads).transpose(2, 0, 1),
    ),
    Mistake(
        "all-turned",
        "the axes of tokens and of head size are exchanged. The shape is [H, K, T], and it must be [H, T, K]",
        lambda x_TD, heads: x_TD.reshape(len(x_TD), heads, -1).transpose(1, 2, 0),
    ),
    Mistake(
        "all-turned",
        ".T reverses all three axes: [K, H, T]. Exchange only the first two: .transpose(1, 0, 2)",
        lambda x_TD, heads: x_TD.reshape(len(x_TD), heads, -1).T,
    ),
    Mistake(
        "heads-for-size",
        "the number of heads is used as the head size",
        lambda x_TD, heads: x_TD.reshape(len(x_TD), -1, heads).transpose(1, 0, 2),
    ),
)


EXERCISE = Exercise(
    file="05_split_heads.py",
    title="one vector per token becomes H shorter ones",
    minutes=10,
    difficulty=2,
    parts=(
        Function(
            "split_heads",
            split_heads,
            (Output("x_HTK", HTK),),
            split_cases,
            SPLIT_HEADS_MISTAKES,
            hints=(
                (
                    "There are two steps. First cut each row into H pieces (reshape). Then move the axis of the "
                    "heads to the front (transpose)."
                ),
                "x_TD.reshape(tokens, heads, head_size).transpose(1, 0, 2)",
            ),
            laws=(numbers_kept,),
        ),
    ),
    answer=(
        "It goes to head 1, number 2, because 5 = 1 * 3 + 2: x_HTK[1, 0, 2]. A bare reshape(2, 4, 3) would put "
        "number 14 of all 24 there. That is number 2 of token 2."
    ),
    shown=(split_heads,),
)

"""Exercise 3: the bend in the feed-forward layer."""

import numpy as np

from minibert.exercises.course.exercise import Case, Exercise, Function, Mistake, Output
from minibert.exercises.draw import Draw
from minibert.exercises.text import Text, t
from minibert.numerics import erf, gelu, gelu_tanh, relu, silu


def gelu_cases(draw: Draw) -> list[Case]:
    tokens, inner = draw.sizes(2)
    return [
        Case(
            t("{tokens} tokens of {size} numbers", tokens=tokens, size=inner),
            (draw.normal(tokens, inner, spread=1.5),),
        ),
        Case(t("numbers from -4 to 4"), (np.linspace(-4, 4, 33, dtype=np.float32),)),
    ]


def gelu_differs_by_x(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> Text | None:
    x, y = arguments[0], outputs[0]
    if x.ndim > 1:
        return None
    wrong = np.flatnonzero(~np.isclose(y - y[::-1], x, atol=1e-3))
    if not len(wrong):
        return None
    return t("gelu(x) - gelu(-x) must be x, but not so at x = {x}", x=f"{x[wrong[0]]:.4g}")


GELU_MISTAKES = (
    Mistake("tanh", "GELU is approximated with tanh; BERT's own is the one with erf", gelu_tanh),
    Mistake(
        "sigmoid",
        "GELU is approximated by x sigmoid(1.702 x); BERT's own is the one with erf",
        lambda x: silu(np.float32(1.702) * x) / np.float32(1.702),
    ),
    Mistake("silu", "x is multiplied by its sigmoid: that is SiLU", silu),
    Mistake("relu", "negative numbers are cut off at 0: that is ReLU", relu),
    Mistake("no-sqrt-2", "x is not divided by sqrt(2) inside erf", lambda x: 0.5 * x * (1 + erf(x))),
    Mistake("no-sqrt-2", "x is divided by 2 inside erf, not by sqrt(2)", lambda x: 0.5 * x * (1 + erf(x / 2))),
    Mistake("no-one", "the 1 before erf is forgotten", lambda x: 0.5 * x * erf(x * np.float32(0.5**0.5))),
    Mistake(
        "brackets",
        "x/2 multiplies only the 1, and not erf: put brackets round 1 + erf(...)",
        lambda x: x / 2 * 1 + erf(x / np.float32(2**0.5)),
    ),
    Mistake(
        "brackets",
        "erf is taken of x, and the result divided by sqrt(2): the division belongs inside erf",
        lambda x: x / 2 * (1 + erf(x) / np.float32(2**0.5)),
    ),
    Mistake(
        "brackets",
        "erf is taken of x, and 1 + erf(x) divided by sqrt(2): the division belongs inside erf",
        lambda x: x / 2 * (1 + erf(x)) / np.float32(2**0.5),
    ),
    Mistake("no-half", "the factor 1/2 is forgotten", lambda x: 2 * gelu(x)),
    Mistake(
        "only-phi", "Phi(x) is returned; GELU is x times that", lambda x: 0.5 * (1 + erf(x * np.float32(0.5**0.5)))
    ),
)


EXERCISE = Exercise(
    file="03_gelu.py",
    title="the bend in the feed-forward layer",
    minutes=5,
    difficulty=1,
    parts=(
        Function(
            "gelu",
            gelu,
            (Output("gelu", ("token", "number")),),
            gelu_cases,
            GELU_MISTAKES,
            hints=(
                (
                    "erf is imported for you, and works on arrays. Divide by math.sqrt(2), not np.sqrt(2): "
                    "the latter makes float64."
                ),
                "Half of x, times one plus erf of x over the square root of two.",
            ),
            laws=(gelu_differs_by_x,),
        ),
    ),
    answer=(
        "gelu(-10) is -7.6e-23, as good as 0, and gelu(10) is 10: far from 0, GELU is ReLU. Its lowest point is "
        "-0.17, near x = -0.75."
    ),
    shown=(gelu, erf),
)

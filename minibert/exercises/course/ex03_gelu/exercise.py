"""Exercise 3: the activation between two linear maps."""

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
    return t("gelu(x) - gelu(-x) must be x, but it is not at x = {x}", x=f"{x[wrong[0]]:.4g}")


GELU_MISTAKES = (
    Mistake("tanh", "GELU is approximated with tanh. BERT uses the form with erf", gelu_tanh),
    Mistake(
        "sigmoid",
        "GELU is approximated by x sigmoid(1.702 x). BERT uses the form with erf",
        lambda x: silu(np.float32(1.702) * x) / np.float32(1.702),
    ),
    Mistake("silu", "x is multiplied by its sigmoid. This function is SiLU, not GELU", silu),
    Mistake("relu", "negative numbers become 0. This function is ReLU, not GELU", relu),
    Mistake("no-sqrt-2", "x is not divided by sqrt(2) inside erf", lambda x: 0.5 * x * (1 + erf(x))),
    Mistake("no-sqrt-2", "x is divided by 2 inside erf. Divide it by sqrt(2)", lambda x: 0.5 * x * (1 + erf(x / 2))),
    Mistake("no-one", "the 1 before erf is missing", lambda x: 0.5 * x * erf(x * np.float32(0.5**0.5))),
    Mistake(
        "brackets",
        "x/2 multiplies only the 1, not erf. Put parentheses around 1 + erf(...)",
        lambda x: x / 2 * 1 + erf(x / np.float32(2**0.5)),
    ),
    Mistake(
        "brackets",
        "erf(x) is divided by sqrt(2). Divide x inside erf",
        lambda x: x / 2 * (1 + erf(x) / np.float32(2**0.5)),
    ),
    Mistake(
        "brackets",
        "1 + erf(x) is divided by sqrt(2). Divide x inside erf",
        lambda x: x / 2 * (1 + erf(x)) / np.float32(2**0.5),
    ),
    Mistake("no-half", "the factor 1/2 is missing", lambda x: 2 * gelu(x)),
    Mistake(
        "only-phi",
        "the function returns Phi(x). GELU is x times Phi(x)",
        lambda x: 0.5 * (1 + erf(x * np.float32(0.5**0.5))),
    ),
)


EXERCISE = Exercise(
    file="03_gelu.py",
    title="the activation between two linear maps",
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
                    "erf is imported already and works on arrays. Divide by math.sqrt(2), not by np.sqrt(2), which "
                    "makes the result float64."
                ),
                "Multiply half of x by one plus erf. The argument of erf is x divided by the square root of two.",
            ),
            laws=(gelu_differs_by_x,),
        ),
    ),
    answer=(
        "gelu(-10) is -7.6e-23, which is almost 0. gelu(10) is 10. Far from 0, GELU almost equals ReLU. Its minimum "
        "is -0.17, near x = -0.75. To the left of this minimum, GELU rises again."
    ),
    shown=(gelu, erf),
)

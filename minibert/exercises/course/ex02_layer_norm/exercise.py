"""Exercise 2: every token gets the same mean and variance."""

import numpy as np

from minibert.exercises.course.exercise import Case, Exercise, Function, Mistake, Output
from minibert.exercises.course.shared import broken_rows
from minibert.exercises.draw import Draw
from minibert.exercises.text import Text, t
from minibert.numerics import layer_norm


def layer_norm_cases(draw: Draw) -> list[Case]:
    sentences, tokens, size = draw.sizes(3)
    weight, bias = draw.norm(size)
    constant = draw.normal(tokens, size)
    constant[1] = 0.5
    return [
        Case(
            t(
                "{sentences} sentences of {tokens} tokens of {size} numbers",
                sentences=sentences,
                tokens=tokens,
                size=size,
            ),
            (draw.normal(sentences, tokens, size, mean=0.7, spread=1.5), weight, bias, 1e-12),
        ),
        Case(
            t("{tokens} tokens of {size} small numbers, eps = 0.1", tokens=tokens, size=size),
            (draw.normal(tokens, size, mean=0.7, spread=0.3), weight, bias, 0.1),
        ),
        Case(
            t("{tokens} tokens, where all numbers of token 1 are equal, eps = 0.001", tokens=tokens),
            (constant, weight, bias, 1e-3),
        ),
    ]


def normed(x, mean, variance, weight, bias, eps):
    return weight * (x - mean) / np.sqrt(variance + np.float32(eps)) + bias


def layer_norm_over(axis):
    return lambda x, weight, bias, eps: normed(
        x, x.mean(axis=axis, keepdims=True), x.var(axis=axis, keepdims=True), weight, bias, eps
    )


def layer_norm_sample(x, weight, bias, eps):
    return normed(x, x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True, ddof=1), weight, bias, eps)


def layer_norm_eps_outside(x, weight, bias, eps):
    return weight * (x - x.mean(axis=-1, keepdims=True)) / (x.std(axis=-1, keepdims=True) + np.float32(eps)) + bias


def layer_norm_no_root(x, weight, bias, eps):
    return weight * (x - x.mean(axis=-1, keepdims=True)) / (x.var(axis=-1, keepdims=True) + np.float32(eps)) + bias


def layer_norm_not_centred(x, weight, bias, eps):
    return normed(x, 0, x.var(axis=-1, keepdims=True), weight, bias, eps)


def tokens_are_normed(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> Text | None:
    x, weight, bias, eps = arguments
    plain = (outputs[0] - bias) / weight
    variance = x.var(axis=-1)
    return broken_rows(
        plain.mean(axis=-1),
        0,
        t("before weight and bias are applied, the numbers of token {row} have mean {got}; the mean must be 0"),
    ) or broken_rows(
        plain.var(axis=-1),
        variance / (variance + np.float32(eps)),
        t("before weight and bias are applied, the numbers of token {row} have variance {got}; expected {want}"),
    )


def layer_norm_eps_at_the_end(x, weight, bias, eps):
    return layer_norm(x, weight, bias, 0.0) + np.float32(eps)


LAYER_NORM_MISTAKES = (
    *(
        Mistake(
            "own-eps",
            f"eps is a constant in your code, such as {own}. Use the argument eps",
            lambda x, w, b, eps, own=own: layer_norm(x, w, b, own),
        )
        for own in (1e-12, 1e-5, 1e-6, 1e-8)
    ),
    Mistake("exchanged", "weight and bias are exchanged", lambda x, w, b, eps: layer_norm(x, b, w, eps)),
    Mistake("bias-subtracted", "the bias is subtracted. Add it", lambda x, w, b, eps: layer_norm(x, w, -b, eps)),
    Mistake(
        "one-weight",
        "only the first number of weight is used. Each of the D numbers has its own weight",
        lambda x, w, b, eps: layer_norm(x, w * 0 + w[0], b, eps),
    ),
    Mistake("eps-outside", "eps is added at the very end. Add it inside the root", layer_norm_eps_at_the_end),
    Mistake(
        "sample-variance",
        "the variance is the sample variance (ddof=1, divided by n - 1). BERT uses the population variance, divided "
        "by n",
        layer_norm_sample,
    ),
    Mistake(
        "eps-outside",
        "eps is added to the standard deviation. Add it to the variance, inside the root",
        layer_norm_eps_outside,
    ),
    Mistake("no-eps", "eps is missing", lambda x, w, b, eps: layer_norm(x, w, b, 0.0)),
    Mistake(
        "wrong-axis",
        "the mean and variance are taken over the tokens (axis -2). Take them over the numbers of one token (axis -1)",
        layer_norm_over(-2),
    ),
    Mistake(
        "wrong-axis",
        "the mean and variance are taken over the whole array. Take them over the numbers of one token (axis -1)",
        layer_norm_over(None),
    ),
    Mistake("no-root", "the code divides by the variance. Divide by its square root", layer_norm_no_root),
    Mistake(
        "root-of-root",
        "the root is taken of the standard deviation, which is a root already. Take the root of the variance",
        lambda x, w, b, eps: normed(x, x.mean(axis=-1, keepdims=True), x.std(axis=-1, keepdims=True), w, b, eps),
    ),
    Mistake(
        "mean-square",
        "the variance is the mean of x squared. It must be the mean of (x - mean) squared",
        lambda x, w, b, eps: normed(
            x, x.mean(axis=-1, keepdims=True), np.square(x).mean(axis=-1, keepdims=True), w, b, eps
        ),
    ),
    Mistake("no-mean", "the mean is not subtracted", layer_norm_not_centred),
    Mistake("no-bias", "the bias is missing", lambda x, w, b, eps: layer_norm(x, w, 0 * b, eps)),
    Mistake("no-weight", "the weight is missing", lambda x, w, b, eps: layer_norm(x, w**0, b, eps)),
    Mistake(
        "not-stretched", "the weight and the bias are missing", lambda x, w, b, eps: layer_norm(x, w**0, 0 * b, eps)
    ),
    Mistake(
        "bias-first",
        "the bias is added before the multiplication: weight (y + bias). Compute weight y + bias",
        lambda x, w, b, eps: layer_norm(x, w, w * b, eps),
    ),
)


EXERCISE = Exercise(
    file="02_layer_norm.py",
    title="every token gets the same mean and variance",
    minutes=10,
    difficulty=1,
    parts=(
        Function(
            "layer_norm",
            layer_norm,
            (Output("layer_norm", ("sentence", "token", "number")),),
            layer_norm_cases,
            LAYER_NORM_MISTAKES,
            hints=(
                (
                    "x.mean(axis=-1, keepdims=True) computes one mean per token. np.var divides by n by default, "
                    "which is right here."
                ),
                (
                    "Compute centred = x - mean. Divide it by np.sqrt(variance + eps). Multiply by weight, and add "
                    "bias. eps is inside the root."
                ),
            ),
            laws=(tokens_are_normed,),
        ),
    ),
    answer=(
        "It returns the bias. A constant row minus its mean is all zeros, and 0 / sqrt(0 + eps) is 0. This is why "
        "eps is there."
    ),
    shown=(layer_norm,),
)

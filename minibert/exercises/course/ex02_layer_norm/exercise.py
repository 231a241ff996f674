"""Exercise 2: every token brought to the same mean and spread."""

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
            t("{tokens} tokens, all numbers of token 1 alike, eps = 0.001", tokens=tokens),
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
        t("with bias taken off and weight divided out again, the numbers of token {row} have mean {got}; it must be 0"),
    ) or broken_rows(
        plain.var(axis=-1),
        variance / (variance + np.float32(eps)),
        t(
            "with bias taken off and weight divided out again, the numbers of token {row} have variance {got}; "
            "expected {want}"
        ),
    )


def layer_norm_eps_at_the_end(x, weight, bias, eps):
    return layer_norm(x, weight, bias, 0.0) + np.float32(eps)


LAYER_NORM_MISTAKES = (
    *(
        Mistake(
            "own-eps",
            f"eps is a number of your own, such as {own}; use the argument",
            lambda x, w, b, eps, own=own: layer_norm(x, w, b, own),
        )
        for own in (1e-12, 1e-5, 1e-6, 1e-8)
    ),
    Mistake("exchanged", "weight and bias have changed places", lambda x, w, b, eps: layer_norm(x, b, w, eps)),
    Mistake("bias-subtracted", "the bias is subtracted; add it", lambda x, w, b, eps: layer_norm(x, w, -b, eps)),
    Mistake(
        "one-weight",
        "only the first number of weight is used; each of the D numbers has its own",
        lambda x, w, b, eps: layer_norm(x, w * 0 + w[0], b, eps),
    ),
    Mistake("eps-outside", "eps is added at the very end; it belongs inside the root", layer_norm_eps_at_the_end),
    Mistake(
        "sample-variance",
        "the variance is the sample's (ddof=1, divided by n - 1); BERT's is the population's, divided by n",
        layer_norm_sample,
    ),
    Mistake(
        "eps-outside",
        "eps is added to the standard deviation; it belongs inside the root, to the variance",
        layer_norm_eps_outside,
    ),
    Mistake("no-eps", "eps is left out", lambda x, w, b, eps: layer_norm(x, w, b, 0.0)),
    Mistake(
        "wrong-axis",
        "mean and variance are taken over the tokens (axis -2); they belong to one token's own numbers (axis -1)",
        layer_norm_over(-2),
    ),
    Mistake(
        "wrong-axis",
        "mean and variance are taken over the whole array; they belong to one token's own numbers (axis -1)",
        layer_norm_over(None),
    ),
    Mistake("no-root", "the division is by the variance; take its square root", layer_norm_no_root),
    Mistake(
        "root-of-root",
        "what stands under the root is the standard deviation, which is a root already; put the variance there",
        lambda x, w, b, eps: normed(x, x.mean(axis=-1, keepdims=True), x.std(axis=-1, keepdims=True), w, b, eps),
    ),
    Mistake(
        "mean-square",
        "the variance is the mean of x squared; it is the mean of (x - mean) squared",
        lambda x, w, b, eps: normed(
            x, x.mean(axis=-1, keepdims=True), np.square(x).mean(axis=-1, keepdims=True), w, b, eps
        ),
    ),
    Mistake("no-mean", "the mean is not taken off", layer_norm_not_centred),
    Mistake("no-bias", "the bias is forgotten", lambda x, w, b, eps: layer_norm(x, w, 0 * b, eps)),
    Mistake("no-weight", "the weight is forgotten", lambda x, w, b, eps: layer_norm(x, w**0, b, eps)),
    Mistake("not-stretched", "weight and bias are forgotten", lambda x, w, b, eps: layer_norm(x, w**0, 0 * b, eps)),
    Mistake(
        "bias-first",
        "the bias is added before the weight multiplies: weight (y + bias) instead of weight y + bias",
        lambda x, w, b, eps: layer_norm(x, w, w * b, eps),
    ),
)


EXERCISE = Exercise(
    file="02_layer_norm.py",
    title="every token brought to the same mean and spread",
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
                "x.mean(axis=-1, keepdims=True) is one mean a token. np.var divides by n unless told otherwise: good.",
                (
                    "centred = x - mean; divide by np.sqrt(variance + eps); times weight, plus bias. eps is "
                    "inside the root."
                ),
            ),
            laws=(tokens_are_normed,),
        ),
    ),
    answer=(
        "Its bias. A constant row is all zeros once its mean is off, and 0 / sqrt(0 + eps) is 0: that is what "
        "eps is for."
    ),
    shown=(layer_norm,),
)

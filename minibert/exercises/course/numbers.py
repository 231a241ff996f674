"""Exercises 1 to 4: the arithmetic, and from ids to vectors."""

import dataclasses

import numpy as np

from minibert.embeddings import embed
from minibert.exercises.draw import EPS, Draw
from minibert.exercises.exercise import Case, Exercise, Function, Mistake, Output
from minibert.exercises.language import t
from minibert.numerics import erf, gelu, gelu_tanh, layer_norm, relu, silu, softmax

# --- softmax --------------------------------------------------------------------------------------------------------


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
    """softmax, with `what` of each row taken off in place of the largest number."""

    def mistake(x):
        y = np.exp(x - what(x, axis=-1, keepdims=True))
        return y / y.sum(axis=-1, keepdims=True)

    return mistake


def rows_sum_to_one(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> str | None:
    sums = outputs[0].sum(axis=-1)
    return broken_rows(sums, 1.0, t("row {row} sums to {got}; every row must sum to 1"))


def broken_rows(got: np.ndarray, expected: np.ndarray | float, says: str) -> str | None:
    """The sentence for the first row where `got` is not `expected`, or None."""
    wrong = np.argwhere(~np.isclose(got, expected, rtol=1e-3, atol=1e-3))
    if not len(wrong):
        return None
    row = tuple(int(i) for i in wrong[0])
    want = np.broadcast_to(expected, got.shape)[row]
    return says.format(row=list(row) if len(row) != 1 else row[0], got=f"{got[row]:.4g}", want=f"{want:.4g}")


SOFTMAX_MISTAKES = (
    Mistake("wrong-axis", "softmax runs over the wrong axis (-2, the rows) instead of the last", softmax_over(-2)),
    Mistake("wrong-axis", "softmax runs over the wrong axis (0, the first) instead of the last", softmax_over(0)),
    Mistake(
        "wrong-axis",
        "the sum runs over the wrong axis (-2, the rows) instead of the last, and no largest number is taken off",
        softmax_over_wrong_unshifted,
    ),
    Mistake(
        "wrong-axis",
        "the sum runs over the wrong axis (0, the first) instead of the last",
        softmax_over_first_one_maximum,
    ),
    Mistake(
        "wrong-axis",
        "each row's own largest number is taken off, but the sum runs over another axis (-2)",
        softmax_sum_elsewhere,
    ),
    *(
        Mistake(
            "not-the-largest",
            "what is taken off each row is not its largest number: exp of what lies far above it overflows",
            shifted_by(what),
        )
        for what in (np.min, np.mean, np.median)
    ),
    Mistake(
        "log-softmax",
        "the logarithm of the shares is returned",
        lambda x: (
            x
            - x.max(axis=-1, keepdims=True)
            - np.log(np.exp(x - x.max(axis=-1, keepdims=True)).sum(axis=-1, keepdims=True))
        ),
    ),
    Mistake(
        "whole-array",
        "the sum is taken over the whole array, not row by row (axis=-1)",
        lambda x: softmax(x.ravel()).reshape(x.shape),
    ),
    Mistake(
        "overflow",
        "exp is taken of large numbers as they are: it overflows. Take each row's largest number off first",
        softmax_unshifted,
    ),
    Mistake(
        "one-maximum",
        "the largest number of the whole array is taken off, not each row's own: exp of the other rows then vanishes",
        softmax_one_maximum,
    ),
    Mistake("no-exp", "exp is forgotten", lambda x: x / x.sum(axis=-1, keepdims=True)),
    Mistake(
        "no-division", "the division by the row's sum is forgotten", lambda x: np.exp(x - x.max(axis=-1, keepdims=True))
    ),
)

SOFTMAX = Exercise(
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
                    "exp first, then divide each row by its own sum: axis=-1. What does keepdims=True do to "
                    "the shape of the sum?"
                ),
                (
                    "y = np.exp(x - x.max(axis=-1, keepdims=True)), and then y divided by y.sum(axis=-1, "
                    "keepdims=True). The maximum cancels in the fraction; without it exp(100) is more than "
                    "float32 can hold."
                ),
            ),
            laws=(rows_sum_to_one,),
        ),
    ),
    answer=(
        "Nothing changes. exp(x + 100) = exp(x) exp(100), and exp(100) cancels in the fraction. Exercise 15 "
        "lives on this."
    ),
    shown=(softmax,),
)

# --- layer norm -----------------------------------------------------------------------------------------------------


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


def tokens_are_normed(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> str | None:
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

LAYER_NORM = Exercise(
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

# --- GELU -----------------------------------------------------------------------------------------------------------


def gelu_cases(draw: Draw) -> list[Case]:
    tokens, inner = draw.sizes(2)
    return [
        Case(
            t("{tokens} tokens of {size} numbers", tokens=tokens, size=inner),
            (draw.normal(tokens, inner, spread=1.5),),
        ),
        Case(t("numbers from -4 to 4"), (np.linspace(-4, 4, 33, dtype=np.float32),)),
    ]


def gelu_differs_by_x(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> str | None:
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

GELU = Exercise(
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

# --- embeddings -----------------------------------------------------------------------------------------------------


def embed_cases(draw: Draw) -> list[Case]:
    first, second, third, size = draw.sizes(4)
    return [
        Case(
            t(
                "three sentences of {first}, {second} and {third} tokens, each with one word twice, {size} numbers per "
                "token",
                first=first,
                second=second,
                third=third,
                size=size,
            ),
            (draw.encodings(first, second, third), draw.embeddings(size), EPS),
        )
    ]


def embed_without(table: str):
    return lambda encodings, weights, eps: embed(
        encodings, weights._replace(**{table: 0 * getattr(weights, table)}), eps
    )


def embed_running_on(encodings, weights, eps):
    joined = dataclasses.replace(
        encodings[0],
        input_ids=sum((encoding.input_ids for encoding in encodings), ()),
        token_type_ids=sum((encoding.token_type_ids for encoding in encodings), ()),
    )
    room = np.concatenate([weights.position, weights.position])[: len(joined.input_ids)]
    return embed([joined], weights._replace(position=room), eps)


def embed_one_segment(encodings, weights, eps):
    return embed(encodings, weights._replace(token_type=weights.token_type[[0, 0]]), eps)


def embed_unnormed(encodings, weights, eps):
    return np.concatenate(
        [
            weights.word[list(e.input_ids)]
            + weights.position[: len(e.input_ids)]
            + weights.token_type[list(e.token_type_ids)]
            for e in encodings
        ]
    )


def embed_at(places, types=None):
    """embed, each token put at the position (and with the type) that `places(encoding)` gives."""

    def mistake(encodings, weights, eps):
        rows = [
            weights.word[list(e.input_ids)]
            + weights.position[list(places(e))]
            + weights.token_type[list(e.token_type_ids if types is None else types(i, e))]
            for i, e in enumerate(encodings)
        ]
        return layer_norm(np.concatenate(rows), *weights.norm, eps)

    return mistake


def embed_word_normed(encodings, weights, eps):
    rest = embed_unnormed(encodings, weights._replace(word=0 * weights.word), eps)
    ids = np.concatenate([e.input_ids for e in encodings])
    return layer_norm(weights.word[ids], *weights.norm, eps) + rest


EMBED_MISTAKES = (
    Mistake(
        "first-occurrence",
        "a word that stands twice gets its first position both times, as ids.index(id) gives; count the tokens instead",
        embed_at(lambda e: [e.input_ids.index(number) for number in e.input_ids]),
    ),
    Mistake(
        "from-one", "positions count from 1; the first token is at position 0", embed_at(lambda e: range(1, len(e) + 1))
    ),
    Mistake(
        "sentence-number",
        "the token type is the number of the sentence in the batch; it is what token_type_ids says",
        embed_at(lambda e: range(len(e)), lambda i, e: [i] * len(e)),
    ),
    Mistake(
        "sentence-number",
        "the token type is 0 for the first sentence of the batch and 1 for the others; it is what token_type_ids says",
        embed_at(lambda e: range(len(e)), lambda i, e: [min(i, 1)] * len(e)),
    ),
    Mistake(
        "segment-positions",
        "positions count from 0 again where the token type changes; they count through the whole sentence",
        embed_at(lambda e: [e.token_type_ids[:i].count(kind) for i, kind in enumerate(e.token_type_ids)]),
    ),
    Mistake("norm-too-early", "only the word is normed; the layer norm is taken of the sum", embed_word_normed),
    Mistake("no-position", "the position embedding is left out", embed_without("position")),
    Mistake(
        "running-positions",
        "positions count on from one sentence to the next; each sentence starts at 0 again",
        embed_running_on,
    ),
    Mistake("no-segment", "the token type embedding is left out", embed_without("token_type")),
    Mistake("one-segment", "every token gets token type 0", embed_one_segment),
    Mistake("no-word", "the word embedding is left out", embed_without("word")),
    Mistake("no-norm", "the layer norm at the end is forgotten", embed_unnormed),
    Mistake("own-eps", "eps is a number of your own; use the argument", lambda e, w, eps: embed(e, w, 1e-12)),
)

EMBEDDINGS = Exercise(
    file="04_embeddings.py",
    title="from token ids to vectors",
    minutes=15,
    difficulty=2,
    parts=(
        Function(
            "embed",
            embed,
            (Output("hidden_TD", ("token", "number")),),
            embed_cases,
            EMBED_MISTAKES,
            hints=(
                "weights.word[list(ids)] picks one row an id, all at once. np.concatenate lays sentences end to end.",
                (
                    "For each sentence: word[list(input_ids)] + position[:length] + "
                    "token_type[list(token_type_ids)]. Concatenate, then layer_norm(..., weights.norm.weight, "
                    "weights.norm.bias, eps)."
                ),
            ),
        ),
    ),
    answer=(
        "No: each word meets the vector of another place. Without the positions a shuffled sentence would give "
        "the same rows, shuffled: a bag of words."
    ),
    shown=(embed,),
)

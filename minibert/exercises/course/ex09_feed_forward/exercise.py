"""Exercise 9: each token by itself, through a wider space."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minibert.checkpoint.parameters import LayerWeights
from minibert.encoder import feed_forward_block
from minibert.exercises.course.exercise import Case, Exercise, Function, Mistake, Output
from minibert.exercises.course.shared import bias_twice, with_own_eps
from minibert.exercises.draw import Draw
from minibert.exercises.text import t
from minibert.numerics import ACTIVATIONS, gelu, layer_norm, linear


def feed_forward_cases(draw: Draw) -> list[Case]:
    heads, tokens, head_size, inner = draw.model_sizes()
    hidden_size = heads * head_size
    return [
        Case(
            t(
                "{tokens} tokens of {size} numbers, {inner} inside, hidden_act {act}",
                tokens=tokens,
                size=hidden_size,
                inner=inner,
                act=act,
            ),
            (
                draw.normal(tokens, hidden_size),
                draw.layer(hidden_size, inner),
                draw.config(heads, head_size, inner, act),
            ),
        )
        for act in ("gelu", "silu")
    ]


def fed_with(change: Callable[[Any, Any, Any, LayerWeights, float], np.ndarray]) -> Callable:
    """`feed_forward_block`, made of act, what is inside before it, and the rest by `change`."""

    def mistake(hidden_TD, weights, config):
        act, inner_TF = ACTIVATIONS[config.hidden_act], linear(hidden_TD, *weights.intermediate)
        return change(hidden_TD, act, inner_TF, weights, config.layer_norm_eps)

    return mistake


def feed_forward_pre_norm(hidden_TD, weights, config):
    normed_TD = layer_norm(hidden_TD, *weights.output_norm, config.layer_norm_eps)
    act = ACTIVATIONS[config.hidden_act]
    return hidden_TD + linear(act(linear(normed_TD, *weights.intermediate)), *weights.output)


FEED_FORWARD_BLOCK_MISTAKES = (
    Mistake(
        "residual-twice",
        "what was there before is added inside the norm and once more after it",
        fed_with(lambda h, act, i, w, eps: h + layer_norm(h + linear(act(i), *w.output), *w.output_norm, eps)),
    ),
    Mistake(
        "norm-on-residual",
        "only what was there before is normed; the norm is of the sum",
        fed_with(lambda h, act, i, w, eps: layer_norm(h, *w.output_norm, eps) + linear(act(i), *w.output)),
    ),
    Mistake(
        "no-residual",
        "the residual is forgotten: what was there before is not added",
        fed_with(lambda h, act, i, w, eps: layer_norm(linear(act(i), *w.output), *w.output_norm, eps)),
    ),
    Mistake(
        "pre-norm",
        "the norm comes first (pre-norm, as in GPT-2); BERT normalises last, after adding",
        feed_forward_pre_norm,
    ),
    Mistake(
        "residual-outside",
        "the norm is taken before the residual is added, and not after",
        fed_with(lambda h, act, i, w, eps: h + layer_norm(linear(act(i), *w.output), *w.output_norm, eps)),
    ),
    Mistake(
        "no-norm", "the layer norm is forgotten", fed_with(lambda h, act, i, w, eps: h + linear(act(i), *w.output))
    ),
    Mistake(
        "no-activation",
        "the activation between the two linear maps is forgotten; without it they are one linear map",
        fed_with(lambda h, act, i, w, eps: layer_norm(h + linear(i, *w.output), *w.output_norm, eps)),
    ),
    Mistake(
        "activation-at-the-end",
        "the activation comes after the second linear map too; it belongs between the two only",
        fed_with(lambda h, act, i, w, eps: layer_norm(h + act(linear(act(i), *w.output)), *w.output_norm, eps)),
    ),
    Mistake(
        "always-gelu",
        "GELU is used whatever config.hidden_act says; take ACTIVATIONS[config.hidden_act]",
        fed_with(lambda h, act, i, w, eps: layer_norm(h + linear(gelu(i), *w.output), *w.output_norm, eps)),
    ),
    Mistake(
        "own-eps",
        "eps is a number of your own; take config.layer_norm_eps",
        lambda h, w, c: feed_forward_block(h, w, with_own_eps(c)),
    ),
    Mistake(
        "bias-twice",
        "the bias of output is added twice; linear adds it already",
        lambda h, w, c: feed_forward_block(h, w._replace(output=bias_twice(w.output)), c),
    ),
    Mistake(
        "bias-twice",
        "the bias of intermediate is added twice; linear adds it already",
        lambda h, w, c: feed_forward_block(h, w._replace(intermediate=bias_twice(w.intermediate)), c),
    ),
    Mistake(
        "wrong-norm",
        "the layer norm's weights are attention_norm, the attention half's; this half has output_norm",
        lambda h, w, c: feed_forward_block(h, w._replace(output_norm=w.attention_norm), c),
    ),
)


EXERCISE = Exercise(
    file="09_feed_forward.py",
    title="each token by itself, through a wider space",
    minutes=10,
    difficulty=1,
    parts=(
        Function(
            "feed_forward_block",
            feed_forward_block,
            (Output("hidden_TD", ("token", "number")),),
            feed_forward_cases,
            FEED_FORWARD_BLOCK_MISTAKES,
            hints=(
                (
                    "linear out to F numbers, activation, linear back to D; add what was there; normalise. "
                    "linear(x, *weights.output) hands over weight and bias."
                ),
                (
                    "inner = ACTIVATIONS[config.hidden_act](linear(hidden, *weights.intermediate)); then "
                    "layer_norm of hidden + linear(inner, *weights.output), with *weights.output_norm and "
                    "config.layer_norm_eps."
                ),
            ),
        ),
    ),
    answer=(
        "Only row 2 changes: the feed-forward half sees one token at a time. Attention is the only place where "
        "tokens meet."
    ),
    shown=(feed_forward_block,),
)

"""Exercise 9: two linear maps work on each token alone."""

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
                "{tokens} tokens of {size} numbers, inner size {inner}, hidden_act {act}",
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
    """`feed_forward_block`, computed by `change` from act, the numbers before it, and the rest."""

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
        "the residual is added inside the layer norm and once more after it. Add it only inside",
        fed_with(lambda h, act, i, w, eps: h + layer_norm(h + linear(act(i), *w.output), *w.output_norm, eps)),
    ),
    Mistake(
        "norm-on-residual",
        "only the residual is normalised. Apply the layer norm to the sum",
        fed_with(lambda h, act, i, w, eps: layer_norm(h, *w.output_norm, eps) + linear(act(i), *w.output)),
    ),
    Mistake(
        "no-residual",
        "the residual is missing: the block's input is not added",
        fed_with(lambda h, act, i, w, eps: layer_norm(linear(act(i), *w.output), *w.output_norm, eps)),
    ),
    Mistake(
        "pre-norm",
        "the layer norm comes first (pre-norm, as in GPT-2). BERT normalises last, after the addition",
        feed_forward_pre_norm,
    ),
    Mistake(
        "residual-outside",
        "the layer norm comes before the residual is added. Apply it after that",
        fed_with(lambda h, act, i, w, eps: h + layer_norm(linear(act(i), *w.output), *w.output_norm, eps)),
    ),
    Mistake("no-norm", "the layer norm is missing", fed_with(lambda h, act, i, w, eps: h + linear(act(i), *w.output))),
    Mistake(
        "no-activation",
        "the activation between the two linear maps is missing. Without it they are one linear map",
        fed_with(lambda h, act, i, w, eps: layer_norm(h + linear(i, *w.output), *w.output_norm, eps)),
    ),
    Mistake(
        "activation-at-the-end",
        "the activation is also applied after the second linear map. Apply it only between the two",
        fed_with(lambda h, act, i, w, eps: layer_norm(h + act(linear(act(i), *w.output)), *w.output_norm, eps)),
    ),
    Mistake(
        "always-gelu",
        "GELU is used for every config.hidden_act. Use ACTIVATIONS[config.hidden_act]",
        fed_with(lambda h, act, i, w, eps: layer_norm(h + linear(gelu(i), *w.output), *w.output_norm, eps)),
    ),
    Mistake(
        "own-eps",
        "eps is a constant in your code. Use config.layer_norm_eps",
        lambda h, w, c: feed_forward_block(h, w, with_own_eps(c)),
    ),
    Mistake(
        "bias-twice",
        "the bias of output is added twice. linear adds it already",
        lambda h, w, c: feed_forward_block(h, w._replace(output=bias_twice(w.output)), c),
    ),
    Mistake(
        "bias-twice",
        "the bias of intermediate is added twice. linear adds it already",
        lambda h, w, c: feed_forward_block(h, w._replace(intermediate=bias_twice(w.intermediate)), c),
    ),
    Mistake(
        "wrong-norm",
        "the layer norm uses attention_norm, the weights of the attention block. Use output_norm",
        lambda h, w, c: feed_forward_block(h, w._replace(output_norm=w.attention_norm), c),
    ),
)


EXERCISE = Exercise(
    file="09_feed_forward.py",
    title="two linear maps work on each token alone",
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
                    "Apply linear to get F numbers, then the activation, then linear to get D again. Add the input, "
                    "then normalise. linear(x, *weights.output) passes weight and bias."
                ),
                (
                    "Compute inner = ACTIVATIONS[config.hidden_act](linear(hidden, *weights.intermediate)). Then "
                    "return the layer_norm of hidden + linear(inner, *weights.output), with *weights.output_norm and "
                    "config.layer_norm_eps."
                ),
            ),
        ),
    ),
    answer=(
        "Only row 2 changes. The feed-forward block works on one token at a time. Only attention moves information "
        "between tokens."
    ),
    shown=(feed_forward_block,),
)

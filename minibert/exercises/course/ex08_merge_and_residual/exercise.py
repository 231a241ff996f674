"""Exercise 8: merge the heads, then add the residual."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from minibert.attention import merge_heads, self_attention
from minibert.checkpoint.parameters import LayerWeights
from minibert.encoder import attention_block
from minibert.exercises.course.exercise import Case, Exercise, Function, Mistake, Output, Wrong, kind_of
from minibert.exercises.course.shared import bias_twice, with_own_eps
from minibert.exercises.draw import Draw
from minibert.exercises.text import t
from minibert.numerics import layer_norm, linear


def merge_cases(draw: Draw) -> list[Case]:
    heads, tokens, head_size, _ = draw.model_sizes()
    about = t("{heads} heads, {tokens} tokens, head size {head_size}", heads=heads, tokens=tokens, head_size=head_size)
    return [Case(about, (draw.normal(heads, tokens, head_size),))]


def block_cases(draw: Draw) -> list[Case]:
    heads, tokens, head_size, inner = draw.model_sizes()
    more = tokens + 2
    hidden_size = heads * head_size
    return [
        Case(
            t(
                "two sentences of {tokens} and {more} tokens, {heads} heads, head size {head_size}",
                tokens=tokens,
                more=more,
                heads=heads,
                head_size=head_size,
            ),
            (
                draw.normal(tokens + more, hidden_size),
                draw.rows(tokens, more),
                draw.layer(hidden_size, inner),
                draw.config(heads, head_size, inner),
            ),
        )
    ]


def hidden_and_context(arguments: tuple, value: object) -> tuple[np.ndarray, np.ndarray]:
    """(hidden_TD, parts) -> hidden_TD, and the contexts of the parts, concatenated."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        expected = "expected a pair, the new hidden_TD and the parts that self_attention returned; got {got}"
        raise Wrong(t(expected, got=kind_of(value)))
    hidden_TD, parts = value
    if isinstance(hidden_TD, list | tuple) and isinstance(parts, np.ndarray):
        raise Wrong(t("the two results are in the wrong order. Return the new hidden_TD first, then the parts"))
    try:
        context_TD = np.concatenate([part["context"] for part in parts])
    except (TypeError, KeyError, IndexError, ValueError):
        says = "the second result must be the parts, as self_attention returned them"
        raise Wrong(t(says)) from None
    return hidden_TD, context_TD


def block_with(change: Callable[[Any, Any, LayerWeights, float], np.ndarray]) -> Callable:
    """`attention_block`, whose new hidden_TD is computed by `change(hidden_TD, context_TD, weights, eps)`."""

    def mistake(hidden_TD, sentences, weights, config):
        parts = self_attention(hidden_TD, sentences, weights.attention, config.num_attention_heads)
        context_TD = np.concatenate([part["context"] for part in parts])
        return change(hidden_TD, context_TD, weights, config.layer_norm_eps), parts

    return mistake


def block_pre_norm(hidden_TD, sentences, weights, config):
    normed_TD = layer_norm(hidden_TD, *weights.attention_norm, config.layer_norm_eps)
    parts = self_attention(normed_TD, sentences, weights.attention, config.num_attention_heads)
    return hidden_TD + linear(np.concatenate([p["context"] for p in parts]), *weights.attention_output), parts


MERGE_HEADS_MISTAKES = (
    Mistake(
        "reshape-only",
        "the array is reshaped before the tokens are in front, which mixes heads of different tokens. Transpose first",
        lambda x_HTK: x_HTK.reshape(x_HTK.shape[1], -1),
    ),
    Mistake(
        "interleaved",
        "the result takes one number of each head in turn. Keep the K numbers of each head together",
        lambda x_HTK: x_HTK.transpose(1, 2, 0).reshape(x_HTK.shape[1], -1),
    ),
    Mistake(
        "no-reshape",
        "the tokens are in front, but the heads are not merged. The shape is [T, H, K], and it must be [T, H K]",
        lambda x_HTK: x_HTK.transpose(1, 0, 2),
    ),
    Mistake(
        "all-turned",
        "the tokens of each head are merged: [H, T K]. Merge the heads of each token: [T, H K]",
        lambda x_HTK: x_HTK.reshape(len(x_HTK), -1),
    ),
)


ATTENTION_BLOCK_MISTAKES = (
    Mistake(
        "residual-twice",
        "the residual is added inside the layer norm and once more after it. Add it only inside",
        block_with(lambda h, c, w, eps: h + layer_norm(h + linear(c, *w.attention_output), *w.attention_norm, eps)),
    ),
    Mistake(
        "norm-on-residual",
        "only the residual is normalised. Apply the layer norm to the sum",
        block_with(lambda h, c, w, eps: layer_norm(h, *w.attention_norm, eps) + linear(c, *w.attention_output)),
    ),
    Mistake(
        "no-bias",
        "the bias of attention_output is missing",
        block_with(lambda h, c, w, eps: layer_norm(h + c @ w.attention_output.weight.T, *w.attention_norm, eps)),
    ),
    Mistake(
        "no-residual",
        "the residual is missing: the block's input is not added",
        block_with(lambda h, c, w, eps: layer_norm(linear(c, *w.attention_output), *w.attention_norm, eps)),
    ),
    Mistake(
        "pre-norm",
        "the layer norm comes first (pre-norm, as in GPT-2). BERT normalises last, after the addition",
        block_pre_norm,
    ),
    Mistake(
        "residual-outside",
        "the layer norm comes before the residual is added. Apply it after that",
        block_with(lambda h, c, w, eps: h + layer_norm(linear(c, *w.attention_output), *w.attention_norm, eps)),
    ),
    Mistake(
        "no-norm", "the layer norm is missing", block_with(lambda h, c, w, eps: h + linear(c, *w.attention_output))
    ),
    Mistake(
        "bias-twice",
        "the bias of attention_output is added twice. linear adds it already",
        lambda h, s, w, c: attention_block(h, s, w._replace(attention_output=bias_twice(w.attention_output)), c),
    ),
    Mistake(
        "no-projection",
        "attention_output is missing: the context is added directly",
        block_with(lambda h, c, w, eps: layer_norm(h + c, *w.attention_norm, eps)),
    ),
    Mistake(
        "wrong-norm",
        "the layer norm uses output_norm, the weights of the feed-forward block. Use attention_norm",
        lambda h, s, w, c: attention_block(h, s, w._replace(attention_norm=w.output_norm), c),
    ),
    Mistake(
        "own-eps",
        "eps is a constant in your code. Use config.layer_norm_eps",
        lambda h, s, w, c: attention_block(h, s, w, with_own_eps(c)),
    ),
    Mistake(
        "wrong-heads",
        "self_attention gets another number of heads. Pass config.num_attention_heads",
        lambda h, s, w, c: attention_block(
            h, s, w, dataclasses.replace(c, num_attention_heads=c.hidden_size // c.num_attention_heads)
        ),
    ),
    Mistake(
        "weight-turned",
        "the context is multiplied by the weight without a transpose. linear transposes the weight, which has one "
        "row per output",
        lambda h, s, w, c: attention_block(
            h, s, w._replace(attention_output=w.attention_output._replace(weight=w.attention_output.weight.T)), c
        ),
    ),
    Mistake(
        "one-sentence",
        "self_attention treats all tokens as one sentence. Pass it `sentences`",
        lambda h, s, w, c: attention_block(h, [slice(0, len(h))], w, c),
    ),
)


EXERCISE = Exercise(
    file="08_merge_and_residual.py",
    title="merge the heads, then add the residual",
    minutes=20,
    difficulty=2,
    parts=(
        Function(
            "merge_heads",
            merge_heads,
            (Output("x_TD", ("token", "number")),),
            merge_cases,
            MERGE_HEADS_MISTAKES,
            hints=(
                "merge_heads is the inverse of split_heads: transpose, then reshape.",
                "x_HTK.transpose(1, 0, 2).reshape(tokens, heads * head_size)",
            ),
        ),
        Function(
            "attention_block",
            attention_block,
            (Output("hidden_TD", ("token", "number")), Output("context in the parts", ("token", "number"))),
            block_cases,
            ATTENTION_BLOCK_MISTAKES,
            hints=(
                (
                    'self_attention returns one dict per sentence. Put their "context" arrays one below another: '
                    "they then have as many rows as hidden_TD."
                ),
                (
                    'Compute context = np.concatenate([part["context"] for part in parts]). Then compute '
                    "layer_norm(hidden + linear(context, *weights.attention_output), *weights.attention_norm, "
                    "config.layer_norm_eps). Return that and parts."
                ),
            ),
            look=hidden_and_context,
        ),
    ),
    answer=(
        "It returns layer_norm(hidden), because the residual connection keeps the input. So a layer can add little "
        "or nothing, and the results of earlier layers are not lost."
    ),
    shown=(merge_heads, attention_block),
)

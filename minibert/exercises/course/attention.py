"""Exercises 5 to 8: attention, from splitting heads to the residual."""

import dataclasses
import math

import numpy as np

from minibert.attention import attend, merge_heads, self_attention, split_heads
from minibert.encoder import attention_block
from minibert.exercises.course.numbers import broken_rows
from minibert.exercises.draw import Draw
from minibert.exercises.exercise import Case, Exercise, Function, Mistake, Output, Wrong
from minibert.exercises.language import t
from minibert.exercises.transport import kind_of
from minibert.numerics import layer_norm, linear, softmax

HTK = ("head", "token", "number")
HTS = ("head", "query", "key")

# --- split heads ----------------------------------------------------------------------------------------------------


def split_cases(draw: Draw) -> list[Case]:
    heads, tokens, head_size, _ = draw.model_sizes()
    return [
        Case(
            t(
                "{tokens} tokens of {size} numbers, for {heads} heads of {head_size}",
                tokens=tokens,
                size=heads * head_size,
                heads=heads,
                head_size=head_size,
            ),
            (draw.normal(tokens, heads * head_size), heads),
        )
    ]


def numbers_kept(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> str | None:
    given, got = np.sort(arguments[0], axis=None), np.sort(outputs[0], axis=None)
    if np.allclose(given, got):
        return None
    if np.isin(got, given).all():
        return t("every number of x_TD must come out once; here some come out twice, and others are missing")
    return t("splitting must move numbers, not change them; here are numbers that are not in x_TD")


SPLIT_HEADS_MISTAKES = (
    Mistake(
        "reshape-only",
        "the array is reshaped to [H, T, K] at once: that cuts between tokens. Reshape to [T, H, K], then transpose",
        lambda x_TD, heads: x_TD.reshape(heads, len(x_TD), -1),
    ),
    Mistake(
        "no-transpose",
        "the heads are split off but not brought to the front: [T, H, K] instead of [H, T, K]",
        lambda x_TD, heads: x_TD.reshape(len(x_TD), heads, -1),
    ),
    Mistake(
        "interleaved",
        "the heads take turns (every H-th number); head h is K numbers in a row, from h K on",
        lambda x_TD, heads: x_TD.reshape(len(x_TD), -1, heads).transpose(2, 0, 1),
    ),
    Mistake(
        "all-turned",
        "tokens and numbers of a head change places: [H, K, T] instead of [H, T, K]",
        lambda x_TD, heads: x_TD.reshape(len(x_TD), heads, -1).transpose(1, 2, 0),
    ),
    Mistake(
        "all-turned",
        ".T turns all three axes round, [K, H, T]; only the first two change places: .transpose(1, 0, 2)",
        lambda x_TD, heads: x_TD.reshape(len(x_TD), heads, -1).T,
    ),
    Mistake(
        "heads-for-size",
        "the number of heads is taken for the size of a head",
        lambda x_TD, heads: x_TD.reshape(len(x_TD), -1, heads).transpose(1, 0, 2),
    ),
)

SPLIT_HEADS = Exercise(
    file="05_split_heads.py",
    title="one vector a token becomes H short ones",
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
                    "Two steps: first cut each row into H pieces (reshape), then bring the axis of heads to "
                    "the front (transpose)."
                ),
                "x_TD.reshape(tokens, heads, head_size).transpose(1, 0, 2)",
            ),
            laws=(numbers_kept,),
        ),
    ),
    answer=(
        "To head 1, number 2 (5 = 1 * 3 + 2): x_HTK[1, 0, 2]. A bare reshape(2, 4, 3) would put number 14 of all "
        "24 there, which is number 2 of token 2."
    ),
    shown=(split_heads,),
)

# --- scores ---------------------------------------------------------------------------------------------------------


def attend_cases(draw: Draw) -> list[Case]:
    cases = []
    for square in (True, False):
        heads, queries, head_size, keys = draw.sizes(4)
        keys = queries if square else keys
        about = "{heads} heads, {queries} queries, {keys} keys, head size {head_size}"
        about = t(about, heads=heads, queries=queries, keys=keys, head_size=head_size)
        cases.append(Case(about, draw.query_key_value(heads, queries, keys, head_size)))
    return cases


def scores_cases(draw: Draw) -> list[Case]:
    return [Case(case.about, case.arguments[:2]) for case in attend_cases(draw)]


def scores(query_HTK: np.ndarray, key_HSK: np.ndarray) -> np.ndarray:
    return attend(query_HTK, key_HSK, key_HSK)[0]


def scaled(factor):
    """Scores with sqrt(K) replaced by sqrt(K) / factor(query, key)."""
    return lambda query_HTK, key_HSK: scores(query_HTK, key_HSK) * np.float32(factor(query_HTK, key_HSK))


SCORES_MISTAKES = (
    Mistake("no-sqrt", "the division by sqrt(K) is missing", scaled(lambda q, k: math.sqrt(q.shape[-1]))),
    Mistake(
        "wrong-size",
        "the root is of the number of tokens; K is the head size, the last axis of query",
        scaled(lambda q, k: math.sqrt(q.shape[-1] / q.shape[-2])),
    ),
    Mistake(
        "wrong-size",
        "the root is of the hidden size, H K; it must be of the head size K alone",
        scaled(lambda q, k: math.sqrt(1 / q.shape[0])),
    ),
    Mistake(
        "wrong-size",
        "the root is of the number of heads; K is the head size, the last axis of query",
        scaled(lambda q, k: math.sqrt(q.shape[-1] / q.shape[0])),
    ),
    Mistake(
        "half",
        "the division is by K ** 1/2, which Python reads as (K ** 1) / 2; write K ** 0.5, or math.sqrt(K)",
        scaled(lambda q, k: 2 / math.sqrt(q.shape[-1])),
    ),
    Mistake(
        "whole-root",
        "the root is cut down to a whole number (math.isqrt, or // or int); take math.sqrt",
        scaled(lambda q, k: math.sqrt(q.shape[-1]) / math.isqrt(q.shape[-1])),
    ),
    Mistake("no-root", "the division is by K, not by its root", scaled(lambda q, k: 1 / math.sqrt(q.shape[-1]))),
    Mistake("multiplied", "the scores are multiplied by sqrt(K), not divided", scaled(lambda q, k: q.shape[-1])),
    Mistake("swapped", "query and key have changed places", lambda q, k: scores(k, q)),
)

SCORES = Exercise(
    file="06_scores.py",
    title="how well a query and a key go together, and why sqrt(K)",
    minutes=10,
    difficulty=1,
    parts=(
        Function(
            "scores",
            scores,
            (Output("scores_HTS", HTS),),
            scores_cases,
            SCORES_MISTAKES,
            hints=(
                (
                    "A matrix product of query and key with the last two axes of key exchanged: key_HSK.mT. "
                    "Which axis is K?"
                ),
                (
                    "query_HTK @ key_HSK.mT / math.sqrt(query_HTK.shape[-1]). math.sqrt, because np.sqrt of "
                    "an int is float64, and NumPy would make the scores float64 too."
                ),
            ),
        ),
    ),
    answer=(
        "sqrt(64) = 8, and sqrt(256) = 16: the spread of a sum of K independent products grows as sqrt(K). "
        "Divided by it, scores are about as large whatever the head size, and softmax stays away from "
        "all-or-nothing."
    ),
    shown=(attend,),
)

# --- attention ------------------------------------------------------------------------------------------------------


def attention_sums_to_one(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> str | None:
    return broken_rows(
        outputs[1].sum(axis=-1),
        1.0,
        t("attention of [head, query] {row} sums to {got}; what a token shares out must sum to 1"),
    )


def attend_with(normalise):
    """`attend`, its attention made of the scores by `normalise`."""

    def mistake(query_HTK, key_HSK, value_HSK):
        scores_HTS = scores(query_HTK, key_HSK)
        attention_HTS = normalise(scores_HTS)
        return scores_HTS, attention_HTS, attention_HTS @ value_HSK

    return mistake


def attend_divided_late(query_HTK, key_HSK, value_HSK):
    scores_HTS, attention_HTS, context_HTK = attend(query_HTK, key_HSK, value_HSK)
    return scores_HTS * np.float32(math.sqrt(query_HTK.shape[-1])), attention_HTS, context_HTK


def attend_shifted(query_HTK, key_HSK, value_HSK):
    scores_HTS, attention_HTS, context_HTK = attend(query_HTK, key_HSK, value_HSK)
    return scores_HTS - scores_HTS.max(axis=-1, keepdims=True), attention_HTS, context_HTK


def attend_unscaled(query_HTK, key_HSK, value_HSK):
    return attend(query_HTK * np.float32(math.sqrt(query_HTK.shape[-1])), key_HSK, value_HSK)


def attend_scores_taken_home(query_HTK, key_HSK, value_HSK):
    scores_HTS, attention_HTS, _ = attend(query_HTK, key_HSK, value_HSK)
    return scores_HTS, attention_HTS, scores_HTS @ value_HSK


def attend_turned(query_HTK, key_HSK, value_HSK):
    scores_HTS, attention_HTS, _ = attend(query_HTK, key_HSK, value_HSK)
    return scores_HTS, attention_HTS, attention_HTS.mT @ value_HSK


def attend_causal(query_HTK, key_HSK, value_HSK):
    scores_HTS = scores(query_HTK, key_HSK)
    scores_HTS = np.where(np.tri(*scores_HTS.shape[-2:], dtype=bool), scores_HTS, np.float32(-np.inf))
    attention_HTS = softmax(scores_HTS)
    return scores_HTS, attention_HTS, attention_HTS @ value_HSK


ATTEND_MISTAKES = (
    Mistake(
        "wrong-axis",
        "softmax runs over the queries; a query shares out its attention over the keys, the last axis",
        attend_with(lambda s: softmax(s.mT).mT),
    ),
    Mistake(
        "wrong-axis",
        "softmax runs over the heads; a query shares out its attention over the keys, the last axis",
        attend_with(lambda s: np.moveaxis(softmax(np.moveaxis(s, 0, -1)), -1, 0)),
    ),
    Mistake("no-sqrt", "the division by sqrt(K) is missing", attend_unscaled),
    Mistake("divided-late", "attention is right, but the scores returned are not yet divided", attend_divided_late),
    Mistake(
        "scores-overwritten",
        "attention is right, but the scores returned are attention too: `/=` or out= wrote it over them",
        lambda q, k, v: (attend(q, k, v)[1], *attend(q, k, v)[1:]),
    ),
    Mistake(
        "scores-overwritten",
        "attention is right, but each row's largest number is taken off the scores returned: `-=` changes them",
        attend_shifted,
    ),
    Mistake("swapped", "query and key have changed places", lambda q, k, v: attend(k, q, v)),
    Mistake(
        "key-for-value",
        "the context is a mean of the keys; it must be one of the values",
        lambda q, k, v: attend(q, k, k),
    ),
    Mistake("turned", "attention is turned over (keys as rows) before it meets the values", attend_turned),
    Mistake("scores-for-attention", "the values are weighed with the scores, before softmax", attend_scores_taken_home),
    Mistake("no-softmax", "softmax is left out", attend_with(lambda s: s)),
    Mistake(
        "causal",
        "keys after the query are masked, as GPT does; in BERT every token sees the whole sentence",
        attend_causal,
    ),
    Mistake(
        "causal",
        "keys after the query are masked, as GPT does; in BERT every token sees the whole sentence",
        attend_with(lambda s: softmax(np.where(np.tri(*s.shape[-2:], dtype=bool), s, np.float32(-np.inf)))),
    ),
    Mistake("two-softmax", "softmax is applied twice", attend_with(lambda s: softmax(softmax(s)))),
)

ATTENTION = Exercise(
    file="07_attention.py",
    title="sharing out attention, and what is taken home",
    minutes=10,
    difficulty=2,
    parts=(
        Function(
            "attend",
            attend,
            (Output("scores_HTS", HTS), Output("attention_HTS", HTS), Output("context_HTK", HTK)),
            attend_cases,
            ATTEND_MISTAKES,
            hints=(
                (
                    "The first line is exercise 6. softmax from minibert works along the last axis: is that "
                    "the axis of the keys?"
                ),
                "attention = softmax(scores); context = attention @ value. Return all three, in this order.",
            ),
            laws=(attention_sums_to_one,),
        ),
    ),
    answer="The mean of all values, the same for every token: equal scores give equal shares.",
    shown=(attend,),
)

# --- merge heads, and the residual ----------------------------------------------------------------------------------


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
    """(hidden_TD, parts) -> hidden_TD, and the contexts of the parts end to end."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        expected = "expected a pair, the new hidden_TD and the parts that self_attention gave; got {got}"
        raise Wrong(t(expected, got=kind_of(value)))
    hidden_TD, parts = value
    if isinstance(hidden_TD, list | tuple) and isinstance(parts, np.ndarray):
        raise Wrong(t("the two things are in the wrong order; return the new hidden_TD first, then the parts"))
    try:
        context_TD = np.concatenate([part["context"] for part in parts])
    except (TypeError, KeyError, IndexError, ValueError):
        says = "the second thing returned must be the parts, just as self_attention gave them"
        raise Wrong(t(says)) from None
    return hidden_TD, context_TD


def block_with(change):
    """`attention_block`, its new hidden_TD made by `change(hidden_TD, context_TD, weights, eps)`."""

    def mistake(hidden_TD, sentences, weights, config):
        parts = self_attention(hidden_TD, sentences, weights.attention, config.num_attention_heads)
        context_TD = np.concatenate([part["context"] for part in parts])
        return change(hidden_TD, context_TD, weights, config.layer_norm_eps), parts

    return mistake


def block_pre_norm(hidden_TD, sentences, weights, config):
    normed_TD = layer_norm(hidden_TD, *weights.attention_norm, config.layer_norm_eps)
    parts = self_attention(normed_TD, sentences, weights.attention, config.num_attention_heads)
    return hidden_TD + linear(np.concatenate([p["context"] for p in parts]), *weights.attention_output), parts


def with_own_eps(config):
    return dataclasses.replace(config, layer_norm_eps=1e-12)


def bias_twice(weights):
    return weights._replace(bias=2 * weights.bias)


MERGE_HEADS_MISTAKES = (
    Mistake(
        "reshape-only",
        "the array is reshaped without bringing the tokens to the front first: that glues heads of different tokens "
        "together",
        lambda x_HTK: x_HTK.reshape(x_HTK.shape[1], -1),
    ),
    Mistake(
        "interleaved",
        "the heads take turns number by number; each head's K numbers must stay together",
        lambda x_HTK: x_HTK.transpose(1, 2, 0).reshape(x_HTK.shape[1], -1),
    ),
    Mistake(
        "no-reshape",
        "the tokens are in front, but the heads are not yet side by side: [T, H, K] instead of [T, H K]",
        lambda x_HTK: x_HTK.transpose(1, 0, 2),
    ),
    Mistake(
        "all-turned",
        "each head's tokens are glued together, [H, T K]; it is each token's heads that belong together, [T, H K]",
        lambda x_HTK: x_HTK.reshape(len(x_HTK), -1),
    ),
)

ATTENTION_BLOCK_MISTAKES = (
    Mistake(
        "residual-twice",
        "what was there before is added inside the norm and once more after it",
        block_with(lambda h, c, w, eps: h + layer_norm(h + linear(c, *w.attention_output), *w.attention_norm, eps)),
    ),
    Mistake(
        "norm-on-residual",
        "only what was there before is normed; the norm is of the sum",
        block_with(lambda h, c, w, eps: layer_norm(h, *w.attention_norm, eps) + linear(c, *w.attention_output)),
    ),
    Mistake(
        "no-bias",
        "the bias of attention_output is forgotten",
        block_with(lambda h, c, w, eps: layer_norm(h + c @ w.attention_output.weight.T, *w.attention_norm, eps)),
    ),
    Mistake(
        "no-residual",
        "the residual is forgotten: what was there before is not added",
        block_with(lambda h, c, w, eps: layer_norm(linear(c, *w.attention_output), *w.attention_norm, eps)),
    ),
    Mistake(
        "pre-norm", "the norm comes first (pre-norm, as in GPT-2); BERT normalises last, after adding", block_pre_norm
    ),
    Mistake(
        "residual-outside",
        "the norm is taken before the residual is added, and not after",
        block_with(lambda h, c, w, eps: h + layer_norm(linear(c, *w.attention_output), *w.attention_norm, eps)),
    ),
    Mistake(
        "no-norm", "the layer norm is forgotten", block_with(lambda h, c, w, eps: h + linear(c, *w.attention_output))
    ),
    Mistake(
        "bias-twice",
        "the bias of attention_output is added twice; linear adds it already",
        lambda h, s, w, c: attention_block(h, s, w._replace(attention_output=bias_twice(w.attention_output)), c),
    ),
    Mistake(
        "no-projection",
        "attention_output is left out: the context is added as it is",
        block_with(lambda h, c, w, eps: layer_norm(h + c, *w.attention_norm, eps)),
    ),
    Mistake(
        "wrong-norm",
        "the layer norm's weights are output_norm, the feed-forward half's; this half has attention_norm",
        lambda h, s, w, c: attention_block(h, s, w._replace(attention_norm=w.output_norm), c),
    ),
    Mistake(
        "own-eps",
        "eps is a number of your own; take config.layer_norm_eps",
        lambda h, s, w, c: attention_block(h, s, w, with_own_eps(c)),
    ),
    Mistake(
        "wrong-heads",
        "self_attention is given another number of heads; it is config.num_attention_heads",
        lambda h, s, w, c: attention_block(
            h, s, w, dataclasses.replace(c, num_attention_heads=c.hidden_size // c.num_attention_heads)
        ),
    ),
    Mistake(
        "weight-turned",
        "the context meets the weight as it is; linear takes its transpose, for the weight has a row an output",
        lambda h, s, w, c: attention_block(
            h, s, w._replace(attention_output=w.attention_output._replace(weight=w.attention_output.weight.T)), c
        ),
    ),
    Mistake(
        "one-sentence",
        "all tokens are one sentence to self_attention: pass it `sentences`",
        lambda h, s, w, c: attention_block(h, [slice(0, len(h))], w, c),
    ),
)

MERGE = Exercise(
    file="08_merge_and_residual.py",
    title="the heads side by side again, added to what was there",
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
                "merge_heads is split_heads backwards: transpose, then reshape.",
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
                    'self_attention gives one dict per sentence. Their "context" arrays, end to end, have as '
                    "many rows as hidden_TD."
                ),
                (
                    'context = np.concatenate([part["context"] for part in parts]), then layer_norm(hidden + '
                    "linear(context, *weights.attention_output), *weights.attention_norm, "
                    "config.layer_norm_eps). Return that and parts."
                ),
            ),
            look=hidden_and_context,
        ),
    ),
    answer=(
        "They leave the block as layer_norm(hidden): what was there is kept. The residual lets a layer add "
        "little, or nothing, without losing what earlier layers found."
    ),
    shown=(merge_heads, attention_block),
)

"""Exercise 17: find the head that attends to the previous token."""

import numpy as np

from minibert.exercises.course.exercise import Case, Exercise, Finding, Function, Mistake, Output
from minibert.exercises.course.shared import LH, called, head_of, models, some_sentences
from minibert.exercises.draw import Draw, model
from minibert.exercises.material import sentences
from minibert.exercises.text import Text, t
from minibert.model import Bert


def previous_token_attention(bert: Bert, texts: list[str]) -> np.ndarray:
    """The attention of a token to the token before it, averaged over all tokens that have one -> [L, H]."""
    rows = [
        np.stack([layer.attention for layer in trace.layers]).diagonal(offset=-1, axis1=-2, axis2=-1)
        for trace in bert.batch(texts, keep=("attention",))
    ]
    return np.concatenate(rows, axis=-1).mean(axis=-1)


def previous_token_cases(draw: Draw) -> list[Case]:
    return [
        Case(t("{model} and {count} sentences", model=called(bert), count=count), (bert, some_sentences(draw, count)))
        for bert, count in models(draw)
    ]


def diagonal_mean(offset=-1, array="attention", average=np.mean):
    """The measurement on another diagonal, of another array, or averaged otherwise."""

    def mistake(bert, texts):
        traces = bert.batch(texts, keep=("attention", "scores"))
        rows = [
            np.stack([getattr(layer, array) for layer in trace.layers]).diagonal(offset=offset, axis1=-2, axis2=-1)
            for trace in traces
        ]
        return average(np.concatenate(rows, axis=-1), axis=-1)

    return mistake


def mean_of_means(bert, texts):
    return np.mean([previous_token_attention(bert, [text]) for text in texts], axis=0)


def first_token_counted(bert, texts):
    lengths = [len(bert.encode(text)) for text in texts]
    return previous_token_attention(bert, texts) * np.float32(1 - len(lengths) / sum(lengths))


def previous_token_answer() -> Text:
    table_LH = previous_token_attention(model("tiny"), sentences())
    layer, head = head_of(table_LH)
    by_layer = ", ".join(f"{share:.2f}" for share in table_LH.max(axis=1))
    return t(
        "It is layer {layer}, head {head}. Over the sentences of the course, it gives {share} of its attention to "
        "the previous token. The mean over all heads is {mean}. The largest values in the layers, from the first to "
        "the last, are: {by_layer}.",
        layer=layer,
        head=head,
        share=f"{table_LH[layer, head]:.2f}",
        mean=f"{table_LH.mean():.2f}",
        by_layer=by_layer,
    )


def diagonals_with(change):
    """The measurement, each sentence's diagonals [L, H, tokens - 1] changed first; `change` gets the attention too."""

    def mistake(bert, texts):
        rows = []
        for trace in bert.batch(texts, keep=("attention",)):
            attention = np.stack([layer.attention for layer in trace.layers])
            rows.append(change(attention.diagonal(offset=-1, axis1=-2, axis2=-1), attention))
        return np.concatenate(rows, axis=-1).mean(axis=-1)

    return mistake


PREVIOUS_TOKEN_ATTENTION_MISTAKES = (
    Mistake(
        "wraps-round",
        "the first token is counted as well: attention[0, -1] is the last column, because -1 counts from the end",
        diagonals_with(lambda rows, attention: np.concatenate([attention[..., 0, -1:], rows], axis=-1)),
    ),
    Mistake(
        "pair-left-out",
        "the first pair of each sentence is missing: token 1 has token 0 before it",
        diagonals_with(lambda rows, attention: rows[..., 1:]),
    ),
    Mistake(
        "pair-left-out",
        "the last token of each sentence is missing",
        diagonals_with(lambda rows, attention: rows[..., :-1]),
    ),
    Mistake(
        "one-sentence",
        "only the first sentence is measured. Is there a `return` inside the loop?",
        lambda bert, texts: previous_token_attention(bert, texts[:1]),
    ),
    Mistake(
        "one-sentence",
        "only the last sentence is measured. Each round of the loop overwrites the round before",
        lambda bert, texts: previous_token_attention(bert, texts[-1:]),
    ),
    Mistake(
        "turned",
        "the result has the shape [heads, layers]. It must be [layers, heads]",
        lambda bert, texts: previous_token_attention(bert, texts).T,
    ),
    Mistake(
        "next-token",
        "attention to the next token is measured. Rows are queries, and columns are keys",
        diagonal_mean(1),
    ),
    Mistake("same-token", "attention of each token to itself is measured", diagonal_mean(0)),
    Mistake("two-back", "attention to the token two places back is measured", diagonal_mean(-2)),
    Mistake("scores", "the scores are measured. Use attention, after softmax", diagonal_mean(-1, "scores")),
    Mistake("sum", "the sum over the tokens is returned. Divide it by their number", diagonal_mean(average=np.sum)),
    Mistake(
        "mean-of-means",
        "each sentence has the same weight. Each token must have the same weight",
        mean_of_means,
    ),
    Mistake(
        "first-token-counted",
        "the sum is divided by the number of all tokens. The first token of each sentence has no token before it",
        first_token_counted,
    ),
)


EXERCISE = Exercise(
    file="17_previous_token_head.py",
    title="find the head that attends to the previous token",
    minutes=15,
    difficulty=2,
    parts=(
        Function(
            "previous_token_attention",
            previous_token_attention,
            (Output("measurement", LH),),
            previous_token_cases,
            PREVIOUS_TOKEN_ATTENTION_MISTAKES,
            hints=(
                (
                    "For one sentence, np.diagonal with offset=-1 returns attention[h, t, t - 1] for t = 1, 2, .... "
                    "Pass it the last two axes as axis1 and axis2."
                ),
                (
                    "Collect the diagonals of all sentences in one list, as arrays [L, H, tokens - 1]. Use "
                    "np.concatenate(..., axis=-1), then the mean over the last axis. Then run the file, and write "
                    "down the layer and head of the largest number."
                ),
            ),
        ),
        Finding(
            "PREVIOUS_TOKEN_HEAD",
            lambda: previous_token_attention(model("tiny"), sentences()),
            "attention to the previous token",
        ),
    ),
    answer=previous_token_answer,
    shown=(previous_token_attention,),
)

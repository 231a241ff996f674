"""Exercise 25: parked attention."""

from collections.abc import Callable

import numpy as np

from minibert.exercises.course.exercise import Case, Exercise, Finding, Function, Mistake, Output
from minibert.exercises.course.shared import LH, called, head_of, models, some_sentences
from minibert.exercises.draw import Draw, model
from minibert.exercises.material import sentences
from minibert.exercises.text import Text, t
from minibert.model import Bert
from minibert.trace import Trace
from viz.measures.parking import parking

Lists = list[np.ndarray]


def ones(bert: Bert, trace: Trace) -> np.ndarray:
    """Every key counts the same: [L, H, 1, S]."""
    return np.ones((bert.config.num_hidden_layers, bert.config.num_attention_heads, 1, len(trace.tokens)))


def moved_lengths(bert: Bert, trace: Trace) -> np.ndarray:
    """|W_h value(s)|: [L, H, 1, S]."""
    found = []
    for layer, weights in zip(trace.layers, bert.weights.layers, strict=True):
        columns_HDK = np.stack(np.split(weights.attention_output.weight, len(layer.value), axis=1))
        found.append(np.linalg.norm(layer.value @ columns_HDK.mT, axis=-1))
    return np.stack(found)[:, :, None]


def of_values(bert: Bert, trace: Trace) -> np.ndarray:
    """|value(s)|, without the output matrix."""
    return np.stack([np.linalg.norm(layer.value, axis=-1) for layer in trace.layers])[:, :, None]


def share(
    lengths: Callable = ones,
    queries: Callable = lambda special_T: ~special_T,
    keys: Callable = lambda special_T: special_T,
    of_texts: Callable = lambda parts, wholes: sum(parts) / sum(wholes),
    weights: Callable = lambda attention_LHTS: attention_LHTS,
) -> Callable:
    """Both functions of the exercise, with other lengths, queries, keys, attention, or another mean over the texts."""

    def function(bert: Bert, texts: list[str]) -> np.ndarray:
        parts, wholes = [], []
        for trace in bert.batch(texts):
            special_T = np.array([role is not None for role in trace.roles])
            attention_LHTS = np.stack([layer.attention for layer in trace.layers])
            table_LHTS = (weights(attention_LHTS) * lengths(bert, trace))[:, :, queries(special_T)]
            parts.append(table_LHTS[..., keys(special_T)].sum(axis=(-2, -1)))
            wholes.append(table_LHTS.sum(axis=(-2, -1)))
        return np.asarray(of_texts(parts, wholes))

    return function


parked, parked_moved = share(), share(moved_lengths)


def mean_of_means(parts: Lists, wholes: Lists) -> np.ndarray:
    return np.mean([part / whole for part, whole in zip(parts, wholes, strict=True)], axis=0)


def first_special(special_T: np.ndarray) -> np.ndarray:
    return np.arange(len(special_T)) == 0


def last_special(special_T: np.ndarray) -> np.ndarray:
    return np.arange(len(special_T)) == len(special_T) - 1


def everything(special_T: np.ndarray) -> np.ndarray:
    return np.ones_like(special_T)


def parked_cases(draw: Draw) -> list[Case]:
    return [
        Case(t("{model} and {count} sentences", model=called(bert), count=count), (bert, some_sentences(draw, count)))
        for bert, count in models(draw)
    ]


def common_mistakes(lengths: Callable, right: Callable) -> tuple[Mistake, ...]:
    """Mistakes that both functions can have."""
    return (
        Mistake(
            "special-queries",
            "the special tokens are counted as queries, too. Only words are asked",
            share(lengths, queries=everything),
        ),
        Mistake(
            "to-words",
            "the share of the words is measured. Sum over the keys that are special",
            share(lengths, keys=lambda special_T: ~special_T),
        ),
        Mistake("first-only", "only [CLS] is counted. [SEP] is special as well", share(lengths, keys=first_special)),
        Mistake("last-only", "only [SEP] is counted. [CLS] is special as well", share(lengths, keys=last_special)),
        Mistake(
            "mean-of-means",
            "each text has the same weight. Add up over all texts first, and divide once",
            share(lengths, of_texts=mean_of_means),
        ),
        Mistake(
            "one-text",
            "only the first text is measured. Is there a `return` inside the loop?",
            lambda bert, texts: right(bert, texts[:1]),
        ),
        Mistake("turned", "the rows are heads; they must be layers", lambda bert, texts: right(bert, texts).T),
    )


def columns(bert: Bert, texts: list[str]) -> np.ndarray:
    """What special tokens give to words, per word."""
    total_LH, words = 0, 0
    for trace in bert.batch(texts):
        special_T = np.array([role is not None for role in trace.roles])
        attention_LHTS = np.stack([layer.attention for layer in trace.layers])
        total_LH = total_LH + attention_LHTS[:, :, special_T][..., ~special_T].sum(axis=(-2, -1))
        words += int((~special_T).sum())
    return np.asarray(total_LH / words)


PARKED_MISTAKES = (
    *common_mistakes(ones, parked),
    Mistake(
        "columns",
        "rows and columns are exchanged: what special tokens give to words is measured",
        columns,
    ),
    Mistake(
        "mean-over-keys",
        "the mean over the special tokens is taken. Take their sum",
        lambda bert, texts: parked(bert, texts) / 2,
    ),
)

MOVED_MISTAKES = (
    *common_mistakes(moved_lengths, parked_moved),
    Mistake("values-only", "the values are not multiplied by the output matrix. Take |W_h value(s)|", share(of_values)),
    Mistake("attention-only", "only the attention is counted. Multiply it by |W_h value(s)|", parked),
    Mistake(
        "no-attention",
        "the lengths are not multiplied by the attention",
        share(moved_lengths, weights=np.ones_like),
    ),
    Mistake(
        "squares",
        "the lengths are squared. Take the root of the sum of squares",
        share(lambda bert, trace: moved_lengths(bert, trace) ** 2),
    ),
)


def parked_answer() -> Text:
    bert = model("tiny")
    share_LH, moved_LH = parked(bert, sentences()), parked_moved(bert, sentences())
    layer, head = head_of(share_LH)
    return t(
        "This model parks little. Over the sentences of the course, its words give {mean} of their attention to "
        "special tokens. The largest share is {share}, of head {layer}.{head}; {moved} of what it moves comes from "
        "there. In larger models it is another matter. In all-MiniLM-L6-v2, the most attended key of a word is [CLS] "
        "or [SEP] in two of three cases. In 19 of its 72 heads, words park more than half, and in all 19 the share of "
        "what is moved is less than half as large. There, attention to a special token says that the head does "
        "nothing.",
        mean=f"{share_LH.mean():.2f}",
        share=f"{share_LH[layer, head]:.2f}",
        layer=layer,
        head=head,
        moved=f"{moved_LH[layer, head]:.2f}",
    )


EXERCISE = Exercise(
    file="25_parked_attention.py",
    title="where a head looks when it has nothing to do",
    minutes=30,
    difficulty=2,
    parts=(
        Function(
            "parked",
            parked,
            (Output("measurement", LH),),
            parked_cases,
            PARKED_MISTAKES,
            hints=(
                (
                    "Make an array special: np.array([role is not None for role in trace.roles]). Rows of words are "
                    "attention[:, ~special], and columns of special tokens are [..., special]."
                ),
                (
                    "For each text, add attention[:, :, ~special][..., special].sum(axis=(-2, -1)) of the stacked "
                    "layers to a total, and (~special).sum() to a count. At the end, divide the total by the count."
                ),
            ),
        ),
        Function(
            "parked_moved",
            parked_moved,
            (Output("measurement", LH),),
            parked_cases,
            MOVED_MISTAKES,
            hints=(
                (
                    "Compute one length for each key: np.linalg.norm(value[h] @ W_h.T, axis=-1). Multiply each row of "
                    "attention by these lengths."
                ),
                (
                    "W_h = weight[:, h * K : (h + 1) * K]. moved = attention[h][~special] * lengths. Add up "
                    "moved[:, special].sum() and moved.sum() over all texts, and divide the first by the second."
                ),
            ),
        ),
        Finding("PARKING_HEAD", lambda: parked(model("tiny"), sentences()), "attention to special tokens"),
    ),
    answer=parked_answer,
    shown=(parking,),
)

"""Exercise 19: how much attention fine-tuning moved."""

import numpy as np

from minibert.exercises.course.exercise import Case, Exercise, Finding, Function, Mistake, Output
from minibert.exercises.course.shared import LH, called, head_of, small_bert, some_sentences
from minibert.exercises.draw import Draw, model
from minibert.exercises.material import sentences
from minibert.exercises.text import Text, t
from minibert.model import Bert


def attention_moved(before: Bert, after: Bert, texts: list[str]) -> np.ndarray:
    """moved = mean over queries of 1/2 sum over keys |attention after - attention before| -> [L, H]"""
    rows = []
    for old, new in zip(before.batch(texts, keep=("attention",)), after.batch(texts, keep=("attention",)), strict=True):
        old_LHTS, new_LHTS = (np.stack([layer.attention for layer in trace.layers]) for trace in (old, new))
        rows.append(0.5 * np.abs(new_LHTS - old_LHTS).sum(axis=-1))
    return np.concatenate(rows, axis=-1).mean(axis=-1)


def moved_cases(draw: Draw) -> list[Case]:
    first = not draw.drawn
    cases = []
    if first:
        about = t("the two bundled models and {count} sentences", count=5)
        cases.append(Case(about, (model("tiny"), model("tiny-sentiment"), some_sentences(draw))))
    before = small_bert(draw)
    after = draw.bert(before.config.num_hidden_layers, before.config.num_attention_heads, before.config.head_size)
    about = t("{model}, another like it, and {count} sentences", model=called(before), count=3)
    return [*cases, Case(about, (before, after, some_sentences(draw, 3)))]


def moved_with(distance, array="attention"):
    """The measurement with another distance [L, H, T, S] x 2 -> [L, H, T], or of another array."""

    def mistake(before, after, texts):
        keep, rows = ("attention", "scores"), []
        for old, new in zip(before.batch(texts, keep), after.batch(texts, keep), strict=True):
            old_LHTS, new_LHTS = (np.stack([getattr(layer, array) for layer in trace.layers]) for trace in (old, new))
            rows.append(distance(new_LHTS - old_LHTS))
        return np.concatenate(rows, axis=-1).mean(axis=-1)

    return mistake


def moved_mean_of_means(before, after, texts):
    return np.mean([attention_moved(before, after, [text]) for text in texts], axis=0)


def fine_tuning_answer() -> Text:
    table_LH = attention_moved(model("tiny"), model("tiny-sentiment"), sentences())
    layer, head = head_of(table_LH)
    by_layer = ", ".join(f"{share:.3f}" for share in table_LH.mean(axis=1))
    return t(
        "Layer {layer}, head {head} moved most: {share} of its attention goes to other keys now. The means of the "
        "layers, from the first to the last, are: {by_layer}. The attention of a layer changes when its own weights "
        "change, and when the output of an earlier layer changes. Later layers show both effects together.",
        layer=layer,
        head=head,
        share=f"{table_LH[layer, head]:.2f}",
        by_layer=by_layer,
    )


ATTENTION_MOVED_MISTAKES = (
    Mistake(
        "turned",
        "the result has the shape [heads, layers]. It must be [layers, heads]",
        lambda before, after, texts: attention_moved(before, after, texts).T,
    ),
    Mistake(
        "one-sentence",
        "only the first sentence is measured. Is there a `return` inside the loop?",
        lambda before, after, texts: attention_moved(before, after, texts[:1]),
    ),
    Mistake(
        "one-sentence",
        "only the last sentence is measured. Each round of the loop overwrites the round before",
        lambda before, after, texts: attention_moved(before, after, texts[-1:]),
    ),
    Mistake(
        "no-half",
        "the factor 1/2 is missing. Attention that moves from one key to another is counted twice without it",
        moved_with(lambda d: np.abs(d).sum(axis=-1)),
    ),
    Mistake(
        "no-absolute",
        "no absolute value is taken, so losses and gains cancel to 0",
        moved_with(lambda d: 0.5 * d.sum(axis=-1)),
    ),
    Mistake(
        "mean-over-keys",
        "the mean over the keys is taken. Take their sum; otherwise long sentences count less",
        moved_with(lambda d: 0.5 * np.abs(d).mean(axis=-1)),
    ),
    Mistake(
        "squared",
        "the differences are squared. Take their absolute values",
        moved_with(lambda d: 0.5 * np.square(d).sum(axis=-1)),
    ),
    Mistake(
        "scores",
        "the scores are compared. Compare attention, after softmax",
        moved_with(lambda d: 0.5 * np.abs(d).sum(axis=-1), "scores"),
    ),
    Mistake(
        "largest",
        "only the largest difference of each row is taken. Sum over all keys",
        moved_with(lambda d: np.abs(d).max(axis=-1)),
    ),
    Mistake(
        "mean-of-means",
        "each sentence has the same weight. Each query must have the same weight",
        moved_mean_of_means,
    ),
)


EXERCISE = Exercise(
    file="19_fine_tuning.py",
    title="how much attention fine-tuning moved",
    minutes=15,
    difficulty=2,
    parts=(
        Function(
            "attention_moved",
            attention_moved,
            (Output("measurement", LH),),
            moved_cases,
            ATTENTION_MOVED_MISTAKES,
            hints=(
                (
                    "For one sentence, np.abs(after - before) has the shape of the attention: [H, T, T] per layer. "
                    "Sum over the keys, and halve the sum. This leaves one number per query."
                ),
                (
                    "Collect arrays [L, H, T] in a list. Use np.concatenate(..., axis=-1), then the mean over the "
                    "last axis. Then run the file, and write down the layer and head of the largest number."
                ),
            ),
        ),
        Finding(
            "MOST_MOVED_HEAD",
            lambda: attention_moved(model("tiny"), model("tiny-sentiment"), sentences()),
            "the share of attention that fine-tuning moved",
        ),
    ),
    answer=fine_tuning_answer,
    shown=(attention_moved,),
)

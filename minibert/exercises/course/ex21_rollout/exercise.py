"""Exercise 21: attention through all layers."""

import numpy as np

from minibert.exercises.course.exercise import Case, Exercise, Function, Mistake, Output
from minibert.exercises.course.shared import broken_rows
from minibert.exercises.draw import Draw, model
from minibert.exercises.text import Text, t
from minibert.numerics import softmax
from minibert.whatif import flow


def rollout(attention_LHTS: np.ndarray) -> np.ndarray:
    """rollout = M_L ... M_2 M_1, with M_l = (mean over heads of attention_l + identity) / 2"""
    total_TS = np.eye(attention_LHTS.shape[-1])
    for attention_HTS in attention_LHTS:
        total_TS = (attention_HTS.mean(axis=0) + np.eye(len(total_TS))) / 2 @ total_TS
    return total_TS


def rollout_cases(draw: Draw) -> list[Case]:
    layers, heads, tokens = draw.sizes(3, 2, 8)
    about = t("{layers} layers of {heads} heads, {tokens} tokens", layers=layers, heads=heads, tokens=tokens)
    return [Case(about, (softmax(draw.normal(layers, heads, tokens, tokens, spread=2)),))]


def rolled(mix, combine=lambda step, total: step @ total):
    def mistake(attention_LHTS):
        total = np.eye(attention_LHTS.shape[-1])
        for attention_HTS in attention_LHTS:
            total = combine(mix(attention_HTS, np.eye(len(total))), total)
        return total

    return mistake


def rollout_rows(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> Text | None:
    return broken_rows(outputs[0].sum(axis=-1), 1.0, t("row {row} sums to {got}; each row must sum to 1"))


ROLLOUT_MISTAKES = (
    Mistake(
        "no-residual",
        "the residual connection is missing. Half of each token comes from itself",
        rolled(lambda a, one: a.mean(axis=0)),
    ),
    Mistake(
        "residual-once",
        "the identity is added once, at the end. Every layer has its own residual connection",
        lambda a: (rolled(lambda a, one: a.mean(axis=0))(a) + np.eye(a.shape[-1])) / 2,
    ),
    Mistake(
        "wrong-axis",
        "the mean is taken over the layers (axis 0 of the whole array), and the loop runs over the heads. Exchange "
        "the two",
        lambda attention_LHTS: rollout(attention_LHTS.swapaxes(0, 1)),
    ),
    Mistake("no-half", "the identity is added, but the sum is not halved", rolled(lambda a, one: a.mean(axis=0) + one)),
    Mistake(
        "wrong-way",
        "the layers are multiplied in the wrong order. A later layer must be on the left",
        rolled(lambda a, one: (a.mean(axis=0) + one) / 2, lambda step, total: total @ step),
    ),
    Mistake(
        "elementwise",
        "the layers are multiplied element by element. Use the matrix product, @",
        rolled(lambda a, one: (a.mean(axis=0) + one) / 2, lambda step, total: step * total),
    ),
    Mistake(
        "last-layer",
        "only the last layer is used. Multiply the matrices of all layers",
        rolled(lambda a, one: (a.mean(axis=0) + one) / 2, lambda step, total: step),
    ),
    Mistake(
        "sum-over-heads", "the heads are summed. Take their mean", rolled(lambda a, one: (a.sum(axis=0) + one) / 2)
    ),
    Mistake(
        "turned",
        "rows and columns are exchanged. Each row is a query",
        lambda attention_LHTS: rollout(attention_LHTS).T,
    ),
)


def rollout_answer() -> Text:
    trace = model("tiny")("The old man sat down by the fire and told the children a story about the sea.")
    attention = np.stack([layer.attention for layer in trace.layers])
    own = [float(np.diagonal(rollout(attention[:depth])).mean()) for depth in range(1, len(attention) + 1)]
    return t(
        "The share becomes smaller and smaller, but never zero. In one sentence of the bundled model, this share of "
        "a token comes from itself after layer 1, 2, ...: {shares}.",
        shares=", ".join(f"{share:.2f}" for share in own),
    )


EXERCISE = Exercise(
    file="21_rollout.py",
    title="attention through all layers",
    minutes=15,
    difficulty=2,
    parts=(
        Function(
            "rollout",
            rollout,
            (Output("rollout_TS", ("query", "key")),),
            rollout_cases,
            ROLLOUT_MISTAKES,
            hints=(
                (
                    "Start with the identity, because before the first layer each token consists only of itself. "
                    "Then compute one matrix product per layer."
                ),
                (
                    "Loop: for attention_HTS in attention_LHTS: total = (attention_HTS.mean(axis=0) + identity) / 2 "
                    "@ total"
                ),
            ),
            laws=(rollout_rows,),
        ),
    ),
    answer=rollout_answer,
    shown=(flow.rollout,),
)

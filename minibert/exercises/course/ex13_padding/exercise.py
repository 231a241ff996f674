"""Exercise 13: the mask that other implementations need."""

import numpy as np

from minibert.exercises.course.exercise import Case, Exercise, Function, Mistake, Output
from minibert.exercises.course.shared import broken_rows
from minibert.exercises.draw import Draw
from minibert.exercises.text import Text, t
from minibert.numerics import softmax


def padding_cases(draw: Draw) -> list[Case]:
    sentences, heads, tokens = sorted(draw.sizes(3, 2, 9))
    lengths = [*(int(n) for n in draw.rng.integers(2, tokens, size=sentences - 1)), tokens]
    real_BS = np.arange(tokens) < np.array(lengths)[:, None]
    scores_BHTS = draw.normal(sentences, heads, tokens, tokens, spread=1.5)
    about = t(
        "{sentences} sentences of {lengths} tokens padded to {tokens}, {heads} heads",
        sentences=sentences,
        lengths=", ".join(map(str, lengths)),
        tokens=tokens,
        heads=heads,
    )
    low = t("the same, with scores about -500")  # there -100 in place of -infinity is the largest
    return [Case(about, (scores_BHTS, real_BS)), Case(low, (scores_BHTS - 500, real_BS))]


def padded_softmax(scores_BHTS: np.ndarray, real_BS: np.ndarray) -> np.ndarray:
    """attention = softmax(scores where the key is a real token, -infinity where it is padding): exp(-infinity) is 0."""
    return softmax(np.where(real_BS[:, None, None, :], scores_BHTS, np.float32(-np.inf)))


def masked_where(hidden, score):
    """softmax with `score` put where `hidden(real_BS)` says."""
    return lambda scores_BHTS, real_BS: softmax(np.where(hidden(real_BS), np.float32(score), scores_BHTS))


def padding_gets_nothing(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> Text | None:
    _, real_BS = arguments
    wasted = np.argwhere((outputs[0] > 1e-4) & ~real_BS[:, None, None, :])
    if not len(wasted):
        return None
    sentence, head, query, key = (int(i) for i in wasted[0])
    got = outputs[0][sentence, head, query, key]
    says = "in sentence {sentence}, head {head}, query {query} gives {got} of its attention to key {key}: padding"
    return t(says, sentence=sentence, head=head, query=query, got=f"{got:.4g}", key=key)


def shares_sum_to_one(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> Text | None:
    return broken_rows(
        outputs[0].sum(axis=-1), 1.0, t("attention of [sentence, head, query] {row} sums to {got}; it must sum to 1")
    )


PADDED_SOFTMAX_MISTAKES = (
    Mistake("no-mask", "nothing is masked", lambda s, real: softmax(s)),
    Mistake(
        "one-mask",
        "the mask of one sentence is used for all of them",
        lambda s, real: padded_softmax(s, real[:1].repeat(len(real), axis=0)),
    ),
    *(
        Mistake(
            "not-low-enough",
            "padding gets a score that is low, but not lower than every other: use -infinity, or -1e9",
            masked_where(lambda real_BS: ~real_BS[:, None, None, :], score),
        )
        for score in (-10, -50, -99, -100)
    ),
    Mistake(
        "mask-after-softmax",
        "padding is set to 0 after softmax: it has had its share by then, and the rest no longer sums to 1. Mask the "
        "scores, before softmax",
        lambda s, real: softmax(s) * real[:, None, None, :],
    ),
    Mistake(
        "zero-scores",
        "the scores of padding are set to 0, or close to it: exp(0) is 1, not 0. Use -infinity, or a huge negative "
        "number such as -1e9 (1e-9 is close to 0)",
        lambda s, real: softmax(s * real[:, None, None, :]),
    ),
    Mistake(
        "mask-added",
        "the mask's ones and zeros are added to the scores; what must be added is 0 and a huge negative number",
        lambda s, real: softmax(s + real[:, None, None, :]),
    ),
    *(
        Mistake(
            "inverted",
            "the mask is the wrong way round: padding is kept, and real tokens are hidden",
            masked_where(lambda real_BS: real_BS[:, None, None, :], score),
        )
        for score in (-np.inf, -1e9)
    ),
    *(
        Mistake(
            "both-masked",
            "the rows of queries that are padding are masked as well: nothing is left in them for softmax to share out",
            masked_where(lambda real_BS: ~(real_BS[:, None, None, :] & real_BS[:, None, :, None]), score),
        )
        for score in (-np.inf, -1e9)
    ),
    *(
        Mistake(
            "queries-masked",
            "the mask lies over the queries (axis -2); it is the keys (axis -1) that must not be looked at",
            masked_where(lambda real_BS: ~real_BS[:, None, :, None], score),
        )
        for score in (-np.inf, -1e9)
    ),
)


EXERCISE = Exercise(
    file="13_padding.py",
    title="the mask that other implementations need",
    minutes=10,
    difficulty=2,
    parts=(
        Function(
            "padded_softmax",
            padded_softmax,
            (Output("attention_BHTS", ("sentence", "head", "query", "key")),),
            padding_cases,
            PADDED_SOFTMAX_MISTAKES,
            hints=(
                (
                    "softmax gives 0 to a score of minus infinity. real_BS[:, None, None, :] lines the mask "
                    "up with the keys."
                ),
                "softmax(np.where(real_BS[:, None, None, :], scores_BHTS, -np.inf))",
            ),
            laws=(padding_gets_nothing, shares_sum_to_one),
            advice=(
                "The mask has the axes [sentence, key], and the scores have [sentence, head, query, key]. "
                "real_BS[:, None, None, :] lines the mask up with the scores."
            ),
        ),
    ),
    answer=(
        "No. Each row is the shares of the real keys alone, and they are what the sentence on its own would "
        "give. That is why minibert lays sentences end to end: there is nothing to mask, and no work is spent on "
        "padding."
    ),
    shown=(padded_softmax,),
)

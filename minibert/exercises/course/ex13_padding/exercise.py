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
    low = t("the same, with scores around -500")  # there -100 in place of -infinity is the largest
    return [Case(about, (scores_BHTS, real_BS)), Case(low, (scores_BHTS - 500, real_BS))]


def padded_softmax(scores_BHTS: np.ndarray, real_BS: np.ndarray) -> np.ndarray:
    """attention = softmax(scores where the key is a real token, -infinity where it is padding): exp(-infinity) is 0."""
    return softmax(np.where(real_BS[:, None, None, :], scores_BHTS, np.float32(-np.inf)))


def masked_where(hidden, score):
    """softmax with `score` in the places where `hidden(real_BS)` is True."""
    return lambda scores_BHTS, real_BS: softmax(np.where(hidden(real_BS), np.float32(score), scores_BHTS))


def padding_gets_nothing(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> Text | None:
    _, real_BS = arguments
    wasted = np.argwhere((outputs[0] > 1e-4) & ~real_BS[:, None, None, :])
    if not len(wasted):
        return None
    sentence, head, query, key = (int(i) for i in wasted[0])
    got = outputs[0][sentence, head, query, key]
    says = (
        "in sentence {sentence}, head {head}, query {query} gives {got} of its attention to key {key}, which is padding"
    )
    return t(says, sentence=sentence, head=head, query=query, got=f"{got:.4g}", key=key)


def shares_sum_to_one(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> Text | None:
    return broken_rows(
        outputs[0].sum(axis=-1),
        1.0,
        t("attention of [sentence, head, query] {row} sums to {got}; each row must sum to 1"),
    )


PADDED_SOFTMAX_MISTAKES = (
    Mistake("no-mask", "no key is masked", lambda s, real: softmax(s)),
    Mistake(
        "one-mask",
        "the mask of one sentence is used for all sentences",
        lambda s, real: padded_softmax(s, real[:1].repeat(len(real), axis=0)),
    ),
    *(
        Mistake(
            "not-low-enough",
            "padding gets a low score, but not lower than every other score. Use -infinity, or -1e9",
            masked_where(lambda real_BS: ~real_BS[:, None, None, :], score),
        )
        for score in (-10, -50, -99, -100)
    ),
    Mistake(
        "mask-after-softmax",
        "padding is set to 0 after softmax, so the rest of the row no longer sums to 1. Mask the scores before softmax",
        lambda s, real: softmax(s) * real[:, None, None, :],
    ),
    Mistake(
        "zero-scores",
        "the scores of padding are set to 0, or close to it, but exp(0) is 1, not 0. Use -infinity, or a huge "
        "negative number such as -1e9 (1e-9 is close to 0)",
        lambda s, real: softmax(s * real[:, None, None, :]),
    ),
    Mistake(
        "mask-added",
        "the mask's ones and zeros are added to the scores. Add 0 for real keys, and a huge negative number for "
        "padding",
        lambda s, real: softmax(s + real[:, None, None, :]),
    ),
    *(
        Mistake(
            "inverted",
            "the mask is inverted: padding is kept, and real tokens are masked",
            masked_where(lambda real_BS: real_BS[:, None, None, :], score),
        )
        for score in (-np.inf, -1e9)
    ),
    *(
        Mistake(
            "both-masked",
            "the rows of padding queries are masked too, so no key is left in them. Mask only the keys",
            masked_where(lambda real_BS: ~(real_BS[:, None, None, :] & real_BS[:, None, :, None]), score),
        )
        for score in (-np.inf, -1e9)
    ),
    *(
        Mistake(
            "queries-masked",
            "the mask lies over the queries (axis -2). Mask the keys (axis -1)",
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
                    "softmax turns a score of minus infinity into 0. real_BS[:, None, None, :] aligns the mask with "
                    "the keys."
                ),
                "softmax(np.where(real_BS[:, None, None, :], scores_BHTS, -np.inf))",
            ),
            laws=(padding_gets_nothing, shares_sum_to_one),
            advice=(
                "The mask has the axes [sentence, key]. The scores have [sentence, head, query, key]. real_BS[:, "
                "None, None, :] aligns the mask with the scores."
            ),
        ),
    ),
    answer=(
        "No. The real keys of each row get the same shares as in the sentence alone. minibert puts sentences one "
        "below another instead of padding them. So nothing has to be masked, and padding costs no computation."
    ),
    shown=(padded_softmax,),
)

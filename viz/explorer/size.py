"""What fits into a page of a given size: which sentences are whole, and in which heads."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from viz.errors import InputError
from viz.explorer.sentence import Sentence
from viz.geometry.normalize import METHODS

SIZE = 15_000_000  # characters: what still goes by mail
PROGRAM = 420_000  # characters of script, style, template and words
ACROSS = 32  # positions in the averages
BASE64 = 4 / 3  # characters for a byte
FOR_A_PLANE = 2_000  # tokens: the attention plane takes seconds per layer, and minutes for very many
FOR_VECTORS = 1_500_000  # bytes: vectors are for looking at coordinates, and worth it where there are few

PICTURES = (*METHODS, "attention")
"""The three moves, each drawn in the plane of its principal components, and the attention plane."""


@dataclass(frozen=True)
class Contents:
    """What the page has of each head.

    whole    [sentences, layers, heads] whether it has all pictures of the sentence, and the scores
    methods  the pictures
    drawn    the picture in which all sentences are; None, where all are whole: not chosen yet
    vectors  whether it has the coordinates of single queries and keys
    moves    whether it has the maps that lay other tokens into the pictures
    across   how many positions the averages have
    needed   characters of a page in which every sentence is whole
    """

    whole: np.ndarray
    methods: Sequence[str]
    drawn: str | None
    vectors: bool
    moves: bool
    across: int
    needed: float


def fit(
    sentences: Sequence[Sentence], size: int, chosen: Sequence[tuple[int, int]], drawn: str | None, live: bool
) -> Contents:
    """Choose what a page of `size` characters has; the `chosen` (layer, head) come first.

    drawn: the picture in which all sentences shall be. live: whether the page shall run a model.
    InputError: not even the points of all sentences fit.
    """
    layers, heads, _, head_size = sentences[0].query.shape
    sizes = np.array([len(sentence.tokens) for sentence in sentences])
    whole = kept(sizes, layers * heads, size, [layer * heads + head for layer, head in chosen])
    vectors = (whole * sizes[:, None]).sum() * head_size * 4
    needed = around(sizes, layers * heads) + layers * heads * in_one_head(sizes).sum()
    return Contents(
        whole=whole.reshape(-1, layers, heads),
        methods=PICTURES if drawn == "attention" or sizes.sum() <= FOR_A_PLANE else METHODS,
        drawn=drawn or (None if whole.all() else "exact"),
        vectors=live or bool(vectors <= FOR_VECTORS and needed + vectors * BASE64 <= size),
        moves=live,
        across=int(min(ACROSS, sizes.max())),
        needed=needed,
    )


def around(sizes: np.ndarray, heads: int) -> float:
    """Characters of a page that keeps no sentence whole: the program, averages, tokens, and the points of all."""
    return PROGRAM + heads * (4 * ACROSS**2 + 3800) + 40 * sizes.sum() + heads * 12 * sizes.sum() * BASE64


def in_one_head(sizes: np.ndarray) -> np.ndarray:
    """Characters that each sentence takes in one head to be whole: scores, pictures, lengths."""
    return (4 * sizes**2 + 42 * sizes) * BASE64


def kept(sizes: np.ndarray, heads: int, size: float, chosen: Sequence[int] = ()) -> np.ndarray:
    """Which sentences are whole in which heads, [sentences, heads]. InputError: not even the points of all fit.

    Short ones come first, each in all heads. A sentence too long for that is whole in as many heads as fit, the
    `chosen` ones before the others.
    """
    left = float(size - around(sizes, heads))
    if left < 0:
        raise InputError(too_small(sizes, heads, size))
    first = list(dict.fromkeys([*chosen, *range(heads)]))
    result = np.zeros((len(sizes), heads), bool)
    for s in np.argsort(sizes, kind="stable"):
        each = float(in_one_head(sizes[s]))
        count = min(heads, int(left // each))
        result[s, first[:count]] = True
        left -= count * each
    return result


def too_small(sizes: np.ndarray, heads: int, size: float) -> str:
    """What does not fit, and what would."""
    empty = around(np.zeros(1, int), heads)
    share = max(0, (size - empty) / (around(sizes, heads) - empty))
    points = int(share * 2 * sizes.sum())
    advice = f"choose at most {points:,} points, or a larger page"
    if points < 4:
        advice = f"choose a page of at least {(empty + 100_000) / 1e6:.1f} MB"
    return f"{2 * sizes.sum():,} points in {heads} heads do not fit into {size / 1e6:.3g} MB; {advice}"

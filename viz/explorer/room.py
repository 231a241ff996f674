"""What fits into a page of a given size: which sentences are kept whole, and in which heads."""

from collections.abc import Sequence

import numpy as np

from viz.errors import InputError

ROOM = 15_000_000  # characters: what still goes by mail
PROGRAM = 420_000  # characters of script, style, template and words
ACROSS = 32  # positions in the averages
TEXT = 4 / 3  # base64 takes 4 characters for 3 bytes


def around(sizes: np.ndarray, heads: int) -> float:
    """Characters of a page that keeps no sentence whole: the program, averages, tokens, and the points of all."""
    return PROGRAM + heads * (4 * ACROSS**2 + 3800) + 40 * sizes.sum() + heads * 12 * sizes.sum() * TEXT


def whole(sizes: np.ndarray) -> np.ndarray:
    """Characters that each sentence takes in one head to be kept whole: scores, pictures, lengths."""
    return (4 * sizes**2 + 40 * sizes) * TEXT


def kept(sizes: np.ndarray, heads: int, room: float, chosen: Sequence[int] = ()) -> np.ndarray:
    """Which sentences are kept whole in which heads, [sentences, heads].

    Short ones first, each in all heads; a sentence too long for that in as many heads as there is room for, the
    `chosen` ones before the others.
    """
    left = room - around(sizes, heads)
    if left < 0:
        empty = around(np.zeros(1, int), heads)
        share = max(0, (room - empty) / (room - left - empty))
        points = int(share * 2 * sizes.sum())
        advice = f"ask for at most {points:,} points, or for a larger page"
        if points < 4:
            advice = f"ask for a page of at least {(empty + 100_000) / 1e6:.1f} MB"
        raise InputError(f"{2 * sizes.sum():,} points in {heads} heads do not fit into {room / 1e6:.3g} MB; {advice}")
    first = list(dict.fromkeys([*chosen, *range(heads)]))
    result = np.zeros((len(sizes), heads), bool)
    for s in np.argsort(sizes, kind="stable"):
        fit = min(heads, int(left // whole(sizes[s])))
        result[s, first[:fit]] = True
        left -= fit * whole(sizes[s])
    return result


def needed(sizes: np.ndarray, heads: int) -> float:
    """Characters of a page that keeps every sentence whole in every head."""
    return around(sizes, heads) + heads * whole(sizes).sum()

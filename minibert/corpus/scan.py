"""The first pass over a corpus: are all lines usable, how many are there, and some of them drawn at random."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from minibert.corpus.lines import Line
from minibert.tokenizer.encoding import Encoding

DEFAULT_POINTS = 1000
"""Tokens that are drawn from a file, where nobody names another number."""


@dataclass(frozen=True)
class Scan:
    """What was found in some lines. It adds up with what was found in others, in any order.

    Each line draws a number, which depends on the seed and on its place in the corpus alone. Those with the smallest
    are the sample: as many as have `points` tokens. A line that is not among the first in its part is not among the
    first of all, so a part need keep no more than these and the next one.
    """

    sentences: int
    skipped: int
    points: float
    drawn: tuple[tuple[float, int, Encoding], ...]
    """of those in the sample, and the next one: the number drawn, the place, and the sentence"""

    @classmethod
    def of(cls, found: Iterable[tuple[Line, Encoding]], lines: int, points: float, seed: int) -> "Scan":
        """found: the sentences in some lines, and the line of each. points: about so many tokens are drawn."""
        drawn = [(np.random.default_rng([seed, line.at]).random(), line.at, encoding) for line, encoding in found]
        return cls(len(drawn), lines - len(drawn), points, fewest(drawn, points))

    def __add__(self, other: "Scan") -> "Scan":
        drawn = fewest(self.drawn + other.drawn, self.points)
        return Scan(self.sentences + other.sentences, self.skipped + other.skipped, self.points, drawn)

    @property
    def sample(self) -> list[Encoding]:
        """The sentences of the sample, in the order of the text."""
        some = self.drawn[: max(1, fitting(self.drawn, self.points))]
        return [encoding for _, _, encoding in sorted(some, key=lambda one: one[1])]


def fewest(drawn: Iterable[tuple], points: float) -> tuple[tuple, ...]:
    """Those with the smallest numbers that have no more than so many tokens, and the next one: where it is too long, a
    shorter one of another part, with a larger number, must not take its room."""
    drawn = sorted(drawn)
    return tuple(drawn[: fitting(drawn, points) + 1])


def fitting(drawn: Sequence[tuple], points: float) -> int:
    """How many of the first sentences have together no more than `points` tokens."""
    return int(np.searchsorted(np.cumsum([len(encoding) for _, _, encoding in drawn]), points, side="right"))

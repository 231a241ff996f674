"""The first pass over a corpus: are all lines usable, how many are there, and some of them drawn at random."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from minibert.checkpoint.encoding import Encoding
from minibert.corpus.lines import Line


@dataclass(frozen=True)
class Scan:
    """What was found in some lines; with what was found in others it adds up, in any order, to the same.

    Each line draws a number, which depends on the seed and on its place in the corpus alone. Those with the smallest
    are the sample: as many as have `points` tokens. A line that is not among the first in its part is not among the
    first of all, so a part need keep no more.
    """

    sentences: int
    skipped: int
    points: float
    drawn: tuple[tuple[float, int, Encoding], ...]
    """of those in the sample: the number drawn, the place, and the sentence"""

    @classmethod
    def of(cls, found: Iterable[tuple[Line, Encoding]], lines: int, points: float, seed: int) -> "Scan":
        """found: the sentences in some lines, and the line of each. points: about so many tokens are drawn."""
        drawn = [(np.random.default_rng([seed, line.at]).random(), line.at, encoding) for line, encoding in found]
        return cls(len(drawn), lines - len(drawn), points, fewest(drawn, points))

    def __add__(self, other: "Scan") -> "Scan":
        drawn = fewest(self.drawn + other.drawn, self.points)
        return Scan(self.sentences + other.sentences, self.skipped + other.skipped, self.points, drawn)

    @property
    def lines(self) -> int:
        return self.sentences + self.skipped

    @property
    def sample(self) -> list[Encoding]:
        """In the order of the text."""
        return [encoding for _, _, encoding in sorted(self.drawn, key=lambda one: one[1])]


def fewest(drawn: Sequence[tuple], points: float) -> tuple[tuple, ...]:
    """Those with the smallest numbers that have no more than so many tokens; one at least."""
    drawn = sorted(drawn, key=lambda one: one[:2])
    tokens = np.cumsum([len(encoding) for _, _, encoding in drawn])
    return tuple(drawn[: max(1, int(np.searchsorted(tokens, points, side="right")))])

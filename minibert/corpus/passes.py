"""Passes through a corpus: work on each block, here or on workers, and add up what is found."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

from minibert.corpus.here import Here
from minibert.corpus.lines import Corpus, Line
from minibert.corpus.scan import Scan
from minibert.corpus.sentences import check_some, encoded
from minibert.errors import UserError
from minibert.model import Bert
from minibert.terminal import progress, until_interrupted


def hands_of(workers: int | None, scheduler: str | None, *models: Bert) -> AbstractContextManager[Here]:
    """This process, so many workers of this machine, or those of a Dask scheduler; a context manager."""
    if workers is None and scheduler is None:
        return nullcontext(Here(*models))
    from minibert.corpus.cluster import cluster

    return cluster(workers, scheduler, *models)


@dataclass(frozen=True)
class Found:
    """What was measured in some sentences: for each kind of sentence a list of sums."""

    sentences: int
    sums: dict[Any, list]

    def __add__(self, other: "Found") -> "Found":
        sums = self.sums | other.sums
        for kind in self.sums.keys() & other.sums.keys():
            sums[kind] = [a + b for a, b in zip(self.sums[kind], other.sums[kind], strict=True)]
        return Found(self.sentences + other.sentences, sums)

    @property
    def all(self) -> list:
        """The sums of all kinds together."""
        first, *others = self.sums.values()
        return [sum(sums, start=start) for start, *sums in zip(first, *others, strict=True)]


def scan(models: Sequence[Bert], lines: Sequence[Line], *, points: float, seed: int, skip_bad: bool) -> Scan:
    """The first pass over a block, by the first of the models. Raises UserError where a line cannot be used."""
    return Scan.of(encoded(models[0], lines, skip_bad), len(lines), points, seed)


def look_through(hands: Here, corpus: Corpus, *, points: float, seed: int, skip_bad: bool) -> Scan:
    """The first pass: the number of sentences, and a sample. Raises UserError where there is none."""
    found = add_up(hands, partial(scan, points=points, seed=seed, skip_bad=skip_bad), corpus)
    check_some(0 if found is None else found.sentences, corpus)
    return found


def add_up(hands: Here, work: Callable, corpus: Corpus, lines: int | None = None, size: int | None = None) -> Any:
    """The sum of work(models, block) over all blocks; None where there is no block.

    lines: the number of lines, where that is known: then Ctrl-C ends the pass, and leaves the sum so far.
    size: the number of lines in a block; None: BLOCK.
    """
    found: Any = None
    seen = 0

    def blocks() -> Iterator[list[Line]]:
        nonlocal seen
        for block in corpus.blocks(size):
            seen += len(block)
            yield block

    with progress(lines, "lines") as bar, until_interrupted(lambda: lines and found and found.sentences):
        for one in hands.each(work, blocks(), bar.update):
            found = one if found is None else found + one
        if lines is not None and (seen != lines or not found.sentences):
            raise UserError(f"{corpus.name} has changed since it was first read; leave it as it is until the end")
    return found

"""A corpus worked on by the cores of this process."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from minibert.corpus.lines import Line
from minibert.model import Bert
from minibert.speed.cores import one_thread, parallel_map, workers


class Here:
    """Each core takes a whole block through the model, and measures it, with one thread of BLAS."""

    def __init__(self, *models: Bert):
        self.models: Sequence[Any] = models

    def each(self, work: Callable, blocks: Iterable[list[Line]], advance: Callable[[int], object]) -> Iterator[Any]:
        """Yield work(models, block) of each block, in order; call advance(n) once n lines more are done."""
        most, rest = workers(), iter(blocks)
        while some := list(itertools.islice(rest, most)):
            with one_thread():
                found = parallel_map(lambda block: work(self.models, block), some)
            for block, sums in zip(some, found, strict=True):
                advance(len(block))
                yield sums

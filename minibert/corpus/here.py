"""A corpus worked on by the cores of this process."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from minibert.corpus.lines import Line
from minibert.model import Bert
from minibert.speed.cores import one_thread, parallel_map, workers


class Here:
    """Each core takes a whole block through the model, and measures it, with one thread of BLAS."""

    def __init__(self, *models: Bert):
        self.models = models

    def each(self, work: Callable, blocks: Iterable[list[Line]], advance: Callable[[int], object]) -> Iterator[Any]:
        """work(models, block) of each block, in order; advance(n) is told that so many lines more are done."""
        most, blocks = workers(), iter(blocks)
        while some := list(itertools.islice(blocks, most)):
            with one_thread():
                found = parallel_map(lambda block: work(self.models, block), some)
            for block, sums in zip(some, found, strict=True):
                advance(len(block))
                yield sums

"""Work shared out over the cores of the machine: the only file with threads in it.

BLAS multiplies NumPy's matrices. It has threads of its own and shares out each product, which is best for one sentence.
Several sentences are better shared out whole. Each worker runs the model on a chunk of them, with one thread of BLAS,
and then takes the next chunk.

`threadpoolctl` sets the number of BLAS's threads. Without it, everything here runs on the caller's thread.
"""

import os
from collections.abc import Callable, Iterator, Sequence, Sized
from contextlib import contextmanager, suppress
from functools import cache
from threading import RLock
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from threadpoolctl import ThreadpoolController

Chunk = TypeVar("Chunk")
Sentence = TypeVar("Sentence", bound=Sized)
Result = TypeVar("Result")

LEAST_TOKENS = 64
"""Tokens a worker must have at least. With fewer, reading the weights from memory takes most of the time."""

CHUNK_TOKENS = 1024
"""Tokens in one chunk of a long batch: enough to keep a core busy. Ctrl-C ends the work between two chunks."""

MOST_UNEVEN = 1.25
"""If one chunk has more than this many times a worker's fair share of the tokens, the other workers would wait for it.
Then BLAS's own threads share each product instead."""

blas_lock = RLock()
"""The number of BLAS's threads belongs to the whole process: one caller at a time may change it."""

blas_limits: list = []
"""The limits in force now. A forked process must lift them."""


@cache
def blas() -> "ThreadpoolController | None":
    """The controller of BLAS's threads; None without `threadpoolctl`."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController().select(user_api="blas")


@cache
def pool() -> "ThreadPoolExecutor":
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="minibert")


def workers() -> int:
    """How many workers may share the work: as many as BLAS has threads just now.

    That is 1 inside `one_thread`, and where the user limits BLAS to one thread.
    """
    controller = blas()
    return max((library.num_threads for library in controller.lib_controllers), default=1) if controller else 1


@contextmanager
def one_thread() -> Iterator[None]:
    """BLAS without threads of its own: for workers, and for hundreds of small products.

    On small arrays its threads wait for each other longer than they work: for seconds, if the cores are busy.
    """
    controller = blas()
    if controller is None:
        yield
        return
    with blas_lock, controller.limit(limits=1) as limit:
        blas_limits.append(limit)
        try:
            yield
        finally:
            blas_limits.remove(limit)


def after_fork() -> None:
    """In a forked process: threads do not survive a fork, and a thread that is not there gives nothing back."""
    global blas_lock
    blas_lock = RLock()
    pool.cache_clear()
    while blas_limits:
        blas_limits.pop().restore_original_limits()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=after_fork)


def parallel_map(work: Callable[[Chunk], Result], chunks: Sequence[Chunk], most: int | None = None) -> list[Result]:
    """[work(chunk) for chunk in chunks], several at a time: each worker takes the next chunk when it is done with one.

    The caller is one of the workers. most: how many workers there may be; None is one per chunk.
    Where one raises, no other chunk is begun, those under way are waited for, and the error is raised. Calls may be
    nested: a call does not wait for workers that are busy elsewhere.
    """
    results: list[Result | None] = [None] * len(chunks)
    waiting = list(reversed(range(len(chunks))))

    def take() -> None:
        while True:
            try:
                index = waiting.pop()
            except IndexError:
                return
            try:
                results[index] = work(chunks[index])
            except BaseException:
                waiting.clear()
                raise

    others = []
    try:
        for _ in range(min(most or len(chunks), len(chunks), os.cpu_count() or 1) - 1):
            others.append(pool().submit(take))
    except BaseException:  # Ctrl-C while a thread is begun, which the pool may not know of yet: it is told to end
        waiting.clear()
        pool().shutdown(wait=False)
        pool.cache_clear()
        raise
    try:
        take()
        for other in others:
            if not other.cancel():  # it has begun
                other.result()
    finally:
        waiting.clear()
        for other in others:
            if not other.cancel():
                other.exception()  # waits
    return results  # type: ignore[return-value]  # none is left None


def share_out(work: Callable[[list[Sentence]], list[Result]], sentences: list[Sentence]) -> list[Result]:
    """work(sentences), which gives one result per sentence; where it pays, some of the sentences on each core."""
    lengths = [len(sentence) for sentence in sentences]
    tokens = sum(lengths)
    hands = min(len(sentences), tokens // LEAST_TOKENS)
    if hands > 1:  # BLAS is asked only where it matters: the first time, that takes as long as a short sentence
        hands = min(hands, workers())
    if hands < 2:
        return work(sentences)
    rounds = max(1, min(tokens // (hands * CHUNK_TOKENS), len(sentences) // hands))
    chunks = balanced(lengths, hands * rounds)
    if max(sum(lengths[i] for i in chunk) for chunk in chunks) > MOST_UNEVEN * tokens / hands:
        return work(sentences)
    with one_thread():
        done = parallel_map(lambda chunk: work([sentences[i] for i in chunk]), chunks, most=hands)
    results = {
        i: result for chunk, part in zip(chunks, done, strict=True) for i, result in zip(chunk, part, strict=True)
    }
    return [results[i] for i in range(len(sentences))]


def balanced(sizes: Sequence[int], count: int) -> list[list[int]]:
    """The indices of sizes in `count` chunks of about equal sums: the largest first, each into the chunk that has
    least so far."""
    chunks: list[list[int]] = [[] for _ in range(count)]
    loads = [0] * count
    for i in sorted(range(len(sizes)), key=lambda i: -sizes[i]):
        least = loads.index(min(loads))
        chunks[least].append(i)
        loads[least] += sizes[i]
    return chunks


def split(count: int, parts: int) -> list[slice]:
    """range(count) cut into so many parts of about equal length, none of them empty; at least one part."""
    parts = max(1, min(parts, count))
    return [slice(count * part // parts, count * (part + 1) // parts) for part in range(parts)]


@cache
def keep_freed_memory() -> None:
    """Let the C library keep freed memory for the arrays to come, instead of asking the system for it every layer.

    glibc (Linux) keeps up to 64 MB once it has seen 32 MB come and go: here they are asked for, and given back at once
    without having been touched. Elsewhere nothing is gained, and nothing lost.
    """
    with suppress(MemoryError):
        np.empty(2**25 - 2**13, np.uint8)

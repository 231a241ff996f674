"""Work shared out over the cores of the machine: the only file with threads in it.

BLAS, which multiplies NumPy's matrices, has threads of its own, and shares out each product. For one sentence that is
best. Several sentences are better shared out whole: each core does everything for its own, with one thread of BLAS, and
nobody waits for anybody until the end.

`threadpoolctl` tells BLAS how many threads to use. Without it, everything here runs on the caller's thread.
"""

import os
from collections.abc import Callable, Sequence, Sized
from contextlib import contextmanager, nullcontext
from functools import cache
from threading import RLock
from typing import TypeVar

Piece = TypeVar("Piece")
Sentence = TypeVar("Sentence", bound=Sized)
Result = TypeVar("Result")

LEAST_TOKENS = 64
"""What a core must have to do: with fewer, the time goes into fetching the weights from memory."""

MOST_UNEVEN = 1.25
"""How much more than the others a core may have to do before all of them had better work on the same sentence."""

setting_of_blas = RLock()
"""The number of BLAS's threads belongs to the whole process: one caller at a time may change it."""


@cache
def blas():
    """What knows and sets the number of BLAS's threads; None without `threadpoolctl`."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController().select(user_api="blas")


def cores() -> int:
    """As many as BLAS has threads just now: 1 for those who are given a share, or where the user wants it so."""
    return max((library.num_threads for library in blas().lib_controllers), default=1) if blas() else 1


@cache
def helpers():
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="minibert")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=helpers.cache_clear)  # threads do not survive a fork


@contextmanager
def one_thread():
    """BLAS without threads of its own, for hundreds of small products, and for each core that works on a share.

    On small arrays its threads wait for each other longer than they work: for seconds, if the cores are busy.
    """
    with setting_of_blas, blas().limit(limits=1) if blas() else nullcontext():
        yield


def parts_of(count: int, hands: int) -> list[slice]:
    """range(count) cut into as many parts as there are hands, none of them empty; at least one."""
    hands = max(1, min(hands, count))
    return [slice(count * hand // hands, count * (hand + 1) // hands) for hand in range(hands)]


def at_once(work: Callable[[Piece], Result], pieces: Sequence[Piece]) -> list[Result]:
    """[work(piece) for piece in pieces], all at the same time. The first is the caller's own.

    Everybody has finished when it returns, and also when it raises what went wrong.
    """
    others = [helpers().submit(work, piece) for piece in pieces[1:]]
    try:
        first = work(pieces[0])
    finally:
        for other in others:
            other.exception()  # waits
    return [first, *(other.result() for other in others)]


def share_out(work: Callable[[list[Sentence]], list[Result]], sentences: list[Sentence]) -> list[Result]:
    """work(sentences), which gives one result a sentence; where it pays, some of the sentences on each core."""
    tokens = sum(map(len, sentences))
    hands = min(cores(), len(sentences), tokens // LEAST_TOKENS)
    if hands < 2:
        return work(sentences)
    shares = deal([len(sentence) for sentence in sentences], hands)
    heaviest = max(sum(len(sentences[place]) for place in share) for share in shares)
    if heaviest > MOST_UNEVEN * tokens / hands:
        return work(sentences)
    with one_thread():
        done = at_once(lambda share: work([sentences[place] for place in share]), shares)
    results = {
        place: result
        for share, part in zip(shares, done, strict=True)
        for place, result in zip(share, part, strict=True)
    }
    return [results[place] for place in range(len(sentences))]


def deal(sizes: Sequence[int], hands: int) -> list[list[int]]:
    """Which places each hand gets: the largest first, each to the hand that has least so far."""
    shares: list[list[int]] = [[] for _ in range(hands)]
    loads = [0] * hands
    for place in sorted(range(len(sizes)), key=lambda place: -sizes[place]):
        least = loads.index(min(loads))
        shares[least].append(place)
        loads[least] += sizes[place]
    return shares

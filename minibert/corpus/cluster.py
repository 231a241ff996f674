"""A corpus worked on by other processes, of this machine or of many: Dask hands out the blocks, and does again what was
lost with a worker.

    this process        the workers
    block  ---------->  part = work(models, block)         each block to whoever is free
                        8 parts -> a sum, 8 sums -> one    a tree, where the parts are
    sum    <----------  of a group of 64 parts or more     so that little comes back

The order in which the sums are taken is that of the corpus, whoever is done first.
"""

import hashlib
import logging
import pickle
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from functools import cache, reduce
from itertools import islice
from operator import add
from pathlib import Path
from signal import SIG_IGN, SIGINT, getsignal, signal
from threading import RLock
from typing import Any

import numpy as np

from minibert import __version__
from minibert.corpus.here import Here
from minibert.corpus.lines import Line
from minibert.model import Bert, load
from minibert.speed.cores import blas

GROUP, FAN = 64, 8
MOST_SENT = 2**29
"""Bytes of a model that are sent to workers that have none of that name."""
loading = RLock()


@contextmanager
def cluster(workers: int | None, scheduler: str | None, *models: Bert) -> Iterator[Here]:
    """So many workers of this machine, or those of a scheduler that is there; for a block of `with`.

    ValueError: Dask is not installed, no scheduler answers, or its workers cannot have the models.
    """
    try:
        from dask import config
        from distributed import Client, LocalCluster
    except ImportError:
        raise ValueError("--workers and --scheduler take Dask: pip install 'minibert[cluster]'") from None
    settings = {"distributed.admin.large-graph-warning-threshold": "1GB", "distributed.worker.profile.enabled": False}
    with config.set(settings), ExitStack() as stack:
        stack.callback(logging.disable, logging.root.manager.disable)
        logging.disable()  # what Dask tells its log of workers that come and go is not for the reader of a table
        if scheduler is None:
            before = signal(SIGINT, SIG_IGN)  # Ctrl-C is for this process; it is heard by all that are begun here
            options = {"threads_per_worker": 1, "dashboard_address": ":0", "silence_logs": 60}
            scheduler = stack.enter_context(LocalCluster(n_workers=workers, **options))
            signal(SIGINT, before)
        try:
            client = stack.enter_context(Client(scheduler, timeout=4))
        except OSError:
            hint = "is one running there? `dask scheduler` begins one"
            raise ValueError(f"--scheduler {scheduler} does not answer; {hint}") from None
        except ValueError as error:
            raise ValueError(f"--scheduler is {scheduler} ({error}); expected tcp://host:8786") from None
        try:
            yield Cluster(client, *models)
        except Exception as error:
            if client.status == "running" and not isinstance(error, CancelledError):
                raise
            raise ValueError("the scheduler is gone, and with it the work that it had given out") from None


class Cluster(Here):
    """Workers, each of which loads the models once."""

    def __init__(self, client: Any, *models: Bert):
        self.client, self.is_stopped = client, False
        if not self.count():
            print("minibert: waiting for the first worker", file=sys.stderr)
        client.wait_for_workers(1)
        self.models = [self.reach(bert) for bert in models]

    def reach(self, bert: Bert) -> Any:
        """What tells workers which model: its name where all have it, or else the model itself."""
        name = str(Path(bert.name).resolve()) if Path(bert.name).is_dir() else bert.name
        try:
            missing = self.client.run(missing_here, name, __version__, fingerprint(bert))
        except Exception as error:
            raise ValueError(f"the workers cannot run minibert {__version__}, which they need: {error}") from None
        model = pickle.dumps(bert) if any(why for _, why in missing.values()) else b""
        for address, (is_fatal, why) in missing.items():
            if is_fatal or (why and len(model) > MOST_SENT):
                raise ValueError(f"worker {address} has {why}; expected the same as here ({len(model):,} bytes)")
        return self.hand_over(bert) if model else name

    def hand_over(self, thing: Any) -> Any:
        """Something that workers get when they first need it, from here or from each other."""
        return self.client.submit(pickle.loads, pickle.dumps(thing), pure=False)

    def each(self, work: Callable, blocks: Iterable[list[Line]], advance: Callable[[int], object]) -> Iterator[Any]:
        """As `Here.each`, but a sum is of many blocks; the last, on Ctrl-C, of all that are done by then."""
        job, blocks, groups = self.hand_over(work), iter(blocks), deque()
        before = self.listen()
        try:
            while True:
                while len(groups) < 2 and (some := list(islice(blocks, max(GROUP, 4 * self.count())))):
                    parts = [self.client.submit(part, job, pickle.dumps(b), *self.models, pure=False) for b in some]
                    groups.append((parts, self.tree(parts), [len(block) for block in some]))
                if not groups:
                    return
                self.wait_for(*groups[0], advance)
                sums = groups.popleft()[1].result()
                yield sums
        except KeyboardInterrupt:
            parts = [part for parts, *_ in groups for part in parts]
            done = [part for part in parts if part.status == "finished"]
            if done:
                yield reduce(add, self.client.gather(done))
            raise
        finally:
            signal(SIGINT, before)

    def listen(self) -> Any:
        """Remember a Ctrl-C: where it comes while Python clears something away, its exception is lost."""
        before = getsignal(SIGINT)

        def stop(number: int, frame: Any) -> None:
            self.is_stopped = True
            before(number, frame) if callable(before) else None

        return signal(SIGINT, stop)

    def tree(self, sums: list) -> Any:
        while len(sums) > 1:
            sums = [self.client.submit(add_up, *sums[i : i + FAN], pure=False) for i in range(0, len(sums), FAN)]
        return sums[0]

    def wait_for(self, parts: list, total: Any, sizes: list[int], advance: Callable[[int], object]) -> None:
        """Until all parts of a group are done. The error of the first of them, if there is one."""
        from distributed import wait

        size, waiting, is_alone = dict(zip(parts, sizes, strict=True)), set(parts), False
        while waiting:
            if self.is_stopped:
                raise KeyboardInterrupt
            try:
                done, waiting = wait(waiting, timeout=5, return_when="FIRST_COMPLETED")
                advance(sum(size[one] for one in done))
            except TimeoutError:
                if self.client.status == "closed":
                    raise CancelledError from None
                if not self.count() and not is_alone:
                    print("minibert: no worker is left; waiting for another", file=sys.stderr)
                is_alone = not self.count()
        for one in [*parts, total]:
            wait([one])
            if one.status == "error":
                error = one.exception()
                raise error if isinstance(error, ValueError | OSError) else ValueError(f"a worker failed: {error!r}")

    def count(self) -> int:
        return len(self.client.scheduler_info().get("workers", ()))


# --- what runs on the workers ----------------------------------------------------------------------------------------


@cache
def loaded(name: str) -> Bert:
    if blas() is not None:
        blas().limit(limits=1)  # for good: a worker is one of many, and the last digits shall be those of all others
    return load(name)


def missing_here(name: str, version: str, wanted: str) -> tuple[bool, str]:
    """What keeps a worker from having the model, and whether sending it would not help."""
    if version != __version__:
        return True, f"minibert {__version__}"
    try:
        with loading:
            return False, "" if fingerprint(loaded(name)) == wanted else f"another model under the name {name}"
    except (ValueError, OSError) as error:
        return False, f"no such model ({error})"


def part(work: Callable, block: bytes, *models: Bert | str) -> Any:
    with loading:
        ready = [loaded(model) if isinstance(model, str) else model for model in models]
    with np.errstate(all="ignore"):  # as in a process that runs the command
        return work(ready, pickle.loads(block))


def add_up(*sums: Any) -> Any:
    return reduce(add, sums)


def fingerprint(bert: Bert) -> str:
    """Equal where the numbers and the vocabulary of two models are."""
    words = "" if bert.tokenizer.backend is None else bert.tokenizer.backend.to_str()
    numbers: list[pickle.PickleBuffer] = []  # where they are: no copy is made
    digest = hashlib.sha256(pickle.dumps((bert.weights, words), protocol=5, buffer_callback=numbers.append))
    for buffer in numbers:
        digest.update(buffer.raw())
    return digest.hexdigest()

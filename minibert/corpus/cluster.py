"""A corpus worked on by other processes, on one machine or many. Dask hands out the blocks, and does those of a worker
again that died.

    this process        the workers
    block  ---------->  part = work(models, block)         each block to whoever is free
                        8 parts -> a sum, 8 sums -> one    a tree, where the parts are
    sum    <----------  of a group of 64 parts or more     so that little comes back

The order in which the sums are taken is that of the corpus, whoever is done first.
"""

import logging
import os
import pickle
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from functools import cache, reduce
from itertools import islice
from operator import add
from pathlib import Path
from signal import SIG_IGN, SIGINT, getsignal, signal
from typing import Any

from minibert import __version__
from minibert.corpus.here import Here
from minibert.corpus.lines import Line
from minibert.errors import UserError
from minibert.model import Bert, load
from minibert.speed.cores import blas

GROUP, FAN = 64, 8
MOST_SENT = 2**29
"""The most bytes of a model that are sent to a worker which has none of that name."""

SETTINGS = {
    "distributed.worker.profile.enabled": False,
    "distributed.worker.preload": [__name__],
    # without Dask's MALLOC_TRIM_THRESHOLD_, which has free memory given back at once: a sixth of the time
    "distributed.nanny.pre-spawn-environ": {"OPENBLAS_NUM_THREADS": 1, "MKL_NUM_THREADS": 1, "MALLOC_ARENA_MAX": 1},
}


@contextmanager
def cluster(workers: int | None, scheduler: str | None, *models: Bert) -> Iterator[Here]:
    """Workers of this machine, or those of a running scheduler; a context manager.

    Raises UserError where Dask is missing, no scheduler answers, or its workers cannot have the models.
    """
    try:
        from dask import config
        from distributed import Client, LocalCluster
    except ImportError:
        raise UserError("workers take Dask: pip install 'minibert-numpy[cluster]'") from None
    with config.set(SETTINGS), warnings.catch_warnings(action="ignore"), ExitStack() as stack:
        stack.callback(logging.disable, logging.root.manager.disable)
        logging.disable()  # what Dask tells its log of workers that come and go is not for the reader of a table
        stack.callback(signal, SIGINT, getsignal(SIGINT))  # as it was, when all is cleared away
        where, options = scheduler, {"threads_per_worker": 1, "dashboard_address": ":0", "silence_logs": 60}
        try:
            if where is None:
                with ctrl_c(), mute() if sys.stderr else nullcontext():
                    where = stack.enter_context(LocalCluster(n_workers=workers, **options))
            client = stack.enter_context(Client(where, timeout=4))
        except (OSError, RuntimeError, TypeError, ValueError) as error:
            unheard = f"the scheduler {scheduler} does not answer, or is not as `dask scheduler` prints it"
            raise UserError(f"{unheard if scheduler else 'no worker can be begun'}: {error}") from None
        stack.callback(signal, SIGINT, SIG_IGN)  # while Dask clears away: that takes a second, and ten if interrupted
        try:
            yield Cluster(client, *models)
        except Exception as error:
            if client.status == "running" and not isinstance(error, CancelledError):
                raise
            raise UserError("the scheduler is gone, and with it the work that it had given out") from None


class Cluster(Here):
    """Workers, each of which loads the models once."""

    def __init__(self, client: Any, *models: Bert):
        self.client = client
        if not self.count():
            print("minibert: waiting for the first worker", file=sys.stderr)
        client.wait_for_workers(1)
        self.models = [self.reach(bert) for bert in models]

    def reach(self, bert: Bert) -> Any:
        """The name of the model where all workers have it; otherwise the model itself, as it lies on a worker."""
        name = str(Path(bert.name).resolve()) if Path(bert.name).is_dir() else bert.name
        which = name, __version__, fingerprint(bert)
        try:
            have = self.client.run(has_model, *which)
        except Exception as error:
            raise UserError(f"the workers cannot run minibert {__version__}, which they need: {error}") from None
        if all(have.values()):
            return which
        pickled = pickle.dumps(bert)
        if len(pickled) > MOST_SENT:
            raise UserError(f"a worker has another {name} or none, and {len(pickled):,} bytes are too many to send")
        return self.client.submit(pickle.loads, pickled, pure=False)

    def each(self, work: Callable, blocks: Iterable[list[Line]], advance: Callable[[int], object]) -> Iterator[Any]:
        """As `Here.each`, but a sum is of many blocks; the last, on Ctrl-C, of all that are done by then."""
        job, rest = self.client.submit(pickle.loads, pickle.dumps(work), pure=False), iter(blocks)
        groups: list[tuple[list[Any], Any, list[int]]] = []
        with ctrl_c() as stopped:
            while True:
                while len(groups) < 2 and (some := list(islice(rest, max(GROUP, 4 * self.count())))):
                    parts = [self.client.submit(part, job, pickle.dumps(b), *self.models, pure=False) for b in some]
                    groups.append((parts, self.tree(parts), [len(block) for block in some]))
                if not groups or not self.is_done(*groups[0], advance, stopped):
                    break
                yield groups.pop(0)[1].result()
            if done := [part for parts, *_ in groups for part in parts if part.status == "finished"]:
                yield reduce(add, self.client.gather(done))

    def tree(self, sums: list) -> Any:
        while len(sums) > 1:
            sums = [self.client.submit(reduce, add, sums[i : i + FAN], pure=False) for i in range(0, len(sums), FAN)]
        return sums[0]

    def is_done(self, parts: list, total: Any, sizes: list[int], advance: Callable, stopped: list) -> bool:
        """Wait for a group: True once it is done, False after Ctrl-C. Raises the error of the first part with one."""
        waiting = dict(zip([total, *parts], [0, *sizes], strict=True))  # a part alone is the total as well
        while waiting:
            time.sleep(0.05)
            if stopped:
                return False
            advance(sum(waiting.pop(one) for one in list(waiting) if one.done()))
            if time.monotonic() % 10 < 0.05 and not self.count():  # about every ten seconds
                print("minibert: no worker is left; waiting for another (Ctrl-C ends it)", file=sys.stderr)
        for error in (one.exception() for one in [*parts, total] if one.status == "error"):
            if type(error).__name__ == "KilledWorker":  # Dask's, which may not be imported here
                raise UserError(f"four workers died over one block: {error}")
            raise error
        return True

    def count(self) -> int:
        return len(self.client.scheduler_info().get("workers", ()))


@contextmanager
def ctrl_c() -> Iterator[list]:
    """A list that Ctrl-C writes into; its exception comes at the end of the block: earlier, it would be lost where
    Python clears something away, and break Dask where it begins. A third Ctrl-C is as ever.

    A list and no Event, whose lock may be held by those whom Ctrl-C interrupts.
    """
    stopped: list[object] = []

    def note(*_: object) -> None:
        if stopped:
            signal(SIGINT, before)
        stopped.append(True)

    before = signal(SIGINT, note)
    try:
        yield stopped
    finally:
        signal(SIGINT, before)
        if stopped:
            raise KeyboardInterrupt


@contextmanager
def mute() -> Iterator[None]:
    """Processes that are begun in this block say nothing: not even what Ctrl-C, which they hear as well, does to them
    before `dask_setup`."""
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


# --- what runs on the workers ----------------------------------------------------------------------------------------


def dask_setup(worker: object) -> None:
    """Dask calls this function by its name when a worker of this machine begins."""
    signal(SIGINT, SIG_IGN)  # Ctrl-C is for the process that began it


@cache
def loaded(name: str, version: str, wanted: str) -> Bert:
    """Raises UserError where this worker has no such model, another one of that name, or another minibert."""
    check_version(version)
    if (libraries := blas()) is not None:
        libraries.limit(limits=1)  # for good: a worker is one of many, and the last digits shall be those of all others
    with suppress(ValueError, OSError):
        bert = load(name)
        if fingerprint(bert) == wanted:
            return bert
    raise UserError(f"a worker has no model {name}, or another one of that name")


def check_version(version: str) -> None:
    if version != __version__:
        raise UserError(f"a worker has minibert {__version__}")


def has_model(name: str, version: str, wanted: str) -> bool:
    check_version(version)
    with suppress(UserError):
        return loaded(name, version, wanted) is not None
    return False


def fingerprint(bert: Bert) -> str:
    """Equal where configuration, numbers and vocabulary of two models are."""
    from dask.base import tokenize

    backend = bert.tokenizer.backend
    return tokenize(bert.config, bert.weights, backend and backend.to_str())


def part(work: Callable, block: bytes, *models: Bert | tuple[str, str, str]) -> Any:
    here = [loaded(*model) if isinstance(model, tuple) else model for model in models]
    return work(here, pickle.loads(block))

"""Start the worker, send it jobs, wait at most the time limit, and end it with every process that it started."""

import json
import os
import queue
import secrets
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import minibert
from minibert.exercises.judge import transport

KEPT_PRINTS = 20_000
"""bytes of what an exercise prints that are kept, from the beginning"""
START_LIMIT = 60.0
"""seconds for the worker to import NumPy and minibert, on the slowest of laptops"""

START = "import sys; sys.path.append({root!r}); from minibert.exercises.judge.worker import main; main()"


@dataclass(frozen=True)
class Answer:
    """What became of a job. reply: the worker's, or None where it ran out of time ("time") or ended ("ended")."""

    reply: dict | None
    failed: str | None
    status: int | None
    """exit status of a worker that ended"""
    printed: str


class Worker:
    """Runs jobs in a process of its own, one after another; one that hangs or dies is replaced for the next job."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.process: Any = None
        """a subprocess.Popen, its three pipes open, while it runs"""
        self.replies: queue.Queue[dict | None] = queue.Queue()

    def ask(self, file: str, seed: int, limit: float) -> Answer:
        """Run the exercise of this file on inputs drawn from this seed, for at most `limit` seconds."""
        if not self.is_running():
            self.stop()
            self.start()
        marker = secrets.token_hex(16)
        job = {"exercise": file, "file": str(self.folder / file), "seed": seed, "end_of_prints": marker}
        try:
            self.process.stdin.write(json.dumps(job).encode() + b"\n")
            self.process.stdin.flush()
            reply: dict | str | None = self.replies.get(timeout=limit)
        except (OSError, queue.Empty) as error:
            reply = "time" if isinstance(error, queue.Empty) else None
        if isinstance(reply, dict):
            return Answer(reply, None, None, self.prints.take(marker))
        status = None
        if reply is None:
            with suppress(subprocess.TimeoutExpired):  # it may have closed its pipe, and go on
                status = self.process.wait(timeout=1)
        prints = self.prints
        self.stop()
        return Answer(None, reply or "ended", status, prints.take(None))

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        root = str(Path(minibert.__file__).parents[1])
        one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", START.format(root=root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env=os.environ | one_thread,
            start_new_session=os.name == "posix",
        )
        self.prints = Prints(self.process.stderr)
        self.replies = queue.Queue()
        threading.Thread(target=collect_replies, args=(self.process.stdout, self.replies), daemon=True).start()
        try:
            ready = self.replies.get(timeout=START_LIMIT)
        except queue.Empty:
            ready = None
        if ready is None:
            printed = self.prints.take(None)
            self.stop()
            raise OSError(f"the process that runs the exercises did not start: {printed[-500:]}")

    def stop(self) -> None:
        """End the worker and whatever it started."""
        process, self.process = self.process, None
        if process is None:
            return
        try:
            if os.name == "posix":
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        except ProcessLookupError:
            pass
        process.wait()
        with suppress(OSError):  # a job it never read
            process.stdin.close()


def collect_replies(stream: BinaryIO, replies: queue.Queue) -> None:
    """Put each reply into the queue, and None when no more can come."""
    try:
        while True:
            replies.put(transport.read_message(stream))
    except Exception:  # whatever bytes came, they are no reply
        replies.put(None)
    finally:
        stream.close()


class Prints:
    """Reads what is printed, all the time, so that the worker never waits; keeps the beginning."""

    def __init__(self, stream):
        self.kept = bytearray()
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self.read, args=(stream,), daemon=True)
        self.reader.start()

    def read(self, stream) -> None:
        while chunk := os.read(stream.fileno(), 65536):
            with self.changed:
                self.kept += chunk
                del self.kept[KEPT_PRINTS:-100]  # the last bytes may be the marker
                self.changed.notify_all()
        stream.close()

    def take(self, marker: str | None) -> str:
        """What was printed up to the marker; without one, all there is."""
        if marker is None:
            self.reader.join(timeout=0.5)
        with self.changed:
            end = f"\n{marker}\n".encode()
            if marker is not None:
                self.changed.wait_for(lambda: end in self.kept, timeout=1.0)
            printed, _, _ = bytes(self.kept).partition(end)
            self.kept.clear()
        return printed[:KEPT_PRINTS].decode(errors="replace")

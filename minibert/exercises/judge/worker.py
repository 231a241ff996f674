"""The process in which a student's code runs. It may loop, print, exit or crash: the checker runs in another process.

Jobs come in on standard input, replies go out on standard output. Before any student's code runs, both get other file
descriptors. So input is empty for the student, and prints go to standard error, where the checker collects them.
"""

import json
import linecache
import os
import sys
from contextlib import suppress
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

from minibert.exercises.course import EXERCISES
from minibert.exercises.judge import transport
from minibert.exercises.judge.attempt import attempt, explain

MEMORY = 4 * 2**30
"""bytes of memory for a student's code"""
PROCESSOR_TIME = 600
"""seconds, if no other process stops it"""


def main() -> None:
    jobs, replies, prints = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb"), os.dup(2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    owner = os.getpid()
    folder = ""
    sys.dont_write_bytecode = True
    set_limits()
    replies.write(transport.pack({}, []))
    replies.flush()
    for line in jobs:
        job = json.loads(line)
        if not folder:  # last, so that no file of the student's stands in for one of Python's own: random.py
            folder = str(Path(job["file"]).parent)
            sys.path.append(folder)
        os.chdir(folder)
        os.dup2(prints, 1)
        os.dup2(prints, 2)
        sys.stdout = sys.stderr = open(  # noqa: SIM115 - a new one for each job: the last student may have closed it
            2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False
        )
        message = run(job)
        if os.getpid() != owner:  # a copy that the student's code forked off
            os._exit(0)
        with suppress(OSError, ValueError, AttributeError):  # the student may have closed or replaced it
            sys.stdout.flush()
        os.write(prints, f"\n{job['end_of_prints']}\n".encode())
        replies.write(message)
        replies.flush()


def set_limits() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    for limit, value in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, PROCESSOR_TIME)):
        with suppress(OSError, ValueError):  # a stricter limit is in force already, or this system has none
            resource.setrlimit(limit, (value, value))


def run(job: dict) -> bytes:
    """Import the student's file, call its functions, and pack what they returned; {"error": ...} if it cannot be."""
    path = Path(job["file"])
    exercise = next(exercise for exercise in EXERCISES if exercise.file == job["exercise"])
    drawn = exercise.cases(job["seed"])
    try:
        module = load(path)
    except BaseException as error:
        return transport.pack({"error": explain(error, path)}, [])
    results, values = attempt(exercise, drawn, vars(module), path)
    return transport.pack({"results": results}, values)


def load(path: Path) -> ModuleType:
    """A file as a module of its own."""
    linecache.checkcache(str(path))
    loader = SourceFileLoader(f"student_{path.stem}", str(path))
    module = ModuleType(loader.name)
    module.__file__, module.__loader__ = str(path), loader
    sys.modules[loader.name] = module
    loader.exec_module(module)
    return module

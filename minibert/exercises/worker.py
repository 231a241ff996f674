"""The process in which a student's code runs. It may loop, print, exit or crash: the checker lives elsewhere.

Jobs come in on what was standard input, replies go out on what was standard output. Both are put out of the student's
reach first: input is empty, and whatever is printed goes to standard error, where the checker collects it.
"""

import importlib.util
import json
import linecache
import os
import sys
import traceback
from contextlib import suppress
from pathlib import Path

import numpy as np

from minibert.exercises import transport
from minibert.exercises.course import EXERCISES
from minibert.model import Bert

MEMORY = 4 * 2**30
"""bytes a student's code may take"""
PROCESSOR_TIME = 600
"""seconds, in case nobody is left to stop it"""


def main() -> None:
    jobs, replies, prints = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb"), os.dup(2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    folder, owner = os.getcwd(), os.getpid()
    sys.path.insert(0, folder)
    sys.dont_write_bytecode = True
    set_limits()
    replies.write(transport.pack({}, []))
    replies.flush()
    for line in jobs:
        job = json.loads(line)
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
    """Import the student's file, call its functions, and pack what they returned.

    The reply has "error" where the import failed, and otherwise a result a call (and a finding): {"value": its number
    among the values}, or {"error": ...}, or {"missing": true} where there is no such name in the file.
    """
    path = Path(job["file"])
    exercise = next(exercise for exercise in EXERCISES if exercise.file == job["exercise"])
    drawn = exercise.cases(job["seed"])
    try:
        module = load(path)
    except BaseException as error:
        return transport.pack({"error": explain(error, path)}, [])
    results, values = [], []
    for part, cases in zip(exercise.parts, drawn, strict=True):
        found = getattr(module, part.name, module)
        calls = [None] if cases is None else [case.arguments for case in cases]
        outcomes = []
        for arguments in calls:
            if found is module:
                outcomes.append({"missing": True})
                continue
            try:
                value = found if arguments is None else found(*read_only(arguments))
                transport.describe(value, [], 0)
            except BaseException as error:
                outcomes.append({"error": explain(error, path)})
            else:
                outcomes.append({"value": len(values)})
                values.append(value)
        results.append(outcomes)
    return transport.pack({"results": results}, values)


def load(path: Path):
    """The student's file as a module of its own."""
    linecache.checkcache(str(path))
    spec = importlib.util.spec_from_file_location(f"student_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def read_only(value):
    """The same value, its arrays locked: a function that writes into its input is told so by NumPy."""
    if isinstance(value, np.ndarray):
        value.flags.writeable = False
    elif isinstance(value, Bert):
        read_only(value.weights)
    elif isinstance(value, tuple | list):
        for item in value:
            read_only(item)
    return value


def explain(error: BaseException, path: Path) -> dict:
    """What was raised, and at which line of the student's file."""
    line = source = None
    if isinstance(error, SyntaxError) and error.filename == str(path):
        line, source = error.lineno, error.text
    else:
        for frame in traceback.extract_tb(error.__traceback__):
            if frame.filename == str(path):
                line, source = frame.lineno, frame.line
    try:
        message = error.msg if isinstance(error, SyntaxError) else str(error)
    except BaseException:
        message = ""
    return {
        "type": type(error).__name__,
        "message": message[:1000],
        "line": line,
        "source": (source or "").strip()[:200],
    }

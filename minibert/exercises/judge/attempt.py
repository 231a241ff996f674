"""Call a student's functions on every case, in the worker or in a notebook, and note the outcome of each call."""

import ast
import inspect
import linecache
import traceback
import zlib
from pathlib import Path

import numpy as np

from minibert.exercises.course.exercise import Case, Exercise
from minibert.exercises.judge import transport
from minibert.model import Bert


def attempt(
    exercise: Exercise, drawn: list[list[Case] | None], names: dict, path: Path | None
) -> tuple[list[list[dict]], list[object]]:
    """The outcome of every call of every part, and the values returned.

    names: what the student's file defines. path: of that file; None in a notebook, where each function has a cell of
    its own, and Ctrl-C ends it all. Each function is called on its last case, before anything can be kept from
    an earlier call; then on all of them, and on the last one twice. The outcome of the very first call comes last. A
    finding is not called.
    An outcome is {"value": its number among the values}, or {"error": ...}, or {"missing": true} where there is no such
    name, or {"changed": the argument that is no longer what it was}.
    """
    results: list[list[dict]] = []
    values: list[object] = []
    for part, cases in zip(exercise.parts, drawn, strict=True):
        outcomes: list[dict] = []
        if part.name not in names:
            outcomes.append({"missing": True})
        elif cases is None:
            outcomes.append({"value": len(values)})
            values.append(names[part.name])
        else:
            for case in (cases[-1], *cases, cases[-1]):
                outcomes.append(call(names[part.name], case, path, values))
            first = outcomes.pop(0)
            if "value" in outcomes[-2]:
                del outcomes[-2]  # of two calls in a row on the last case, the second counts
            else:
                del outcomes[-1]
            outcomes.append(first)
        results.append(outcomes)
    return results, values


def call(function, case: Case, path: Path | None, values: list[object]) -> dict:
    """One call; what it returned is appended to the values."""
    before = [fingerprint(argument) for argument in case.arguments]
    try:
        value = function(*read_only(case.arguments))
        transport.describe(value, [], 0)
    except BaseException as error:
        if path is None and isinstance(error, KeyboardInterrupt):
            raise
        return {"error": explain(error, path or cell_of(function))}
    for i, (argument, was) in enumerate(zip(case.arguments, before, strict=True)):
        if fingerprint(argument) != was:
            return {"changed": name_of_argument(function, i)}
    values.append(copied(value))
    return {"value": len(values) - 1}


def cell_of(function) -> Path:
    """What Python takes for the file of a function written in a notebook."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return Path(code.co_filename if code else "")


def name_of_argument(function, i: int) -> str:
    try:
        return list(inspect.signature(function).parameters)[i]
    except (TypeError, ValueError, IndexError):  # written as *arguments, say
        return f"argument {i + 1}"


def copied(value, depth: int = 0):
    """The value as it is now: a later call may change what it returned, as a list that keeps growing."""
    if type(value) is np.ndarray:
        return value.copy() if value.nbytes <= transport.LARGEST else value
    if type(value) in (list, tuple) and depth < transport.DEEPEST:
        return type(value)(copied(item, depth + 1) for item in value)
    return value


def read_only(value):
    """The same value, its arrays locked: NumPy raises where a function writes into its input."""
    if isinstance(value, np.ndarray):
        value.flags.writeable = False
    elif isinstance(value, Bert):
        read_only(value.weights)
    elif isinstance(value, tuple | list):
        for item in value:
            read_only(item)
    return value


def fingerprint(value) -> object:
    """Something that changes when the value does, whatever it is."""
    if isinstance(value, np.ndarray):
        return value.shape, str(value.dtype), zlib.crc32(value.tobytes())
    if isinstance(value, Bert):
        return fingerprint(value.weights)
    if isinstance(value, tuple | list):
        return [fingerprint(item) for item in value]
    if isinstance(value, dict):
        return {key: fingerprint(item) for key, item in value.items()}
    return value if isinstance(value, str | int | float) else id(value)


def explain(error: BaseException, path: Path) -> dict:
    """What was raised, and at which line of the student's file; at which line of it the call began, if elsewhere."""
    line = source = began = None
    if isinstance(error, SyntaxError) and error.filename == str(path):
        line, source = error.lineno, error.text
    else:
        own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        if own:
            line, source = own[-1].lineno, own[-1].line
            began = own[0].lineno if own[0].lineno != line else None
    try:
        message = error.msg if isinstance(error, SyntaxError) else str(error)
    except BaseException:
        message = ""
    return {
        "type": type(error).__name__,
        "message": message[:1000],
        "line": line,
        "source": (source or "").strip()[:200],
        "began": began,
        "stub": isinstance(error, NotImplementedError) and is_stub(path, line),
    }


def is_stub(path: Path, line: int | None) -> bool:
    """Whether the function round this line does nothing but raise NotImplementedError."""
    text = "".join(linecache.getlines(str(path)))
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return True
    if not text:
        return True
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and line is not None and node.lineno <= line <= (node.end_lineno or 0):
            body = [
                part for part in node.body if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))
            ]
            return len(body) == 1
    return line is None

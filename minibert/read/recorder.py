"""Watch functions run: which call, which line, which array. The functions need no change for it.

    with watching(files) as recording:
        bert(text)

`sys.settrace` calls back at every line of the watched files. A line has made an array if a name is bound to it after
the line and was not before, or if its numbers changed.
"""

import ast
import hashlib
import inspect
import re
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

# The letters of an array are in its name: hidden_TD.
SHAPED = re.compile(r"_([A-Z]+)$")
SCALARS = (bool, int, float, np.generic, slice)
LARGE_WEIGHT = 16_384
"""Of a larger array that no watched line has made (a weight), only ROWS rows are kept, evenly spaced."""
ROWS = 8


@dataclass(frozen=True, eq=False)
class Snapshot:
    """An array as it was. `numbers` are all of them, or those of every `step`-th row."""

    shape: tuple[int, ...]
    numbers: np.ndarray
    given: bool
    """made by no line that was watched: a weight"""
    step: int = 1


@dataclass
class Visit:
    """One time that one statement ran."""

    call: int
    line: int
    """the first of the statement"""
    made: dict[str, object] = field(default_factory=dict)
    """what it bound: a number of `Recording.arrays` wrapped in `Ref`, or a scalar"""
    end: int = 0
    """how many visits there were when it was done; those in between ran inside of it"""


@dataclass
class Call:
    """One time that one function ran."""

    file: str
    name: str
    line: int
    parent: int | None
    """the visit that called it"""
    given: dict[str, object]
    returned: object = None


@dataclass(frozen=True)
class Ref:
    """An array, by its number among `Recording.arrays`."""

    number: int


@dataclass
class Recording:
    """What was watched, in the order in which it ran. Equal arrays are kept once."""

    calls: list[Call] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    arrays: list[Snapshot] = field(default_factory=list)
    letters: dict[int, str] = field(default_factory=dict)
    """ABC, for an array that had the name `something_ABC`"""

    numbers: dict[bytes, int] = field(default_factory=dict, repr=False)
    """the number of an array, by a digest of its contents"""

    def named(self, rounds: int | None = None) -> Iterator[tuple[Call, str, int]]:
        """Every array under every name it had: (call, name, number of the array).

        rounds: the first so many visits of a line in one call; None: all.
        """
        seen: dict[tuple[int, int], int] = {}
        for call in self.calls:
            yield from ((call, name, x.number) for name, x in call.given.items() if isinstance(x, Ref))
        for visit in self.visits:
            place = (visit.call, visit.line)
            seen[place] = seen.get(place, 0) + 1
            if rounds is not None and seen[place] > rounds:
                continue
            for name, x in visit.made.items():
                if isinstance(x, Ref):
                    yield self.calls[visit.call], name, x.number

    def add(self, x: np.ndarray, given: bool = False, name: str = "") -> int:
        """The number of an array; a new one, unless an equal array was seen before."""
        step = max(1, len(x) // ROWS) if given and x.size > LARGE_WEIGHT else 1
        rows = x[::step] if step > 1 else x
        numbers = np.ascontiguousarray(rows).reshape(rows.shape)  # which makes [1] of a single number
        digest = hashlib.blake2b(numbers.tobytes(), digest_size=16).digest() + repr((x.shape, x.dtype.str)).encode()
        number = self.numbers.setdefault(digest, len(self.arrays))
        if number == len(self.arrays):
            self.arrays.append(Snapshot(x.shape, numbers.copy(), given, step))
        letters = SHAPED.search(name)
        if letters and len(letters[1]) == x.ndim:
            self.letters.setdefault(number, letters[1])
        return number

    def name(self, **arrays: np.ndarray) -> None:
        """Give arrays that were made elsewhere their letters: name(query_HNK=...)."""
        for name, x in arrays.items():
            self.add(x, name=name)


@contextmanager
def watching(files: Collection[str]) -> Iterator[Recording]:
    """Record what runs on this thread in functions of these source files, until the `with` block ends."""
    recorder = Recorder(frozenset(files))
    before = sys.gettrace()
    sys.settrace(recorder.on_call)
    try:
        yield recorder.recording
    finally:
        sys.settrace(before)
        recorder.alive.clear()


@dataclass(frozen=True, eq=False)
class Statement:
    """What the source says about one statement."""

    line: int
    targets: frozenset[str]
    returns: tuple[str | None, ...]
    """of a `return`: the name of each value, or None"""
    again: bool
    """whether running twice in a row is running twice: the head of a `while` with one line"""


@dataclass
class Watched:
    """A frame that is being watched."""

    call: int
    statements: dict[int, Statement]
    statement: Statement | None = None
    visit: int | None = None
    last: dict[str, tuple[int, object]] = field(default_factory=dict)
    """name -> (id of its value, what it was kept as)"""


class Recorder:
    """The callbacks of `sys.settrace`, and their state from one line to the next."""

    def __init__(self, files: frozenset[str]):
        self.files = files
        self.recording = Recording()
        self.frames: dict[FrameType, Watched] = {}
        self.roots: set[int] = set()  # ids of arrays whose memory watched lines have made
        self.alive: list[np.ndarray] = []  # the same arrays: while they live, no other array gets their id

    def on_call(self, frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        if code.co_filename not in self.files or code.co_name.startswith("<"):
            return None
        if frame not in self.frames:  # a generator comes back as the frame it was
            self.frames[frame] = self.begin(frame)
        return self.on_line

    def begin(self, frame: FrameType) -> Watched:
        """Record a call and the arrays it was given."""
        code, parent = frame.f_code, frame.f_back
        while parent is not None and parent not in self.frames:
            parent = parent.f_back
        caller = None if parent is None else self.frames[parent].visit
        given = {name: self.keep(name, x, True) for name, x in frame.f_locals.items() if kept(x)}
        watched = Watched(len(self.recording.calls), statements(code.co_filename))
        watched.last = {name: (id(frame.f_locals[name]), x) for name, x in given.items()}
        name = getattr(code, "co_qualname", code.co_name).replace(".<locals>", "")
        self.recording.calls.append(Call(code.co_filename, name, code.co_firstlineno, caller, given))
        return watched

    def on_line(self, frame: FrameType, event: str, argument: Any) -> Any:
        watched = self.frames[frame]
        if event == "line":
            statement = watched.statements.get(frame.f_lineno)
            if statement is None or (watched.statement is statement and not statement.again):
                return self.on_line  # a further line of the same statement
            self.finish(frame, watched)
            watched.statement = statement
            watched.visit = len(self.recording.visits)
            self.recording.visits.append(Visit(watched.call, statement.line))
        elif event == "return":
            self.finish(frame, watched)
            if argument is not None and watched.visit is not None:
                self.returned(watched, watched.visit, argument)
            if not (frame.f_code.co_flags & inspect.CO_GENERATOR and argument is not None):
                del self.frames[frame]
        return self.on_line

    def finish(self, frame: FrameType, watched: Watched) -> None:
        """The statement is done: keep what it made."""
        if watched.statement is None or watched.visit is None:
            return
        visit = self.recording.visits[watched.visit]
        visit.end = len(self.recording.visits)
        for name, x in frame.f_locals.items():
            if not kept(x):
                continue
            identity, before = watched.last.get(name, (None, None))
            if id(x) == identity and name not in watched.statement.targets and not self.changed(x, before):
                continue
            visit.made[name] = self.keep(name, x, False)
            watched.last[name] = (id(x), visit.made[name])
        watched.statement = None

    def returned(self, watched: Watched, number: int, value: object) -> None:
        """What a `return`, visit `number`, made that has no name yet."""
        visit = self.recording.visits[number]
        names = statements(self.recording.calls[watched.call].file)[visit.line].returns
        values = value if isinstance(value, tuple) and len(names) == len(value) else (value,)
        refs: list[object] = []
        for i, x in enumerate(values):
            name = names[i] if len(names) == len(values) else None
            refs.append(self.keep(name or "", x, False) if isinstance(x, np.ndarray) else None)
            if refs[-1] is not None and name is None:
                visit.made["returned" if len(values) == 1 else f"returned[{i}]"] = refs[-1]
        self.recording.calls[watched.call].returned = refs[0] if len(refs) == 1 else tuple(refs)

    def changed(self, x: Any, before: object) -> bool:
        """Whether an array that is still the same object holds other numbers than before."""
        if not isinstance(before, Ref):
            return False
        snapshot = self.recording.arrays[before.number]
        whole = snapshot.numbers.shape == x.shape
        return whole and not np.array_equal(snapshot.numbers, x, equal_nan=x.dtype.kind == "f")

    def keep(self, name: str, x: object, is_given: bool) -> object:
        """A scalar as it is; an array as a number of `Recording.arrays`."""
        if not isinstance(x, np.ndarray):
            return x.item() if isinstance(x, np.generic) else x
        root = x
        while isinstance(root.base, np.ndarray):
            root = root.base
        if not is_given:
            self.roots.add(id(root))
            self.alive.append(root)
        return Ref(self.recording.add(x, is_given and id(root) not in self.roots, name))


def kept(x: object) -> bool:
    return isinstance(x, (np.ndarray, *SCALARS))


@cache
def statements(file: str) -> dict[int, Statement]:
    """The statement of each line of a file; of a compound one (if, for, with), its head only."""
    found: dict[int, Statement] = {}
    for node in ast.walk(ast.parse(Path(file).read_text(encoding="utf-8"))):
        if not isinstance(node, ast.stmt) or isinstance(node, ast.FunctionDef | ast.ClassDef):
            continue
        body = getattr(node, "body", None)
        end = body[0].lineno - 1 if body else node.end_lineno or node.lineno
        returns: tuple[str | None, ...] = ()
        if isinstance(node, ast.Return):
            parts: list[Any] = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            returns = tuple(part.id if isinstance(part, ast.Name) else None for part in parts)
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = frozenset(
                n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
            )
        else:
            targets = frozenset()  # for any other statement, only what changed counts
        statement = Statement(node.lineno, targets, returns, bool(body) and isinstance(node, ast.While))
        for line in range(node.lineno, max(end, node.lineno) + 1):
            found[line] = statement
    return found

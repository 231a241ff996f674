"""A student's functions in place of the library's, and the first line whose array differs from the library's."""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Protocol

import numpy as np

from minibert.numerics import ACTIVATIONS
from minibert.read.recorder import SHAPED, Call, Recording, Ref, Visit

PACKAGE = Path(__file__).parents[1]
NEAR = 2e-5
"""how far a number may be off, as a share of the largest of its array: float32, summed in another order"""
AnyFunction = Callable[..., Any]
Key = tuple[Any, ...]
one_at_a_time = threading.RLock()


@contextmanager
def replaced(modules: Sequence[ModuleType], others: Mapping[AnyFunction, AnyFunction]) -> Iterator[None]:
    """Until the `with` block ends, these modules (and their dicts) hold others[f] in place of a function f.

    What the modules compute for other threads meanwhile uses the other functions, too.
    """
    before: list[tuple[dict[Any, Any], object, AnyFunction]] = []
    with one_at_a_time:
        try:
            for module in modules:
                for names in (vars(module), *(x for x in vars(module).values() if type(x) is dict)):
                    for name, value in list(names.items()):
                        if isinstance(value, FunctionType) and value in others:
                            before.append((names, name, value))
                            names[name] = others[value]
            yield
        finally:
            for names, name, value in reversed(before):
                names[name] = value


class Own(Protocol):
    """A BERT made of a student's functions, such as `minibert.exercises.own.assemble` returns."""

    @property
    def functions(self) -> Mapping[str, AnyFunction]: ...

    @property
    def yours(self) -> Sequence[str]: ...


def own_functions(own: Own, modules: Sequence[ModuleType]) -> tuple[dict[AnyFunction, AnyFunction], list[str]]:
    """{function of the chapters: the student's, where it is right}, and the names of the student's functions."""
    others: dict[AnyFunction, AnyFunction] = {}
    for module in modules:
        for name, function in list(vars(module).items()):
            right = name in own.yours or (name == "attend" and "scores" in own.yours)
            if right and callable(function) and getattr(function, "__module__", "") == module.__name__:
                others[function] = own.functions[name]
                if name in ACTIVATIONS:  # BERT may be run with a faster one of the same name
                    others[ACTIVATIONS[name]] = own.functions[name]
    return others, list(own.yours)


def first_difference(theirs: Recording, library: Recording, files: Collection[str]) -> tuple[int, str] | None:
    """(visit, text) of the first line whose array differs from the library's, or None.

    Compared are arrays of the same name in the same call, up to rounding: in the student's `files` and the model's
    chapters, those with letters in their names, and what functions return. (A name such as y may stand for anything,
    and the geometry may turn rounding into more.)
    """
    expected: dict[Key, list[int]] = {}
    for key, name, number, _ in bindings(library.calls, library.visits):
        expected.setdefault((key, name), []).append(number)
    seen: Counter[Key] = Counter()
    for key, name, number, visit in bindings(theirs.calls, theirs.visits):
        places = expected.get((key, name), [])
        at = seen[key, name]
        seen[key, name] += 1
        file = theirs.calls[theirs.visits[visit].call].file
        of_model = file in files or Path(file).is_relative_to(PACKAGE)
        counts = of_model and (SHAPED.search(name) or name.startswith("returned"))
        if at >= len(places) or not counts:
            continue
        got, right = theirs.arrays[number], library.arrays[places[at]]
        if got.shape != right.shape:
            return visit, f"first difference: {name} is {list(got.shape)}, the library's {list(right.shape)}"
        if got.numbers.shape != right.numbers.shape or not got.numbers.size:
            continue
        gap = float(np.abs(got.numbers.astype(float) - right.numbers.astype(float)).max())
        if not gap <= NEAR * max(float(np.abs(right.numbers).max()), 1e-6):
            return visit, f"first difference: {name} is up to {gap:.2g} away from the library's"
    return None


def bindings(calls: Sequence[Call], visits: Sequence[Visit]) -> Iterator[tuple[Key, str, int, int]]:
    """(key of the call, name, array, visit) in the order in which the lines were done.

    The key of a call is the names of the functions on the way to it, each with its number among its caller's calls.
    """
    keys: list[Key] = []
    siblings: Counter[Key] = Counter()
    for call in calls:
        above: Key = () if call.parent is None else keys[visits[call.parent].call]
        name = call.name.split(".")[-1]
        keys.append((*above, (name, siblings[above, name])))
        siblings[above, name] += 1
    for i, visit in sorted(enumerate(visits), key=lambda pair: (pair[1].end, -pair[0])):
        for name, x in visit.made.items():
            if isinstance(x, Ref):
                yield keys[visit.call], name, x.number, i

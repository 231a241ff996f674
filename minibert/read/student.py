"""A student's functions in the place of the library's, and where their arrays part from the library's."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from types import ModuleType

import numpy as np

from minibert.exercises.own import assemble
from minibert.model import Bert
from minibert.numerics import ACTIVATIONS
from minibert.read.recorder import SHAPED, Call, Recording, Ref, Visit

PACKAGE = Path(__file__).parents[1]
NEAR = 2e-5
"""how far a number may be off, as a share of the largest of its array: float32, summed in another order"""


def own_functions(folder: Path, bert: Bert, modules: Sequence[ModuleType]) -> tuple[dict[Callable, Callable], list]:
    """For each function of the chapters that the student has written, if it is right, theirs; and the names."""
    own = assemble(folder, bert.name)
    others: dict[Callable, Callable] = {}
    for module in modules:
        for name, function in list(vars(module).items()):
            right = name in own.yours or (name == "attend" and "scores" in own.yours)
            if right and callable(function) and getattr(function, "__module__", "") == module.__name__:
                others[function] = own.functions[name]
                if name in ACTIVATIONS:  # BERT may be run with a faster one of the same name
                    others[ACTIVATIONS[name]] = own.functions[name]
    return others, list(own.yours)


def first_difference(theirs: Recording, library: Recording, files: Collection[str]) -> tuple[int, str] | None:
    """(visit, text) of the first line whose array differs from the one of the same name in the same call when the
    library runs; None where all that can be compared is equal up to rounding.

    files: the student's. There and in the chapters of the model, arrays with letters in their names are compared, and
    what functions return: a name such as y may stand for anything. The geometry may turn rounding into more.
    """
    expected: dict[tuple, list[int]] = {}
    for key, name, number, _ in bindings(library.calls, library.visits):
        expected.setdefault((key, name), []).append(number)
    seen: Counter = Counter()
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


def bindings(calls: Sequence[Call], visits: Sequence[Visit]) -> Iterator[tuple[tuple, str, int, int]]:
    """(which call, name, array, visit) in the order in which the lines were done. A call is known by the names of the
    functions on the way to it, each with how many of that name its caller had called before."""
    keys: list[tuple] = []
    siblings: Counter = Counter()
    for call in calls:
        above = () if call.parent is None else keys[visits[call.parent].call]
        name = call.name.split(".")[-1]
        keys.append((*above, (name, siblings[above, name])))
        siblings[above, name] += 1
    for i, visit in sorted(enumerate(visits), key=lambda pair: (pair[1].end, -pair[0])):
        for name, x in visit.made.items():
            if isinstance(x, Ref):
                yield keys[visit.call], name, x.number, i

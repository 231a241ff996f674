"""Other functions in the place of the chapters' own, for a while: their plain equations, or a student's."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FunctionType, ModuleType

SPEED = Path(__file__).parents[1] / "speed"
one_at_a_time = threading.RLock()


@contextmanager
def replaced(modules: Sequence[ModuleType], others: Mapping[Callable, Callable]) -> Iterator[None]:
    """Wherever these modules (or a dict of theirs) name a function that is a key of `others`, they name the other one
    until the `with` block ends. What the modules compute for other threads meanwhile is computed so, too."""
    before: list[tuple[dict, object, Callable]] = []
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


def plain_equations(modules: Sequence[ModuleType]) -> dict[Callable, Callable]:
    """For each function that `minibert.speed` has wrapped, the function as it stands in its chapter."""
    return {
        value: equation(value)
        for module in modules
        for value in vars(module).values()
        if isinstance(value, FunctionType) and equation(value) is not value
    }


def equation(function: Callable) -> Callable:
    """The function without what `minibert.speed` wraps round it."""
    while hasattr(function, "__wrapped__") and Path(function.__code__.co_filename).parent == SPEED:
        function = function.__wrapped__
    return function

"""The answer key of an exercise for one seed: the cases, the right results, and those of each known mistake."""

from collections.abc import Callable
from functools import cached_property, lru_cache

import numpy as np

from minibert.exercises.course.exercise import Case, Exercise, Function, Wrong, kind_of
from minibert.exercises.text import joined, t


class PartKey:
    """What is right for one function, computed once."""

    def __init__(self, function: Function, cases: list[Case]):
        self.function, self.cases = function, cases

    @cached_property
    def expected(self) -> list[tuple]:
        return [
            arrays_of(self.function, case.arguments, self.function.solution(*case.arguments)) for case in self.cases
        ]

    @cached_property
    def mistaken(self) -> list[list[tuple | None]]:
        """For each mistake, and each case, the arrays it gives; None where it cannot be made."""
        return [
            [outcome(self.function, mistake.function, case) for case in self.cases]
            for mistake in self.function.mistakes
        ]


class Key:
    """Of a whole exercise: one entry per part, None for a finding."""

    def __init__(self, exercise: Exercise, seed: int):
        drawn = exercise.cases(seed)
        self.parts = [
            PartKey(part, cases) if isinstance(part, Function) and cases is not None else None
            for part, cases in zip(exercise.parts, drawn, strict=True)
        ]


@lru_cache(maxsize=64)
def answer_key(exercise: Exercise, seed: int) -> Key:
    return Key(exercise, seed)


def arrays_of(function: Function, arguments: tuple, value: object) -> tuple[object, ...]:
    """What is compared: one entry per output. Raises `Wrong` where it is not of that kind."""
    try:
        value = function.look(arguments, value)
    except Wrong:
        raise
    except (TypeError, ValueError, AttributeError, IndexError, KeyError):  # as odd as that nobody thought of it
        raise Wrong(t("it cannot be unpacked; it is {got}", got=kind_of(value))) from None
    if len(function.outputs) == 1:
        return (value,)
    if not isinstance(value, tuple | list) or len(value) != len(function.outputs):
        names = joined(", ", (t(output.name) for output in function.outputs))
        expected = t("expected {count} results, in this order: {names}", count=len(function.outputs), names=names)
        raise Wrong(t("{expected}; got {got}", expected=expected, got=kind_of(value)))
    return tuple(value)


def outcome(function: Function, does: Callable, case: Case) -> tuple | None:
    with np.errstate(all="ignore"):
        try:
            return arrays_of(function, case.arguments, does(*case.arguments))
        except (ValueError, IndexError):  # the mistake cannot be made on this case
            return None

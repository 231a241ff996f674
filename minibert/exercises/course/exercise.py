"""What an exercise is: a function to write, inputs to try it on, and the mistakes people make.

The right numbers are not stored: `solution` is the library's own function. A mistake is a function too; most are the
library's with one change. Both run on the same inputs as the student's function. The checker prints a mistake if the
student's numbers equal those of the mistake.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minibert.exercises.draw import Draw
from minibert.exercises.text import Text, t


class Wrong(ValueError):
    """A student's function returned a value of the wrong kind; `text` describes both kinds."""

    def __init__(self, text: Text):
        super().__init__(str(text))
        self.text = text


class Other:
    """A value that is no array, number, text, None, or list, tuple or dict of these; or too large to be sent."""

    def __init__(self, description: str):
        self.description = description


def kind_of(value: object) -> Text:
    """What came back, in words, to go on after "got"."""
    match value:
        case Other():
            return t(value.description)
        case np.ndarray():
            return t("one array of shape {shape}", shape=list(value.shape))
        case None:
            return Text("None")
        case list() | tuple() | dict():
            return t("a {kind} of {count}", kind=type(value).__name__, count=len(value))
        case str():
            return t("the text {text}", text=repr(value[:40]))
    number = f"{value:g}" if isinstance(value, float) else str(value)
    return t("the number {number}", number=number) if isinstance(value, float) else t("the value {value}", value=number)


@dataclass(frozen=True)
class Case:
    """One call of the student's function."""

    about: Text
    """what the arguments are, to go on after "on": "3 heads, 5 queries and 7 keys" """
    arguments: tuple


@dataclass(frozen=True)
class Mistake:
    """A known way to go wrong. `function` does it, with the arguments of the exercise's function."""

    name: str
    """stable, for `--json`"""
    says: str
    """goes on after "A possible cause:": "softmax runs over the queries" """
    function: Callable


@dataclass(frozen=True)
class Output:
    """An array that a function returns. `axes` names its axes, to say where it goes wrong: ("head", "token")."""

    name: str
    axes: tuple[str, ...]
    near: float = 2e-5
    """how far a number may be off, as a share of the largest of its array: float32, summed in another order"""


def as_returned(arguments: tuple, value: object) -> object:
    return value


@dataclass(frozen=True)
class Function:
    """A function the student writes.

    cases: draws the calls to try, the one most likely to show a mistake clearly first.
    laws: what must hold whatever the numbers; each takes (arguments, outputs) and returns what is broken, or None.
    look: takes (arguments, the returned value) and returns what is compared, if that is another value; raises `Wrong`.
    hints: a first hint, and almost the solution.
    advice: what helps where shapes do not fit in this function.
    """

    name: str
    solution: Callable
    outputs: tuple[Output, ...]
    cases: Callable[[Draw], list[Case]]
    mistakes: tuple[Mistake, ...]
    hints: tuple[str, str]
    laws: tuple[Callable[[tuple, tuple[np.ndarray, ...]], Text | None], ...] = ()
    look: Callable[[tuple, object], object] = as_returned
    advice: str = ""


@dataclass(frozen=True)
class Finding:
    """A (layer, head) the student reads off a measurement and writes down as a constant.

    measure: the library's measurement [layers, heads]; the largest entry is the answer, and so is any within 2 % of it.
    """

    name: str
    measure: Callable[[], np.ndarray]
    what: str
    """what the measurement is of: "attention to the previous token" """
    hints: tuple[str, str] = (
        "Run the file. It prints the measurement, with one row per layer and one column per head.",
        "Find the largest number. Its row is the layer, and its column is the head. Both count from 0.",
    )


@dataclass(frozen=True)
class Exercise:
    """One file of the course. `shown` are the library's functions that do the same."""

    file: str
    title: str
    minutes: int
    """how long it takes most people"""
    difficulty: int
    """1, 2 or 3"""
    parts: tuple[Function | Finding, ...]
    answer: str | Callable[[], Text]
    """to the question of the file, printed when the exercise is right; measured if it is about the bundled model"""
    shown: tuple[Callable, ...]

    @property
    def name(self) -> str:
        """The file's name without its number: "softmax" of "01_softmax.py"."""
        return self.file[3:].removesuffix(".py")

    @property
    def number(self) -> int:
        return int(self.file[:2])

    @property
    def folder(self) -> Path:
        """The folder of this exercise: "ex01_softmax" for "01_softmax.py"."""
        return Path(__file__).parent / f"ex{self.file.removesuffix('.py')}"

    @property
    def stub(self) -> Path:
        """The file that is handed out."""
        return self.folder / "stub.py"

    @property
    def solution(self) -> Path:
        """The file with our own answer."""
        return self.folder / "solution.py"

    def cases(self, seed: int) -> list[list[Case] | None]:
        """The calls to try for each part, drawn from the seed; None for a finding, which is not called.

        Everything is drawn twice, in other sizes. So a function that is right for one size or one call only fails.
        """
        return [twice(part.cases, Draw(seed)) if isinstance(part, Function) else None for part in self.parts]


def twice(cases: Callable[[Draw], list[Case]], draw: Draw) -> list[Case]:
    return cases(draw) + cases(draw)

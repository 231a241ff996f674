"""The results of a check: a Report for one exercise, a Problem for one call."""

from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np

from minibert.exercises.text import Text


class Picture(NamedTuple):
    """One matrix, to be drawn: what was expected, what came, and where that is wrong."""

    expected: np.ndarray
    got: np.ndarray
    wrong: np.ndarray


@dataclass(frozen=True)
class Report:
    """The result for one exercise. `to_json` is the documented form."""

    name: str
    file: str
    status: str
    """passed, failed, todo (still a stub) or missing (no such file)"""
    message: str
    step: str | None = None
    """the step that failed: import, call, time, type, order, shape, dtype, finite, invariant, values or finding"""
    function: str | None = None
    case: str | None = None
    where: dict[str, int] | None = None
    """the first place that differs: {"head": 1, "query": 0, "key": 3}"""
    expected: str | None = None
    got: str | None = None
    mistake: str | None = None
    """the recognised mistake's name"""
    parts: tuple[dict, ...] = ()
    """each function and finding on its own: name, status, step, mistake, cause (the mistake in words), message"""
    imports_it: bool = False
    """whether the file uses the library's own function instead of one"""
    printed: str = ""
    seconds: float = 0.0
    picture: Picture | None = None
    """if a picture helps; not in `to_json`"""

    def to_json(self) -> dict:
        fields = asdict(self) | {"seconds": round(self.seconds, 3), "parts": list(self.parts)}
        del fields["picture"]
        return fields


@dataclass(frozen=True)
class Problem:
    """The first step at which one call fails."""

    step: str
    message: Text
    where: dict[str, int] | None = None
    expected: Text | str | None = None
    got: str | None = None
    mistake: str | None = None
    picture: Picture | None = None


def failed(step: str, message: Text | str, **more: object) -> dict:
    return {"status": "failed", "step": step, "message": message, **more}

"""pytest's way to the checker: `pytest` in this folder prints the same messages as `minibert exercises check`."""

from pathlib import Path

import pytest

from minibert.exercises.course import EXERCISES
from minibert.exercises.judge.checker import Checker


@pytest.fixture(scope="module")
def checker():
    with Checker(Path(__file__).parent) as checker:
        yield checker


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_exercise(checker, exercise):
    report = checker.check(exercise)
    if report.status != "passed":
        pytest.fail(report.message, pytrace=False)
    print(report.printed)

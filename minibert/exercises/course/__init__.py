"""The course: its exercises in reading order, one folder each.

A folder `exNN_name` holds stub.py, which a student gets as `NN_name.py`; solution.py; exercise.py, with what is tried
and which mistakes are known; and the Japanese words: stub.ja.txt and words.json.
"""

from importlib import import_module
from pathlib import Path

from minibert.exercises.course.exercise import Exercise

# The folders are found, so that a new exercise is a new folder and nothing else. "ex" stands before the number because
# no `import` statement can import a name that begins with a digit.
EXERCISES: tuple[Exercise, ...] = tuple(
    import_module(f"{__name__}.{folder.name}.exercise").EXERCISE
    for folder in sorted(Path(__file__).parent.glob("ex[0-9][0-9]_*"))
)

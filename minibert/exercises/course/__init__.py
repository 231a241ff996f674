"""The course: its exercises in reading order, one folder each.

A folder `exNN_name` holds stub.py, which a student gets as `NN_name.py`; solution.py; exercise.py, with what is tried
and which mistakes are known; and the Japanese words: stub.ja.txt and words.json.
"""

from importlib import import_module
from pathlib import Path

from minibert.exercises.course.exercise import Exercise
from minibert.exercises.text import CourseError, t
from minibert.terminal import close_to

# The folders are found, so that a new exercise is a new folder and nothing else. "ex" stands before the number because
# no `import` statement can import a name that begins with a digit.
EXERCISES: tuple[Exercise, ...] = tuple(
    import_module(f"{__name__}.{folder.name}.exercise").EXERCISE
    for folder in sorted(Path(__file__).parent.glob("ex[0-9][0-9]_*"))
)


def find(name: str) -> Exercise:
    """The exercise of this name, number or file name. Raises CourseError, which gives a name that is near."""
    plain = Path(name).name.removesuffix(".py")
    for exercise in EXERCISES:
        if plain in (exercise.name, exercise.file.removesuffix(".py")) or plain.lstrip("0") == str(exercise.number):
            return exercise
    near = close_to(plain, [exercise.name for exercise in EXERCISES])
    advice = t("did you mean {near}?", near=near) if near else t("`minibert exercises list` prints all names")
    raise CourseError(t("there is no exercise {name}; {advice}", name=repr(name), advice=advice))

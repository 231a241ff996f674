"""The course, in which a student builds BERT's attention piece by piece; the command is `minibert exercises`.

    course/    one folder for each exercise, and what an exercise is (exercise.py)
    draw.py    the inputs, drawn from a seed
    judge/     whether a student's code is right: run apart (worker), compared (compare), explained (verdict, raised)
    front/     the command, the notebook, the page of a class
    own.py     a BERT made of a student's own functions
    text.py    sentences, and their translations in the files words.json

The course imports the chapters and `viz`; of these, only `Bert.read` imports the course, to run a student's functions.
Inside, course/ imports from neither judge/ nor front/, and judge/ not from front/. Importing this file is cheap:
it imports everything else when a function is called. README.md is the page for teachers.
"""

from pathlib import Path

from minibert.exercises.material import blanks, royal_pair, sentences

__all__ = ["assemble", "blanks", "check", "hint", "ready", "royal_pair", "run", "sentences", "show"]


def check(name: str, *answers: object, **options):
    """In a notebook: `check("softmax", softmax)` prints what is right, or wrong and where. See `notebook.check`."""
    from minibert.exercises.front import notebook  # only needed here: it imports viz

    return notebook.check(name, *answers, **options)


def ready(name: str, **options) -> bool:
    """In a notebook: whether the functions of an exercise are right."""
    from minibert.exercises.front import notebook

    return notebook.ready(name, **options)


def hint(name: str, **options) -> None:
    """In a notebook: `hint("softmax")` prints a hint, `hint("softmax", more=True)` almost the solution."""
    from minibert.exercises.front import notebook

    notebook.hint(name, **options)


def show(name: str, **options) -> None:
    """In a notebook: `show("softmax")` prints our solution and the code of the library."""
    from minibert.exercises.front import notebook

    notebook.show(name, **options)


def run(text: str, **options) -> None:
    """In a notebook: `run("The cat sat on the [MASK].")` runs a BERT made of your own functions."""
    from minibert.exercises.front import notebook

    notebook.run(text, **options)


def assemble(folder: str | Path, model: str | Path = "tiny"):
    """A Bert of the functions in this folder that are right, and the library's for the rest. See `own.assemble`."""
    from minibert.exercises import own

    return own.assemble(folder, model)

"""The command `minibert exercises`: a course in which you build BERT's attention piece by piece.

Read on in this order: exercise (what one is), draw (inputs), course/ (all of them), key, compare, raised and judge
(what is right, what is wrong, and where), attempt, transport, worker and runner (running a student's code safely
apart), checker; then what a student calls: actions, handing_out, checking.
Beside them: own (a BERT of one's own parts), classroom, cells and notebook, pictures, progress. The teacher's page is
README.md.
It imports the chapters, for what is right; no chapter imports it. Importing this file is cheap; everything else is
imported when a command runs.
"""

from pathlib import Path

from minibert.exercises.material import blanks, royal_pair, sentences

__all__ = ["assemble", "blanks", "check", "hint", "ready", "royal_pair", "run", "sentences", "show"]


def check(name: str, *answers: object, **options):
    """In a notebook: `check("softmax", softmax)` says what is right, or wrong and where. See `notebook.check`."""
    from minibert.exercises.front import notebook  # the course imports viz, and takes a moment

    return notebook.check(name, *answers, **options)


def ready(name: str, **options) -> bool:
    """In a notebook: whether an exercise's functions are right, so that one can measure with them."""
    from minibert.exercises.front import notebook

    return notebook.ready(name, **options)


def hint(name: str, **options) -> None:
    """In a notebook: `hint("softmax")` gives a nudge, `hint("softmax", more=True)` almost the solution."""
    from minibert.exercises.front import notebook

    notebook.hint(name, **options)


def show(name: str, **options) -> None:
    """In a notebook: `show("softmax")` shows our solution, and how the library does it."""
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

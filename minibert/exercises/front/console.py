"""How the command and a notebook print: texts in one language, lines that fit a terminal, paths as they are typed."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from minibert.exercises.course import EXERCISES
from minibert.exercises.text import CourseError, Text, spoken, t
from minibert.terminal import close_to, columns
from viz.files import whole_file

PREDICTION = "Your prediction:"
"""The line under a file's question, after which the student writes"""
MARKS = {"passed": t("right"), "failed": t("not yet"), "todo": t("to do"), "missing": t("missing")}


class Console:
    """Prints texts in one language. `edit` changes each before it is printed: the words of a notebook differ."""

    def __init__(self, language: str = "en", edit: Callable[[str], str] = str):
        self.language, self.edit = language, edit

    def text(self, text: Text | str) -> str:
        return self.edit(spoken(text, self.language))

    def print(self, text: Text | str = "", end: str = "\n", flush: bool = False) -> None:
        print(self.text(text), end=end, flush=flush)

    def fold(self, text: Text | str, indent: str = "") -> None:
        """Print a text, its lines no longer than the terminal is wide, nor than 100 columns."""
        width = min(max(shutil.get_terminal_size((100, 24)).columns, 50), 100)
        for line in self.text(text).splitlines():
            for part in folded(line, width - len(indent)):
                print(indent + part)


ATOMS = re.compile(
    r"`[^`]*`[^\s\u2e80-\uffff]*|minibert exercises(?: [A-Za-z0-9_/.-]+)+(?=$| ?[^\x00-\x7f])|[!-\u2e7f]+|."
)
"""What a line is never cut in: `code`, a command, a word, or one Japanese character"""
NEVER_FIRST = "、。」)】?!ー・々っゃゅょッャュョ"


def folded(line: str, width: int) -> list[str]:
    """The line in parts of at most so many columns of a terminal."""
    atoms: list[str] = []
    for atom in ATOMS.findall(line):
        if atoms and (atom[0] in NEVER_FIRST or atoms[-1] == "「") and columns(atoms[-1]) + columns(atom) < width:
            atoms[-1] += atom
        else:
            atoms.append(atom)
    parts = [""]
    for atom in atoms:
        if parts[-1].strip() and columns(parts[-1] + atom.rstrip()) > width:
            parts[-1] = parts[-1].rstrip()
            parts.append("")
        if parts[-1] or not atom.isspace() or len(parts) == 1:
            parts[-1] += atom
    return [part.rstrip() for part in parts]


def quoted(path: object) -> str:
    """A path as it is typed in a shell."""
    return f'"{path}"' if re.search(r"\s|['&()]", str(path)) else str(path)


def write_whole(path: Path, text: str) -> None:
    """Write the whole file, or leave what was there."""
    with whole_file(path) as beside:
        beside.write_text(text, encoding="utf-8")


def existing(folder: str) -> Path:
    """The folder. Raises CourseError where it is none, with what was probably meant."""
    path = Path(folder)
    if path.is_dir():
        return path
    near = close_to(path.name, [course.parent.name for course in path.parent.glob("*/.course.json")])
    if folder in [name for exercise in EXERCISES for name in (exercise.name, str(exercise.number))]:
        text = t(
            "{folder} is an exercise; name your folder before it: minibert exercises check DIR {folder}", folder=folder
        )
    elif path.is_file():
        text = t("{folder} is a file; name its folder, and then the exercise: check DIR NAME", folder=folder)
    elif near:
        text = t("{folder} is not a folder; did you mean {near}?", folder=folder, near=path.with_name(near))
    else:
        text = t("{folder} is not a folder; make it with: minibert exercises start {folder}", folder=folder)
    raise CourseError(text)

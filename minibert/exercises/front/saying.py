"""How the command speaks to a student: lines that fit a terminal, paths as one types them, files whole."""

import difflib
import re
import shutil
from pathlib import Path

from minibert.errors import UserError
from minibert.exercises.course import EXERCISES
from minibert.exercises.front.pictures import wide
from minibert.exercises.language import t
from viz.files import whole_file

PREDICTION = "Your prediction:"
"""The line under a file's question, after which the student writes"""
MARKS = {"passed": "right", "failed": "not yet", "todo": "to do", "missing": "missing"}


def say(text: str, indent: str = "") -> None:
    """Print a text, its lines no longer than the terminal is wide, nor than 100 columns."""
    width = min(max(shutil.get_terminal_size((100, 24)).columns, 50), 100)
    for line in text.splitlines():
        for part in folded(line, width - len(indent)):
            print(indent + part)


ATOMS = re.compile(
    r"`[^`]*`[^\s\u2e80-\uffff]*|minibert exercises(?: [A-Za-z0-9_/.-]+)+(?=$| ?[^\x00-\x7f])|[!-\u2e7f]+|."
)
"""What a line is never cut in: `code`, a command, a word, or one Japanese character"""
NEVER_FIRST = "、。」)】?!ー・々っゃゅょッャュョ"


def folded(line: str, width: int) -> list[str]:
    """The line in parts of at most so many columns, of which a Japanese character takes two."""
    atoms: list[str] = []
    for atom in ATOMS.findall(line):
        if atoms and (atom[0] in NEVER_FIRST or atoms[-1] == "「") and wide(atoms[-1]) + wide(atom) < width:
            atoms[-1] += atom
        else:
            atoms.append(atom)
    parts = [""]
    for atom in atoms:
        if parts[-1].strip() and wide(parts[-1] + atom.rstrip()) > width:
            parts[-1] = parts[-1].rstrip()
            parts.append("")
        if parts[-1] or not atom.isspace() or len(parts) == 1:
            parts[-1] += atom
    return [part.rstrip() for part in parts]


def quoted(path: object) -> str:
    """A path as one types it."""
    return f'"{path}"' if re.search(r"\s|['&()]", str(path)) else str(path)


def write_whole(path: Path, text: str) -> None:
    """The file whole, or not at all."""
    with whole_file(path) as beside:
        beside.write_text(text, encoding="utf-8")


def existing(folder: str) -> Path:
    if not Path(folder).is_dir():
        courses = [path.parent.name for path in Path(folder).parent.glob("*/.course.json")]
        near = difflib.get_close_matches(Path(folder).name, courses, 1)
        if folder in [name for exercise in EXERCISES for name in (exercise.name, str(exercise.number))]:
            said = "{folder} is an exercise; name your folder first: minibert exercises check DIR {folder}"
        elif Path(folder).is_file():
            said = "{folder} is a file; name its folder, and then the exercise: check DIR NAME"
        elif near:
            said = "{folder} is not a folder; did you mean {near}?"
        else:
            said = "{folder} is not a folder; make it with: minibert exercises start {folder}"
        raise UserError(t(said, folder=folder, near=near and Path(folder).with_name(near[0])))
    return Path(folder)

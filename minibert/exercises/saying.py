"""How the command speaks to a student: lines that fit a terminal, paths as one types them, files whole."""

import re
import textwrap
from pathlib import Path

from minibert.exercises.course import EXERCISES
from viz.files import whole_file

MARKS = {"passed": "right", "failed": "not yet", "todo": "to do", "missing": "missing"}


def say(text: str, indent: str = "") -> None:
    """Print a text, its lines no longer than 100 columns."""
    for line in text.splitlines():
        width = 100 if line.isascii() else 56  # a Japanese character takes two columns
        print(textwrap.fill(line, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False))


def quoted(path: object) -> str:
    """A path as one types it."""
    return f'"{path}"' if re.search(r"\s|['&()]", str(path)) else str(path)


def write_whole(path: Path, text: str) -> None:
    """The file whole, or not at all."""
    with whole_file(path) as beside:
        beside.write_text(text, encoding="utf-8")


def existing(folder: str) -> Path:
    if not Path(folder).is_dir():
        if folder in [exercise.name for exercise in EXERCISES]:
            raise ValueError(f"{folder} is an exercise; name your folder first: minibert exercises check DIR {folder}")
        if Path(folder).is_file():
            raise ValueError(f"{folder} is a file; name its folder, and then the exercise: check DIR NAME")
        raise ValueError(f"{folder} is not a folder; make it with: minibert exercises start {folder}")
    return Path(folder)

"""A notebook of exercises, written: a cell of text and a cell of code for each.

The cell of an exercise contains its functions and, as its last line, their check. So running the cell checks what is
written in it. No cell that runs in between can put another function in its place.
"""

import ast
import json
import re
from collections.abc import Callable, Iterable

from minibert.exercises.course.exercise import Exercise
from minibert.exercises.text import t

Cell = dict[str, object]


def notebook(exercises: Iterable[Exercise], text_of: Callable[[Exercise, str], str], language: str) -> str:
    """One notebook, as JSON. text_of: an exercise and a language -> its file as it is handed out."""
    spoken = "" if language == "en" else f', language="{language}"'
    cells = [
        cell("welcome", "markdown", t(WELCOME).to(language).replace(")`", f"{spoken})`")),
        cell("tools", "code", "from minibert.exercises import check, hint, ready, run, show"),
    ]
    for exercise in exercises:
        title, explained, code, below = taken_apart(text_of(exercise, language))
        explained += " " + t("(double-click here, and write)").to(language)
        names = ", ".join(part.name for part in exercise.parts)
        asked = f'from minibert.exercises import check\n\ncheck("{exercise.name}", {names}{spoken})'
        cells.append(cell(f"{exercise.name}-text", "markdown", f"## {title}\n\n{as_markdown(in_cells(explained))}"))
        cells.append(cell(exercise.name, "code", f"{code.rstrip()}\n\n\n{asked}"))
        if below:
            ready = f'from minibert.exercises import ready\n\nif ready("{exercise.name}"{spoken}):'
            cells.append(cell(f"{exercise.name}-run", "code", f"{ready}\n{below}"))
    cells.append(cell("own-text", "markdown", t(OWN).to(language)))
    cells.append(cell("own", "code", f'run("The cat sat on the [MASK]."{spoken})'))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    whole = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1, ensure_ascii=True) + "\n"


def cell(name: str, kind: str, text: str) -> Cell:
    made = {"cell_type": kind, "id": name, "metadata": {}, "source": text.splitlines(keepends=True)}
    return made | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def taken_apart(text: str) -> tuple[str, str, str, str]:
    """The parts of a file: title, explanation, code to fill in, and what it runs as a program ("" if nothing).

    What it runs stays indented, to go below an `if`.
    """
    title, _, explained = (ast.get_docstring(ast.parse(text)) or "").partition("\n")
    code, _, below = text.split('"""', 2)[2].strip("\n").partition('\nif __name__ == "__main__":')
    return title, explained.strip("\n"), code, below.strip("\n")


def as_markdown(text: str) -> str:
    """A file's text: prose as prose, so that it fits any width; equations, shapes and examples as they stand."""
    written, kind = [], "prose"
    for line in text.splitlines():
        before = kind
        if line.startswith(">>> ") or (kind == "python" and line.strip()):
            kind = "python"
        elif line.startswith("    "):
            kind = "text"
        else:
            kind = "prose"
        if kind != before:
            written += (["```"] if before != "prose" else []) + ([f"```{kind}"] if kind != "prose" else [])
        written.append(escaped(line) if kind == "prose" else line)
    return "\n".join(written + (["```"] if kind != "prose" else []))


def escaped(line: str) -> str:
    """A line of prose, in which Markdown finds no emphasis, formula, tag or quotation; `code` stays as it is."""
    pieces = line.split("`")
    pieces[::2] = [re.sub(r"([*$<>])", r"\\\1", piece) for piece in pieces[::2]]
    return "`".join(pieces)


IN_CELLS = (
    (r"\s*\(python \w+\.py\)\s*", ""),
    (r"([Rr])un(\s+)this file", r"\1un\2the cell below"),
    (r"([Rr])un the file", r"\1un the cell below"),
    (r"ファイルを実行", "下のセルを実行"),
    (r"--time-limit (\d+)", r"time_limit=\1"),
    (r"minibert exercises (hint|show) (\w+) --more", r'\1("\2", more=True)'),
    (r"minibert exercises (hint|show) (\w+)", r'\1("\2")'),
    (r"--word WORD", r'word="WORD"'),
)
"""The words about files, and those about cells"""


def in_cells(text: str) -> str:
    text = re.sub(r"(?<=[\u3000-\uffff])\n(?=[\u3000-\uffff])", "", text)  # no space between Japanese letters
    for of_files, of_cells in IN_CELLS:
        text = re.sub(of_files, of_cells, text)
    return text


WELCOME = (
    "# Build BERT's attention\n\nRead, predict, write the function in its cell, and run the cell with Shift-Enter. "
    "The last line of the cell checks what you wrote, as often as you like. You can do each exercise alone: a "
    "mistake in one does not affect the others.\n\nRun the next cell first. Then, in any cell:\n\n- "
    '`hint("softmax")` prints a hint, and `hint("softmax", more=True)` prints almost the solution;\n- '
    '`show("softmax")` prints our solution, and the library\'s code.\n\nThe last cell runs a BERT made of your own '
    "functions."
)
OWN = (
    "## Your own BERT\n\nIt consists of the functions that were right when you last ran their cells. The library's "
    "functions do the rest. After each exercise, more of the functions are yours."
)

"""A notebook of exercises: how it is written, and how its cells are read back as the files they stand for.

Text and code take turns. The cell of an exercise holds its functions and, as its last line, their check: whoever runs
it checks what is written in it, and no cell run in between can put another function in its place.
"""

import ast
import atexit
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from minibert.exercises.course.exercise import Exercise, Function
from minibert.exercises.language import t

NAME = "exercises.ipynb"

Cell = dict[str, object]


# --- writing --------------------------------------------------------------------------------------------------------


def notebook(exercises: Iterable[Exercise], text_of: Callable[[Exercise], str]) -> str:
    """One notebook, as JSON. text_of: an exercise -> its file as it is handed out."""
    from minibert.exercises import language

    spoken = "" if language.chosen == "en" else f', language="{language.chosen}"'
    cells = [
        cell("welcome", "markdown", t(WELCOME).replace(")`", f"{spoken})`")),
        cell("tools", "code", "from minibert.exercises import check, hint, ready, run, show"),
    ]
    for exercise in exercises:
        title, explained, code, below = taken_apart(text_of(exercise))
        explained += " " + t("(double-click here, and write)")
        names = ", ".join(part.name for part in exercise.parts)
        asked = f'from minibert.exercises import check\n\ncheck("{exercise.name}", {names}{spoken})'
        cells.append(cell(f"{exercise.name}-text", "markdown", f"## {title}\n\n{as_markdown(in_cells(explained))}"))
        cells.append(cell(exercise.name, "code", f"{code.rstrip()}\n\n\n{asked}"))
        if below:
            ready = f'from minibert.exercises import ready\n\nif ready("{exercise.name}"{spoken}):'
            cells.append(cell(f"{exercise.name}-run", "code", f"{ready}\n{below}"))
    cells.append(cell("own-text", "markdown", t(OWN)))
    cells.append(cell("own", "code", f'run("The cat sat on the [MASK]."{spoken})'))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    whole = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1, ensure_ascii=True) + "\n"


def cell(name: str, kind: str, text: str) -> Cell:
    made = {"cell_type": kind, "id": name, "metadata": {}, "source": text.splitlines(keepends=True)}
    return made | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def taken_apart(text: str) -> tuple[str, str, str, str]:
    """Of a file: its title, what is explained, the code to fill in, and what it runs when it is started ("" if none).

    What it runs stays indented, to go below an `if`.
    """
    title, _, explained = ast.get_docstring(ast.parse(text)).partition("\n")
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
    (r"run(\s+)this file", r"run\1the cell below"),
    (r"([Rr])un the file", r"\1un the cell below"),
    (r"ファイルを実行", "下のセルを実行"),
    (r"--time-limit (\d+)", r"time_limit=\1"),
    (r"minibert exercises (hint|show) (\w+) --more", r'\1("\2", more=True)'),
    (r"minibert exercises (hint|show) (\w+)", r'\1("\2")'),
    (r"--word WORD", r'word="WORD"'),
)
"""What is said of files, and what of cells"""


def in_cells(text: str) -> str:
    text = re.sub(r"(?<=[\u3000-\uffff])\n(?=[\u3000-\uffff])", "", text)  # no space between Japanese letters
    for of_files, of_cells in IN_CELLS:
        text = re.sub(of_files, of_cells, text)
    return text


# --- reading --------------------------------------------------------------------------------------------------------


def notebook_in(folder: Path) -> Path | None:
    """The notebook of a folder in which exercises are written, if it holds no file of the course."""
    from minibert.exercises.course import EXERCISES

    if any((folder / exercise.file).is_file() for exercise in EXERCISES):
        return None
    found = sorted(folder.glob("*.ipynb"), key=lambda path: (path.name != NAME, path.name))
    return next((path for path in found if exercises_in(path)), None)


def exercises_in(path: Path) -> list[Exercise]:
    """Those whose functions stand in a cell of this notebook, written or not."""
    from minibert.exercises.course import EXERCISES

    codes = code_of_cells(path)
    return [exercise for exercise in EXERCISES if any(defines(code, exercise) for code in codes)]


def unpacked(path: Path) -> Path:
    """A new folder with a notebook's exercises as files; it is there until Python ends."""
    from minibert.exercises.course import EXERCISES

    folder = Path(tempfile.mkdtemp(prefix="minibert-notebook-")).resolve()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    codes = code_of_cells(path)
    answers = {part.name for exercise in EXERCISES for part in exercise.parts}
    for exercise in EXERCISES:
        own = [code for code in codes if defines(code, exercise)]
        if own:
            text = "\n".join(definitions_only(code) for code in own)
            helpers = [code for code in codes if code not in own]
            (folder / exercise.file).write_text(text + helpers_of(helpers, text, answers), encoding="utf-8")
    return folder


def code_of_cells(path: Path) -> list[str]:
    """The text of the cells with Python in them; none where the file is no notebook."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    python = [text for text in texts if not text.lstrip().startswith("%%")]
    return [re.sub(r"^(\s*)[%!].*$", r"\1pass", text, flags=re.MULTILINE) for text in python]


def defines(code: str, exercise: Exercise) -> bool:
    """Whether a cell writes one of an exercise's functions (a function of that name, not some value)."""
    names = "|".join(part.name for part in exercise.parts if isinstance(part, Function))
    return bool(re.search(rf"^(def ({names})\b|({names}) *= *lambda\b)", code, re.MULTILINE))


def definitions_only(code: str) -> str:
    """The code of a cell without what only shows something: the check, prints. Every line stays in its place."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError):
        return code  # whoever runs it says what is wrong, and at which line
    lines = code.splitlines()
    for node in tree.body:
        if isinstance(node, ast.Expr) and lines[node.lineno - 1].find(";") < 0:
            lines[node.lineno - 1 : node.end_lineno] = [""] * (node.end_lineno - node.lineno + 1)
    return "\n".join(lines)


def helpers_of(codes: list[str], text: str, answers: set[str]) -> str:
    """Imports, functions and classes of the other cells, as far as the text does not bring these names itself."""
    taken = answers | names_bound(text)
    found: list[str] = []
    for code in codes:
        try:
            tree = ast.parse(code)
        except (SyntaxError, ValueError):
            continue
        for node in tree.body:
            if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef):
                names = bound_by(node)
                if not names & taken:
                    found.append(ast.unparse(node))
    return "\n\n\n" + "\n".join(dict.fromkeys(found)) + "\n"


def names_bound(code: str) -> set[str]:
    try:
        return set().union(*(bound_by(node) for node in ast.parse(code).body))
    except (SyntaxError, ValueError):
        return set()


def bound_by(node: ast.stmt) -> set[str]:
    """The names that a statement of a file's own gives a meaning."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.split(".")[0] for alias in node.names}
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    return {name.id for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}


WELCOME = (
    "# Build BERT's attention\n\n"
    "Read, predict, write the function in its cell, and run the cell with Shift-Enter. Its last line checks what you "
    "wrote, as often as you like. Each exercise can be done alone: a mistake in one spoils no other.\n\n"
    "Run the next cell first. Then, in any cell:\n\n"
    '- `hint("softmax")` gives a nudge, and `hint("softmax", more=True)` almost the solution;\n'
    '- `show("softmax")` shows our solution, and how the library does it.\n\n'
    "The last cell runs a BERT made of your own functions."
)
OWN = (
    "## Your own BERT\n\n"
    "It is put together of the functions that were right when you last ran their cells, and of the library's for the "
    "rest. It grows with every exercise."
)

"""A notebook of exercises, read back as the files that its cells stand for.

The cell of an exercise contains its functions and, as its last line, their check.
"""

import ast
import atexit
import json
import re
import shutil
import tempfile
from pathlib import Path

from minibert.exercises.course import EXERCISES
from minibert.exercises.course.exercise import Exercise, Function

NAME = "exercises.ipynb"


def notebook_in(folder: Path) -> Path | None:
    """The notebook of a folder in which exercises are written, if it contains no file of the course."""
    if any((folder / exercise.file).is_file() for exercise in EXERCISES):
        return None
    found = sorted(folder.glob("*.ipynb"), key=lambda path: (path.name != NAME, path.name))
    return next((path for path in found if exercises_in(path)), None)


def exercises_in(path: Path) -> list[Exercise]:
    """Those whose functions stand in a cell of this notebook, written or not."""
    codes = code_of_cells(path)
    return [exercise for exercise in EXERCISES if any(defines(code, exercise) for code in codes)]


def unpacked(path: Path) -> Path:
    """A new folder with a notebook's exercises as files; it is there until Python ends."""
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
        return code  # running it raises, with the line
    lines = code.splitlines()
    for node in tree.body:
        if isinstance(node, ast.Expr) and lines[node.lineno - 1].find(";") < 0:
            last = node.end_lineno or node.lineno
            lines[node.lineno - 1 : last] = [""] * (last - node.lineno + 1)
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

"""Whether a file uses the library's own function instead of writing one: a sign for the teacher, not a proof."""

import ast
from pathlib import Path

from minibert.exercises.course.exercise import Exercise


def imports_answer(path: Path, exercise: Exercise) -> bool:
    """Whether the file names one of the library's functions that do what the exercise asks for.

    What the file as it was handed out imports is free. So is a function of the same name that the student wrote.
    """
    answers = {part.name for part in exercise.parts} | {function.__name__ for function in exercise.shown}
    try:
        used = library_names(ast.parse(path.read_bytes()))
        free = library_names(ast.parse((exercise.stub).read_bytes()))
    except (OSError, SyntaxError, ValueError, RecursionError):
        return False
    return any(
        name in answers or module.startswith(("minibert.exercises.course", "viz")) for module, name in used - free
    )


def library_names(tree: ast.Module) -> set[tuple[str, str]]:
    """(module, name) of everything that is taken from minibert or viz, by `from` or by a dot."""
    found: set[tuple[str, str]] = set()
    modules: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in ("minibert", "viz"):
            for alias in node.names:
                found.add((node.module, alias.name))
                modules[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] in ("minibert", "viz"):
                    modules[alias.asname or alias.name.split(".")[0]] = alias.name
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            root: ast.expr = node
            while isinstance(root, ast.Attribute):
                root = root.value
            if isinstance(root, ast.Name) and root.id in modules:
                found.add((modules[root.id], node.attr))
    return found

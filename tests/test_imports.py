"""Which way imports go: the chapters stand on the ground, and nothing runs back up."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = [path for package in ("minibert", "viz") for path in (ROOT / package).rglob("*.py")]
CHAPTERS = ["numerics", "embeddings", "attention", "encoder", "heads"]
"""In reading order: each imports only what stands before it."""


def imported(path: Path) -> set[str]:
    """The full names of what a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def those(path: Path, *prefixes: str) -> list[str]:
    """What a file imports of these packages or modules."""
    return [name for name in imported(path) for p in prefixes if name == p or name.startswith(p + ".")]


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_go_one_way(path):
    name = name_of(path)
    assert not those(path, "torch", "transformers", "sklearn", "scipy")
    if name.startswith("viz"):
        assert not those(path, "minibert"), "viz knows arrays and tokens, and nothing of any model"
    if name.startswith("minibert.speed"):
        assert all(used.startswith("minibert.speed") for used in those(path, "minibert")), "nothing of the package"
    if name.startswith("minibert.checkpoint"):
        others = ["minibert.model", "minibert.trace", "minibert.commands", "minibert.exercises", "viz"]
        assert not those(path, *others, *(f"minibert.{chapter}" for chapter in CHAPTERS)), "it never imports a chapter"
    if not name.startswith(("minibert.commands", "minibert.__main__")):
        assert not those(path, "minibert.commands"), "commands are imported by nobody"
    if name in [f"minibert.{chapter}" for chapter in CHAPTERS]:
        later = CHAPTERS[CHAPTERS.index(name.removeprefix("minibert.")) :]
        assert not those(path, *(f"minibert.{chapter}" for chapter in [*later, "model", "trace", "exercises"]))
    if name.startswith("viz.geometry"):
        assert not those(path, "viz.figures", "viz.explorer", "matplotlib")
    if name.startswith("viz.measures"):
        assert not those(path, "viz.figures", "viz.explorer", "matplotlib")


def test_every_room_says_what_lives_in_it():
    for package in ("minibert", "viz"):
        for path in (ROOT / package).rglob("__init__.py"):
            says = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
            assert says, path
            if path.parent.parent == ROOT / package:
                assert "import" in says.lower(), f"{path} does not say which way imports go"

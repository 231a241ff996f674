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
    if name == "minibert.speed.cores":
        assert not those(path, "minibert"), "nothing of the package"
    if name == "minibert.speed.twins":
        assert not those(path, "minibert.model", "minibert.trace"), "the chapters with twins, and cores"
    if name.startswith("minibert.checkpoint"):
        others = ["minibert.model", "minibert.trace", "minibert.commands", "minibert.exercises", "viz"]
        assert not those(path, *others, *(f"minibert.{chapter}" for chapter in CHAPTERS)), "it never imports a chapter"
    if not name.startswith(("minibert.commands", "minibert.__main__")):
        assert not those(path, "minibert.commands"), "commands are imported by nobody"
    if name in [f"minibert.{chapter}" for chapter in CHAPTERS]:
        later = CHAPTERS[CHAPTERS.index(name.removeprefix("minibert.")) :]
        assert not those(path, *(f"minibert.{chapter}" for chapter in [*later, "model", "trace", "exercises", "speed"]))
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


BELOW = {
    "minibert.errors": (),
    "minibert.files": ("errors",),
    "minibert.tokenizer": ("errors", "files"),
    "minibert.checkpoint": ("errors", "files", "tokenizer"),
    "minibert.hub": ("errors", "files", "terminal", "tokenizer", "checkpoint"),
}
"""What each of these packages may import of minibert."""


@pytest.mark.parametrize("package", BELOW)
def test_what_reads_a_model_imports_only_what_is_below_it(package):
    allowed = [package, *(f"minibert.{name}" for name in BELOW[package])]
    for path in FILES:
        if f"{name_of(path)}.".startswith(f"{package}."):
            assert set(those(path, "minibert")) - set(those(path, *allowed)) == set(), path


CONVENIENT = {
    "minibert": {"minibert.model", "minibert.trace", "minibert.explorer"},
    "minibert.model": {
        "minibert.read.build",
        "minibert.sentence_vectors.embed",
        "minibert.whatif.changes",
        "minibert.whatif.heads",
    },
}
"""Late imports against the direction: the public names, and methods of Bert that call what is built on it."""


def circles() -> list[set[str]]:
    """The groups of modules that import each other, imports inside functions counted (Tarjan, 1972)."""
    paths = {name_of(path): path for path in FILES}
    graph = {name: imported(path) & paths.keys() - {name} for name, path in paths.items()}
    graph = {name: used - CONVENIENT.get(name, set()) for name, used in graph.items()}
    number, low, path, found = {}, {}, [], []

    def visit(name: str) -> None:
        number[name] = low[name] = len(number)
        path.append(name)
        for used in graph[name]:
            if used not in number:
                visit(used)
            if used in path:
                low[name] = min(low[name], low[used])
        if low[name] == number[name]:
            place = path.index(name)
            found.append(set(path[place:]))
            del path[place:]

    for name in graph:
        if name not in number:
            visit(name)
    return [group for group in found if len(group) > 1]


def test_no_modules_import_each_other():
    assert not list(map(sorted, circles()))

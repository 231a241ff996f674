"""The chapters stay chapters: short, alone on the ground of the package, and nothing happens when they are imported."""

import subprocess
import sys
from pathlib import Path

import pytest

import minibert

GROUND = Path(minibert.__file__).parent
CHAPTERS = {
    "numerics": 100,
    "embeddings": 100,
    "attention": 100,
    "encoder": 100,
    "heads": 100,
    "model": 200,
}


@pytest.mark.parametrize(("chapter", "most"), CHAPTERS.items())
def test_a_chapter_is_short(chapter, most):
    assert len((GROUND / f"{chapter}.py").read_text(encoding="utf-8").splitlines()) <= most


def test_nothing_but_chapters_is_on_the_ground():
    files = {path.name for path in GROUND.iterdir() if path.is_file()}
    assert files == {f"{chapter}.py" for chapter in CHAPTERS} | {
        "trace.py",
        "errors.py",
        "explorer.py",
        "files.py",
        "terminal.py",
        "__init__.py",
        "__main__.py",
        "py.typed",
    }


def test_importing_all_chapters_takes_little_memory():
    code = (
        "import numpy, tracemalloc; tracemalloc.start(); import minibert, minibert.numerics, minibert.model; "
        "print(tracemalloc.get_traced_memory()[1])"
    )
    peak = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(peak) < 15e6

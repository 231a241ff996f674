"""A plugin of pytest that leaves out the files whose packages are not installed: `-p tests.support.without_torch`.

The oldest packages that minibert allows are older than torch and transformers need them.
"""

import ast
from functools import cache
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]
ORACLES = {"check_jsonschema", "playwright", "sentencepiece", "sklearn", "torch", "transformers"}


@cache
def missing(path: Path) -> bool:
    """Whether a file of the tests imports an oracle that is not installed, itself or by another file of the tests."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            if name.split(".")[0] in ORACLES and find_spec(name.split(".")[0]) is None:
                return True
            other = ROOT / Path(*name.split(".")).with_suffix(".py")
            if name.startswith("tests.") and other.is_file() and missing(other):
                return True
    return False


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    return True if collection_path.suffix == ".py" and missing(collection_path) else None

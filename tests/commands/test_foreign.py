"""Another distribution has a package `viz` or `minibert`: the command says so in one line, with what to do."""

import os
import shutil
import subprocess
import sys
import tomllib
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from minibert.commands import foreign

ROOT = Path(__file__).parents[2]


def run(folder: Path) -> subprocess.CompletedProcess:
    """`minibert --version`, where Python looks into this folder first."""
    program = "import sys; from minibert.commands.main import main; main(['--version'])"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    return subprocess.run([sys.executable, "-P", "-c", program], env=environment, capture_output=True, text=True)


def write_package(folder: Path, name: str) -> Path:
    """An empty package of this name; returns its file."""
    (folder / name).mkdir()
    file = folder / name / "__init__.py"
    file.write_text("def cli(): ...\n", encoding="utf-8")
    return file


def test_our_own_packages_are_ours(tmp_path):
    assert foreign.foreign_package() == ""
    assert run(tmp_path).returncode == 0


def test_a_viz_of_another_distribution(tmp_path):
    file = write_package(tmp_path, "viz")
    info = tmp_path / "vizard-0.0.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: vizard\nVersion: 0.0.5\n", encoding="utf-8")
    (info / "top_level.txt").write_text("viz\n", encoding="utf-8")
    result = run(tmp_path)
    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr == (
        f"minibert: {file} is not the package viz of minibert-numpy: it belongs to vizard; pip uninstall vizard, then "
        "install minibert-numpy again, with pip install --force-reinstall --no-deps and the checkout or wheel file\n"
    )


def test_a_folder_that_happens_to_be_called_viz(tmp_path):
    file = write_package(tmp_path, "viz")
    assert run(tmp_path).stderr == (
        f"minibert: {file} is not the package viz of minibert-numpy: rename its folder, or run minibert in another "
        "one\n"
    )


def test_a_minibert_that_cannot_even_be_imported(tmp_path):
    """The command begins outside the package, in a file that pyproject.toml puts there."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert settings["project"]["scripts"] == {"minibert": "minibert_numpy:main"}
    (source,) = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    shutil.copy(ROOT / source, tmp_path / "minibert_numpy.py")
    file = write_package(tmp_path, "minibert")
    file.write_text("import torch_of_another_time\n", encoding="utf-8")
    program = "import minibert_numpy; minibert_numpy.main()"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    result = subprocess.run([sys.executable, "-P", "-c", program], env=environment, capture_output=True, text=True)
    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr.startswith(f"minibert: {file} is not the package minibert of minibert-numpy: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["minibert", "viz"])
@pytest.mark.parametrize("left", [None, "a folder without __init__.py"])
def test_what_another_distribution_took_away_with_it(monkeypatch, name, left):
    """pip removes the files that were written over ours with the distribution that they belong to."""
    found = foreign.find_spec
    empty = ModuleSpec(name, None) if left else None
    monkeypatch.setattr(foreign, "find_spec", lambda other: empty if other == name else found(other))
    assert f"the package {name} of minibert-numpy is missing or incomplete: install" in foreign.foreign_package()

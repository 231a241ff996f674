"""Every option that names what is written: where that cannot be written, one line says so before the work."""

import contextlib
import io
import tempfile

import numpy as np
import pytest

from minibert.commands import arguments as arg
from minibert.model import Bert
from tests.commands.test_main import run
from tests.commands.test_options import PARSERS

MASKED = "The door was [MASK]."

WRITES = {
    "minibert viz --out": [
        (["viz", "--out"], "heads.csv"),
        (["viz", "--out"], "joint-0.3.png"),
        (["viz", "--draw", "search", "--format", "svg", "--out"], "search-0.3.svg"),
        (["viz", "--layer", "all", "--out"], "sheet.png"),
        (["viz", "--export", "npz", "--out"], "export.npz"),
        (["viz", "--export", "npz", "--out"], "manifest.json"),
    ],
    "minibert attention --csv": [(["attention", "--csv"], "a.csv")],
    "minibert attention --npz": [(["attention", "--npz"], "a.npz")],
    "minibert attention --picture": [(["attention", "--picture"], "a.svg")],
    "minibert whatif --out": [
        (["whatif", MASKED, "--out"], "heads.png"),
        (["whatif", MASKED, "--words", "--format", "pdf", "--out"], "words.pdf"),
    ],
    "minibert whatif --csv": [(["whatif", MASKED, "--csv"], "a.csv")],
    "minibert why --out": [
        (["why", "--query", "brown", "--layer", "0", "--head", "3", "--out"], "why-0.3-2-3.png"),
        (["why", MASKED, "--guess", "open", "--out"], "guess-4-open.png"),
        (["why", "--file", "two.txt", "--out"], "parts.png"),
        (["why", "--file", "two.txt", "--format", "pdf", "--out"], "graph.pdf"),
    ],
    "minibert why --csv": [
        (["why", "--csv"], "a.csv"),
        (["why", MASKED, "--guess", "--csv"], "a.csv"),
        (["why", "--file", "two.txt", "--csv"], "a.csv"),
    ],
    "minibert embed --csv": [(["embed", "A dog.", "--csv"], "a.csv")],
    "minibert embed --npz": [(["embed", "A dog.", "--npz"], "a.npz")],
    "minibert compare --out": [
        (["compare", "tiny", "tiny-sentiment", "--out"], "compare.csv"),
        (["compare", "tiny", "tiny-sentiment", "--out"], "compare.png"),
        (["compare", "tiny", "tiny-sentiment", "--out"], "compare-joint-3.1.png"),
    ],
    "minibert explore --out": [(["explore", "A dog.", "--out"], "explorer.html")],
    "minibert read --out": [(["read", "A dog.", "--out"], "read.html")],
    "minibert exercises check --html": [(["exercises", "check", "work", "--html"], "a.html")],
    "minibert exercises class --html": [(["exercises", "class", "work", "--html"], "a.html")],
    "minibert exercises class --csv": [(["exercises", "class", "work", "--csv"], "a.csv")],
    "minibert download --to": [(["download", "tiny", "--to"], "copy")],
}
"""Commands whose last option is the one that is tested, and the name of a file that they write."""

CASES = [pytest.param(*case, id=f"{option} {case[1]}") for option, cases in WRITES.items() for case in cases]


def test_every_option_that_names_what_is_written_has_a_row():
    there = {
        f"{prog} {action.option_strings[-1]}"
        for prog, parser in PARSERS.items()
        for action in parser._actions
        if action.type is arg.new_path
    }
    assert there == set(WRITES)


@pytest.fixture
def desk(tmp_path, monkeypatch, capsys):
    """A folder with two sentences and the course; a forward pass fails."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "two.txt").write_text("A dog barked.\nIt rained.\n", encoding="utf-8")
    run(capsys, "exercises", "start", "work", "softmax")

    def works(*_, **__):
        raise AssertionError("the work began")

    monkeypatch.setattr(Bert, "forward", works)
    monkeypatch.setattr("minibert.exercises.judge.checker.Checker.check", works)
    return tmp_path


def target(arguments, name):
    """What to write as the last argument, for a file of this name in the folder `there`."""
    return "there" if arguments[-1] == "--out" else f"there/{name}"


def refused(capsys, folder, arguments):
    """The line that a command is refused with; nothing is printed or written."""
    before = sorted(folder.rglob("*"))
    status, out, error = run(capsys, *arguments)
    assert (status, out, error.count("\n")) == (2, "", 1) and sorted(folder.rglob("*")) == before
    return error


@pytest.mark.parametrize(("arguments", "name"), CASES)
def test_a_folder_in_the_place_of_a_file_is_found_before_the_work(arguments, name, desk, capsys):
    (desk / "there" / name).mkdir(parents=True)
    error = refused(capsys, desk, [*arguments, target(arguments, name)])
    assert f"there/{name}" in error and arguments[-1] in error


@pytest.mark.parametrize("kind", [PermissionError(13, "Permission denied"), OSError(28, "No space left on device")])
@pytest.mark.parametrize(("arguments", "name"), CASES)
def test_a_folder_that_cannot_be_written_into_is_found_before_the_work(
    arguments, name, kind, desk, capsys, monkeypatch
):
    class Full(io.BytesIO):
        def write(self, _):
            raise kind

    @contextlib.contextmanager
    def temporary(dir):
        if isinstance(kind, PermissionError):
            raise kind
        yield Full()

    (desk / "there").mkdir()
    monkeypatch.setattr(tempfile, "TemporaryFile", temporary)
    error = refused(capsys, desk, [*arguments, target(arguments, name)])
    assert f"{arguments[-1]} is there" in error and kind.strerror in error


FILES = [case for case in CASES if case.values[0][-1] in ("--csv", "--npz", "--html", "--picture")]


@pytest.mark.parametrize(("arguments", "name"), FILES)
def test_no_folder_is_made_for_a_file(arguments, name, desk, capsys):
    error = refused(capsys, desk, [*arguments, f"no/such/{name}"])
    missing = "but there is no folder no/such; make it, or name another"
    assert error == f"minibert: {arguments[-1]} is no/such/{name}, {missing}\n"


def test_the_names_of_the_rows_are_those_that_are_written(tmp_path, capsys, monkeypatch):
    """Without such a folder, each command writes the file that its row names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("viz.figures.style.DPI", 30)
    (tmp_path / "two.txt").write_text("\n".join(["A dog barked."] * 8), encoding="utf-8")
    there = tmp_path / "there"
    there.mkdir()
    for option in ("minibert viz --out", "minibert whatif --out", "minibert why --out", "minibert attention --csv"):
        for arguments, name in WRITES[option]:
            status, _, error = run(capsys, *arguments, target(arguments, name))
            assert (status, error) == (0, "") and (there / name).is_file(), arguments
    assert np.load(there / "export.npz")

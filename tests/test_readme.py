"""Every example of the README and of the model cards is run, and prints what stands there.

    MINIBERT_README=write pytest tests/test_readme.py

writes what the examples of the README print into it, in place of what stood there.
"""

import contextlib
import doctest
import io
import os
import re
import shlex
from pathlib import Path

import pytest

from minibert.cli import main

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)
WRITE = os.environ.get("MINIBERT_README") == "write"


def commands(block: str) -> list[tuple[str, str]]:
    """The commands of a console block, each with what it prints."""
    parts = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    return [tuple(part.split("\n", 1)) for part in parts]


def printed(command: str) -> str:
    """What a `minibert ...` command prints."""
    name, *arguments = shlex.split(command)
    assert name == "minibert", command
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        main(arguments)
    return "".join(line.rstrip() + "\n" for line in out.getvalue().splitlines())


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch, minilm_folder):
    """Examples write into a folder of their own, in which `all-MiniLM-L6-v2` and the sentences are at hand."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "all-MiniLM-L6-v2").symlink_to(minilm_folder)
    (tmp_path / "tests").symlink_to(ROOT / "tests")


def test_console_examples_print_what_stands_there():
    text = README.read_text(encoding="utf-8")
    examples = [pair for block in CONSOLE.findall(text) for pair in commands(block)]
    assert len(examples) >= 3
    for command, expected in examples:
        got = printed(command)
        if WRITE:
            text = text.replace(f"$ {command}\n{expected}", f"$ {command}\n{got}")
            README.write_text(text, encoding="utf-8")
        else:
            assert got == expected, command


@pytest.mark.parametrize(
    ("title", "model"), [("all-MiniLM-L6-v2, 72 heads", "all-MiniLM-L6-v2"), ("tiny, 16 heads", "tiny")]
)
def test_the_findings_are_what_the_named_command_prints(title, model):
    table = README.read_text(encoding="utf-8").split(f"| {title} |")[1].split("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    assert len(rows) == 7
    for setting in ("searched", "1", "2"):
        scale = "" if setting == "searched" else f" --scale {setting}"
        out = printed(f"minibert viz --file tests/sentences.txt --draw metrics --model {model}{scale}")
        means = {line.split()[0]: line.split()[1:] for line in out.split("mean over")[1].splitlines()[3:] if line}
        for name, *numbers in rows:
            if name == "raw" or name.endswith(f"scale {setting}"):
                full, plane, _, _, rank_full, rank_plane, *_ = means[name.split(",")[0]]
                assert numbers == [full, plane, rank_full, rank_plane], name


def test_python_examples_print_what_stands_there():
    report = io.StringIO()
    test = doctest.DocTestParser().get_doctest(README.read_text(encoding="utf-8"), {}, "README.md", str(README), 0)
    assert len(test.examples) >= 5
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    runner.run(test, out=report.write)
    assert runner.failures == 0, report.getvalue()


def test_the_two_commands_are_the_ones_that_ci_runs():
    text, script = README.read_text(encoding="utf-8"), (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for line in (
        "python -m venv .venv && .venv/bin/pip install -e . && .venv/bin/minibert viz",
        ".venv/bin/pip install -e '.[test]' && .venv/bin/pytest",
    ):
        assert f"\n{line}\n" in text and f"\n{line}\n" in script


def test_what_the_readme_links_to_is_there():
    links = re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8"))
    assert links
    for link in links:
        assert link.startswith("https://") or (ROOT / link).exists(), link

"""`minibert exercises`, as it is typed."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import minibert.exercises
from minibert.commands.main import main
from minibert.exercises.course import EXERCISES
from minibert.exercises.front import progress
from minibert.exercises.front.console import Console
from minibert.exercises.front.handing_out import stub
from minibert.exercises.judge.report import Report
from minibert.terminal import columns

SOFTMAX = EXERCISES[0]
RIGHT = "from minibert.numerics import softmax\n"
WRONG = (
    "from minibert.numerics import softmax as right\ndef softmax(x):\n    print('hello')\n    return right(x.mT).mT\n"
)


def run(capsys, *arguments):
    """Exit status, standard output, standard error."""
    status = 0
    try:
        main(["exercises", *map(str, arguments)])
    except SystemExit as exit:
        status = exit.code or 0
    out, err = capsys.readouterr()
    return status, out, err


def test_list(capsys):
    status, out, _ = run(capsys, "list")
    assert status == 0
    for exercise in EXERCISES:
        assert f"{exercise.number:02}  {exercise.name} " in out
        assert exercise.title in out
    assert f"about {sum(exercise.minutes for exercise in EXERCISES) / 60:.0f} hours" in " ".join(out.split())


def test_list_is_called_status_too(tmp_path, capsys):
    run(capsys, "start", tmp_path, "softmax")
    assert run(capsys, "status", tmp_path) == run(capsys, "list", tmp_path)


def test_start_makes_all_files_and_never_overwrites(tmp_path, capsys):
    folder = tmp_path / "a" / "course"
    assert run(capsys, "start", folder)[0] == 0
    handed_out = [*(exercise.file for exercise in EXERCISES), "test_exercises.py"]
    assert sorted(p.name for p in folder.iterdir()) == sorted([".course.json", *handed_out])
    (folder / "01_softmax.py").write_text("mine")
    (folder / "02_layer_norm.py").unlink()
    status, out, _ = run(capsys, "start", folder)
    assert status == 0
    assert "files put into " in out and ": 1;" in out
    assert "stay as they are" in out
    assert (folder / "01_softmax.py").read_text() == "mine"
    assert (folder / "02_layer_norm.py").read_text() == stub(EXERCISES[1])


def test_a_folder_that_is_not_there_is_told_from_an_exercise(tmp_path, capsys):
    run(capsys, "start", tmp_path / "work", "softmax")
    for typed, says in (
        (tmp_path / "wrk", f"did you mean {tmp_path / 'work'}?"),
        ("5", "5 is an exercise; name your folder before it"),
        (tmp_path / "elsewhere", "make it with: minibert exercises start"),
    ):
        status, _, err = run(capsys, "check", typed)
        assert (status, err.count("\n")) == (2, 1)
        assert says in err


def test_lines_fit_the_terminal_and_commands_stay_whole(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    Console().fold(
        "比べるには: minibert exercises show merge_and_residual です。次の `np.zeros((3, 4))` を見て、(十八)。" * 3,
        "    ",
    )
    Console().fold(
        "On the word 'rebuilding\u2603misunderstanding' and a vocabulary of 8192 pieces it falls into too many. " * 3
    )
    lines = capsys.readouterr().out.splitlines()
    assert max(map(columns, lines)) <= 60
    assert sum("minibert exercises show merge_and_residual" in line for line in lines) == 3
    assert not any(line.strip()[0] in "、。)" for line in lines)
    assert min(map(columns, lines[:3])) > 40, "not cut far too early"


def test_start_in_place_of_a_file_is_refused(tmp_path, capsys):
    (tmp_path / "file").write_text("precious")
    status, _, err = run(capsys, "start", tmp_path / "file")
    assert status == 2
    assert err.count("\n") == 1
    assert (tmp_path / "file").read_text() == "precious"


def test_check_one(tmp_path, capsys):
    run(capsys, "start", tmp_path)
    status, out, _ = run(capsys, "check", tmp_path, "softmax")
    assert (status, "to do" in out, "softmax is not written yet" in out) == (1, True, True)

    (tmp_path / "01_softmax.py").write_text(WRONG)
    status, out, _ = run(capsys, "check", tmp_path, "01")
    assert status == 1
    for piece in ("not yet", "wrong axis", "| hello", "minibert exercises hint softmax"):
        assert piece in out

    (tmp_path / "01_softmax.py").write_text(RIGHT)
    status, out, _ = run(capsys, "check", tmp_path, "1")
    assert (status, "right" in out, "What did you predict? Nothing changes." in out) == (0, True, True)


def test_check_all_and_list_progress(tmp_path, capsys):
    run(capsys, "start", tmp_path)
    (tmp_path / "01_softmax.py").write_text(RIGHT)
    (tmp_path / "02_layer_norm.py").write_text("while True: pass")
    (tmp_path / "03_gelu.py").unlink()
    status, out, _ = run(capsys, "check", tmp_path, "--time-limit", "2")
    assert status == 1
    assert f"1 of {len(EXERCISES)} are right; next: {tmp_path}/02_layer_norm.py" in out
    assert "stopped after 2 seconds" in out
    assert "03  gelu                     missing" in out
    assert f"This adds the missing files: minibert exercises start {tmp_path}\n" in out
    assert f"This prints the answer to a question: minibert exercises check {tmp_path} NAME\n" in out
    (tmp_path / "02_layer_norm.py").unlink()
    status, out, _ = run(capsys, "list", tmp_path)
    assert status == 0
    assert f"1 of {len(EXERCISES)} are right" in out


def test_json_is_the_documented_report(tmp_path, capsys):
    run(capsys, "start", tmp_path)
    (tmp_path / "01_softmax.py").write_text(WRONG)
    status, out, _ = run(capsys, "check", tmp_path, "softmax", "--json", "--seed", "3")
    report = json.loads(out)
    assert status == 1
    assert list(report) == ["schema", "minibert", "folder", "seed", "passed", "total", "exercises"]
    assert (report["schema"], report["seed"], report["passed"], report["total"]) == (2, 3, 0, 1)
    (exercise,) = report["exercises"]
    assert list(exercise) == [name for name in Report.__dataclass_fields__ if name != "picture"]
    assert exercise["status"] == "failed"
    assert exercise["mistake"] == "wrong-axis"
    assert exercise["printed"].count("hello") > 2
    assert [(part["name"], part["mistake"]) for part in exercise["parts"]] == [("softmax", "wrong-axis")]
    page = (Path(minibert.exercises.__file__).parent / "README.md").read_text(encoding="utf-8")
    for name in (*report, *exercise, "passed", "failed", "todo", "missing"):
        assert f"`{name}`" in page, f"{name} is not explained on the teacher's page"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["check", "nowhere"], "nowhere is not a folder; make it with: minibert exercises start nowhere"),
        (
            ["check", "softmax"],
            "softmax is an exercise; name your folder before it: minibert exercises check DIR softmax",
        ),
        (["check", ".", "sotfmax"], "did you mean softmax?"),
        (["check", ".", "zzz"], "there is no exercise 'zzz'"),
        (["check", ".", "--seed", "-1"], "--seed is -1"),
        (["check", ".", "--time-limit", "0"], "--time-limit is 0"),
        (["check", ".", "--time-limit", "inf"], "--time-limit is inf"),
        (["check", ".", "--time-limit", "nan"], "--time-limit is nan"),
        (["check", ".", "--time-limit", "1e12"], "--time-limit is 1e12"),
        (["run", ".", "a text", "--time-limit", "inf"], "--time-limit is inf"),
        (["run", "nowhere", "a text"], "nowhere is not a folder"),
        (["class", "nowhere"], "nowhere is not a folder"),
        (["reset", "nowhere", "1"], "nowhere is not a folder"),
        (["start", "new", "sotfmax"], "did you mean softmax?"),
        (["hint", "99"], "there is no exercise '99'"),
        (["hint", "nowhere", "softmax"], "nowhere is not a folder"),
        (["show", "gleu"], "did you mean gelu?"),
        (["list", "nowhere"], "nowhere is not a folder"),
    ],
)
def test_wrong_arguments_are_explained_in_one_line(tmp_path, capsys, monkeypatch, arguments, says):
    monkeypatch.chdir(tmp_path)
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1


def test_hints(capsys):
    first, more = run(capsys, "hint", "scores")[1], run(capsys, "hint", "scores", "--more")[1]
    assert "--more" in first
    assert "math.sqrt" in more
    assert first != more


def test_hint_and_show_take_the_folder_as_check_does(tmp_path, capsys):
    run(capsys, "start", tmp_path, "softmax", "--language", "ja")
    assert re.search("[ぁ-ん]", run(capsys, "hint", tmp_path, "softmax")[1])
    assert "解答例" in run(capsys, "show", tmp_path, "softmax", "--yes")[1]
    assert progress.read(tmp_path).hints == progress.read(tmp_path).solutions == ["softmax"]


def test_show_asks_first(capsys, monkeypatch):
    for answer in ("n", "", "perhaps"):
        monkeypatch.setattr("builtins.input", lambda prompt, answer=answer: answer)
        out = run(capsys, "show", "softmax")[1]
        assert "def softmax" not in out
        assert "It is worth the time" in out
    monkeypatch.setattr("builtins.input", lambda prompt: "y")
    out = run(capsys, "show", "softmax")[1]
    assert "# A solution of softmax" in out
    ours, _, library = out.partition("# And this is the library's code")
    assert SOFTMAX.solution.read_text(encoding="utf-8") in ours
    assert "# minibert.numerics.softmax" in library
    assert "def attend(" in run(capsys, "show", "scores", "--yes")[1]


def test_pytest_says_the_same(tmp_path, capsys):
    run(capsys, "start", tmp_path)
    (tmp_path / "01_softmax.py").write_text(WRONG)
    (tmp_path / "06_scores.py").write_text("from minibert.exercises.course.ex06_scores.exercise import scores\n")
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(tmp_path)], capture_output=True, text=True
    )
    message = json.loads(run(capsys, "check", tmp_path, "softmax", "--json")[1])["exercises"][0]["message"]
    assert result.returncode == 1
    assert message in result.stdout
    assert "scores is not written yet" not in result.stdout
    assert f"{len(EXERCISES) - 1} failed, 1 passed" in result.stdout
    assert "Traceback" not in result.stdout


@pytest.mark.skipif(os.name != "posix", reason="sends Ctrl-C")
def test_watch_checks_what_is_saved_and_stops_cleanly(tmp_path, capsys):
    run(capsys, "start", tmp_path)
    # a shell that starts tests in the background has Ctrl-C switched off for them
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    code += "from minibert.commands.main import main; main()"
    watch = subprocess.Popen(
        [sys.executable, "-u", "-c", code, "exercises", "check", str(tmp_path), "--watch"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert "Watching" in watch.stdout.readline()
        time.sleep(1)
        (tmp_path / "01_softmax.py").write_text(WRONG)
        assert "softmax" in watch.stdout.readline()
        while "hint" not in watch.stdout.readline():
            pass
        (tmp_path / "01_softmax.py").write_text(RIGHT)
        line = "\n"
        while line == "\n":
            line = watch.stdout.readline()
        assert line.split() == ["01", "softmax", "right"]
        watch.send_signal(signal.SIGINT)
        rest = watch.communicate(timeout=60)[0]
        assert "Stopped watching." in rest
        assert "Traceback" not in rest
        assert watch.returncode == 0
    finally:
        watch.kill()
        watch.wait()

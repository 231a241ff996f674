"""What the checker says where more than numbers is wrong: true, kind, and whatever the machine's encoding."""

import json
import os
import subprocess
import sys

import pytest

from minibert.exercises.course import EXERCISES, find
from minibert.exercises.judge.checker import letters, likely_files
from tests.exercises.test_command import run
from tests.exercises.test_course import solved, verdict


def told(tmp_path, name, code):
    return verdict(tmp_path, find(name), code)


def test_a_stub_line_that_is_still_reached(tmp_path):
    code = "def softmax(x):\n    if x.ndim:\n        raise NotImplementedError\n    return x\n"
    report = told(tmp_path, "softmax", code)
    assert (report["status"], report["step"]) == ("failed", "call")
    assert "still reaches the line `raise NotImplementedError` (line 3)" in report["message"]
    stub = 'def softmax(x):\n    """Of shares."""\n    raise NotImplementedError\n'
    assert told(tmp_path, "softmax", stub)["status"] == "todo"


def test_every_part_is_judged(tmp_path):
    exercise = find("translation_and_scale")
    second = solved(exercise, "def translate_and_scale(*_): raise NotImplementedError")
    report = verdict(tmp_path, exercise, second)
    assert report["status"] == "todo"
    assert report["message"] == "cosine_distances is right. translate_and_scale is not written yet."
    assert [part["status"] for part in report["parts"]] == ["todo", "passed"]
    both = solved(
        exercise, "def translate_and_scale(q, k, c): return q, k", "def cosine_distances(q, k): return q @ k.T"
    )
    report = verdict(tmp_path, exercise, both)
    assert (report["status"], report["function"]) == ("failed", "translate_and_scale")
    assert len(report["message"].splitlines()) >= 2
    assert [part["status"] for part in report["parts"]] == ["failed", "failed"]
    assert report["parts"][1]["message"] in report["message"]


def test_a_right_function_without_its_finding_says_what_is_next(tmp_path, capsys):
    run(capsys, "start", tmp_path)
    text = find("previous_token_head").solution.read_text(encoding="utf-8").replace("(1, 2)  #", "None  #")
    (tmp_path / "17_previous_token_head.py").write_text(text, encoding="utf-8")
    out = " ".join(run(capsys, "check", tmp_path)[1].split())
    assert "previous_token_attention is right. Now run the file. Find the layer and head" in out


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("def softmax(x):\n    return x.max\n\nprint(softmax([1, 2, 3]))\n", "Line 4 called the function"),
        ("from 01_softmax import softmax\n", "importlib.import_module"),
        ("from random import my_dice\n", "rename it"),
        ("raise ValueError('one\\n' * 100)", "..."),
    ],
)
def test_a_file_that_cannot_be_imported(tmp_path, code, says):
    report = told(tmp_path, "softmax", code)
    assert report["step"] == "import"
    assert says in report["message"]
    assert len(report["message"].splitlines()) < 8


@pytest.mark.parametrize(("encoding", "says"), [("utf-16", "is saved as UTF-16"), ("cp1252", "older code page")])
def test_a_file_in_another_encoding(tmp_path, encoding, says):
    path = tmp_path / "01_softmax.py"
    path.write_bytes("# größer\nTITLE = 'größer'\ndef softmax(x): return x\n".encode(encoding))
    report = json.loads(checked_apart(tmp_path, "softmax", "--json", encoding="utf-8").stdout)["exercises"][0]
    assert says in report["message"]
    assert "Save it as UTF-8" in report["message"]


def checked_apart(folder, *arguments, encoding):
    """The command as it runs where stdout has this encoding."""
    command = [sys.executable, "-m", "minibert", "exercises", "check", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, env=os.environ | {"PYTHONIOENCODING": encoding})


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_any_terminal_and_any_file_gets_a_report(tmp_path, encoding):
    code = "def softmax(x):\n    print('😀 größer')\n    raise ValueError('zu groß → 😀')\n"
    (tmp_path / "01_softmax.py").write_text(code, encoding="utf-8")
    report = json.loads(checked_apart(tmp_path, "softmax", "--json", encoding=encoding).stdout.decode(encoding))
    assert "zu groß → 😀" in report["exercises"][0]["message"]
    assert "😀 größer" in report["exercises"][0]["printed"]
    for language in ("en", "ja"):
        result = checked_apart(tmp_path, "softmax", "--language", language, encoding=encoding)
        assert result.returncode == 1
        assert b"ValueError" in result.stdout
        assert result.stderr == b""
    (tmp_path / "01_softmax.py").write_text("def softmax(x): return x\n", encoding="utf-8")
    picture = checked_apart(tmp_path, "softmax", encoding=encoding).stdout.decode(encoding)
    assert ("█" in picture) == (encoding == "utf-8")
    assert "\\u" not in picture


def test_helpful_where_an_array_meets_a_pair(tmp_path):
    code = solved(
        find("layer"), "def encoder_layer(h, s, w, c): return feed_forward_block(attention_block(h, s, w, c), w, c)"
    )
    message = told(tmp_path, "layer", code)["message"]
    assert "hidden, parts = " in message
    code = solved(find("padding"), "def padded_softmax(s, real): return softmax(np.where(real, s, -np.inf))")
    assert "real_BS[:, None, None, :] aligns the mask" in told(tmp_path, "padding", code)["message"]


def test_paths_with_spaces_are_quoted(tmp_path, capsys):
    folder = tmp_path / "my work"
    assert f'check "{folder}" softmax' in run(capsys, "start", folder, "softmax")[1]


@pytest.mark.parametrize("name", ["05_split_heads (1).py", "5_split_heads.py", "split heads.py", "Split_Heads copy.py"])
def test_misnamed_files_are_found(tmp_path, name):
    (tmp_path / name).write_text("")
    assert likely_files(tmp_path / "05_split_heads.py") == [name]
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "05_split_heads.py").write_text("")
    assert likely_files(tmp_path / "05_split_heads.py")[0] == os.path.join("deeper", "05_split_heads.py")


def test_no_two_exercises_have_one_name():
    assert len({letters(exercise.name) for exercise in EXERCISES}) == len(EXERCISES)


@pytest.mark.parametrize(
    ("name", "code", "imported"),
    [
        ("softmax", "from minibert.numerics import softmax", True),
        ("softmax", "import minibert.numerics as n\ndef softmax(x): return n.softmax(x)", True),
        ("softmax", "import minibert\ndef softmax(x): return minibert.numerics.softmax(x)", True),
        ("softmax", "from minibert.exercises.course.ex01_softmax.exercise import *", True),
        ("scores", "from minibert.attention import attend\ndef scores(q, k): return attend(q, k, k)[0]", True),
        ("attention", "from minibert.numerics import softmax\ndef attend(q, k, v): return softmax(q)", False),
        ("pca", "import viz\ndef pca(p, n): return viz.pca(p, n)", True),
        ("softmax", "import numpy as np\ndef softmax(x): return np.exp(x)", False),
        ("softmax", "def broken(", False),
    ],
)
def test_an_answer_that_is_the_librarys_own_is_flagged(tmp_path, name, code, imported):
    from minibert.exercises.judge.imports import imports_answer

    path = tmp_path / find(name).file
    path.write_text(code)
    assert imports_answer(path, find(name)) == imported

"""A student's own functions in the page: their source, their arrays, and the first line that differs."""

import shutil

import numpy as np
import pytest

import minibert
from minibert.commands.main import main
from minibert.exercises.course import EXERCISES
from minibert.exercises.own import assemble
from minibert.read.build import read
from tests.read.test_reading import TEXT, Page, close

SCALED_LATER = """
import math

import numpy as np

from minibert.numerics import softmax


def attend(query_HTK: np.ndarray, key_HSK: np.ndarray, value_HSK: np.ndarray):
    scores_HTS = query_HTK @ key_HSK.mT
    scaled_HTS = scores_HTS / math.sqrt(query_HTK.shape[-1])
    attention_HTS = softmax(scaled_HTS)
    context_HTK = attention_HTS @ value_HSK
    return scaled_HTS, attention_HTS, context_HTK
"""


@pytest.fixture(scope="module")
def bert():
    return minibert.load("tiny")


def test_their_source_beside_their_arrays_and_the_first_line_that_differs(bert, tmp_path):
    shutil.copy(EXERCISES[0].solution, tmp_path / EXERCISES[0].file)
    (tmp_path / "07_attention.py").write_text(SCALED_LATER, encoding="utf-8")
    (tmp_path / "02_layer_norm.py").write_text(
        "def layer_norm(x, weight, bias, eps):\n    return x\n", encoding="utf-8"
    )
    reading = read(bert, TEXT, own=assemble(tmp_path))
    page = Page(reading.html)
    names = [chapter["name"] for chapter in page.data["chapters"]]
    assert names[:3] == ["yours/01_softmax.py", "yours/07_attention.py", "minibert/numerics.py"]
    lines = ["".join(text for _, text in line) for line in page.data["chapters"][1]["lines"]]
    assert lines == SCALED_LATER.rstrip("\n").split("\n")
    scores = page.made("attend", "scores_HTS")
    assert len(scores) == 4  # theirs, and theirs alone
    for ours, scaled, layer in zip(scores, page.made("attend", "scaled_HTS"), bert(TEXT).layers, strict=True):
        close(ours, layer.scores * 8)
        close(scaled, layer.scores)
    ((visit, text),) = page.data["differs"].items()
    call, line, _, _ = page.data["visits"][int(visit)]
    assert page.name_of(call) == "attend" and lines[line - 1].strip().startswith("scores_HTS =")
    assert "scores_HTS" in text and "softmax, attend" in reading.student and "layer_norm" not in reading.student
    assert str(tmp_path) not in reading.html


def test_where_all_is_equal_nothing_is_marked(bert, tmp_path, capsys, monkeypatch):
    for exercise in (EXERCISES[0], EXERCISES[2]):
        shutil.copy(exercise.solution, tmp_path / exercise.file)
    monkeypatch.chdir(tmp_path)
    main(["read", TEXT, "--exercises", str(tmp_path)])
    assert "softmax, gelu" in capsys.readouterr().out
    page = Page((tmp_path / "read.html").read_text(encoding="utf-8"))
    assert page.data["differs"] == {}
    called = {page.data["chapters"][call[0]]["name"] for call in page.data["calls"]}
    assert {"yours/01_softmax.py", "yours/03_gelu.py", "minibert/attention.py"} <= called
    np.testing.assert_allclose(page.made("attend", "attention_HTS")[0], bert(TEXT).layers[0].attention, atol=1e-6)


def test_a_folder_that_is_not_there_is_said(tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        main(["read", TEXT, "--exercises", str(tmp_path / "nowhere"), "--out", str(tmp_path / "read.html")])
    assert end.value.code == 2 and "is not a folder" in capsys.readouterr().err
    assert not (tmp_path / "read.html").exists()

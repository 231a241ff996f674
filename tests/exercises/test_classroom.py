"""For teachers: one lesson's exercises, a class at once, solutions under lock."""

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from minibert.exercises import judge
from minibert.exercises.course import EXERCISES
from minibert.exercises.course.exercise import Finding
from minibert.exercises.front import progress
from minibert.exercises.front.classroom import IN_WORDS, Student, as_page, in_words, students_in
from minibert.exercises.front.handing_out import stub
from minibert.exercises.front.pictures import in_blocks
from minibert.exercises.judge.compare import close, pictured
from minibert.exercises.judge.report import Report
from minibert.exercises.text import t
from minibert.terminal import columns
from tests.exercises.test_command import SOFTMAX, WRONG, run

JUDGE = Path(judge.__file__).parent


def test_one_lesson_is_handed_out(tmp_path, capsys):
    status, out, _ = run(capsys, "start", tmp_path, "softmax", "5")
    assert status == 0
    assert {path.name for path in tmp_path.iterdir()} == {"01_softmax.py", "05_split_heads.py", ".course.json"}
    assert "files put into " in out and ": 2\n" in out
    assert f"minibert exercises check {tmp_path} softmax" in out
    shutil.copy(SOFTMAX.solution, tmp_path / SOFTMAX.file)
    out = run(capsys, "check", tmp_path)[1]
    assert "1 of 2 are right" in out
    assert "missing" not in out


def test_reset_keeps_what_was_written(tmp_path, capsys):
    run(capsys, "start", tmp_path, "softmax")
    for mine in ("first", "second"):
        (tmp_path / "01_softmax.py").write_text(mine)
        assert run(capsys, "reset", tmp_path, "softmax")[0] == 0
        assert (tmp_path / "01_softmax.py").read_text() == stub(EXERCISES[0])
    assert (tmp_path / "01_softmax.old").read_text() == "first"
    assert (tmp_path / "01_softmax.old1").read_text() == "second"


def test_solutions_open_with_the_word_or_when_right(tmp_path, capsys, monkeypatch):
    run(capsys, "start", tmp_path / "work", "softmax", "gelu", "--lock", "Kapybara")
    monkeypatch.chdir(tmp_path)
    for locked in (["show", "softmax", "--yes"], ["hint", "softmax", "--more"], ["show", "1", "--yes", "--word", "x"]):
        status, out, err = run(capsys, *locked)
        assert (status, out) == (2, "")
        assert "is locked until it is right" in err
    assert run(capsys, "hint", "softmax")[0] == 0
    assert "def gelu" in run(capsys, "show", "gelu", "--yes", "--word", "Kapybara")[1]
    shutil.copy(SOFTMAX.solution, Path("work") / SOFTMAX.file)
    assert "To compare it with our solution" in run(capsys, "check", "work", "softmax")[1]
    assert "def softmax" in run(capsys, "show", "softmax")[1], "right: nobody asks"
    notes = progress.read(tmp_path / "work")
    assert (notes.right, notes.hints, notes.solutions) == (["softmax"], ["softmax"], ["gelu"])
    run(capsys, "reset", "work", "softmax")
    run(capsys, "check", "work", "softmax")
    assert "is locked" in run(capsys, "show", "softmax", "--yes")[2], "not right any more"
    assert "Kapybara" not in (tmp_path / "work" / ".course.json").read_text()


@pytest.mark.parametrize("broken", ["", "[1]", '{"hints": 3}', '{"lock": ["x"]}', "\0"])
def test_broken_notes_are_no_notes(tmp_path, capsys, broken):
    (tmp_path / ".course.json").write_text(broken)
    assert run(capsys, "start", tmp_path, "softmax")[0] == 0
    assert json.loads((tmp_path / ".course.json").read_text())["hints"] == []


@pytest.fixture
def class_of_five(tmp_path, capsys):
    folders = {}
    for name in ("ann", "bo b", "çelik", "dan", "=1+1"):
        folders[name] = tmp_path / "class" / name
        run(capsys, "start", folders[name], "softmax", "merge_and_residual")
    (folders["ann"] / "01_softmax.py").write_text("from minibert.numerics import softmax\n")
    shutil.copy(SOFTMAX.solution, folders["bo b"] / SOFTMAX.file)
    half = EXERCISES[7].solution.read_text()
    half = half.replace("layer_norm(hidden_TD + attended_TD", "layer_norm(attended_TD")
    (folders["bo b"] / "08_merge_and_residual.py").write_text(half)
    (folders["çelik"] / "01_softmax.py").write_text("while True: pass")
    (folders["dan"] / "01_softmax.py").unlink()
    (folders["dan"] / "1_softmax (1).py").write_text(WRONG)
    shutil.copy(SOFTMAX.solution, folders["=1+1"] / SOFTMAX.file)
    return tmp_path


def test_a_class_is_marked_at_once(class_of_five, capsys):
    table, page = class_of_five / "marks.csv", class_of_five / "class.html"
    status, out, _ = run(
        capsys, "class", class_of_five / "class", "--only", "1,8", "--csv", table, "--html", page, "--time-limit", "3"
    )
    assert status == 0
    rows = {line.split("  ")[0]: line for line in out.splitlines()}
    assert re.search(r"^ann +=  \. +1 +1/3", rows["ann"])
    assert re.search(r"^bo b +\+  - +1 +2/3", rows["bo b"])
    assert re.search(r"^çelik +-  \.", rows["çelik"])
    assert "ann: uses the library's own function: softmax" in out
    assert "dan: files with a wrong name or place (1)" in out
    assert "1_softmax (1).py" in out
    assert "   1  merge_and_residual: attention_block: the residual is missing: the block's input is not added\n" in out
    assert "   1  softmax: softmax: the check takes too long" in out
    by_name = {row["student"]: row for row in csv.DictReader(table.open(encoding="utf-8"))}
    assert by_name["bo b"]["merge_and_residual.merge_heads"] == "1"
    assert by_name["bo b"]["merge_and_residual.attention_block"] == "0"
    assert by_name["ann"]["imports_answer"] == "softmax"
    assert "'=1+1" in by_name, "a spreadsheet would take it for a formula"
    text = page.read_text(encoding="utf-8")
    assert "<td>çelik</td>" in text
    assert "the residual is missing" in text
    assert "http" not in text


def test_an_exercise_is_worth_its_weight(class_of_five, capsys):
    table = class_of_five / "marks.csv"
    ask = ("class", class_of_five / "class", "--only", "1,8", "--csv", table, "--time-limit", "3")
    out = run(capsys, *ask, "--weights", "softmax=1,8=4")[1]
    assert re.search(r"^bo b .* 2/3 +3/5 ", out, re.MULTILINE), "softmax, and one of two functions of exercise 8"
    by_name = {row["student"]: row for row in csv.DictReader(table.open(encoding="utf-8"))}
    assert by_name["bo b"]["points"] == "3.0"
    for wrong in ("softmax", "softmax=much", "soft=1", "softmax=-1"):
        status, _, err = run(capsys, *ask, "--weights", wrong)
        assert (status, err.count("\n")) == (2, 1)
        assert "--weights" in err


@pytest.mark.parametrize(("language", "said"), [("en", "the scores are divided by K"), ("ja", "K で割った")])
def test_a_teacher_reads_what_is_wrong_and_not_what_to_do(language, said):
    cause = t("the scores are divided by K. Divide them by the square root of K").to(language)
    assert said in in_words({"mistake": "no-root", "step": "values", "cause": cause}, language)
    assert "root" not in in_words({"mistake": "no-root", "step": "values", "cause": cause}, language)


def test_every_step_and_every_mistake_of_the_judge_has_words():
    source = re.sub(r"\n\s+", "", "".join(path.read_text(encoding="utf-8") for path in JUDGE.glob("*.py")))
    named = re.findall(r'(?:failed\(|Problem\(|"step": )"(\w+)"|mistake="([\w-]+)"', source)
    assert {one or other for one, other in named} | {"finite", "values"} == set(IN_WORDS)


def test_students_are_sorted_as_people_count(tmp_path):
    for name in ("s10", "s2", "s1", "anna"):
        (tmp_path / name).mkdir()
    assert [path.name for path in students_in([tmp_path])] == ["anna", "s1", "s2", "s10"]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_prediction_is_shown_beside_the_answer(tmp_path, capsys, language):
    run(capsys, "start", tmp_path, "softmax", "--language", language)
    path = tmp_path / "01_softmax.py"
    asked = "Your prediction:" if language == "en" else "あなたの予想:"
    text = path.read_text(encoding="utf-8")
    assert f"\n{asked}\n" in text
    code = SOFTMAX.solution.read_text(encoding="utf-8").partition("import numpy")[2]
    for written, shown in (("", False), (" it grows\n by 100", True)):
        path.write_text(text.partition(asked)[0] + f'{asked}{written}\n"""\nimport numpy{code}', encoding="utf-8")
        out = run(capsys, "check", tmp_path, "softmax")[1]
        assert ("it grows by 100" in out) == shown, out


def test_pages_and_pictures(tmp_path, capsys):
    run(capsys, "start", tmp_path, "softmax")
    (tmp_path / "01_softmax.py").write_text(WRONG)
    status, out, _ = run(capsys, "check", tmp_path, "softmax", "--html", tmp_path / "page.html")
    assert status == 1
    assert re.search(r"expected +got +difference", out)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("<figure>") == 3
    assert "01 softmax: not yet" in page


def test_what_students_write_is_text_on_the_page_of_the_class(tmp_path):
    evil = '"><script>alert(1)</script>'
    part = {"name": "softmax", "status": "failed", "step": "values", "cause": evil}
    report = Report(SOFTMAX.name, SOFTMAX.file, "failed", evil, step="values", parts=(part,))
    page = as_page([Student(evil, [report], progress.Progress(tmp_path))], (SOFTMAX,), "en")
    assert "script&gt;" in page and "<script" not in page


def test_the_teachers_page_lists_the_exercises_as_they_are():
    page = (Path(judge.__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (\w+) \|", page, re.MULTILINE)
    assert rows == [(str(exercise.number), exercise.name) for exercise in EXERCISES]


def test_a_picture_shows_the_matrix_of_the_message_and_no_rounding():
    expected = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    got = expected.copy()
    got[2] += np.float32(2e-3)
    got[2, 1, 3] = expected[2, 1, 3] + np.float32(8e-3)
    picture = pictured(expected, got, ~close(got, expected, 2e-5))
    assert picture.expected[0, 0] == 40, "the third matrix, which holds the wrong number"
    lines = in_blocks(picture, "utf-8", "en")
    assert [row[26:].strip() for row in lines[1:]] == ["", "██", "", ""]


def test_a_large_picture_is_cut_round_the_first_wrong_number_and_fits_a_terminal():
    expected = np.zeros((40, 60), np.float32)
    got = expected.copy()
    got[30, 50] = np.nan
    lines = in_blocks(pictured(expected, got, got != expected), None, "en")
    assert max(map(len, lines)) < 76
    assert any("?" in line for line in lines[1:-1])
    assert lines[-1] == "(rows 28 to 39 of 40, columns 44 to 59 of 60, all from 0)"


def test_run_tells_what_is_ones_own(tmp_path, capsys):
    run(capsys, "start", tmp_path)
    shutil.copy(SOFTMAX.solution, tmp_path / SOFTMAX.file)
    out = run(capsys, "run", tmp_path, "The old man sat down by the [MASK].")[1]
    assert "1 of 13 functions are yours: softmax" in out
    assert "table 0.096" in out
    assert "This is only rounding." in " ".join(out.split())
    status, _, err = run(capsys, "run", tmp_path, "")
    assert (status, err.count("\n")) == (2, 1)


def test_every_finding_has_a_file_to_run_on_one_thread():
    for exercise in EXERCISES:
        if any(isinstance(part, Finding) for part in exercise.parts):
            assert "with one_thread():" in (exercise.stub).read_text(encoding="utf-8")


def test_one_lesson_is_marked_alike_everywhere(tmp_path, capsys):
    """Where one exercise was handed out, the folder, its JSON and the class have one."""
    for name in ("ann", "bo"):
        run(capsys, "start", tmp_path / "class" / name, "softmax", "gelu")
        for exercise in (EXERCISES[0], EXERCISES[2]):
            shutil.copy(exercise.solution, tmp_path / "class" / name / exercise.file)
    (tmp_path / "class" / "bo" / "03_gelu.py").unlink()
    ann = tmp_path / "class" / "ann"
    status, out, _ = run(capsys, "check", ann)
    report = json.loads(run(capsys, "check", ann, "--json")[1])
    assert status == 0 and "2 of 2 are right" in out
    assert (report["passed"], report["total"]) == (2, 2)
    rows = [line.split() for line in run(capsys, "class", tmp_path / "class")[1].splitlines()[:3]]
    assert rows[0][:2] == ["1", "3"]
    assert rows[1][:5] == ["ann", "+", "+", "2", "2/2"]
    assert rows[2][:5] == ["bo", "+", "1", "1/2", "1/2"], "a file that a student lost is missing"


@pytest.mark.parametrize("action", ["check work --html", "class work --csv", "class work --html"])
def test_a_file_that_cannot_be_written_is_found_before_the_work(tmp_path, capsys, monkeypatch, action):
    monkeypatch.chdir(tmp_path)
    run(capsys, "start", "work", "softmax")
    (tmp_path / "file").write_text("")
    for path in ("file/report", "work"):
        status, out, err = run(capsys, *action.split(), path)
        assert (status, out) == (2, "")
        assert f"{action.split()[-1]} is {path.removesuffix('/report')}" in err and err.count("\n") == 1


def test_columns_stand_below_each_other_whatever_the_names(tmp_path, capsys):
    names = ("anna", "ｱｲｳ", "Zoe\u0301", "\u1100\u1161", "𝔸𝔹", "猫")
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / SOFTMAX.file).write_text(stub(SOFTMAX))
    _, *rows = run(capsys, "class", tmp_path)[1].splitlines()[: 1 + len(names)]
    assert len({columns(row) for row in rows}) == 1

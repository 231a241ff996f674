"""The course in Japanese: nothing is missing, and numbers, names and code are those of the English text."""

import ast
import re
from pathlib import Path

import pytest

import minibert.exercises
from minibert.exercises.course import EXERCISES
from minibert.exercises.course.exercise import Finding, Function
from minibert.exercises.front import console
from minibert.exercises.front.handing_out import IN_CODE, stub
from minibert.exercises.judge import raised
from minibert.exercises.text import t, translations
from tests.exercises.test_command import RIGHT, WRONG, run
from tests.support.opposites import exchanged

HERE = Path(minibert.exercises.__file__).parent
TEXTS = translations("ja")
FILES = {exercise.name: (exercise.folder / "stub.ja.txt").read_text(encoding="utf-8") for exercise in EXERCISES}


def texts_of_the_course() -> list[str]:
    """Every English text that a student may read, in the order of the course."""
    found = []
    for exercise in EXERCISES:
        found.append(exercise.title)
        for part in exercise.parts:
            found += part.hints
            if isinstance(part, Function):
                found += [mistake.says for mistake in part.mistakes]
                found += [part.advice] if part.advice else []
                found += [axis for output in part.outputs for axis in output.axes]
                found += [output.name for output in part.outputs if " " in output.name]
            else:
                found.append(part.what)
        if isinstance(exercise.answer, str):
            found.append(exercise.answer)
        code = (exercise.stub).read_text(encoding="utf-8").split('"""', 2)[2]
        found += [words for words in IN_CODE.findall(code) if not words.isupper()]
        found.append(" ".join(exercise.solution.read_text(encoding="utf-8").split('"""', 2)[1].split()))
    found += [*raised.ADVICE.values(), console.PREDICTION]
    for path in sorted(HERE.rglob("*.py")):
        if path.name not in ("stub.py", "solution.py"):
            found += texts_in(path)
    return list(dict.fromkeys(found))


def texts_in(path: Path) -> list[str]:
    """The texts given to `t` in a file, directly or by a name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            named.setdefault(node.targets[0].id, []).extend(constants(node.value))
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "t":
            first = node.args[0]
            found += named.get(first.id, []) if isinstance(first, ast.Name) else constants(first)
    return [text for text in found if text in TEXTS or re.search(r"\w", re.sub(r"{\w+}", "", text))]


def constants(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    return constants(node.body) + constants(node.orelse) if isinstance(node, ast.IfExp) else []


def fixed(text: str) -> list[str]:
    """What must be the same in every language: fields, numbers, code."""
    text = re.sub(r"\([A-Z]\w+(,? (and|&) [A-Z]\w+)*,? \d{4}\)", "", text)
    fields = re.findall(r"{\w+}", text)
    rest = re.sub(r"{\w+}", " ", text)
    numbers = re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?:e-?\d+)?(?!\w)", rest, re.ASCII)
    code = re.findall(r"[A-Za-z_]+(?:\.[A-Za-z_]+)+|[A-Za-z]+_[A-Za-z_]+|--[a-z-]+|`[^`]+`", rest)
    return sorted(fields) + sorted(numbers) + sorted(code)


def test_nothing_is_missing():
    said = texts_of_the_course()
    assert [text for text in said if text not in TEXTS] == []
    assert sorted(set(TEXTS) - set(said)) == [], "nobody says these any more"
    assert sorted(FILES) == sorted(exercise.name for exercise in EXERCISES)


def test_numbers_names_and_code_agree():
    wrong = {text: own for text, own in TEXTS.items() if fixed(text) != fixed(own)}
    assert wrong == {}


TOLD_OTHERWISE = (
    "softmax runs over the heads. It must run",
    "only the last sentence is measured. Each round",
    "The object has no field of that name.",
)


def test_no_word_is_exchanged_for_its_opposite():
    wrong = {text: exchanged(text, own) for text, own in TEXTS.items() if not text.startswith(TOLD_OTHERWISE)}
    assert {text: words for text, words in wrong.items() if words} == {}


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_the_files_teach_the_same(exercise):
    """The same equations and worked examples, line by line; only the words around them are Japanese."""
    english = (exercise.stub).read_text(encoding="utf-8").split('"""', 2)[1]
    own = FILES[exercise.name]
    for lines in (examples, equations, shapes):
        assert lines(own) == lines(english)
    assert not re.search(IN_WORDS, own)
    assert own.count(" = ") == english.count(" = ")
    assert own.startswith(f"{exercise.number}. ")
    assert len(re.findall("[ぁ-んァ-ヶ一-龠]", own)) > 100
    assert max(map(width, own.splitlines())) <= 120


def width(line: str) -> int:
    return sum(2 if ord(letter) > 0x2E80 else 1 for letter in line)


def examples(text: str) -> list[str]:
    return text.partition(">>> ")[2].partition("\n\n")[0].splitlines()


BESIDE = r" {2,}(?![ =])"
IN_WORDS = r"= .*(mean o|where the|logit of|first rows)"


def equations(text: str) -> list[str]:
    """Lines that stand in by four spaces, up to where words begin beside them; but not those that are words themselves,
    which are Japanese there."""
    lines = [line.strip() for line in text.splitlines() if re.match(r"    \S", line)]
    lines = [re.split(BESIDE, line)[0] for line in lines if re.search(BESIDE, line) or line.isascii()]
    return [line for line in lines if line.isascii() and not re.search(IN_WORDS, line)]


def shapes(text: str) -> list[str]:
    """What stands beside an equation: "D -> F"."""
    return re.findall(r" {2,}([A-Z](?:, [A-Z])* -> [A-Z](?:, [A-Z])*)$", text, re.MULTILINE)


def test_a_folder_goes_on_in_its_language(tmp_path, capsys, monkeypatch):
    folder = tmp_path / "work"
    out = run(capsys, "start", folder, "softmax", "--language", "ja")[1]
    assert "入れました" in out
    assert FILES["softmax"] in (folder / "01_softmax.py").read_text(encoding="utf-8")
    (folder / "01_softmax.py").write_text(WRONG)
    out = run(capsys, "check", folder, "softmax")[1]
    assert "まだ" in out
    mistake = TEXTS["softmax runs over the wrong axis (-2, the rows) instead of the last"]
    assert mistake.replace(" ", "") in "".join(out.split())
    assert "expected" not in out
    (folder / "01_softmax.py").write_text(RIGHT)
    assert "予想" in run(capsys, "check", folder, "softmax")[1]
    assert "right" in run(capsys, "check", folder, "softmax", "--language", "en")[1]
    monkeypatch.chdir(tmp_path)
    assert re.search("[ぁ-ん]", run(capsys, "hint", "softmax")[1])
    assert "解答例" in run(capsys, "show", "softmax")[1]


def test_mistakes_of_typing_are_told_in_japanese(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(capsys, "start", "work", "softmax", "--language", "ja", "--lock", "word")
    for wrong, said in (
        (["check", "work", "gleu"], "'gleu' という課題はありません; gelu のことですか?"),
        (["hint", "work", "foo"], "'foo' という課題はありません"),
        (["show", "work", "softmax"], "softmax の解答は、正解するまで開きません"),
        (["check", "wrk", "--language", "ja"], "wrk というフォルダーはありません。work のことですか?"),
        (["check", "nowhere", "--language", "ja"], "作るには: minibert exercises start nowhere"),
        (["check", "softmax", "--language", "ja"], "softmax は課題の名前です"),
        (["check", "work/01_softmax.py", "--language", "ja"], "はファイルです"),
    ):
        status, _, message = run(capsys, *wrong)
        assert status == 2 and said in message and message.count("\n") == 1, message


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_answers_are_told_in_japanese(exercise):
    answer = (t(exercise.answer) if isinstance(exercise.answer, str) else exercise.answer()).to("ja")
    assert len(re.findall("[ぁ-ん]", answer)) > 10, answer
    assert "{" not in answer


def test_no_english_is_left_in_a_japanese_file():
    """But names, equations and what stands in the code itself."""
    for exercise in EXERCISES:
        code = stub(exercise, "ja").split('"""', 2)[2]
        for words in IN_CODE.findall(code):
            assert re.search("[ぁ-んァ-ヶ一-龠]", words) or "->" in words or "{layer}" in words, (exercise.file, words)


def test_findings_have_hints():
    assert all(part.hints for exercise in EXERCISES for part in exercise.parts if isinstance(part, Finding))

"""What a model does not read as it was meant is said: unknown words, and blanks that are no mask token."""

import sys

import pytest

import minibert
from minibert.corpus.doubts import Doubts
from tests.commands.test_main import run

UNREAD = "3 of 3 tokens are [UNK]"
WHY = ": the vocabulary of tiny lacks these words, and no number is about them"


@pytest.mark.parametrize(
    "command",
    ["attention", "embed", "viz --draw joint", "read", "explore --no-live", "compare tiny tiny", "whatif"],
)
def test_a_text_of_unknown_words_is_named(command, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    text = "☃☃ ☃ [MASK]" if command == "whatif" else "☃ ☃ ☃"
    status, out, error = run(capsys, *command.split(), text)
    expected = "2 of 3 tokens are [UNK]" if command == "whatif" else UNREAD
    assert status == 0 and [line for line in error.splitlines() if "UNK" in line] == [f"minibert: {expected}{WHY}"]
    assert WHY not in out
    assert run(capsys, *command.split(), "The cat [MASK] on the mat.")[2] == ""


@pytest.mark.parametrize("text", ["[mask]", "[Mask]", "___", "<mask>", "[BLANK]", "__"])
def test_what_looks_like_a_blank_is_named(text, capsys):
    _, _, error = run(capsys, "attention", f"The {text} barked.", "--head", "0")
    assert error == f"minibert: “{text}” is no blank for tiny, which reads its characters; write [MASK]\n"


def test_of_many_sentences_the_number_is_said(capsys, tmp_path):
    path = tmp_path / "some.txt"
    path.write_text("It rained.\n☃ ☃\n☃ and so on it went\n☃\n", encoding="utf-8")
    _, _, error = run(capsys, "embed", "--file", str(path))
    assert error == f"minibert: 2 of 4 sentences are mostly [UNK]{WHY}\n"
    tiny = minibert.load("tiny")
    assert Doubts(tiny).look(map(tiny.encode, ["It rained.", "A cat ||| ate."])).lines == []


@pytest.mark.parametrize("picture", ["joint", "attention", "distances"])
def test_a_picture_of_unknown_words_says_so(picture, capsys, tmp_path):
    given = ["--draw", picture, "--layer", "0", "--head", "0", "--format", "svg", "--out", str(tmp_path)]
    run(capsys, "viz", "☃ ☃ ☃", *given)
    assert UNREAD in (tmp_path / f"{picture}-0.0.svg").read_text(encoding="utf-8").replace("</text>", "")
    run(capsys, "viz", "A cat sat.", *given)
    assert "[UNK]" not in (tmp_path / f"{picture}-0.0.svg").read_text(encoding="utf-8")


def test_without_a_console_nothing_is_said(monkeypatch, capsys):
    from minibert.terminal import note

    monkeypatch.setattr(sys, "stderr", None)
    note("nothing")
    assert capsys.readouterr().out == ""

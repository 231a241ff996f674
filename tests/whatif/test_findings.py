"""The circuits of `minibert/whatif/README.md`: the command prints what stands there, and the circuits hold."""

import re
from pathlib import Path

import pytest

import minibert
from minibert.survey.circuits import circuits
from tests.test_readme import commands, elsewhere, printed  # noqa: F401 - a fixture

PAGE = Path(minibert.__file__).parent / "whatif/README.md"
NUMBER = re.compile(r"[+-]?\d+\.\d+")


def test_the_command_prints_what_stands_on_the_page():
    text = PAGE.read_text(encoding="utf-8")
    ((command, expected),) = commands(re.findall(r"```console\n(.*?)```", text, re.DOTALL)[0])
    got = printed(command)
    assert re.sub(r" +", " ", NUMBER.sub("#", got)) == re.sub(r" +", " ", NUMBER.sub("#", expected))
    numbers = [[float(number) for number in NUMBER.findall(part)] for part in (got, expected)]
    assert numbers[0] == pytest.approx(numbers[1], abs=0.011)  # the last digit may be rounded the other way


def test_the_example_prints_what_it_says(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    exec(code, {})
    said = code.splitlines()[-1].partition("  # ")[2]
    assert said.startswith(capsys.readouterr().out.strip() + ":")


def row_of(found, side, of_query, of_key):
    wanted = side, of_query, of_key
    (row,) = [row for row in found.rows if (row.side, row.part_of_query, row.part_of_key) == wanted]
    return row


def test_the_circuits_of_minilm(minilm, sentences):
    """Head 1.8 reads what 0.2 wrote; 1.11 looks at [CLS] because of biases and feed-forward 0, whatever the words."""
    (arrow, *_) = circuits(minilm, sentences[:20], heads=[(1, 8)]).arrows
    assert (arrow.writer, arrow.side) == ((0, 2), "key") and arrow.attention_without < arrow.attention - 0.1
    found = circuits(minilm, sentences[:20], heads=[(1, 11)])
    lead, attention, special = found.of_head((1, 11))
    row = row_of(found, "pair", "biases", "feed-forward 0")
    assert special > 0.7 and row.mean > 0.5 * lead and row.attention_without < attention / 2
    assert not row.above_null and row.null == pytest.approx(row.mean, rel=0.05)


def test_the_circuits_of_tiny(sentences):
    bert = minibert.load("tiny")
    row = row_of(circuits(bert, sentences[:20], heads=[(0, 3)]), "pair", "position", "position")
    assert row.share > 0.9 and row.above_null and row.attention_without < 0.2
    found = circuits(bert, sentences[:20], heads=[(1, 2)])
    for part_of_query, part_of_key, least in (("word", "head 0.3", 0.05), ("head 0.1", "word", 0.02)):
        row = row_of(found, "pair", part_of_query, part_of_key)
        assert row.above_null and row.attention - row.attention_without > least

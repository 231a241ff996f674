"""`minibert why`: the terms of a score, in words, as a table, CSV, JSON and a picture."""

import csv
import json

import numpy as np
import pytest

import minibert
from minibert.commands.main import main
from minibert.whatif.attribution import score_parts, without_terms

TEXT = "In the morning the old fisherman pushed his boat into the water."


def run(capsys, *arguments):
    status = 0
    try:
        main(["why", *arguments])
    except SystemExit as stop:
        status = stop.code
    out, error = capsys.readouterr()
    return status, out, error


def test_the_terms_add_up_to_the_score_and_nothing_is_lost(capsys, tmp_path):
    given = [TEXT, "--layer", "1", "--head", "2", "--query", "fisherman", "--out", str(tmp_path), "--top", "3"]
    status, out, _ = run(capsys, *given, "--csv", str(tmp_path / "why.csv"), "--format", "svg")
    lines = out.splitlines()
    trace = minibert.load("tiny")(TEXT)
    scores, attention = trace.layers[1].scores[2, 6], trace.layers[1].attention[2, 6]
    assert status == 0
    assert lines[0] == f"head 1.2: “fisher” (6) gives {attention[5]:.2f} of its attention to “old” (5)"
    assert lines[2].split() == ["+5.14", "position", "x", "position", "0.12"]
    numbers = [float(line.split()[0]) for line in lines[2:6]]
    assert lines[5].endswith("78 other terms")
    assert sum(numbers) == pytest.approx(scores[5] - scores.mean(), abs=0.03)
    assert float(lines[6].split()[0]) == pytest.approx(scores[5] - scores.mean(), abs=0.006)
    assert lines[6].endswith("sum: the score, less its mean over all keys")
    with open(tmp_path / "why.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 81
    assert sum(float(row["term"]) for row in rows) == pytest.approx(scores[5] - scores.mean(), abs=1e-3)
    picture = (tmp_path / "why-1.2-6-5.svg").read_text(encoding="utf-8")
    for said in ("position x position", "78 other terms", "Each bar is a term of the score", "+5.14", ">score<"):
        assert said in picture, said


def test_json_has_every_term_and_the_attention_without_it(capsys):
    status, out, _ = run(capsys, TEXT, "--layer", "1", "--head", "2", "--query", "6", "--json")
    found, bert = json.loads(out), minibert.load("tiny")
    trace = bert(TEXT)
    parts = score_parts(bert, trace, 1, 2, 6)
    assert status == 0 and len(found["terms"]) == len(parts.names) ** 2 and found["key"] == 5
    for term in found["terms"][:5]:
        a, b = parts.names.index(term["part_of_query"]), parts.names.index(term["part_of_key"])
        assert term["term"] == pytest.approx(parts.centred[a, b, 5], abs=1e-4)
        scores = without_terms(bert, trace, 1, 2, [(term["part_of_query"], term["part_of_key"])])
        resumed = bert.resume(trace, layer=1, scores=scores)
        assert term["attention_without"] == pytest.approx(resumed.layers[1].attention[2, 6, 5], abs=1e-4)


def test_another_key_is_a_contrast(capsys, tmp_path):
    given = [TEXT, "--layer", "1", "--head", "2", "--query", "fisherman", "--key", "old", "--instead", "boat"]
    status, out, _ = run(capsys, *given, "--out", str(tmp_path))
    scores = minibert.load("tiny")(TEXT).layers[1].scores[2, 6]
    total = out.splitlines()[-2]
    assert status == 0 and total.endswith("sum: the score, less the same term for “boat” (10)")
    assert float(total.split()[0]) == pytest.approx(scores[5] - scores[10], abs=0.006)


def test_without_a_head_the_largest_attention_among_words_is_explained(capsys):
    _, out, _ = run(capsys, TEXT, "--json")
    found, trace = json.loads(out), minibert.load("tiny")(TEXT)
    words = [i for i, role in enumerate(trace.roles) if role is None]
    largest = trace.stacked("attention")[:, :, words][..., words].max()
    assert found["attention"] == pytest.approx(float(largest), abs=1e-5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--layer", "1"], "--layer and --head come together; give both or none"),
        (["--layer", "4", "--head", "0"], "--layer is 4; this model has layers 0 to 3"),
        (["--query", "fish"], "--query is 'fish', which is not in the text; did you mean fisher?"),
        (["--query", "the"], "--query is 'the', which is there 3 times; give its position: 2 or 4 or 12"),
        (["--key", "99"], "--key is 99; this text has positions 0 to 15"),
        (["--key", "old", "--instead", "5"], "--instead is the key itself, 'old'; expected another one"),
        (
            ["--json", "--top", "3"],
            "--top has no effect with --json, which has every term and no picture; leave it out",
        ),
    ],
)
def test_a_mistake_is_one_line(capsys, given, message):
    status, out, error = run(capsys, TEXT, *given)
    assert (status, out, error) == (2, "", f"minibert: {message}\n")


def test_any_text_can_be_explained(capsys, tmp_path):
    for text in ("No", "Who came? ||| Nobody.", "[MASK]"):
        status, out, _ = run(capsys, text, "--out", str(tmp_path))
        assert status == 0 and np.isfinite(float(out.splitlines()[-2].split()[0]))

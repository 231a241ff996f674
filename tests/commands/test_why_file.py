"""`minibert why --file`: tables, CSV, JSON and pictures of what heads are made of, over many sentences."""

import csv
import io
import json
import re
import sys

import numpy as np
import pytest

import minibert
import viz
from minibert.commands.why_file import draw
from minibert.numerics import softmax
from minibert.survey import circuits as survey
from minibert.whatif.attribution import parts_of_states, strongest_terms, without_terms
from tests.checkpoint.test_families import write
from tests.commands.test_why import run
from tests.material import SENTENCES, interrupted

HEADER = (
    "layer,head,side,part_of_query,part_of_key,mean,share,first_half,second_half,spread,null,above_null,attention,"
    "attention_without,length_without,sentences"
)


@pytest.fixture(scope="module")
def file(tmp_path_factory, sentences):
    path = tmp_path_factory.mktemp("why") / "some.txt"
    path.write_text("\n".join(sentences[:16]), encoding="utf-8")
    return str(path)


def number(text):
    return float(text) if text else None


def test_the_rows_are_means_over_the_sentences(capsys, tmp_path, file, sentences):
    table = tmp_path / "why.csv"
    status, out, _ = run(capsys, "--file", file, "--out", str(tmp_path), "--csv", str(table), "--top", "4")
    assert status == 0 and out.startswith("tiny: 16 sentences of some.txt\n")
    text = table.read_text(encoding="utf-8")
    assert text.splitlines()[0] == HEADER
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {(int(row["layer"]), int(row["head"])) for row in rows} == {(i, j) for i in range(4) for j in range(4)}
    bert = minibert.load("tiny")
    leads, terms, left = [], [], []
    for trace in map(bert, sentences[:16]):
        parts = parts_of_states(bert, trace, 1)
        terms.append(strongest_terms(bert, trace, 1, 2, parts))
        leads.append(terms[-1].sum())
        best = trace.layers[1].attention[2].argmax(-1)
        without = softmax(without_terms(bert, trace, 1, 2, [("word", "head 0.3")], parts)[2])
        left.append(without[np.arange(len(best)), best].mean())
    mine = [row for row in rows if (row["layer"], row["head"]) == ("1", "2")]
    pairs = [row for row in mine if row["side"] == "pair"]
    assert len(pairs) == 4
    for row in pairs:
        a, b = parts.names.index(row["part_of_query"]), parts.names.index(row["part_of_key"])
        values = np.array([term[a, b] for term in terms])
        assert number(row["mean"]) == pytest.approx(values.mean(), rel=1e-4)
        assert number(row["first_half"]) == pytest.approx(values[:8].mean(), rel=1e-4)
        assert number(row["second_half"]) == pytest.approx(values[8:].mean(), rel=1e-4)
        assert number(row["spread"]) == pytest.approx(values.std(ddof=1), rel=1e-3)
        assert number(row["share"]) == pytest.approx(values.mean() / np.mean(leads), rel=1e-4)
    (circuit,) = [row for row in pairs if (row["part_of_query"], row["part_of_key"]) == ("word", "head 0.3")]
    assert number(circuit["attention_without"]) == pytest.approx(np.mean(left), abs=1e-4)
    assert circuit["above_null"] == "True" and circuit["sentences"] == "16"
    values = [row for row in mine if row["side"] == "value"]
    assert len(values) == 4 and all(
        row["attention"] == "" and 0 < number(row["length_without"]) < 1.2 for row in values
    )


def test_the_table_of_one_head_adds_up_to_its_lead(capsys, tmp_path, file):
    status, out, _ = run(capsys, "--file", file, "--layer", "1", "--head", "2", "--top", "3", "--out", str(tmp_path))
    lines = out.splitlines()
    assert status == 0
    title = next(i for i, line in enumerate(lines) if line.split()[:2] == ["mean", "1st"])
    numbers = [float(line.split()[0].rstrip("*")) for line in lines[title + 1 : title + 6]]
    assert sum(numbers[:4]) == pytest.approx(numbers[4], abs=0.03)
    assert lines[title + 4].endswith("all other terms") and "sum: the lead" in lines[title + 5]
    assert any(line.split()[:3] == ["0.3", "1.2", "key"] and "attention 0.91 -> 0.81" in line for line in lines)
    assert lines[-2:] == [str(tmp_path / "parts-1.2.png"), str(tmp_path / "graph-1.2.png")]


def test_the_pictures_say_what_they_show(capsys, tmp_path, file):
    given = ["--file", file, "--out", str(tmp_path), "--format", "svg"]
    assert run(capsys, *given)[0] == run(capsys, *given, "--layer", "1", "--head", "2", "--top", "5")[0] == 0
    found = {name: words(tmp_path / f"{name}.svg") for name in ("parts", "graph", "parts-1.2", "graph-1.2")}
    for text in found.values():
        assert "tiny · 16 sentences of some.txt" in text
        assert "above its null: more than twice as large, and larger by more than 4 standard errors" in text
        assert "the same value with the part shuffled among the words of its sentence" in text
    assert "in this order: word, position, segment, heads, feed-forwards, biases." in found["parts"]
    assert "head 1.2" in found["parts-1.2"] and "The 5 largest terms of the lead" in found["parts-1.2"]
    assert "Drawn: the 20 largest of" in found["graph"] and "Drawn: 3 shares of 0.05 or more" in found["graph-1.2"]
    assert "Pale circles: heads without an arrow." in found["graph"]
    assert re.search(r"attention on this key without the term; with it, 0\.9\d", found["parts-1.2"])
    assert "feeds the query feeds the key feeds the value" in found["graph"]


def test_the_pictures_are_drawn_of_the_rows(tmp_path, monkeypatch, sentences):
    given = {}
    for name in ("parts_figure", "parts_grid_figure", "circuit_figure"):
        monkeypatch.setattr(viz, name, lambda *values, name=name, **options: given.update({name: (values, options)}))
    monkeypatch.setattr(viz, "save", lambda figure, path: path)
    found = survey.circuits(minibert.load("tiny"), sentences[:16])
    draw(tmp_path, found, "png", 7.0)
    (arrows, *_), _ = given["circuit_figure"]
    for arrow, row in zip(arrows, found.arrows[:20], strict=True):
        falls = row.side == "value" or row.attention - row.attention_without >= 0.01
        assert arrow == (row.writer, (row.layer, row.head), row.side, row.share, not falls)
    (shares, *_), options = given["parts_grid_figure"]
    (row,) = [row for row in found.rows if numbers_of(row) == (1, 2, "kinds", "word", "heads")]
    assert shares[1, 2, 0, 3] == row.share and not options["grey"][1, 2, 0, 3] and row.above_null
    plain = [row for row in found.rows if row.side == "kinds" and not row.above_null]
    assert options["grey"].sum() == len(plain) and 0 < len(plain) < options["grey"].size
    one = survey.circuits(minibert.load("tiny"), sentences[:16], heads=[(1, 2)], top=6)
    draw(tmp_path, one, "png", 7.0)
    (values, of_query, of_key), options = given["parts_figure"]
    for row in (row for row in one.rows if row.side == "pair"):
        place = of_query.index(row.part_of_query), of_key.index(row.part_of_key)
        cell = values[place], options["checks"][place], options["grey"][place]
        assert cell == (row.mean, row.attention_without, not row.above_null)
    assert np.isfinite(values).sum() == 6 and 0 < options["grey"].sum() < 6


def test_a_share_without_an_effect_is_pale(tmp_path, monkeypatch, sentences):
    """Where nothing falls by as much as it would take, all arrows of scores are pale."""
    given = []
    monkeypatch.setattr(viz, "circuit_figure", lambda arrows, *_, **options: given.append(arrows))
    monkeypatch.setattr(viz, "save", lambda figure, path: path)
    monkeypatch.setattr("minibert.commands.why_file.FALL", 0.5)
    draw(tmp_path, survey.circuits(minibert.load("tiny"), sentences[:16], heads=[(1, 2)]), "png", 7.0)
    assert {(arrow.side, arrow.pale) for arrow in given[0]} == {("query", True), ("key", True), ("value", False)}


def numbers_of(row):
    return row.layer, row.head, row.side, row.part_of_query, row.part_of_key


def words(path):
    """The text of a picture, in one line."""
    return " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", path.read_text(encoding="utf-8"), re.DOTALL))


def test_json_has_every_row_and_no_picture(capsys, file):
    status, out, _ = run(capsys, "--file", file, "--json", "--layer", "0", "--head", "3")
    found = json.loads(out)
    assert status == 0 and found["sentences"] == 16 and found["skipped"] == 0
    (head,) = found["heads"]
    largest = max((row for row in found["rows"] if row["side"] == "pair"), key=lambda row: row["mean"])
    assert (largest["part_of_query"], largest["part_of_key"]) == ("position", "position")
    assert largest["share"] > 0.9 and largest["mean"] < head["lead"] and 0.9 < head["attention"] < 1


@pytest.mark.parametrize("family", ["distilbert", "roberta", "electra", "albert"])
def test_the_relatives_are_measured_too(capsys, tmp_path, family):
    write(tmp_path / family, family, "Model")
    texts = tmp_path / "texts.txt"
    texts.write_text("the quick capybara sleeps\na nap\nnap ||| the nap, the\n" * 3, encoding="utf-8")
    status, out, error = run(capsys, "--file", str(texts), "--model", str(tmp_path / family), "--json")
    assert status == 0, error
    found = json.loads(out)
    assert found["sentences"] == 9 and all(np.isfinite(row["mean"]) for row in found["rows"])
    for head in found["heads"]:
        kinds = [row for row in found["rows"] if (row["layer"], row["head"]) == (head["layer"], head["head"])]
        total = sum(row["mean"] for row in kinds if row["side"] == "kinds")
        assert total == pytest.approx(head["lead"], abs=1e-4)


def test_standard_input_is_read(capsys, monkeypatch, sentences):
    typed = "\n".join([*sentences[:8], "word " * 200])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed.encode()), "utf-8"))
    status, out, _ = run(capsys, "--file", "-", "--skip-bad", "--json", "--layer", "0", "--head", "0")
    assert status == 0 and json.loads(out)["skipped"] == 1


def test_ctrl_c_leaves_what_was_measured(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("minibert.corpus.here.workers", lambda: 1)
    measure_block = survey.measure_block
    second_fails = interrupted(lambda: None)

    def block(*arguments, **options):
        second_fails()
        return measure_block(*arguments, **options)

    monkeypatch.setattr(survey, "measure_block", block)
    given = ["--file", str(SENTENCES), "--layer", "0", "--head", "0"]
    status, out, error = run(capsys, *given, "--out", str(tmp_path), "--csv", str(tmp_path / "a.csv"))
    assert status == 130, error
    assert "what is written is of 8 sentences, not of all 50" in error
    assert out.startswith("tiny: 8 of 50 sentences") and (tmp_path / "stopped" / "graph-0.0.png").is_file()
    rows = list(csv.DictReader((tmp_path / "a.csv").open(encoding="utf-8")))
    assert all(row["second_half"] == "" and row["first_half"] == row["mean"] for row in rows)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--query", "old"], "--query has no effect with --file, which is about all queries; leave it out"),
        (["--json", "--width", "5"], "--width has no effect with --json, which has no picture; leave it out"),
        (["--layer", "9", "--head", "0"], "--layer is 9; this model has layers 0 to 3"),
        (["--head", "0"], "--layer and --head come together; give both or none"),
        (["A text."], "sentences come either as TEXT or by --file, not both; leave one out"),
    ],
)
def test_a_mistake_is_one_line(capsys, file, given, message):
    assert run(capsys, "--file", file, *given) == (2, "", f"minibert: {message}\n")


def test_too_few_sentences_are_refused(capsys, tmp_path):
    few = tmp_path / "few.txt"
    few.write_text("A dog.\nA cat.\n", encoding="utf-8")
    status, out, error = run(capsys, "--file", str(few), "--out", str(tmp_path / "out"))
    message = f"{few} has 2 sentences; expected 8 or more, since fewer do not show what is chance"
    assert (status, out, error) == (2, "", f"minibert: {message}\n") and not (tmp_path / "out").exists()
    status, _, error = run(capsys, "A dog.", "--skip-bad")
    assert (status, error) == (2, "minibert: --skip-bad has no effect without --file; leave it out\n")

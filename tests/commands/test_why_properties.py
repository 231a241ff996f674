"""`minibert why --properties --file`: labels of a text, shares and their nulls, table, CSV, JSON and pictures."""

import csv
import dataclasses
import json

import numpy as np
import pytest

import minibert
from minibert.survey import properties as survey
from minibert.survey.properties import PROPERTIES, Half, centred, labels_of, measure_layer
from minibert.whatif.attribution import parts_of_states, query_and_key_parts
from tests.commands.test_why import run
from viz.geometry.properties import energy


@pytest.fixture(scope="module")
def file(tmp_path_factory, sentences):
    path = tmp_path_factory.mktemp("why") / "some.txt"
    path.write_text("\n".join(sentences[:16]), encoding="utf-8")
    return str(path)


@pytest.fixture(autouse=True)
def few_shuffles(monkeypatch):
    monkeypatch.setattr(survey, "SHUFFLES", 20)


def label(trace, name):
    return labels_of(trace)[PROPERTIES.index(name)]


def test_the_labels_of_a_text():
    trace = minibert.load("tiny")("the capybara saw the sea")
    tokens = list(trace.tokens)
    first, last = (i for i, token in enumerate(tokens) if token == "the")
    same, piece = label(trace, "same word"), label(trace, "piece of the word")
    assert np.argwhere(same).tolist() == [[first, last], [last, first]]
    assert piece[2, 3] == piece[3, 2] == 1 and piece[first].sum() == 0 and np.trace(piece) == 0
    assert label(trace, "previous place")[3].tolist() == [float(j == 2) for j in range(len(tokens))]
    assert label(trace, "next place")[3].tolist() == [float(j == 4) for j in range(len(tokens))]
    assert label(trace, "distance")[3, [0, 3, 5]].tolist() == [3, 0, 2]
    assert label(trace, "special token")[2].tolist() == [float(t in ("[CLS]", "[SEP]")) for t in tokens]
    half = label(trace, "same half")
    assert half[0, 1] == half[-1, -2] == 1 and half[0, -1] == 0


def random_half(rng, heads):
    """Queries and keys without any property; labels: one that is not in them."""
    spans = [slice(start, start + 8) for start in range(0, 160, 8)]
    labels = [centred((rng.random((1, 8, 8)) < 0.2).astype(np.float32)) for _ in spans]
    query, key = rng.normal(size=(2, 1, heads, 160, 4)).astype(np.float32)
    nothing = np.zeros(160, int)
    return Half(query, key, labels, spans, [""] * 160, nothing, nothing, [], np.array([200]))


def test_a_head_without_the_property_stays_below_its_null_in_95_of_100(monkeypatch):
    monkeypatch.setattr(survey, "SHUFFLES", 100)
    rng = np.random.default_rng(0)
    fitted, held = random_half(rng, 100), random_half(rng, 100)
    scores = energy(held.query[0], held.key[0], held.spans)
    _, shares = measure_layer(fitted, 0, scores, seed=0)
    assert shares.shape == (101, 100, 1)
    below = shares[0] <= np.percentile(shares[1:], 95, axis=0)
    assert 90 <= below.sum() <= 99


def test_the_table_has_the_previous_place_of_head_1_2(capsys, tmp_path, file):
    table = tmp_path / "rows.csv"
    some = ("--properties", "--file", file, "--layer", "1", "--head", "2")
    status, out, _ = run(capsys, *some, "--out", str(tmp_path), "--csv", str(table))
    assert status == 0 and out.startswith("tiny: 16 of 16 sentences of some.txt\n")
    assert (tmp_path / "properties-1.2.png").stat().st_size > 1000
    with table.open(encoding="utf-8") as lines:
        rows = {row["property"]: row for row in csv.DictReader(lines)}
    assert list(rows) == list(PROPERTIES)
    before, after = rows["previous place"], rows["next place"]
    assert before["above_null"] == "True" and float(before["share"]) > 1.5 * float(before["null"])
    assert float(before["correlation"]) > 0.4 > float(after["correlation"])
    assert f"{float(before['share']):5.2f} " in out and rows["same word"]["position_term"] == ""


def test_the_exact_term_is_that_of_the_attribution(file, sentences):
    bert = minibert.load("tiny")
    found = survey.properties(bert, file=file, head=(1, 2))
    row = found.of_head(1, 2)[PROPERTIES.index("previous place")]
    common = total = 0.0
    for trace in map(bert, sentences[1:16:2]):
        parts = parts_of_states(bert, trace, 1)
        query, key = query_and_key_parts(bert, parts, 1, 2)
        place = parts.names.index("position")
        words = [i for i, role in enumerate(trace.roles) if role is None]
        query, key = query[:, words], key[:, words]
        scores, term = centred(query.sum(0) @ key.sum(0).T), centred(query[place] @ key[place].T)
        common, total = common + (scores * term).sum(), total + (scores**2).sum()
    assert row.position_term == pytest.approx(common / total, rel=1e-4)


def test_all_heads_as_json(capsys, file):
    status, out, _ = run(capsys, "--properties", "--file", file, "--json")
    found = json.loads(out)
    assert status == 0 and found["sentences"] == 16 and len(found["properties"]) == 16 * len(PROPERTIES)
    few = [row for row in found["properties"] if row["share"] is None]
    assert all(row["null"] is None and not row["above_null"] for row in few)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--properties", "A text."], "--properties has no effect without --file; leave it out"),
        (["--properties", "--top", "3"], "--top has no effect with --properties, which is about all pairs of tokens"),
        (["--properties", "--layer", "1"], "--layer and --head come together; give both or none"),
    ],
)
def test_what_cannot_be_measured(capsys, file, arguments, message):
    status, _, err = run(capsys, *arguments, *(() if "A text." in arguments else ("--file", file)))
    assert status == 2 and message in err


def test_few_sentences(capsys, tmp_path):
    (tmp_path / "few.txt").write_text("one\ntwo\n", encoding="utf-8")
    status, _, err = run(capsys, "--properties", "--file", str(tmp_path / "few.txt"))
    assert status == 2 and "few.txt has 2 sentences in its first 2000 tokens; expected 8 or more" in err


def test_special_tokens_count_for_nothing_but_their_own_property(file):
    bert = minibert.load("tiny")
    traces = list(bert.batch(["the man saw the sea", "a king and a queen"]))
    words = survey.half_of(traces, range(1), range(4), survey.OF_PAIRS)
    assert words.tokens == ["the", "man", "saw", "the", "sea", "a", "king", "and", "a", "queen"]
    assert [label.shape for label in words.labels] == [(6, 5, 5)] * 2
    assert words.pairs.tolist() == [4, 0, 8, 8, 40, 26]
    for label in words.labels:  # less the means of both: what a key has for all queries alike counts for nothing
        np.testing.assert_allclose([label.mean(axis=-1), label.mean(axis=-2)], 0, atol=1e-6)
    everything = survey.half_of(traces, range(1), range(4), survey.OF_KEYS)
    assert everything.tokens[0] == "[CLS]" and everything.pairs.tolist() == [7 * 2 * 2]
    np.testing.assert_allclose(everything.labels[0].mean(axis=-1), 0, atol=1e-6)
    assert np.abs(everything.labels[0].mean(axis=-2)).max() > 0.1


def test_the_parking_of_a_head_is_no_property_of_places():
    """All queries look for [CLS], which is nobody's next place; nothing else is in the head."""
    rng = np.random.default_rng(3)
    bert, texts = minibert.load("tiny"), ["the man saw the sea and the old king", "she had a small dog and a cat"] * 8
    traces = []
    for trace in map(bert, texts):
        query, key = rng.normal(size=(2, 4, len(trace.tokens), 64)).astype(np.float32)
        query[..., 0], key[..., 0, 0] = 9, 9
        traces.append(dataclasses.replace(trace, layers=(dataclasses.replace(trace.layers[0], query=query, key=key),)))
    for names, found in ((survey.OF_PAIRS, "next place"), (survey.OF_KEYS, "special token")):
        fitted, held = (survey.half_of(traces[i::2], range(1), range(4), names) for i in (0, 1))
        scores = energy(held.query, held.key, held.spans)[0]
        shares = measure_layer(fitted, 0, scores, seed=0)[1][:, :, names.index(found)]
        above = shares[0] > np.percentile(shares[1:], 95, axis=0)
        assert above.sum() >= 3 if found == "special token" else above.sum() <= 1

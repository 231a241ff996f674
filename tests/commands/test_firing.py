"""Where in a corpus a head fires: the pairs that are kept are those of a plain search, in any order of adding up."""

import csv
import itertools
from pathlib import Path

import numpy as np
import pytest

import minibert
from minibert.commands import main as cli
from minibert.corpus.lines import Line
from minibert.survey import firing, measure
from minibert.survey.sample import Heads, gather

TEXTS = [
    "The brown capybara is sleeping now.",
    "A dog barked at us.",
    "Yes",
    "She gave him the book that he had asked for.",
    "A dog barked at us.",  # ties with the second: the earlier line comes first
]
WHERE = Heads([0, 2], [1, 3])


@pytest.fixture(scope="module")
def tiny():
    return minibert.load("tiny")


def pairs_of(tiny, among_words):
    """By (layer, head): the attention, line, query and key of every word, with the word that it attends to most."""
    found = {place: [] for place in itertools.product(range(2), range(2))}
    for at, text in enumerate(TEXTS):
        trace = tiny(text)
        words = [i for i, word in enumerate(trace.words) if word is not None]
        for (i, j), pairs in found.items():
            for query in words if len(words) > 1 else ():
                row = trace.layers[WHERE.layers[i]].attention[WHERE.heads[j], query, words].astype(float)
                row = row / row.sum() if among_words else row
                pairs.append((row.max(), at, query, words[row.argmax()]))
    return found


def blocks(tiny, of, size):
    lines = [Line(at, text, "some.txt", at + 1) for at, text in enumerate(TEXTS)]
    for start in range(0, len(lines), size):
        options = {"ways": [], "where": WHERE, "fitted": set(), "queries": 5, "seed": 0, "skip_bad": False}
        found = measure.measure_block([tiny], lines[start : start + size], **options, wanted=of)
        yield found.all[-1]


@pytest.mark.parametrize("among_words", [False, True])
def test_the_pairs_are_those_of_a_plain_search(tiny, among_words):
    sample = gather(tiny, [tiny.encode(text) for text in TEXTS], among_words)
    of = firing.wanted(sample, WHERE, 4, seed=0)
    (found,) = blocks(tiny, of, len(TEXTS))
    for (i, j), pairs in pairs_of(tiny, among_words).items():
        values = np.array([value for value, *_ in pairs])
        np.testing.assert_allclose(of.edges[i, j], np.quantile(values, np.arange(1, 10) / 10), rtol=1e-5)
        strongest = sorted(pairs, key=lambda pair: (-round(pair[0], 5), *pair[1:]))[:4]
        ours = [(pair.at, pair.query, pair.key) for pair in found.pairs[i, j, firing.STRONGEST]]
        assert ours == [pair[1:] for pair in strongest]
        assert found.queries[i, j].sum() == len(pairs)
        bounds = [-1, *of.edges[i, j], 2]
        for part in range(10):
            inside = {pair[1:] for pair in pairs if bounds[part] - 1e-5 < pair[0] <= bounds[part + 1] + 1e-5}
            kept = [(pair.at, pair.query, pair.key) for pair in found.pairs.get((i, j, part), [])]
            assert set(kept) <= inside and len(kept) == min(4, found.queries[i, j, part])
    assert all(line.text == TEXTS[at] and at != 2 for at, line in found.lines.items())


def test_any_order_of_adding_up_gives_the_same(tiny):
    of = firing.wanted(gather(tiny, [tiny.encode(text) for text in TEXTS]), WHERE, 2, seed=3)
    for size in (1, 2):
        parts = list(blocks(tiny, of, size))
        whole = sum(parts[1:], parts[0])
        for some in itertools.permutations(parts):
            for found in (sum(some[1:], some[0]), some[0] + sum(some[2:], some[1])):
                assert found.rows(WHERE) == whole.rows(WHERE)
                assert found.lines.keys() == whole.lines.keys()  # no more than is shown
    assert max(map(len, whole.pairs.values())) == 2


def test_the_command_writes_the_pairs_with_their_sentences(tiny, tmp_path, capsys):
    (tmp_path / "some.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    wishes = ["--file", tmp_path / "some.txt", "--layer", 0, "--draw", "parked", "--out", tmp_path / "out"]
    cli.main(["viz", *map(str, wishes), "--examples", "2"])
    said = capsys.readouterr().out
    assert str(Path("out/firing.csv")) in said
    with open(tmp_path / "out/firing.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["part"] for row in rows} == {"strongest", *(f"tenth {n}" for n in range(1, 11))}
    for row in rows:
        trace = tiny(row["sentence"])
        query, key = int(row["query_position"]), int(row["key_position"])
        assert (row["query"], row["key"]) == (trace.tokens[query], trace.tokens[key])
        assert TEXTS[int(row["line"]) - 1] == row["sentence"]
        attention = trace.layers[0].attention[int(row["head"]), query, key]
        np.testing.assert_allclose(float(row["attention"]), attention, rtol=1e-4)
    first = next(row for row in rows if row["head"] == "3")
    assert f"{float(first['attention']):.2f} {first['query']} \N{RIGHTWARDS ARROW} {first['key']}: " in said

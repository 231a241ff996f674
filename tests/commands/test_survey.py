"""Measuring over many sentences: which go together, which queries are drawn; and the one plane of `compare`."""

import csv
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import minibert
import minibert.survey
import viz
from minibert.commands import main as cli
from minibert.corpus.here import Here
from minibert.corpus.lines import Corpus, Line
from minibert.survey import compare, fit, measure
from minibert.survey.pictures import draw
from minibert.survey.sample import Heads, gather

PAIR = ("A dog.", "It barked.")  # [CLS] a dog . [SEP] it barked . [SEP]
ONE = "A dog saw a cat and ran."


@pytest.fixture(scope="module")
def tiny():
    return minibert.load("tiny")


def output_squares(bert, where):
    return [measure.output_squares(bert, layer, where.heads) for layer in where.layers]


def numbered(traces):
    return list(enumerate(traces))


def test_sentences_of_one_length_but_another_form_are_measured_apart(tiny):
    pair, one = tiny.batch([PAIR, ONE])
    assert len(pair.tokens) == len(one.tokens) and pair.roles != one.roles
    groups = list(measure.alike(numbered([one, one, pair, one]), set()))
    assert [[at for at, _ in group] for _, group in groups] == [[0, 1], [2], [3]]
    fitted = {tuple(one.tokens)}
    other = tiny("A cat saw a dog and ran.")
    groups = list(measure.alike(numbered([one, other, other, one]), fitted))
    assert [(is_fitted, [at for at, _ in group]) for is_fitted, group in groups] == [
        (True, [0]),
        (False, [1, 2]),
        (True, [3]),
    ]


def test_a_group_has_no_more_pairs_than_fit(tiny, monkeypatch):
    traces = tiny.batch([ONE] * 7)
    monkeypatch.setattr(measure, "MOST_PAIRS", 3 * len(traces[0].tokens) ** 2)
    assert [len(group) for _, group in measure.alike(numbered(traces), set())] == [3, 3, 1]


def block(bert, texts, queries, seed=0):
    sample = gather(bert, [bert.encode(text) for text in texts])
    ways = fit.fit(sample, Heads(range(4), range(4)), ["raw"])
    lines = [Line(at, text) for at, text in enumerate(texts)]
    options = {"where": Heads(range(4), range(4)), "fitted": set(), "seed": seed, "skip_bad": False}
    return measure.measure_block([bert], lines, ways=ways, queries=queries, **options)


def test_queries_are_drawn_at_random_by_seed_and_place(tiny, monkeypatch):
    drawn = []
    measure_layers = measure.measure_layers

    def watched(ways, traces, where, some, *rest):
        drawn.append([positions.tolist() for positions in some])
        return measure_layers(ways, traces, where, some, *rest)

    monkeypatch.setattr(measure, "measure_layers", watched)
    found = block(tiny, [ONE] * 30, queries=3)
    again = block(tiny, [ONE] * 30, queries=3)
    block(tiny, [ONE] * 30, queries=3, seed=1)
    first, second, other = drawn
    assert found.sentences == again.sentences == 30
    assert first == second != other
    assert all(positions == sorted(set(positions)) and len(positions) == 3 for positions in first)
    counts = np.bincount(np.ravel(first), minlength=9)
    assert (counts > 0).all() and counts.max() < 25  # 10 each, were it not chance


def test_forms_that_are_measured_apart_add_up(tiny):
    texts = [ONE, "Yes.", "A dog [SEP] barked at us.", ONE]  # the third is of another form, as long as the first
    whole = block(tiny, texts, queries=99)
    *_, habits, parked = whole.all
    total = None
    for trace in tiny.batch(texts):
        here = viz.habits(trace.stacked("attention"), trace.tokens, trace.roles)
        total = here if total is None else total + here
    np.testing.assert_allclose(habits.to_sep, total.to_sep, rtol=1e-5)
    np.testing.assert_allclose(habits.to_next, total.to_next, rtol=1e-5)
    assert (parked.queries == sum(word is not None for text in texts for word in tiny(text).words)).all()


def test_compare_draws_both_models_by_one_translation_scale_and_plane(tiny, monkeypatch, tmp_path):
    given = {}
    monkeypatch.setattr(viz, "joint_figure", lambda panels, tokens, lines, **rest: given.update(rest, panels=panels))
    before, after = tiny, minibert.load("tiny-sentiment")
    corpus = Corpus([ONE, "Yes."])
    found = compare.compare(before, after, corpus.texts)
    for name, _ in compare.pictures(found, [(1, 2)], 7.0):
        if name.startswith("compare-joint"):
            break
    one, other = given["panels"]
    assert given["common"] is True and given["arrows"] is True
    assert [Path(title).name for title in given["titles"]] == ["before: tiny", "after: tiny-sentiment"]
    np.testing.assert_array_equal(one.plane.components, other.plane.components)
    np.testing.assert_array_equal(one.scale, other.scale)
    np.testing.assert_array_equal(one.translation, other.translation)
    for panel, bert in ((one, before), (other, after)):
        layers = [bert(text).layers[1] for text in corpus.texts]
        query, key = (np.concatenate([getattr(layer, name)[2] for layer in layers]) for name in ("query", "key"))
        size = query.shape[-1]
        np.testing.assert_allclose(panel.query[:, :size], panel.scale * query, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(panel.key[:, :size], (key + panel.translation) / panel.scale, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("scope", ["head", "layer", "model"])
def test_what_shares_a_move_is_fitted_with_all_that_share_it(tiny, scope):
    sample = gather(tiny, [tiny.encode(ONE), tiny.encode("Yes.")])
    (way,) = fit.fit(sample, Heads([1], [2, 3]), ["exact"], scope=scope)
    whole = viz.normalize(
        sample.query, sample.key, sample.sentences, "exact", attention=list(sample.attention), scope=scope
    )
    np.testing.assert_allclose(way.scale, whole.scale[1:2, 2:], rtol=1e-6)
    np.testing.assert_allclose(way.key, whole.key[1:2, 2:], atol=1e-5)


def test_heads_that_are_no_neighbours_are_measured_as_among_all(tiny):
    sample = gather(tiny, [tiny.encode(ONE)])
    trace = tiny(ONE)
    some = [np.arange(len(trace.tokens))], [np.arange(1, len(trace.tokens) - 1)]
    all_heads, two = (
        measure.measure_layers(fit.fit(sample, where, ["raw"]), [trace], where, *some, output_squares(tiny, where))
        for where in (Heads([1], range(4)), Heads([1], [0, 3]))
    )

    def same(ours, theirs):
        np.testing.assert_allclose(ours, theirs[:, [0, 3]] if theirs.ndim > 1 else theirs, rtol=1e-5)

    for one, other in zip(two, all_heads, strict=True):
        one.fieldwise(same, other)


@pytest.mark.parametrize("scope", ["head", "layer", "model"])
def test_another_plane_is_fitted_layer_by_layer_as_it_was_asked_for(tiny, scope, monkeypatch):
    sample, given, told = gather(tiny, [tiny.encode(ONE)]), [], []
    normalize = viz.normalize

    def watched(query, key, sentences, method, **options):
        given.append((query.shape[:2], method, options))
        return normalize(query, key, sentences, method, **options | {"plane": "pca"})  # quicker

    @contextmanager
    def progress(total, unit):
        told.append((total, unit))
        yield SimpleNamespace(update=told.append)

    monkeypatch.setattr(viz, "normalize", watched)
    monkeypatch.setattr(fit, "progress", progress)
    layers, heads = [0, 2, 3], [1, 2]
    options = {"scope": scope, "dims": 3, "weight": None, "seed": 5, "plane": "attention"}
    with threadpool_limits(2, user_api="blas"):
        ways = fit.fit(sample, Heads(layers, heads), ["exact"], **options)
    (_, method, first), *others = given
    assert method == "exact" and (first["components"], first["scope"], first["attention"]) == (3, scope, None)
    shape = {"head": (1, 2), "layer": (1, 4), "model": (4, 4)}[scope]
    assert [place[:2] for place in others] == [(shape, "raw")] * (1 if scope == "model" else 3)
    for *_, rest in others:
        assert [rest[name] for name in ("components", "scope", "seed", "plane")] == [3, scope, 5, "attention"]
        assert [block.shape[:2] for block in rest["attention"]] == [shape]
    np.testing.assert_array_equal(ways[1].query, sample.query[Heads(layers, heads).region])
    assert told[0] == (3, "layers") and sum(told[1:]) == 3


def test_another_seed_measures_other_queries(tiny):
    corpus, sample = Corpus([ONE] * 4), gather(tiny, [tiny.encode(ONE)])
    ways = fit.fit(sample, Heads(range(4), range(4)), ["raw"])
    options = {"sample": sample, "fitted": [tiny.encode(ONE)]}
    first, again, other = (
        measure.measure(Here(tiny), corpus, 4, ways, Heads(range(4), range(4)), 2, **options, seed=seed)[0][0]
        for seed in (0, 0, 1)
    )
    for name in ("every", "words"):
        one, same, another = (getattr(seen, name).space.rank_correlation for seen in (first, again, other))
        np.testing.assert_array_equal(one, same)
        assert not np.allclose(one, another)


def test_a_way_is_sent_to_workers_without_the_sample(tiny):
    trace, sample = tiny(ONE), gather(tiny, [tiny.encode("It rained.")])
    (way,) = fit.fit(sample, Heads([1], range(4)), ["exact"])
    sent = measure.without_points(way)
    assert sent.query.shape[-2] == sent.key.shape[-2] == 0
    layer = trace.layers[1]
    for ours, theirs in zip(*(one.distances(layer.query[None], layer.key[None]) for one in (sent, way)), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_experiment_from_python_is_that_of_the_command(tiny, tmp_path):
    texts = [ONE, "Yes.", "A cat [SEP] sat."]
    (tmp_path / "three.txt").write_text("\n".join(texts), encoding="utf-8")
    found = minibert.survey.survey(tiny, file=tmp_path / "three.txt", heads=[1, 2], queries=4, seed=3)
    assert (found.done, found.stopped, found.source, found.how_many) == (3, False, "three.txt", "3 sentences")
    assert [(row["layer"], row["head"]) for row in found.rows] == [(i, j) for i in range(4) for j in (1, 2)]
    assert all(row["exact_nearest1_full"] == 1 for row in found.rows)
    cli.main(["viz", "--file", str(tmp_path / "three.txt"), "--head", "1-2", "--queries", "4", "--seed", "3",
              "--draw", "metrics", "--out", str(tmp_path / "out")])  # fmt: skip
    with open(tmp_path / "out" / "heads.csv", newline="", encoding="utf-8") as file:
        rows = [
            {name: value if name == "parking" else float(value) for name, value in row.items()}
            for row in csv.DictReader(file)
        ]
    assert rows == found.rows
    assert draw(found, "metrics").get_axes()


def test_a_comparison_from_python(tiny):
    moved = compare.compare(tiny, minibert.load("tiny-sentiment"), [ONE, "Yes."])
    assert moved.moving and len(moved.rows) == 16 and moved.source is None
    assert not compare.compare(tiny, tiny, [ONE]).moving

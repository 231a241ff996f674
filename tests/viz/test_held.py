"""How much of a head's scores a picture holds; no picture holds more than the bound."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minibert
import viz
from tests.viz.test_normalize import random_heads
from viz.geometry.sentences import attention_of, sentence_spans


def by_loops(query, key, x, y):
    """The share that one head of one sentence holds, as its definition says it, and all singular values."""
    scores = np.array([[q @ k for k in key] for q in query], float)
    picture = np.array([[-np.sum((a - b) ** 2) for b in y] for a in x], float)
    scores, picture = (m - m.mean(axis=1, keepdims=True) for m in (scores, picture))
    t = max(0, (scores * picture).sum() / (picture**2).sum())
    holds = 1 - ((scores - t * picture) ** 2).sum() / (scores**2).sum()
    return holds, np.linalg.svd(scores, compute_uv=False) ** 2


@pytest.mark.parametrize("length", [5, 30])  # fewer tokens than coordinates, and more
def test_what_is_held_is_what_its_definition_says(length):
    random = np.random.default_rng(1)
    query, key = random.normal(size=(2, 3, length, 8))
    query[2, :, :2] *= 4
    x, y = random.normal(size=(2, 3, length, 2)) + 5
    x[2], y[2] = query[2, :, :2], key[2, :, :2]  # the third is a picture of its two largest coordinates
    found = viz.held(query, key, x, y)
    for head in range(3):
        holds, energy = by_loops(query[head], key[head], x[head], y[head])
        some = min(length, 8)
        np.testing.assert_allclose(found.share[head], holds, atol=1e-10)
        np.testing.assert_allclose(found.energy[head, :some], energy[:some], rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(found.bound(2)[head], energy[:3].sum() / energy.sum(), rtol=1e-8)
        assert found.dimensions(0.9)[head] == np.searchsorted(energy.cumsum() / energy.sum(), 0.9) + 1
    assert found.share[2] > 0.1 and found.share.max() < 1


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 12), st.integers(1, 3), st.sampled_from([1e-3, 1, 1e3]))
def test_no_picture_of_a_sentence_holds_more_than_the_bound(seed, length, dimensions, size):
    random = np.random.default_rng(seed)
    query, key = random.normal(size=(2, length, 5)) * random.lognormal(0, 2, 5)
    # places as near to the scores as an inner product can bring them, and the same shaken
    scores = query @ (key - key.mean(axis=0)).T
    U, S, Vt = np.linalg.svd(scores)
    some = min(dimensions, length)
    x = np.pad(U[:, :some] * np.sqrt(S[:some]), ((0, 0), (0, dimensions - some)))
    y = np.pad(Vt[:some].T * np.sqrt(S[:some]), ((0, 0), (0, dimensions - some)))
    for noise in (0, 0.1, 3):
        shaken = (a * size + noise * random.normal(size=a.shape) for a in (x, y))
        found = viz.held(query, key, *shaken)
        assert found.share <= found.bound(dimensions) + 1e-9


@pytest.mark.parametrize("way", ["exact", "attention", "unfold"])
def test_the_bound_holds_in_every_head_and_sentence_and_in_their_sums(way):
    bert = minibert.load("tiny")
    texts = ["The brown capybara is sleeping now.", "A dog.", "She gave him the book that he had asked for."]
    traces = bert.batch(texts)
    query, key = (np.concatenate([t.stacked(name) for t in traces], axis=-2) for name in ("query", "key"))
    sentences = np.repeat(np.arange(3), [len(t.tokens) for t in traces])
    options = {"method": "exact"} if way == "exact" else {"method": "raw", "plane": way}
    for dimensions in (2, 3):
        n = viz.normalize(query, key, sentences, components=dimensions, **options)
        each = [
            viz.held(query[..., s, :], key[..., s, :], n.query_drawn[..., s, :], n.key_drawn[..., s, :])
            for s in sentence_spans(sentences, len(sentences))
        ]
        for found in (*each, each[0] + each[1] + each[2]):
            assert (found.share <= found.bound(dimensions) + 1e-9).all()
            assert found.share.shape == (4, 4) and (found.share >= 0).all() and found.share.max() > 0.5


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_the_rank_of_a_planted_head_is_read_off(rank):
    random = np.random.default_rng(rank)
    query, key = np.zeros((2, 40, 16))
    for r in range(rank):  # orthogonal directions of equal energy
        query[:, r], key[:, r] = (np.where(np.arange(40) >> r & 1, 1.0, -1.0) for _ in range(2))
    turn = np.linalg.qr(random.normal(size=(16, 16)))[0]
    query, key = query[:32] @ turn, key[:32] @ turn + 7  # what is common to all keys changes nothing
    found = viz.held(query, key, query[:, :2], key[:, :2])
    assert found.dimensions(0.99) == rank
    np.testing.assert_allclose([found.bound(2), found.bound(3)], [min(1, 3 / rank), 1], rtol=1e-9)


def test_a_picture_of_nothing_and_scores_of_nothing():
    query, key, _ = random_heads(3, 2, lengths=(6,))
    nothing = viz.held(query, key, np.zeros((2, 6, 2)), np.zeros((2, 6, 2)))
    assert (nothing.share == 0).all()
    flat = viz.held(query, np.ones_like(key), query[..., :2], key[..., :2])
    assert np.isnan(flat.share).all() and np.isnan(flat.bound(2)).all() and np.isnan(flat.dimensions()).all()


def test_a_picture_that_puts_attended_keys_far_away_holds_nothing():
    query, key = np.eye(2)[:, :1] * [[1.0], [-1.0]], np.array([[1.0], [-1.0]])
    query[1] = -1
    assert viz.held(query, key, query, -key).share == 0
    np.testing.assert_allclose(viz.held(query, key, query, key).share, 1)


def test_measures_among_words_are_those_of_the_words_alone():
    query, key, sentences = random_heads(5, 2, lengths=(9, 3, 6), dtype=np.float32)
    spans = sentence_spans(sentences, 18)
    blocks = [attention_of(query[..., s, :], key[..., s, :]) for s in spans]
    words = np.ones(18, bool)
    words[[0, 8, 9, 11, 12, 17]] = False  # the second sentence keeps one word, and is left out
    n = viz.normalize(query, key, sentences, "raw", plane="attention")
    found = viz.measure(n, blocks, sentences, words)
    kept = words & (sentences != 1)
    alone = [attention_of(query[..., at, :], key[..., at, :]) for at in (np.arange(1, 8), np.arange(13, 17))]
    expected = viz.measure(n.apply(query[:, kept], key[:, kept]), alone, sentences[kept])
    assert (found.plane.queries == 11).all()
    for name in ("nearest1", "nearest3", "rank_correlation"):
        for space in ("space", "plane"):
            ours, theirs = (getattr(getattr(one, space), name) for one in (found, expected))
            np.testing.assert_allclose(ours, theirs, atol=1e-6)
    np.testing.assert_allclose(found.lost, expected.lost, rtol=1e-4)
    assert np.isnan(viz.measure(n, blocks, sentences, np.zeros(18, bool)).plane.nearest1).all()


def test_parking_is_read_off_planted_heads():
    """Two words between [CLS] and [SEP]: heads that park three quarters, and move nothing, or most, from there."""
    attention = np.full((4, 4), 0.0)
    attention[1] = attention[2] = 0.25, 0.125, 0.125, 0.5
    attention[0] = attention[3] = 0, 0.5, 0.5, 0  # what special tokens attend to does not count
    lengths = np.array([[0, 8, 8, 0], [3, 1, 1, 3], [1, 1, 1, 1], [1.0, 6, 6, 1.0]])
    found = viz.parking(np.stack([attention] * 4), lengths, np.array([True, False, False, True]))
    np.testing.assert_allclose(found.parked, 0.75)
    np.testing.assert_allclose(found.moved, [0, 0.9, 0.75, 0.75 / (0.75 + 1.5)])
    assert found.kinds.tolist() == ["no-op", "broadcast", "broadcast", "no-op"]
    both = found + viz.parking(np.full((4, 3, 3), 1 / 3), np.ones((4, 3)), np.zeros(3, bool))
    np.testing.assert_allclose(both.parked, 0.75 * 2 / 5)
    assert both.kinds.tolist() == [""] * 4

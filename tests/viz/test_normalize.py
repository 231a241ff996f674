"""The free moves leave attention alone; each method does what it promises; the traps of the search stay visible."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

import viz
from viz.geometry.normalize import METHODS, SCOPES
from viz.geometry.scale import DISTANCES, SCALES, WEIGHTS, closeness, near_distance, search_rows
from viz.geometry.sentences import sentence_spans


def attention_of(query, key, size):
    scores = query @ key.mT / size**0.5
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def random_heads(seed, *heads, lengths=(7, 4, 9), size=6, dtype=np.float64):
    """Queries and keys with offsets and spreads of their own, as trained ones have."""
    rng = np.random.default_rng(seed)
    shape = (*heads, sum(lengths), size)
    query = rng.normal(size=shape) * rng.uniform(0.5, 2) + rng.normal(size=(*heads, 1, size))
    key = rng.normal(size=shape) * rng.uniform(0.5, 2) + 2 * rng.normal(size=(*heads, 1, size))
    return query.astype(dtype), key.astype(dtype), np.repeat(np.arange(len(lengths)), lengths)


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_no_method_changes_attention(method, scope, seed):
    query, key, sentences = random_heads(seed, 2, 3)
    n = viz.normalize(query, key, sentences, method, scope=scope)
    for s in sentence_spans(sentences, len(sentences)):
        before = attention_of(query[..., s, :], key[..., s, :], 6)
        after = attention_of(n.query[..., s, :], n.key[..., s, :], 6)
        np.testing.assert_allclose(after, before, atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(0.2, 5))
def test_exact_sorts_keys_by_attention_and_lies_on_a_sphere(seed, scale):
    query, key, sentences = random_heads(seed, 3)
    n = viz.normalize(query, key, sentences, scale=scale)
    np.testing.assert_allclose(np.linalg.norm(n.key, axis=-1) * scale, n.radius[:, None] * np.ones(20), rtol=1e-9)
    assert n.query.shape == (3, 20, 7) and not n.query[..., -1].any()
    for s in sentence_spans(sentences, 20):
        distance = np.linalg.norm(n.query[:, s, None] - n.key[:, None, s], axis=-1)
        order = attention_of(query[:, s], key[:, s], 6).argsort(axis=-1)
        assert (distance.argsort(axis=-1) == order[..., ::-1]).all()


def test_a_new_sentence_with_a_longer_key_stays_exact():
    query, key, sentences = random_heads(0, 2)
    n = viz.normalize(query, key, sentences)
    query, key, sentences = random_heads(1, 2)
    key[:, 3] *= 10
    moved = n.apply(query, key, sentences)
    blocks = [attention_of(query[:, s], key[:, s], 6) for s in sentence_spans(sentences, 20)]
    assert (viz.measure(moved, blocks, sentences).space.nearest1 == 1).all()
    np.testing.assert_allclose(moved.translation, n.translation)


@pytest.mark.parametrize("method", METHODS)
def test_apply_repeats_the_move(method):
    query, key, sentences = random_heads(2, 2)
    n = viz.normalize(query, key, sentences, method)
    again = n.apply(query, key)
    np.testing.assert_allclose(again.query, n.query)
    np.testing.assert_allclose(again.key, n.key)


def test_paper_moves_the_centres_together_and_a_scalar_would_not():
    query, key, sentences = random_heads(3, 4)
    n = viz.normalize(query, key, sentences, "paper", scale=1)
    np.testing.assert_allclose(n.query.mean(axis=-2), n.key.mean(axis=-2), atol=1e-12)
    scalar = (query.mean(axis=(-2, -1)) - key.mean(axis=(-2, -1)))[:, None, None]
    apart = np.linalg.norm(query.mean(axis=-2) - (key + scalar).mean(axis=-2), axis=-1)
    assert (apart > 0.5).all()


def test_pairs_as_far_as_d0_are_not_closer():
    """Fifty sentences begin with the same vector; these 50 pairs are the nearest of all, so nothing is closer."""
    distance = np.concatenate([np.full(50, 3), np.linspace(4, 9, 400)]) * (1 + 1e-7 * np.sin(np.arange(450)))
    assert not closeness(distance, near_distance(distance)).any()
    assert closeness(distance[49:], near_distance(distance[49:])).any()


@pytest.mark.parametrize("weight", WEIGHTS)
def test_cosine_cannot_choose_the_scale(weight):
    query, key, sentences = random_heads(4, 5, dtype=np.float32)
    blocks = [attention_of(query[:, s], key[:, s], 6) for s in sentence_spans(sentences, 20)]
    search = viz.normalize(query, key, sentences, "paper", distance="cosine", weight=weight, attention=blocks).search
    assert np.ptp(search.curve, axis=-1).max() < 1e-6
    assert search.flat.all() and (search.best == 1).all() and not search.at_edge.any()
    assert viz.normalize(query[0], key[0], sentences, "paper", distance="cosine").title.endswith("the search was flat")


def test_query_by_query_the_search_runs_to_the_edge():
    query, key, sentences = random_heads(5, 6)
    search = search_rows(query, key, sentence_spans(sentences, 20))
    assert (search.best == SCALES[-1]).all() and search.at_edge.all()


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("weight", WEIGHTS)
def test_the_curve_is_the_weighted_correlation_of_all_pairs(distance, weight):
    """Written again, plainly, for one head and one c."""
    query, key, sentences = random_heads(6)
    spans = sentence_spans(sentences, 20)
    blocks = [attention_of(query[s], key[s], 6) for s in spans]
    place = 40
    c = SCALES[place]
    moved = key + (query.mean(axis=0) - key.mean(axis=0))
    q, k = c * query, moved / c
    if distance == "pca":
        plane = viz.pca(np.concatenate([q, k]), 2)
        q, k = plane.project(q), plane.project(k)
    dot, apart = [], []
    for s in spans:
        for i in range(s.start, s.stop):
            for j in range(s.start, s.stop):
                dot.append(query[i] @ moved[j])
                cosine = q[i] @ k[j] / np.linalg.norm(q[i]) / np.linalg.norm(k[j])
                apart.append(1 - cosine if distance == "cosine" else np.linalg.norm(q[i] - k[j]))
    dot, apart = np.array(dot), np.array(apart)
    near = np.sort(apart)[32] * (1 - 1e-4)  # 0.5 % of 146 pairs is less than the floor of 32
    weights = {
        None: np.ones_like(dot),
        "attention": np.concatenate([block.ravel() for block in blocks]),
        "closeness": np.maximum(near - apart, 0) ** 2,
    }[weight]
    covariance = np.cov(dot, apart, aweights=weights)
    expected = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    search = viz.normalize(query, key, sentences, "paper", distance=distance, weight=weight, attention=blocks).search
    np.testing.assert_allclose(search.curve[place], expected, atol=1e-7)
    if weight is None:
        np.testing.assert_allclose(expected, scipy.stats.pearsonr(dot, apart).statistic)
    if distance != "cosine":
        assert search.curve[np.abs(search.scales - search.best).argmin()] == search.curve.min()


def test_the_exact_search_maximises_what_is_measured_in_the_plane():
    query, key, sentences = random_heads(7, 2, lengths=(30, 30, 30))
    blocks = [attention_of(query[:, s], key[:, s], 6) for s in sentence_spans(sentences, 90)]
    n = viz.normalize(query, key, sentences)
    for place in (0, 6, 12):
        c = n.search.scales[place]
        fixed = viz.normalize(query, key, sentences, scale=c)
        share = viz.measure(as_float32(fixed), blocks, sentences).plane.nearest1
        np.testing.assert_allclose(n.search.curve[:, place], share, atol=1e-9)
    assert (n.search.curve.max(axis=-1) - viz.measure(as_float32(n), blocks, sentences).plane.nearest1 <= 0.011).all()


def as_float32(n):
    from dataclasses import replace

    return replace(n, query=n.query.astype(np.float32), key=n.key.astype(np.float32))


def test_scopes_share_what_they_say():
    query, key, sentences = random_heads(8, 2, 3)
    for scope, shared in (("head", ()), ("layer", (1,)), ("model", (0, 1))):
        n = viz.normalize(query, key, sentences, scope=scope)
        for values in (n.translation, n.scale, n.radius, n.plane.components, n.plane.mean, n.search.curve):
            for axis in (0, 1):
                same = (values == values.take([0], axis=axis)).all()
                assert same == (axis in shared)
        assert n.query_drawn.shape == n.key_drawn.shape == (2, 3, 20, 2)
    layer = viz.normalize(query, key, sentences, scope="layer")
    alone = viz.normalize(query[1], key[1], sentences, scope="layer")
    np.testing.assert_allclose(layer.query[1], alone.query)
    np.testing.assert_allclose(layer[1].plane.components, alone.plane.components)


def test_one_of_many_is_the_one_alone():
    query, key, sentences = random_heads(9, 2, 3)
    many, one = viz.normalize(query, key, sentences), viz.normalize(query[1, 2], key[1, 2], sentences)
    np.testing.assert_allclose(many[1, 2].key, one.key)
    np.testing.assert_allclose(many[1, 2].key_drawn, one.key_drawn, atol=1e-9)
    assert many[1, 2].title == one.title
    assert viz.normalize(query, key, method="none")[0, 0].title == "raw"


def test_one_short_sentence_keeps_enough_pairs():
    query, key, _ = random_heads(10, lengths=(3,))
    n = viz.normalize(query, key, method="paper")
    assert np.isfinite(n.search.curve).all() and n.search.curve.min() < 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"method": "best"}, "method must be one of raw, paper, exact, not 'best'"),
        ({"scope": "all"}, "scope must be one of"),
        ({"scale": 0}, "scale must lie between 0.01 and 100, not 0"),
        ({"scale": 1e30}, "not 1e\\+30"),
        ({"scale": np.nan}, "not nan"),
        ({"method": "paper", "distance": "manhattan"}, "distance must be one of"),
        ({"method": "paper", "weight": "none"}, "weight must be"),
        ({"method": "paper", "weight": "attention"}, "needs the attention"),
        ({"method": "paper", "weight": "attention", "attention": np.ones((3, 3))}, r"\[\.\.\., 20, 20\]"),
        ({"sentences": [0] * 19}, r"shape \[20\]"),
        ({"sentences": [0] * 10 + [1] * 9 + [0]}, "stand together"),
        ({"key": np.ones((20, 5))}, r"not \[20, 6\] and \[20, 5\]"),
        ({"query": np.full((20, 6), np.nan)}, "finite"),
    ],
)
def test_refusals_say_what_was_expected(change, says):
    query, key, sentences = random_heads(11)
    with pytest.raises(ValueError, match=says):
        viz.normalize(**{"query": query, "key": key, "sentences": sentences} | change)

"""The free moves leave attention alone; each method does what it promises; the traps of the search stay visible."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

import viz
from viz.geometry.normalize import METHODS, SCOPES
from viz.geometry.scale import (
    DISTANCES,
    READABLE_SCALES,
    SCALES,
    WEIGHTS,
    choose,
    closeness,
    closest,
    near_distance,
    search_nearest,
    sentence_pairs,
)
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


@pytest.mark.parametrize("scope", SCOPES)
def test_pairs_weigh_by_attention_given_or_not(scope):
    query, key, sentences = random_heads(6, 3)
    blocks = [attention_of(query[:, s], key[:, s], 6) for s in sentence_spans(sentences, 20)]
    plain = viz.normalize(query, key, sentences, "paper", scope=scope).search
    assert plain.objective == "correlation weighted by attention, euclidean distance"
    given = viz.normalize(query, key, sentences, "paper", scope=scope, attention=blocks).search
    np.testing.assert_allclose(plain.curve, given.curve, rtol=1e-12)
    alike = viz.normalize(query, key, sentences, "paper", scope=scope, attention=[0 * b + 1 for b in blocks]).search
    assert not np.allclose(plain.curve, alike.curve)


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
    assert viz.normalize(query, key, method="raw")[0, 0].title == "raw"


def test_one_short_sentence_keeps_enough_pairs():
    query, key, _ = random_heads(10, lengths=(3,))
    n = viz.normalize(query, key, method="paper")
    assert np.isfinite(n.search.curve).all() and n.search.curve.min() < 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"method": "none"}, "method must be one of raw, paper, exact, not 'none'"),
        ({"method": "best"}, "method must be one of raw, paper, exact, not 'best'"),
        ({"scope": "all"}, "scope must be one of"),
        ({"scale": 0}, "scale must lie between 0.01 and 100, not 0"),
        ({"scale": 1e30}, "not 1e\\+30"),
        ({"scale": np.nan}, "not nan"),
        ({"method": "paper", "distance": "manhattan"}, "distance must be one of"),
        ({"method": "paper", "weight": "none"}, "weight must be"),
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


def test_the_radius_is_that_of_the_longest_key_about_the_mean_of_all():
    query, key, sentences = random_heads(30, 2)
    n = viz.normalize(query, key, sentences, scale=2)
    longest = np.linalg.norm(key - key.mean(axis=-2, keepdims=True), axis=-1).max(axis=-1)
    np.testing.assert_allclose(n.radius, longest)
    np.testing.assert_allclose(n.translation, -key.mean(axis=-2))
    np.testing.assert_allclose(n.query[..., :-1], 2 * query)


def test_only_the_sentence_with_a_longer_key_gets_a_wider_sphere():
    query, key, sentences = random_heads(31)
    n = viz.normalize(query, key, sentences, scale=2)
    longer = key.copy()
    longer[2] *= 10  # in the first sentence, of seven tokens
    lengths = np.linalg.norm(n.apply(query, longer, sentences).key, axis=-1) * 2
    np.testing.assert_allclose(lengths[7:], n.radius)
    np.testing.assert_allclose(lengths[:7], np.linalg.norm(longer[2] + n.translation))


@pytest.mark.parametrize("method", METHODS)
def test_whole_numbers_and_half_precision_are_moved_as_floats(method):
    rng = np.random.default_rng(32)
    query, key = rng.integers(-4, 5, size=(2, 12, 4))
    whole = viz.normalize(query, key, method=method)
    exact = viz.normalize(query.astype(np.float64), key.astype(np.float64), method=method)
    np.testing.assert_array_equal(whole.scale, exact.scale)
    np.testing.assert_array_equal(whole.key, exact.key)
    assert viz.normalize(query.tolist(), key.tolist(), method="paper", scale=0.5).scale == 0.5
    half = viz.normalize(query.astype(np.float16) * 300, key.astype(np.float16) * 300, method=method)
    assert half.key.dtype == np.float32 and np.isfinite(half.key).all()


def test_raw_is_named_so_and_moves_nothing():
    query, key, sentences = random_heads(33, 2)
    raw = viz.normalize(query, key, sentences, "raw")
    assert raw.method == raw.title == raw[0].name == "raw"
    np.testing.assert_array_equal(raw.key, key)


def test_titles_and_doubts_of_one_head_and_of_many():
    query, key, sentences = random_heads(34, 40)
    for method, ends in (("paper", (SCALES[0], SCALES[-1])), ("exact", (READABLE_SCALES[0], READABLE_SCALES[-1]))):
        n = viz.normalize(query, key, sentences, method)
        assert n.title == method and n.doubt == ""  # of many heads
        at_end = np.isin(n.scale, ends)
        assert at_end.any() == (method == "exact") and not at_end.all()
        for head in range(40):
            said = n[head].title
            assert said.startswith(f"{method}, c = {n.scale[head]:.2f}")
            assert said.endswith("at the edge of the search") == at_end[head]
    assert viz.normalize(query, key, sentences, scale=2)[0].title == "exact, c = 2.00"


def test_of_scales_about_as_good_the_one_that_changes_least_is_chosen():
    scales = np.array([0.5, 1.0, 1.5, 2.0])
    curve = np.array([[0.2, 0.30, 0.305, 0.309], [0.2, 0.30, 0.305, 0.315], [0.2, 0.30, 0.35, 0.9], [0.5] * 4])
    found = choose("nearest", scales, curve, lowest=False)
    np.testing.assert_array_equal(found.best, [1, 1.5, 2, 1])
    np.testing.assert_array_equal(found.at_edge, [False, False, True, False])
    np.testing.assert_array_equal(found.flat, [False, False, False, True])
    found = choose("correlation", scales, -curve[:3], lowest=True)
    np.testing.assert_array_equal(found.best, [2, 2, 2])


@pytest.mark.parametrize(("pairs", "rank"), [(9, 8), (33, 32), (4000, 32), (6400, 32), (10_000, 50)])
def test_half_a_percent_of_the_pairs_are_close_but_never_fewer_than_32(pairs, rank):
    distance = np.random.default_rng(35).permutation(np.arange(1.0, pairs + 1))
    assert near_distance(distance) == pytest.approx((rank + 1) * (1 - 1e-4))
    assert (closeness(distance, near_distance(distance)) > 0).sum() == rank
    dot, apart, weight = closest(-distance, distance)
    assert len(dot) == rank + 1 and (apart == -dot).all()
    np.testing.assert_allclose(weight, closeness(apart, near_distance(distance)))


def test_the_pairs_of_a_group_are_thinned_out_evenly():
    query, key, _ = random_heads(36, 1, 2, lengths=(100,))
    pairs = sentence_pairs(query, key, [slice(0, 50), slice(50, 100)])
    assert pairs.step == 1 and pairs.dot.shape == (1, 10_000)
    np.testing.assert_allclose(pairs.distances(2)[0, 1], np.linalg.norm(2 * query[0, 0, 0] - key[0, 0, 1] / 2))
    pairs = sentence_pairs(query, key, [slice(0, 100)])
    assert pairs.step == 2 and pairs.dot.shape == (1, 10_000)
    np.testing.assert_allclose(pairs.dot[0, 1], query[0, 0, 0] @ key[0, 0, 2])


def test_the_search_for_exact_counts_whole_sentences_until_there_are_enough_queries():
    query, key, sentences = random_heads(37, 1, 1, lengths=(300, 300, 20, 20))
    spans = sentence_spans(sentences, 640)
    enough = search_nearest(query, key, spans, np.array([1.0, 2.0])).curve * 600
    np.testing.assert_allclose(enough, enough.round(), atol=1e-9)
    fewer = search_nearest(query[..., :20, :], key[..., :20, :], [slice(0, 20)], np.array([1.0, 2.0])).curve * 20
    np.testing.assert_allclose(fewer, fewer.round(), atol=1e-9)


@pytest.mark.parametrize("scale", [None, 1.5])
def test_one_scale_given_for_raw_changes_nothing(scale):
    query, key, sentences = random_heads(38)
    n = viz.normalize(query, key, sentences, "raw", scale=scale)
    assert n.scale == 1 and n.search is None and n.radius is None and not n.translation.any()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"distance": "nonsense"}, "distance must be one of euclidean, pca, cosine, not 'nonsense'"),
        ({"weight": "much"}, "weight must be"),
        ({"plane": "flat"}, "plane must be one of pca, attention, unfold, tsne, umap, not 'flat'"),
        ({"query": np.full((20, 6), 1e19)}, "queries must lie between -1e\\+15 and 1e\\+15"),
        ({"key": np.full((20, 6), 1e19, np.float32)}, "keys must lie between"),
        ({"key": np.full((20, 6), np.inf)}, "keys must be finite"),
        ({"key": np.full((20, 6), "a")}, "keys must be numbers, not <U1"),
        ({"query": np.ones((0, 6)), "key": np.ones((0, 6)), "sentences": []}, "at least one token"),
        ({"query": np.ones(6), "key": np.ones(6)}, r"\[\.\.\., N, K\]"),
        ({"components": 8}, "components must lie between 1 and"),
        ({"method": "paper", "attention": [np.ones((7, 7))]}, "one square array per sentence"),
        ({"method": "paper", "attention": np.ones((2, 20, 20))}, r"of the same heads as queries and keys, \[\]"),
    ],
)
def test_more_refusals_say_what_was_expected(change, says):
    query, key, sentences = random_heads(11)
    with pytest.raises(ValueError, match=says):
        viz.normalize(**{"query": query, "key": key, "sentences": sentences} | change)


def test_a_move_is_of_the_heads_it_was_fitted_to():
    query, key, sentences = random_heads(39, 2)
    n = viz.normalize(query, key, sentences)
    with pytest.raises(ValueError, match=r"of the same heads, \[2, 'N', 6\], not \[20, 6\]"):
        n.apply(query[0], key[0])

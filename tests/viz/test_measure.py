"""Correlations against scipy, measures against loops, and sums that merge."""

import dataclasses

import numpy as np
import pytest
import scipy.spatial
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

import viz
from tests.viz.test_normalize import attention_of, random_heads
from viz.geometry.normalize import METHODS
from viz.geometry.sentences import sentence_spans
from viz.measures.correlation import correlation
from viz.measures.fast_ranks import RankedOnce, fast_ranks
from viz.measures.habits import OFFSETS
from viz.measures.measure import Moments


def ranks(x):
    """The number of smaller entries of a row; equal values share the mean of their ranks."""
    smaller = (x[..., None, :] < x[..., :, None]).sum(axis=-1)
    equal = (x[..., None, :] == x[..., :, None]).sum(axis=-1)  # itself among them
    return (smaller + (equal - 1) / 2).astype(np.float32)


def rank_correlation(x, y):
    return correlation(ranks(x), ranks(y))


@settings(deadline=None)
@given(st.integers(2, 30), st.integers(0, 2**32 - 1), st.booleans())
def test_correlations_are_those_of_scipy_with_and_without_ties(size, seed, tied):
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 5, size=(2, 3, size)).astype(np.float32) if tied else rng.random((2, 3, size), np.float32)
    for row in range(3):
        np.testing.assert_array_equal(ranks(x)[row], scipy.stats.rankdata(x[row]) - 1)
        if np.ptp(x[row]) and np.ptp(y[row]):
            pearson, spearman = scipy.stats.pearsonr(x[row], y[row]), scipy.stats.spearmanr(x[row], y[row])
            np.testing.assert_allclose(correlation(x, y)[row], pearson.statistic, atol=1e-5)
            np.testing.assert_allclose(rank_correlation(x, y)[row], spearman.statistic, atol=1e-5)
            np.testing.assert_allclose(-RankedOnce(x).in_order_of(y)[1][row], spearman.statistic, atol=1e-5)
        else:
            assert correlation(x, y)[row] == 0 and abs(RankedOnce(x).in_order_of(y)[1][row]) < 1e-6


def test_a_weight_counts_like_so_many_copies():
    rng = np.random.default_rng(0)
    x, y, weight = rng.normal(size=30), rng.normal(size=30), rng.integers(0, 4, size=30)
    copies = scipy.stats.pearsonr(np.repeat(x, weight), np.repeat(y, weight)).statistic
    np.testing.assert_allclose(correlation(x, y, weight.astype(float)), copies)
    near = np.quantile(abs(x), 0.8)
    closeness = np.maximum(near - abs(x), 0) ** 2
    np.testing.assert_allclose(Moments.of_close(abs(x), y, near).correlation, correlation(abs(x), y, closeness))


def loops(n, blocks, sentences, plane):
    """nearest@1, nearest@3 and rank correlation of one head, written as sentences."""
    query, key = (n.plane.project(n.query), n.plane.project(n.key)) if plane else (n.query, n.key)
    first, three, rho = [], [], []
    for s, block in zip(sentence_spans(sentences, len(query)), blocks, strict=True):
        for i, row in enumerate(block):
            distance = np.linalg.norm(key[s] - query[s][i], axis=-1)
            place = list(distance.argsort()).index(row.argmax())
            first.append(place == 0)
            three.append(place < 3)
            rho.append(scipy.stats.spearmanr(row, -distance).statistic)
    return np.mean(first), np.mean(three), np.mean(rho)


@pytest.mark.parametrize("method", METHODS)
def test_measures_are_what_their_words_say(method):
    query, key, sentences = random_heads(20, 2, lengths=(12, 5, 8), dtype=np.float32)
    blocks = [attention_of(query[:, s], key[:, s], 6) for s in sentence_spans(sentences, 25)]
    n = viz.normalize(query, key, sentences, method)
    found = viz.measure(n, blocks, sentences)
    for head in range(2):
        for near, plane in ((found.space, False), (found.plane, True)):
            expected = loops(n[head], [b[head] for b in blocks], sentences, plane)
            ours = near.nearest1[head], near.nearest3[head], near.rank_correlation[head]
            np.testing.assert_allclose(ours, expected, atol=1e-5)
        spans = sentence_spans(sentences, 25)
        dot = np.concatenate([(n.query[head, s] @ n.key[head, s].T).ravel() for s in spans])
        gaps = [n.query[head, s][:, None] - n.key[head, s] for s in spans]
        distance = np.concatenate([np.linalg.norm(gap, axis=-1).ravel() for gap in gaps])
        weight = np.maximum(n.near[head] - distance, 0) ** 2
        plain = scipy.stats.pearsonr(dot, distance).statistic
        np.testing.assert_allclose(found.pairs.correlation[head], plain, atol=1e-5)
        np.testing.assert_allclose(found.close_pairs.correlation[head], correlation(dot, distance, weight), atol=2e-3)
    one_array = np.zeros((2, 25, 25), np.float32)
    for s, block in zip(spans, blocks, strict=True):
        one_array[:, s, s] = block
    np.testing.assert_array_equal(viz.measure(n, one_array, sentences).plane.nearest1, found.plane.nearest1)


def test_sentences_measured_apart_add_up():
    query, key, sentences = random_heads(21, 2, 2, lengths=(9, 6, 7), dtype=np.float32)
    spans = sentence_spans(sentences, 22)
    blocks = [attention_of(query[..., s, :], key[..., s, :], 6) for s in spans]
    n = viz.normalize(query, key, sentences)
    together = viz.measure(n, blocks, sentences)
    apart = [
        viz.measure(n.apply(query[..., s, :], key[..., s, :]), [block]) for s, block in zip(spans, blocks, strict=True)
    ]
    total = apart[2] + apart[0] + apart[1]
    for space in ("space", "plane"):
        for name in ("nearest1", "nearest3", "rank_correlation"):
            ours, theirs = getattr(getattr(total, space), name), getattr(getattr(together, space), name)
            np.testing.assert_allclose(ours, theirs, atol=1e-6)
    np.testing.assert_allclose(total.pairs.correlation, together.pairs.correlation, atol=1e-6)
    np.testing.assert_allclose(total.close_pairs.correlation, together.close_pairs.correlation, atol=1e-4)


def test_layers_measured_apart_stand_side_by_side():
    query, key, _ = random_heads(25, 3, 2, lengths=(9,), dtype=np.float32)
    attention = attention_of(query, key, 6)
    n = viz.normalize(query, key, method="paper")
    whole = viz.measure(n, attention)
    parts = [viz.measure(n[part], attention[part]) for part in (slice(0, 1), slice(1, None))]
    joined = parts[0].fieldwise(lambda *layers: np.concatenate(layers), *parts[1:])
    for one, other in zip(dataclasses.astuple(joined), dataclasses.astuple(whole), strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6)


@pytest.mark.parametrize("longer", [1, 10])
@pytest.mark.parametrize("method", METHODS)
def test_some_queries_of_a_new_sentence_are_measured_without_moving_anything(method, longer):
    query, key, sentences = random_heads(24, 2, 3, lengths=(9, 6), dtype=np.float32)
    n = viz.normalize(query, key, sentences, method)
    query, key, _ = random_heads(25, 2, 3, lengths=(9,), dtype=np.float32)
    key[..., 2, :] *= longer  # longer than any of those before
    moved, attention, some = n.apply(query, key), attention_of(query, key, 6), [0, 3, 8]
    dot, square, plane = n.distances(query[..., some, :], key)
    apart = np.linalg.norm(moved.query[..., some, None, :] - moved.key[..., None, :, :], axis=-1)
    flat = np.linalg.norm(
        moved.plane.project(moved.query)[..., some, None, :] - moved.plane.project(moved.key)[..., None, :, :], axis=-1
    )
    np.testing.assert_allclose(dot, moved.query[..., some, :] @ moved.key.mT, atol=1e-3)
    np.testing.assert_allclose(np.sqrt(square), apart, atol=2e-3)
    np.testing.assert_allclose(np.sqrt(plane), flat, atol=2e-3)

    whole = viz.measure(moved, [attention])
    parts = [
        viz.RankedAttention(attention[..., places, :]).measures(*n.distances(query[..., places, :], key), n.near)
        for places in (some, [1, 2, 4, 5, 6, 7])
    ]
    assert parts[0].plane.queries[0, 0] == 3
    for space in ("space", "plane"):
        np.testing.assert_allclose(getattr(parts[0] + parts[1], space).nearest1, getattr(whole, space).nearest1)
    np.testing.assert_allclose((parts[0] + parts[1]).pairs.correlation, whole.pairs.correlation, atol=1e-5)


def test_measures_do_not_depend_on_the_size_of_the_picture():
    query, key, sentences = random_heads(22, 2, dtype=np.float32)
    blocks = [attention_of(query[:, s], key[:, s], 6) for s in sentence_spans(sentences, 20)]
    n = viz.normalize(query, key, sentences)
    double = dataclasses.replace(n, query=2 * n.query, key=2 * n.key, near=2 * n.near)
    one, other = viz.measure(n, blocks, sentences), viz.measure(double, blocks, sentences)
    np.testing.assert_array_equal(one.plane.nearest1, other.plane.nearest1)
    np.testing.assert_allclose(one.close_pairs.correlation, other.close_pairs.correlation, atol=1e-6)


def test_habits_are_means_over_queries():
    rng = np.random.default_rng(23)
    tokens = ["[CLS]", "a", "b", "[SEP]", "c", "[SEP]"]
    attention = rng.dirichlet(np.ones(6), size=(2, 6))
    found = viz.habits(attention, tokens)
    np.testing.assert_allclose(found.to_cls, attention[:, :, 0].mean(axis=-1))
    np.testing.assert_allclose(found.to_sep, attention[:, :, [3, 5]].sum(axis=-1).mean(axis=-1))
    np.testing.assert_allclose(found.to_self, np.einsum("hii->hi", attention).mean(axis=-1))
    np.testing.assert_allclose(found.to_previous, [np.diagonal(a, -1).mean() for a in attention])
    np.testing.assert_allclose(found.to_next, [np.diagonal(a, 1).mean() for a in attention])
    entropy = [scipy.stats.entropy(a, base=2, axis=-1).mean() for a in attention]
    np.testing.assert_allclose(found.entropy, entropy)
    assert found.by_offset.shape == (2, len(OFFSETS)) and not found.by_offset[:, abs(OFFSETS) > 5].any()
    longer = viz.habits(rng.dirichlet(np.ones(9), size=(2, 9)), list("abcdefghi"))
    both = found + longer
    np.testing.assert_allclose(both.to_self, (6 * found.to_self + 9 * longer.to_self) / 15)


def test_hard_attention_has_no_entropy():
    assert viz.habits(np.eye(4, dtype=np.float32), list("abcd")).entropy == 0


@pytest.fixture(scope="module")
def real(minilm, sentences):
    """Queries, keys and attention of all heads of all-MiniLM-L6-v2 on the fifty sentences."""
    traces = list(minilm.stream(sentences))
    query, key = (
        np.concatenate([np.stack([getattr(layer, name) for layer in trace.layers]) for trace in traces], axis=-2)
        for name in ("query", "key")
    )
    blocks = [np.stack([layer.attention for layer in trace.layers]) for trace in traces]
    return query, key, blocks, np.repeat(np.arange(len(traces)), [len(trace.tokens) for trace in traces])


@pytest.mark.parametrize(
    ("method", "scale", "space", "plane"),
    [
        ("raw", None, 0.60, 0.50),
        ("paper", 1, 0.12, 0.08),
        ("paper", 2, 0.66, 0.63),
        ("exact", 1, 1.00, 0.63),
        ("exact", 2, 1.00, 0.73),
    ],
)
def test_on_real_weights_exact_is_exact_and_the_others_are_what_was_seen_before(real, method, scale, space, plane):
    query, key, blocks, sentences = real
    n = viz.normalize(query, key, sentences, method, scale=scale)
    found = viz.measure(n, blocks, sentences)
    assert found.space.nearest1.mean() == pytest.approx(space, abs=0.03)
    assert found.plane.nearest1.mean() == pytest.approx(plane, abs=0.03)
    if method == "exact":
        assert (found.space.nearest1 == 1).all()
        assert (found.space.rank_correlation > 0.9999).all()


def test_on_real_weights_cosine_chooses_nothing(real):
    query, key, _, sentences = real
    search = viz.normalize(query, key, sentences, "paper", distance="cosine").search
    assert search.flat.all() and np.ptp(search.curve, axis=-1).max() < 1e-6


def test_fast_ranks_are_the_plain_ones():
    rng = np.random.default_rng(40)
    for x in (
        rng.random((3, 40)),
        rng.integers(0, 5, (3, 40)) - 2.0,
        np.array([[0.0, -0.0, 1.0, -1.0]]),
        np.ones((2, 1)),
    ):
        for kind in (np.float32, np.float64):
            np.testing.assert_array_equal(fast_ranks(x.astype(kind)), ranks(x.astype(kind)))
    assert rank_correlation(np.array([-0.0, 1.0, 2.0]), np.array([0.0, 1.0, 2.0])) == 1


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 40), st.integers(0, 2**32 - 1), st.booleans())
def test_ranked_once_says_what_the_plain_functions_say(size, seed, tied):
    rng = np.random.default_rng(seed)
    x, y = (rng.integers(0, 4, (2, 3, size)) if tied else rng.random((2, 3, size))).astype(np.float32)
    from_top, found = RankedOnce(x).in_order_of(y)
    np.testing.assert_allclose(found, -rank_correlation(x, y), atol=1e-5)
    for row in range(3):
        order = np.lexsort((-x[row], y[row]))  # by y; of equal y, the largest x first
        np.testing.assert_array_equal(from_top[row], size - 1 - ranks(x[row])[order])


def test_keys_that_tie_for_the_highest_attention_all_count():
    """float32 cannot tell a difference of a hundred-thousandth; one of a thousandth is one."""
    key = np.array([[1.0, 0], [2, 0], [3, 0], [4, 0]], np.float32)
    n = viz.normalize(np.zeros((4, 2), np.float32), key, method="raw")  # the first key is the nearest
    for gap, share in ((0, 1), (1e-5, 1), (1e-3, 0)):
        attention = np.tile(np.array([0.4 * (1 - gap), 0.1, 0.1, 0.4], np.float32), (4, 1))
        assert viz.measure(n, attention).space.nearest1 == share
        assert viz.measure(n, attention).space.nearest3 == share


def test_attention_of_other_heads_is_refused():
    query, key, _ = random_heads(41, 2, 3, lengths=(5,))
    n = viz.normalize(query, key)
    for attention in (np.ones((5, 5)), np.ones((3, 5, 5)), [np.ones((5, 5))]):
        with pytest.raises(ValueError, match=r"of the same heads as queries and keys, \[2, 3\]"):
            viz.measure(n, attention)
    with pytest.raises(ValueError, match="same heads and tokens"):
        viz.measure_all([n, n[0]], np.ones((2, 3, 5, 5)))
    with pytest.raises(ValueError, match="at least one"):
        viz.measure_all([], np.ones((5, 5)))
    one = viz.normalize(query[0, 0], key[0, 0])
    listed = attention_of(query[0, 0], key[0, 0], 6)
    assert viz.measure(one, [listed.tolist()]).space.nearest1 == viz.measure(one, listed).space.nearest1


def test_habits_reach_ten_tokens_and_ask_roles():
    attention = np.random.default_rng(42).dirichlet(np.ones(25), size=25)
    tokens, roles = list("abcdefghijklmnopqrstuvwxy"), ["cls", *[None] * 23, "sep"]
    found = viz.habits(attention, tokens, roles)
    assert OFFSETS[0] == -10 and OFFSETS[-1] == 10 and len(OFFSETS) == 21
    for offset, mean in zip(OFFSETS, found.by_offset, strict=True):
        np.testing.assert_allclose(mean, np.diagonal(attention, offset).mean())
    np.testing.assert_allclose(found.to_cls, attention[:, 0].mean())
    np.testing.assert_allclose(found.to_sep, attention[:, -1].mean())
    assert viz.habits(attention, tokens).to_cls == 0
    np.testing.assert_allclose(viz.habits(attention, ["[SEP]", *tokens[1:]]).to_sep, attention[:, 0].mean())
    with pytest.raises(ValueError, match="25 tokens need attention"):
        viz.habits(attention[:24], tokens)
    with pytest.raises(ValueError, match="3 roles"):
        viz.habits(attention, tokens, ["cls", None, "sep"])


def test_shift_compares_moves_with_the_lengths_of_what_moved():
    rng = np.random.default_rng(43)
    query, key, query_after, key_after = rng.normal(size=(4, 2, 5, 3))
    key, key_after = 7 * key, 7 * key_after
    attention, attention_after = rng.dirichlet(np.ones(5), size=(2, 2, 5))
    found = viz.shift((query, key, attention), (query_after, key_after, attention_after))

    def lengths(x):
        return np.linalg.norm(x, axis=-1).sum(axis=-1)

    np.testing.assert_allclose(found.query, lengths(query_after - query) / lengths(query))
    np.testing.assert_allclose(found.key, lengths(key_after - key) / lengths(key))
    apart = [
        [scipy.spatial.distance.jensenshannon(p, q, base=2) for p, q in zip(*pair, strict=True)]
        for pair in zip(attention, attention_after, strict=True)
    ]
    np.testing.assert_allclose(found.attention, np.mean(apart, axis=-1))
    both = found + found
    np.testing.assert_allclose(both.key, found.key)
    np.testing.assert_allclose(both.attention, found.attention)
    assert (viz.shift((query, key, attention), (query, key, attention)).attention == 0).all()


@pytest.mark.parametrize(("which", "name"), [(0, "query"), (1, "key"), (2, "attention")])
def test_shift_names_what_does_not_fit(which, name):
    before = [np.ones((2, 5, 3)), np.ones((2, 5, 3)), np.ones((2, 5, 5))]
    after = list(before)
    after[which] = after[which][:1]
    with pytest.raises(ValueError, match=f"^{name} must have the same shape before and after, not .2, 5"):
        viz.shift(before, after)


def test_a_correlation_of_nothing_is_nothing():
    x, y = np.random.default_rng(44).random((2, 6))
    assert correlation(x, y, np.zeros(6)) == 0 and correlation(x, np.ones(6)) == 0
    weight = np.array([1.0, 2, 0, 1, 3, 0])
    np.testing.assert_allclose(
        correlation(x, y, weight), correlation(np.repeat(x, weight.astype(int)), np.repeat(y, weight.astype(int)))
    )

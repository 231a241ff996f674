"""The gradient is the gradient; the plane is found again, keeps upright, and serves sentences it has not seen."""

import sys

import numpy as np
import pytest
import torch

import viz
from tests.viz.test_normalize import attention_of, random_heads
from viz.errors import InputError
from viz.geometry.attention_plane import attention_batches, attention_plane, best_product, picture_loss
from viz.geometry.descent import minimize
from viz.geometry.sentences import sentence_spans
from viz.geometry.unfolding import unfold

LENGTHS = [(7, 4, 9, 4), (2, 2), (1, 5, 1), (1,)]  # pairs of tokens, sentences of one, and nothing else


def drawing(lengths, components, seed=0):
    query, key, sentences = random_heads(seed, 2, lengths=lengths)
    spans = sentence_spans(sentences, sum(lengths))
    x, y = np.random.default_rng(seed).normal(size=(2, 2, sum(lengths), components))
    return x, y, attention_batches(query, key, spans, None, 6**0.5, 1.0), query, key, spans


def plain_loss(x, y, query, key, spans):
    """Mean over queries of KL(attention || softmax(-square distance)), written again in torch."""
    total = 0
    for s in spans:
        attention = torch.softmax(torch.tensor(query[:, s] @ key[:, s].mT / 6**0.5), dim=-1)
        log_p = torch.log_softmax(-(torch.cdist(x[:, s], y[:, s]) ** 2), dim=-1)
        total = total + (attention * (attention.log() - log_p)).sum(dim=(-2, -1))
    return total / x.shape[1]


@pytest.mark.parametrize("components", [2, 3])
@pytest.mark.parametrize("lengths", LENGTHS)
def test_the_gradient_is_that_of_autograd(lengths, components):
    x, y, rows, query, key, spans = drawing(lengths, components)
    value, dx, dy = picture_loss(x, y, rows, sum(lengths))
    x_torch, y_torch = (torch.tensor(points, requires_grad=True) for points in (x, y))
    expected = plain_loss(x_torch, y_torch, query, key, spans)
    np.testing.assert_allclose(value, expected.detach().numpy(), rtol=1e-6, atol=1e-12)
    expected.sum().backward()
    np.testing.assert_allclose(dx, x_torch.grad.numpy(), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(dy, y_torch.grad.numpy(), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("components", [2, 3])
@pytest.mark.parametrize("lengths", LENGTHS)
def test_the_gradient_is_that_of_finite_differences(lengths, components):
    x, y, rows, *_ = drawing(lengths, components, seed=1)
    _, dx, dy = picture_loss(x, y, rows, sum(lengths))
    rng, step = np.random.default_rng(2), 1e-5
    for _ in range(5):
        x_way, y_way = rng.normal(size=(2, *x.shape))
        ahead, behind = (picture_loss(x + h * x_way, y + h * y_way, rows, sum(lengths))[0] for h in (step, -step))
        along = (dx * x_way).sum(axis=(-2, -1)) + (dy * y_way).sum(axis=(-2, -1))
        np.testing.assert_allclose((ahead - behind) / (2 * step), along, rtol=1e-6, atol=1e-9)


def test_the_gradient_of_the_maps_is_that_of_finite_differences(monkeypatch):
    """What is minimised, maps, price and all: seen where it is handed to the descent."""
    query, key, sentences = random_heads(3, 2, lengths=(7, 1, 9))
    seen = {}

    def watch(function, start, steps):
        seen.update(function=function, start=start)
        return minimize(function, start, range(3))

    monkeypatch.setattr("viz.geometry.attention_plane.minimize", watch)
    attention_plane(query, key, sentence_spans(sentences, 17))
    function, point = seen["function"], seen["start"] + 0.1
    way, step = np.random.default_rng(0).normal(size=point.shape), 1e-5
    ahead, behind = function(point + step * way)[0], function(point - step * way)[0]
    np.testing.assert_allclose((ahead - behind) / (2 * step), np.vecdot(function(point)[1], way), rtol=1e-6)


def test_the_descent_ends_where_the_minimum_is():
    """Rosenbrock's valley, and a bowl a thousand times as wide as it is deep."""

    def valleys(point):
        x, y = point.T
        rosenbrock = (
            (1 - x) ** 2 + 100 * (y - x * x) ** 2,
            np.stack([-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)], axis=-1),
        )
        bowl = x * x + 1e6 * (y - 2) ** 2, np.stack([2 * x, 2e6 * (y - 2)], axis=-1)
        return tuple(np.concatenate([a[:1], b[1:]]) for a, b in zip(rosenbrock, bowl, strict=True))

    found, value = minimize(valleys, np.array([[-1.2, 1.0], [3.0, 5.0]]), range(100))
    np.testing.assert_allclose(found, [[1, 1], [0, 2]], atol=1e-4)
    assert (value < 1e-8).all()


def test_a_flat_start_and_a_wall_do_no_harm():
    def wall(point):
        with np.errstate(all="ignore"):
            return np.where(point[:, 0] < 1, -point[:, 0], np.nan), -np.ones_like(point)

    found, value = minimize(wall, np.zeros((1, 1)), range(40))
    assert 0.5 < found[0, 0] < 1 and value == -found[0]
    found, _ = minimize(lambda p: (np.zeros(len(p)), np.zeros_like(p)), np.ones((2, 3)), range(5))
    assert (found == 1).all()


def test_the_start_is_the_best_product_of_rank_c():
    query, key = np.random.default_rng(4).normal(size=(2, 3, 20, 6))
    A, B = best_product(query, key, 2)
    U, S, Vt = np.linalg.svd(query @ key.mT)
    best = (U[..., :2] * S[:, None, :2]) @ Vt[:, :2]
    np.testing.assert_allclose((query @ A) @ (key @ B).mT, best, atol=1e-9)


def test_a_plane_that_says_all_is_found():
    """Scores of rank two and keys of one length on average: there is a drawing that loses next to nothing."""
    rng = np.random.default_rng(5)
    flat_query, angle = rng.normal(size=(60, 2)), rng.uniform(0, 2 * np.pi, size=60)
    flat_key = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    turn = np.linalg.qr(rng.normal(size=(8, 8)))[0]
    query, key = flat_query @ turn[:2] * 4, flat_key @ turn[:2]
    sentences = np.repeat(np.arange(6), 10)
    n = viz.normalize(query, key, sentences, "raw", plane="attention")
    assert n.plane.lost < 0.02
    blocks = [attention_of(query[s], key[s], 8) for s in sentence_spans(sentences, 60)]
    measured = viz.measure(n, blocks, sentences)
    assert measured.plane.nearest1 > 0.9
    np.testing.assert_allclose(measured.lost, n.plane.lost, rtol=1e-6)


@pytest.mark.parametrize("plane", ["attention", "unfold"])
@pytest.mark.parametrize("components", [2, 3])
def test_the_same_picture_twice_is_the_same_picture_upright(plane, components):
    query, key, sentences = random_heads(6, 2, lengths=(9, 7))
    n, again = (viz.normalize(query, key, sentences, "raw", plane=plane, components=components) for _ in range(2))
    np.testing.assert_array_equal(n.query_drawn, again.query_drawn)
    points = np.concatenate([n.query_drawn, n.key_drawn], axis=-2)
    np.testing.assert_allclose(points.mean(axis=-2), 0, atol=1e-9)
    covariance = points.mT @ points
    off = covariance - np.einsum("hcc->hc", covariance)[..., None] * np.eye(components)
    np.testing.assert_allclose(off, 0, atol=1e-6 * covariance.max())
    spread = np.einsum("hcc->hc", covariance)
    assert (np.diff(spread, axis=-1) <= 0).all()
    names = [f"axis {c} of the attention plane" if plane == "attention" else "" for c in range(1, components + 1)]
    assert n.plane.axis_names == names
    signed = n.plane.query_map.mT if plane == "attention" else points
    largest = np.take_along_axis(signed, np.abs(signed).argmax(axis=-2)[:, None], axis=-2)
    assert (largest > 0).all()


def test_a_turned_head_has_the_same_picture():
    """Queries and keys turned alike: the same head in other coordinates. Only the signs of axes may follow them."""
    query, key, sentences = random_heads(7, lengths=(9, 7, 8))
    turn = np.linalg.qr(np.random.default_rng(8).normal(size=(6, 6)))[0]
    one = viz.normalize(query, key, sentences, "raw", plane="attention")
    other = viz.normalize(query @ turn, key @ turn, sentences, "raw", plane="attention")
    np.testing.assert_allclose(abs(one.query_drawn), abs(other.query_drawn), atol=1e-3)


def test_new_sentences_are_drawn_by_the_same_maps():
    query, key, sentences = random_heads(9, 2, 2, lengths=(9, 7), dtype=np.float32)
    n = viz.normalize(query, key, sentences, plane="attention")  # exact: one coordinate more
    new_query, new_key, _ = random_heads(10, 2, 2, lengths=(8,), dtype=np.float32)
    moved = n.apply(new_query, new_key)
    gaps = moved.query_drawn[..., :, None, :] - moved.key_drawn[..., None, :, :]
    _, _, square = n.distances(new_query, new_key)
    np.testing.assert_allclose(square, (gaps**2).sum(axis=-1), rtol=1e-3, atol=1e-3)
    words = n.averaged(lambda points: points[..., ::2, :])
    np.testing.assert_allclose(words.key_drawn, n.key_drawn[..., ::2, :], atol=1e-5)


@pytest.mark.parametrize("scope", ["head", "layer", "model"])
def test_scopes_share_a_plane(scope):
    query, key, sentences = random_heads(11, 2, 2, lengths=(6, 5))
    n = viz.normalize(query, key, sentences, "raw", plane="attention", scope=scope)
    maps = n.plane.query_map
    assert maps.shape == (2, 2, 2, 6)
    assert np.array_equal(maps[0, 0], maps[0, 1]) == (scope != "head")
    assert np.array_equal(maps[0, 0], maps[1, 0]) == (scope == "model")
    placed = viz.normalize(query, key, sentences, "raw", plane="unfold", scope=scope)
    assert placed.query_drawn.shape == (2, 2, 11, 2)
    assert placed[1, 0].key_drawn.shape == (11, 2) and placed[1, 0].title.startswith("unfolding")


def test_given_attention_is_what_is_drawn():
    query, key, sentences = random_heads(12, lengths=(8, 8))
    blocks = [np.roll(np.eye(8), 1, axis=0) * 0.92 + 0.01 for _ in range(2)]
    n = viz.normalize(query, key, sentences, "raw", plane="unfold", attention=blocks)
    assert viz.measure(n, blocks, sentences).plane.nearest1 == 1
    apart = viz.normalize(query, key, sentences, "raw", plane="unfold")
    assert n.plane.lost < viz.measure(apart, blocks, sentences).lost / 2


def test_unfolding_has_places_for_its_own_tokens_only():
    query, key, _ = random_heads(13, lengths=(9,))
    n = viz.normalize(query, key, method="raw", plane="unfold")
    with pytest.raises(ValueError, match="only for the tokens it was fitted to"):
        _ = n.apply(*random_heads(14, lengths=(8,))[:2]).query_drawn
    with pytest.raises(ValueError, match="only for the tokens"):
        n.distances(query, key)
    merged = n.averaged(lambda points: points[..., ::3, :])
    np.testing.assert_allclose(merged.query_drawn, n.query_drawn[::3])
    linear = attention_plane(query[None], key[None], [slice(0, 9)])
    assert unfold(query[None], key[None], [slice(0, 9)]).lost <= linear.lost + 1e-9


@pytest.mark.parametrize("plane", ["attention", "unfold"])
def test_one_token_and_identical_tokens_have_a_picture(plane):
    for query in (np.ones((1, 4)), np.ones((5, 4)), np.zeros((3, 4))):
        n = viz.normalize(query, query, method="raw", plane=plane)
        assert np.isfinite(n.query_drawn).all() and n.plane.lost < 1e-6


def test_many_pairs_are_thinned_by_queries(monkeypatch):
    query, key, sentences = random_heads(15, lengths=(20, 20))
    spans = sentence_spans(sentences, 40)
    (rows,) = attention_batches(query[None], key[None], spans, None, 2.0, 1.0, most_pairs=300)
    assert rows.attention.shape == (1, 2, 7, 20)  # every third query, all keys
    (every,) = attention_batches(query[None], key[None], spans, None, 2.0, 1.0, most_pairs=None)
    np.testing.assert_allclose(rows.attention, every.attention[:, :, ::3])


@pytest.mark.parametrize(("plane", "package"), [("tsne", "openTSNE"), ("umap", "umap")])
def test_without_its_package_a_map_says_what_to_install(plane, package, monkeypatch):
    query, key, _ = random_heads(16, lengths=(12,), dtype=np.float32)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match="minibert-numpy\\[maps\\]"):
        viz.normalize(query, key, method="raw", plane=plane)


@pytest.mark.maps
@pytest.mark.parametrize("plane", ["tsne", "umap"])
def test_maps_of_other_packages(plane):
    query, key, _ = random_heads(16, lengths=(12,), dtype=np.float32)
    n, again = (viz.normalize(query, key, method="raw", plane=plane) for _ in range(2))
    assert n.query_drawn.shape == (12, 2) and np.isnan(viz.measure(n, attention_of(query, key, 6)).lost)
    np.testing.assert_allclose(n.query_drawn, again.query_drawn, atol=1e-5)


def test_on_real_weights_other_sentences_have_the_right_key_nearest(sentences):
    import minibert

    traces = minibert.load("tiny").batch(sentences)
    fitted, others = traces[::2], traces[1::2]

    def heads(some):
        query, key = (
            np.concatenate([getattr(trace.layers[1], name) for trace in some], axis=-2) for name in ("query", "key")
        )
        numbers = np.repeat(np.arange(len(some)), [len(trace.tokens) for trace in some])
        return query, key, numbers, [trace.layers[1].attention for trace in some]

    query, key, numbers, _ = heads(fitted)
    new_query, new_key, new_numbers, attention = heads(others)
    found = {}
    for plane in ("pca", "attention"):
        n = viz.normalize(query, key, numbers, "exact" if plane == "pca" else "raw", plane=plane)
        found[plane] = viz.measure(n.apply(new_query, new_key, new_numbers), attention, new_numbers).plane.nearest1
    assert found["attention"].mean() > found["pca"].mean() + 0.1

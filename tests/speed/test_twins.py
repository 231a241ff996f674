"""Each fast twin against the chapter's function that it stands in for, over layouts, shapes and extreme numbers."""

import inspect
import json
import math
import os
import subprocess
import sys
import threading
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes
from threadpoolctl import threadpool_limits

import minibert
from minibert import attention, encoder, numerics
from minibert.speed import twins

LAYOUTS = {
    "row by row": np.ascontiguousarray,
    "column by column": np.asfortranarray,
    "every second": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    "backwards": lambda x: x[::-1],
    "axes exchanged": lambda x: np.ascontiguousarray(x.swapaxes(0, -1)).swapaxes(0, -1),
    "may not be changed": lambda x: np.broadcast_to(x, x.shape),
}
SHAPES = array_shapes(min_dims=1, max_dims=4, max_side=9) | st.sampled_from([(1, 200), (40, 30), (129, 7), (3, 50, 50)])


def with_weights(layer_norm):
    """A function of x alone: a layer norm whose weights are none of them 1, and whose biases none of them 0."""

    def normed(x):
        weight = np.linspace(0.5, 2, x.shape[-1], dtype=x.dtype)
        return layer_norm(x, weight, weight - 3, 1e-12)

    return normed


SINGLE = {
    "softmax": (twins.softmax, numerics.softmax),
    "gelu": (twins.gelu, numerics.gelu),
    "layer_norm": (with_weights(twins.layer_norm), with_weights(numerics.layer_norm)),
}


def unit(expected):
    """1e-6, of the largest result if that is above 1."""
    return 1e-6 * max(1, float(np.abs(expected).max(initial=0)))


@pytest.mark.parametrize("name", SINGLE)
@given(SHAPES, st.sampled_from(list(LAYOUTS)), st.sampled_from([4, 50, 65_536]), st.integers(0, 2**32 - 1))
def test_a_twin_is_the_chapters_function_whatever_the_layout_and_shape(name, shape, layout, block, seed):
    twin, plain = SINGLE[name]
    x = LAYOUTS[layout](np.random.default_rng(seed).normal(size=shape, scale=3).astype(np.float32))
    if name == "layer_norm":
        x = x + 4 * np.arange(shape[-1], dtype=np.float32)  # far from equal: equal numbers have no direction to keep
    before = x.copy()
    with mock.patch.object(twins, "BLOCK", block):
        ours = twin(x)
    assert ours.shape == x.shape and ours.dtype == np.float32
    expected = plain(before)
    np.testing.assert_allclose(ours, expected, atol=unit(expected))
    np.testing.assert_array_equal(x, before)
    assert not np.shares_memory(ours, x)


@pytest.mark.parametrize("name", SINGLE)
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("shape", [(12, 300, 300), (700, 1536), (2, 600_000)])
def test_a_twin_of_a_large_array_is_the_chapters_function(name, threads, shape):
    twin, plain = SINGLE[name]
    x = np.random.default_rng(0).normal(size=shape, scale=3).astype(np.float32)
    with threadpool_limits(threads, user_api="blas"):
        expected = plain(x)
        np.testing.assert_allclose(twin(x), expected, atol=unit(expected))


EXTREMES = [0, -0.0, 1e-30, -87, 88, 89, 200, -200, 1e4, -1e4, 3e38, -3e38, np.inf, -np.inf, np.nan]


@pytest.mark.parametrize("name", ["softmax", "gelu"])
@given(st.lists(st.sampled_from(EXTREMES) | st.floats(-30, 30, width=32), min_size=1, max_size=12))
def test_a_twin_is_the_chapters_function_at_extremes(name, numbers):
    twin, plain = SINGLE[name]
    x = np.array([numbers, numbers[::-1], [1] * len(numbers)], np.float32)
    with np.errstate(all="ignore"):
        expected = plain(x)
    ours = twin(x)
    known = np.isfinite(expected)
    np.testing.assert_allclose(ours[known], expected[known], atol=1e-6, rtol=1e-6)
    if name == "softmax":
        np.testing.assert_array_equal(np.isnan(ours), np.isnan(expected))


@given(st.sampled_from([1e-4, 1, 1e4]), st.integers(-100, 100), st.integers(0, 2**32 - 1))
def test_layer_norm_is_the_chapters_function_far_from_zero(scale, offset, seed):
    """Rounding moves the mean by 1e-7 of it, and the result by that, over the standard deviation."""
    twin, plain = SINGLE["layer_norm"]
    x = (scale * np.random.default_rng(seed).normal(loc=offset, size=(3, 384))).astype(np.float32)
    np.testing.assert_allclose(twin(x), plain(x), atol=1e-5 + 1e-6 * abs(offset))


@pytest.mark.parametrize("tokens", [1, 2, 127, 128, 129, 300])
@pytest.mark.parametrize("order", ["C", "F"])
def test_linear_is_the_chapters_function(tokens, order):
    random = np.random.default_rng(0)
    x, weight, bias = (random.normal(size=s).astype(np.float32) for s in ((tokens, 70), (90, 70), (90,)))
    x, expected = np.asarray(x, order=order), numerics.linear(x, weight, bias)
    ours = twins.linear(x, weight, bias)
    np.testing.assert_allclose(ours, expected, atol=1e-6 * np.abs(expected).max())
    np.testing.assert_allclose(twins.linear(x[None], weight, bias)[0], expected, atol=1e-6 * np.abs(expected).max())


def test_gelu_is_within_its_stated_error():
    wide = np.linspace(-12, 12, 200_001)
    exact = np.array([x / 2 * (1 + math.erf(x / 2**0.5)) for x in wide])
    assert 5e-8 < np.abs(twins.gelu(wide) - exact).max() < 7e-8
    assert np.abs(twins.gelu(wide.astype(np.float32)) - exact).max() < 1e-6


def test_nothing_warns_where_numbers_are_large(recwarn):
    x = np.array([[-1e30, -100, 0, 100, 1e19]], np.float32)
    np.testing.assert_array_equal(twins.gelu(x), [[0, 0, 0, 100, np.float32(1e19)]])
    np.testing.assert_array_equal(twins.softmax(x), [[0, 0, 0, 0, 1]])
    assert not recwarn


def test_the_chapters_own_functions_run_inside_plain():
    bert = minibert.load("tiny")
    assert attention.softmax is twins.softmax and encoder.linear is twins.linear
    assert numerics.ACTIVATIONS["gelu"] is twins.gelu
    fast = bert("The cat saw the dog.")
    with twins.plain():
        assert attention.softmax is numerics.softmax and encoder.linear is numerics.linear
        assert numerics.ACTIVATIONS["gelu"] is numerics.gelu
        plain = bert("The cat saw the dog.")
    assert attention.softmax is twins.softmax and numerics.ACTIVATIONS["gelu"] is twins.gelu
    for ours, theirs in zip(fast.hidden_states, plain.hidden_states, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_numerics_keeps_its_own_functions():
    minibert.load("tiny")
    for function in twins.TWINS:
        assert getattr(numerics, function.__name__) is function and function.__module__ == "minibert.numerics"


def test_two_threads_may_ask_for_plain_at_once():
    bert = minibert.load("tiny")
    failed = []

    def run():
        with twins.plain():
            bert("A cat.")
            failed.extend([1] if attention.softmax is not numerics.softmax else [])

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed and attention.softmax is twins.softmax


@pytest.mark.parametrize(("value", "module"), [("", "minibert.speed.twins"), ("1", "minibert.numerics")])
def test_the_environment_chooses(value, module):
    code = (
        "import json, minibert; from minibert import attention, numerics; bert = minibert.load('tiny'); "
        "print(json.dumps([attention.softmax.__module__, numerics.ACTIVATIONS['gelu'].__module__]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"MINIBERT_PLAIN": value},
    )
    assert json.loads(done.stdout) == [module, module]


@pytest.mark.parametrize("plain", [False, True])
def test_eight_frames_lie_between_the_call_and_the_equation_of_softmax(monkeypatch, plain):
    depth, bert = [], minibert.load("tiny")

    exp = np.exp
    monkeypatch.setattr(np, "exp", lambda *x, **more: depth.append(len(inspect.stack())) or exp(*x, **more))
    here = len(inspect.stack())
    if plain:
        with twins.plain():
            bert("The cat saw the dog.")
    else:
        bert("The cat saw the dog.")
    assert min(depth) - 1 - here <= (7 if plain else 8)

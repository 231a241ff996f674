"""Each function of numerics.py against torch in float64, and where float32 could go wrong."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from torch.nn import functional

from minibert import numerics

ROWS = arrays(np.float32, array_shapes(min_dims=1, max_dims=3), elements=st.floats(-50, 50, width=32))
ACTIVATIONS = {
    "gelu": functional.gelu,
    "gelu_new": lambda x: functional.gelu(x, approximate="tanh"),
    "gelu_pytorch_tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "relu": functional.relu,
    "silu": functional.silu,
}


@pytest.mark.parametrize("shape", [(7,), (5, 7), (numerics.FEW + 1, 7), (2, 5, 7)])
def test_linear_is_torch_linear(shape):
    random = np.random.default_rng(0)
    x, weight, bias = (random.normal(size=size).astype(np.float32) for size in (shape, (3, 7), (3,)))
    theirs = functional.linear(*(torch.from_numpy(array) for array in (x, weight, bias)))
    np.testing.assert_allclose(numerics.linear(x, weight, bias), theirs, atol=1e-5)


@given(ROWS)
def test_softmax_is_torch_softmax_and_rows_sum_to_one(x):
    ours = numerics.softmax(x)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, torch.from_numpy(x).double().softmax(-1), atol=1e-6)
    np.testing.assert_allclose(ours.sum(-1), 1, atol=1e-5)


@pytest.mark.parametrize("name", numerics.ACTIVATIONS)
@pytest.mark.parametrize("shape", [(5, 7), (numerics.FEW + 1, 7), (2, 5, 7), (numerics.FEW, 2048), (300, 2048)])
def test_linear_applies_the_activation_to_every_number_once(name, shape):
    random = np.random.default_rng(0)
    x, weight, bias = (random.normal(size=size).astype(np.float32) for size in (shape, (1500, shape[-1]), (1500,)))
    weight /= np.sqrt(shape[-1])
    theirs = ACTIVATIONS[name](functional.linear(*(torch.from_numpy(array) for array in (x, weight, bias))))
    np.testing.assert_allclose(numerics.linear(x, weight, bias, numerics.ACTIVATIONS[name]), theirs, atol=2e-5)


@pytest.mark.parametrize("shift", [-1e4, -200, -50, 0, 50, 200, 1e4])
def test_softmax_is_right_however_large_or_small_the_numbers_of_a_row_are(shift):
    x = np.random.default_rng(0).normal(size=(3, 40, 50), scale=5).astype(np.float32)
    x[1, 7] += shift  # one row of many
    np.testing.assert_allclose(numerics.softmax(x), torch.from_numpy(x).double().softmax(-1), atol=1e-6)
    x += np.float32(shift)
    np.testing.assert_allclose(numerics.softmax(x), torch.from_numpy(x).double().softmax(-1), atol=1e-6)


def test_softmax_of_what_is_no_number_is_no_number():
    assert np.isnan(numerics.softmax(np.array([[1, np.nan], [1, 2]], np.float32))[0]).all()


def test_softmax_neither_overflows_nor_changes_with_what_is_common_to_a_row():
    x = np.array([[1000, 999, 0]], dtype=np.float32)
    np.testing.assert_allclose(numerics.softmax(x), numerics.softmax(x - 1000), atol=1e-7)


@given(ROWS, st.sampled_from([1e-12, 1e-5, 0.1]))
def test_layer_norm_is_torch_layer_norm(x, eps):
    size = x.shape[-1]
    weight, bias = np.linspace(-1, 2, size, dtype=np.float32), np.linspace(3, 1, size, dtype=np.float32)
    ours = numerics.layer_norm(x, weight, bias, eps)
    # In float32, what is left of a constant row after taking off its mean is rounding; only eps tames it.
    wide = torch.from_numpy(x).double()
    spread = wide.std(-1, unbiased=False, keepdim=True)
    theirs = functional.layer_norm(wide, (size,), *(torch.from_numpy(a).double() for a in (weight, bias)), eps=eps)
    settled = ((spread > 1e-3) | (wide == 0).all(-1, keepdim=True)).expand_as(wide).numpy()
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours[settled], theirs.numpy()[settled], atol=2e-3, rtol=1e-4)


def test_layer_norm_has_eps_inside_the_root_and_the_population_variance():
    x = np.array([[1.0, -1.0]], dtype=np.float32)
    one, zero = np.ones(2, dtype=np.float32), np.zeros(2, dtype=np.float32)
    np.testing.assert_allclose(numerics.layer_norm(x, one, zero, eps=3.0), [[0.5, -0.5]])


@pytest.mark.parametrize("name", numerics.ACTIVATIONS)
def test_activations_are_torch_activations(name):
    x = np.concatenate([np.linspace(-12, 12, 200_001), [-1e4, -100, 100, 1e4, 0]]).astype(np.float32)
    ours = numerics.ACTIVATIONS[name](x)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, ACTIVATIONS[name](torch.from_numpy(x).double()), atol=2e-6, rtol=1e-6)


@pytest.mark.parametrize("view", [np.s_[:, :], np.s_[::2, 1::3], np.s_[::-1], np.s_[:0]])
def test_gelu_does_not_depend_on_how_numbers_lie_in_memory(view):
    x = np.random.default_rng(0).normal(size=(700, 600)).astype(np.float32)
    for lying in (x[view], np.asfortranarray(x)[view]):
        np.testing.assert_allclose(numerics.gelu(lying), numerics.gelu(lying.copy()), atol=1e-6)
        np.testing.assert_allclose(numerics.gelu(lying), functional.gelu(torch.tensor(lying.copy())), atol=2e-6)


def test_gelu_is_within_its_stated_error():
    x = np.linspace(-12, 12, 200_001)
    error = np.abs(numerics.gelu(x) - functional.gelu(torch.from_numpy(x)).numpy())
    assert 5e-8 < error.max() < 7e-8


def test_the_two_gelus_are_not_the_same():
    x = np.linspace(-4, 4, 1001, dtype=np.float32)
    assert 1e-4 < np.abs(numerics.gelu(x) - numerics.gelu_tanh(x)).max() < 1e-3


def test_erf_is_within_its_stated_error():
    x = np.concatenate([np.linspace(-6, 6, 200_001), [-1e30, 1e30]]).astype(np.float32)
    error = np.abs(numerics.erf(x) - torch.erf(torch.from_numpy(x).double()).numpy())
    assert error.max() < 3e-7 + 1e-6  # the approximation's own, and float32's rounding, sixteen times
    wide = np.linspace(-6, 6, 200_001)
    assert np.abs(numerics.erf(wide) - torch.erf(torch.from_numpy(wide)).numpy()).max() < 3e-7


def plain_softmax(x):
    y = np.exp(x - x.max(axis=-1, keepdims=True))
    return y / y.sum(axis=-1, keepdims=True)


def plain_layer_norm(x):
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = np.square(centred).mean(axis=-1, keepdims=True)
    return WEIGHT[: x.shape[-1]] * centred / np.sqrt(variance + 1e-12) + BIAS[: x.shape[-1]]


WEIGHT, BIAS = np.random.default_rng(1).normal(size=(2, numerics.BLOCK + 1))
FAST_AND_PLAIN = {
    "softmax": (numerics.softmax, plain_softmax),
    "layer_norm": (
        lambda x: numerics.layer_norm(x, *(a[: x.shape[-1]] for a in (WEIGHT, BIAS)), 1e-12),
        plain_layer_norm,
    ),
}


@pytest.mark.parametrize(
    "shape",
    [
        (1, 5),
        (7,),
        (2, 3, 1, 5),
        (0, 5),
        (100, 700),
        (2, numerics.BLOCK + 1),
        (4, numerics.BLOCK // 4, 2),
        (3, 9, 8_000),
    ],
)
@pytest.mark.parametrize("name", FAST_AND_PLAIN)
def test_in_blocks_it_is_the_plain_equation(name, shape):
    fast, plain = FAST_AND_PLAIN[name]
    x = np.random.default_rng(0).normal(size=shape, scale=3)
    before = x.copy()
    np.testing.assert_allclose(fast(x), plain(x), atol=1e-9)
    backwards = x[..., ::-1].swapaxes(0, -1)  # a view, not laid out row by row
    if backwards.shape[-1] > 1:
        np.testing.assert_allclose(fast(backwards), plain(backwards), atol=1e-9)
    np.testing.assert_array_equal(x, before)

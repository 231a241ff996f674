"""Each function of numerics.py against torch in float64, and where float32 could go wrong."""

import ast
import inspect
import math
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from torch.nn import functional

from minibert import numerics
from minibert.speed import rows

ROWS = arrays(np.float32, array_shapes(min_dims=1, max_dims=3), elements=st.floats(-50, 50, width=32))
ACTIVATIONS = {
    "gelu": functional.gelu,
    "gelu_new": lambda x: functional.gelu(x, approximate="tanh"),
    "gelu_pytorch_tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "relu": functional.relu,
    "silu": functional.silu,
}


@pytest.mark.parametrize("shape", [(7,), (5, 7), (rows.FEW + 1, 7), (2, 5, 7)])
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
@pytest.mark.parametrize("shape", [(5, 7), (rows.FEW + 1, 7), (2, 5, 7), (rows.FEW, 2048), (300, 2048)])
def test_an_activation_of_linear_is_that_of_every_number(name, shape):
    random = np.random.default_rng(0)
    x, weight, bias = (random.normal(size=size).astype(np.float32) for size in (shape, (1500, shape[-1]), (1500,)))
    weight /= np.sqrt(shape[-1])
    theirs = ACTIVATIONS[name](functional.linear(*(torch.from_numpy(array) for array in (x, weight, bias))))
    np.testing.assert_allclose(numerics.ACTIVATIONS[name](numerics.linear(x, weight, bias)), theirs, atol=2e-5)
    inner = numerics.linear(x, weight, bias)
    result = rows.in_place(numerics.ACTIVATIONS[name], inner)
    np.testing.assert_allclose(result, theirs, atol=2e-5)
    assert (result is inner) == (inner.size > rows.BLOCK // 2)


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


def test_both_gelus_are_within_their_stated_errors():
    wide = np.linspace(-12, 12, 200_001)
    error = np.abs(numerics.fast_gelu(wide) - functional.gelu(torch.from_numpy(wide)).numpy())
    assert 5e-8 < error.max() < 7e-8
    error = np.abs(numerics.gelu(wide) - functional.gelu(torch.from_numpy(wide)).numpy())
    assert error.max() < 5e-7
    x = wide.astype(np.float32)
    np.testing.assert_allclose(numerics.fast_gelu(x), numerics.gelu(x), atol=1e-6)


def test_gelu_by_tanh_is_another_function():
    x = np.linspace(-4, 4, 1001, dtype=np.float32)
    assert 1e-4 < np.abs(numerics.fast_gelu(x) - numerics.gelu_tanh(x)).max() < 1e-3


def test_erf_is_within_its_stated_error():
    x = np.concatenate([np.linspace(-6, 6, 200_001), [-1e30, 1e30]]).astype(np.float32)
    error = np.abs(numerics.erf(x) - torch.erf(torch.from_numpy(x).double()).numpy())
    assert error.max() < 3e-7 + 1e-6  # the approximation's own, and float32's rounding, sixteen times
    wide = np.linspace(-6, 6, 200_001)
    assert np.abs(numerics.erf(wide) - torch.erf(torch.from_numpy(wide)).numpy()).max() < 3e-7


def plain_softmax(x):
    y = np.exp(x - x.max(axis=-1, keepdims=True))
    return y / y.sum(axis=-1, keepdims=True)


def plain_layer_norm(x, weight, bias, eps):
    centred = x - x.mean(axis=-1, keepdims=True)
    return weight * centred / np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + eps) + bias


def plain_gelu(x):
    return x / 2 * (1 + torch.erf(torch.from_numpy(x / math.sqrt(2))).numpy())


def plain_gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def weight_and_bias(x):
    return np.linspace(-1, 2, x.shape[-1]).astype(x.dtype), np.linspace(3, 1, x.shape[-1]).astype(x.dtype)


FAST_AND_PLAIN = {
    "softmax": (numerics.softmax, plain_softmax),
    "layer_norm": (
        lambda x: numerics.layer_norm(x, *weight_and_bias(x), 1e-12),
        lambda x: plain_layer_norm(x, *weight_and_bias(x), 1e-12),
    ),
    "fast_gelu": (numerics.fast_gelu, plain_gelu),
    "gelu_tanh": (numerics.gelu_tanh, plain_gelu_tanh),
    "silu": (numerics.silu, lambda x: x / (1 + np.exp(-x))),
}
LAYOUTS = {
    "row by row": np.ascontiguousarray,
    "column by column": np.asfortranarray,
    "every second": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    "backwards": lambda x: x[::-1],
    "axes exchanged": lambda x: np.ascontiguousarray(x.swapaxes(0, -1)).swapaxes(0, -1),
    "may not be changed": lambda x: np.broadcast_to(x, x.shape),
}
SHAPES = array_shapes(min_dims=1, max_dims=4, max_side=9) | st.sampled_from([(0, 5), (3, 0, 2), (1, 200), (40, 30)])


@pytest.mark.parametrize("name", FAST_AND_PLAIN)
@given(SHAPES, st.sampled_from(list(LAYOUTS)), st.sampled_from([4, 50, rows.BLOCK]), st.integers(0, 2**32 - 1))
def test_what_makes_it_fast_changes_nothing_whatever_the_layout_and_shape(name, shape, layout, block, seed):
    fast, plain = FAST_AND_PLAIN[name]
    x = LAYOUTS[layout](np.random.default_rng(seed).normal(size=shape, scale=3))
    before = x.copy()
    with mock.patch.object(rows, "BLOCK", block):
        ours = fast(x)
    theirs = plain(before) if x.size else before
    assert ours.shape == x.shape and ours.dtype == x.dtype
    np.testing.assert_allclose(ours, theirs, atol=1e-7 if name == "fast_gelu" else 1e-9)
    np.testing.assert_array_equal(x, before)
    assert not np.shares_memory(ours, x)
    rounded = x.astype(np.float32)  # of a row of nearly equal numbers, rounding alone changes the layer norm
    with mock.patch.object(rows, "BLOCK", block):
        ours = fast(rounded)
    theirs = plain(rounded.astype(np.float64)) if x.size else before
    np.testing.assert_allclose(ours, theirs, atol=2e-6, rtol=2e-6)


@pytest.mark.parametrize("shape", [(2, rows.BLOCK + 1), (4, rows.BLOCK // 4, 2), (3, 9, 8_000)])
@pytest.mark.parametrize("name", FAST_AND_PLAIN)
def test_in_blocks_of_the_true_size_it_is_the_plain_equation(name, shape):
    fast, plain = FAST_AND_PLAIN[name]
    x = np.random.default_rng(0).normal(size=shape, scale=3)
    np.testing.assert_allclose(fast(x), plain(x), atol=1e-7 if name == "fast_gelu" else 1e-9)


def test_a_block_is_worked_on_at_a_time():
    seen = []
    equation = rows.in_blocks(lambda x: seen.append(x.shape) or x + 1)
    x = np.zeros((10, 4))
    with mock.patch.object(rows, "BLOCK", 12):
        np.testing.assert_array_equal(equation(x), x + 1)
    assert seen == [(3, 4), (3, 4), (3, 4), (1, 4)]


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("block", [2, 14, 40, 1000])
def test_in_place_is_the_equation_of_every_number(order, block):
    x = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
    seen = []
    with mock.patch.object(rows, "BLOCK", block):
        ours = rows.in_place(lambda part: seen.append(part.size) or 2 * part + 1, x.copy(order))
    np.testing.assert_array_equal(ours, 2 * x + 1)
    assert max(seen) <= max(block // 2, x.shape[order == "C"]) or block == 1000


def test_the_first_result_of_a_block_is_written_where_it_belongs_and_later_ones_are_not():
    @rows.in_blocks
    def equation(x):
        first, second = np.exp(x), x - 1
        assert not np.shares_memory(first, second)
        return second + first * (x > 0) - x.max(axis=-1, keepdims=True)

    x = np.random.default_rng(0).normal(size=(10, 4))
    with mock.patch.object(rows, "BLOCK", 12):
        ours = equation(x)
    np.testing.assert_allclose(ours, x - 1 + np.exp(x) * (x > 0) - x.max(axis=-1, keepdims=True))


@pytest.mark.parametrize("size", [384, 768, 1000])
@pytest.mark.parametrize("value", [1, 0.1, -3.3, 1e4, 1e-4, 123.456])
def test_layer_norm_of_a_constant_row_is_the_bias(size, value):
    x = np.full((9, size), value, np.float32)
    for some in (x[:1], x[:2], x, np.asfortranarray(x)):
        ours = numerics.layer_norm(some, np.full(size, 2, np.float32), np.full(size, 0.5, np.float32), 1e-12)
        np.testing.assert_allclose(ours, 0.5, atol=1e-3)


def test_layer_norm_keeps_its_digits_where_the_mean_is_large():
    x = np.random.default_rng(0).normal(size=(50, 768), loc=1000).astype(np.float32)
    one, zero = np.ones(768, np.float32), np.zeros(768, np.float32)
    np.testing.assert_allclose(
        numerics.layer_norm(x, one, zero, 1e-12), plain_layer_norm(x.astype(float), one, zero, 1e-12), atol=2e-6
    )


@pytest.mark.parametrize("largest", [-1000, -60, -46, -41, -39, -20, 0, 39, 41, 88, 1000])
def test_softmax_keeps_small_attentions_wherever_a_row_lies(largest):
    x = np.stack([np.linspace(largest - 60, largest, 50), np.zeros(50)]).astype(np.float32)
    exact = plain_softmax(x.astype(float))
    np.testing.assert_allclose(numerics.softmax(x)[0], exact[0], rtol=2e-5)


def test_nothing_warns_where_numbers_are_large(recwarn):
    x = np.array([[-1e30, -100, 0, 100, 1e19]], np.float32)
    for name, activation in numerics.ACTIVATIONS.items():
        if name in ("gelu", "relu", "silu"):
            np.testing.assert_array_equal(activation(x), [[0, 0, 0, 100, np.float32(1e19)]])
    np.testing.assert_array_equal(numerics.softmax(x), [[0, 0, 0, 0, 1]])
    np.testing.assert_array_equal(numerics.erf(x), [[-1, -1, 0, 1, 1]])
    assert not recwarn


def test_chapter_one_is_its_equations():
    source = ast.parse(inspect.getsource(numerics))
    functions = [node for node in source.body if isinstance(node, ast.FunctionDef)]
    assert {"linear", "softmax", "layer_norm", "gelu"} <= {function.name for function in functions}
    for function in functions:
        statements = function.body[1:]  # after the docstring
        assert len(statements) <= 4, function.name
        assert all(isinstance(s, ast.Assign | ast.AugAssign | ast.Return) for s in statements), function.name
        assert "out=" not in ast.unparse(function), function.name
    at_import = [
        node for node in source.body if isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant)
    ]
    assert not at_import

"""Each function of numerics.py against torch in float64, and where float32 could go wrong."""

import ast
import inspect

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


@pytest.mark.parametrize("shape", [(7,), (5, 7), (129, 7), (2, 5, 7)])
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


def test_gelu_is_within_its_stated_error():
    wide = np.linspace(-12, 12, 200_001)
    error = np.abs(numerics.gelu(wide) - functional.gelu(torch.from_numpy(wide)).numpy())
    assert error.max() < 5e-7


def test_gelu_by_tanh_is_another_function():
    x = np.linspace(-4, 4, 1001, dtype=np.float32)
    assert 1e-4 < np.abs(numerics.gelu(x) - numerics.gelu_tanh(x)).max() < 1e-3


def test_erf_is_within_its_stated_error():
    x = np.concatenate([np.linspace(-6, 6, 200_001), [-1e30, 1e30]]).astype(np.float32)
    error = np.abs(numerics.erf(x) - torch.erf(torch.from_numpy(x).double()).numpy())
    assert error.max() < 3e-7 + 1e-6  # the approximation's own, and float32's rounding, sixteen times
    wide = np.linspace(-6, 6, 200_001)
    assert np.abs(numerics.erf(wide) - torch.erf(torch.from_numpy(wide)).numpy()).max() < 3e-7


def rounding_of_layer_norm(x, weight, eps):
    """How far float32 may be off: a sum of n numbers is off by at most n / 2 units, and what this leaves of the mean is
    magnified as the row itself is."""
    spread = np.sqrt(x.astype(float).var(axis=-1, keepdims=True) + eps)
    unit = np.finfo(np.float32).eps * np.abs(x).max(axis=-1, keepdims=True)
    return np.abs(weight).max() * x.shape[-1] / 2 * unit / spread + 1e-6


@pytest.mark.parametrize("size", [384, 768, 1000])
@pytest.mark.parametrize("value", [0, 1, 0.1, -3.3, 1e4, 1e-4, 123.456])
def test_layer_norm_of_a_constant_row_is_the_bias_but_for_rounding(size, value):
    x, weight = np.full((9, size), value, np.float32), np.full(size, 2, np.float32)
    bias = np.full(size, 0.5, np.float32)
    for some in (x[:1], x[:2], x, np.asfortranarray(x)):
        ours = numerics.layer_norm(some, weight, bias, 1e-5)
        assert (np.abs(ours - 0.5) <= rounding_of_layer_norm(some, weight, 1e-5)).all()
    wide = numerics.layer_norm(x[:2].astype(float), weight, bias, 1e-5)
    np.testing.assert_allclose(wide, 0.5, atol=1e-8)


@pytest.mark.parametrize("mean", [0, 10, 1000])
def test_layer_norm_is_as_exact_as_float32_allows_where_the_mean_is_large(mean):
    x = np.random.default_rng(0).normal(size=(50, 768), loc=mean).astype(np.float32)
    one, zero = np.ones(768, np.float32), np.zeros(768, np.float32)
    exact = functional.layer_norm(torch.from_numpy(x).double(), (768,), eps=1e-12).numpy()
    ours = numerics.layer_norm(x, one, zero, 1e-12)
    assert (np.abs(ours - exact) <= rounding_of_layer_norm(x, one, 1e-12)).all()


@pytest.mark.parametrize("largest", [-1000, -60, -46, -41, -39, -20, 0, 39, 41, 88, 1000])
def test_softmax_keeps_small_attentions_wherever_a_row_lies(largest):
    x = np.stack([np.linspace(largest - 60, largest, 50), np.zeros(50)]).astype(np.float32)
    exact = torch.from_numpy(x).double().softmax(-1)
    np.testing.assert_allclose(numerics.softmax(x)[0], exact[0], rtol=2e-5)


def test_nothing_warns_where_numbers_are_large(recwarn):
    x = np.array([[-1e30, -100, 0, 100, 1e19]], np.float32)
    for name, activation in numerics.ACTIVATIONS.items():
        if name in ("gelu", "relu", "silu"):
            np.testing.assert_allclose(activation(x), [[0, 0, 0, 100, np.float32(1e19)]], atol=1e-30)
    np.testing.assert_array_equal(numerics.softmax(x), [[0, 0, 0, 0, 1]])
    np.testing.assert_array_equal(numerics.erf(x), [[-1, -1, 0, 1, 1]])
    assert not recwarn


def test_chapter_one_is_its_equations():
    """Few statements, no decorator, no work in place, nothing at import: the body is what the docstring says."""
    source = ast.parse(inspect.getsource(numerics))
    functions = {node.name: node for node in source.body if isinstance(node, ast.FunctionDef)}
    most = {"linear": 1, "softmax": 2, "layer_norm": 3, "gelu": 1, "erf": 4, "gelu_tanh": 1, "relu": 1, "silu": 2}
    assert functions.keys() == most.keys()
    for name, function in functions.items():
        statements = function.body[1:]  # after the docstring
        assert len(statements) == most[name], name
        assert all(isinstance(s, ast.Assign | ast.Return) for s in statements), name
        assert not function.decorator_list and "out=" not in ast.unparse(function), name
    imports = [ast.unparse(node) for node in source.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert imports == ["import math", "import numpy as np"]
    assert not [n for n in source.body if isinstance(n, ast.Expr) and not isinstance(n.value, ast.Constant)]

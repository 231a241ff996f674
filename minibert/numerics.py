"""The arithmetic of BERT: linear, softmax, gelu, layer_norm. Each is its equation.

Every function takes and returns float32 arrays and works along the last axis; `x` may have any axes before it.
"""

import math
from collections.abc import Callable, Iterator

import numpy as np

Array = np.ndarray

FEW = 128
"""Tokens, up to which `linear` turns its product round."""

BLOCK = 131_072
"""Numbers worked on at a time: 512 kB of float32 and as much again for the result stay in a core's own cache, and are
so many that Python's threads, of which only one is in the interpreter at a time, seldom wait for each other."""

# 32 MB, made and dropped at once and never touched. Having seen so much come and go, the C library of Linux (glibc)
# keeps up to 64 MB of what is freed for the arrays to come, instead of asking the system for fresh pages every layer.
np.empty(2**25 - 2**13, np.uint8)


def linear(x: Array, weight: Array, bias: Array, activation: Callable[[Array], Array] | None = None) -> Array:
    """y = activation(x weight^T + bias)

    x [..., in], weight [out, in] (a row an output, as checkpoints store it), bias [out] -> [..., out].

    Of few tokens the product is taken as (weight x^T)^T: the same, and up to twice as fast, since BLAS likes the long
    side first. In memory such a y lies number by number, each for all tokens, and not token by token. The activation
    takes the place of y block by block.
    """
    few = x.ndim == 2 and len(x) <= FEW
    y = (weight @ x.T).T if few else x @ weight.T
    y += bias
    if activation:
        in_memory = y.T if few else y
        for rows in blocks(in_memory):
            in_memory[rows] = activation(in_memory[rows])
    return y


def softmax(x: Array) -> Array:
    """softmax(x)_j = exp(x_j) / sum_k exp(x_k)

    What is taken off all x of a row cancels in the fraction. Where exp would overflow, or all but vanish, the largest x
    of each row is taken off first: the sums show it, and to look at them costs less than to look for the largest.
    """
    ones = np.ones(x.shape[-1], x.dtype)

    def rows(x: Array, y: Array) -> None:
        np.exp(x, out=y)
        total = y @ ones  # by BLAS
        if not 1e-20 < total.min() <= total.max() < 1e20:
            np.exp(x - x.max(axis=-1, keepdims=True), out=y)
            total = y @ ones
        y *= (1 / total)[:, None]

    with np.errstate(over="ignore"):  # infinity is a sum above 1e20
        return by_rows(rows, x)


def layer_norm(x: Array, weight: Array, bias: Array, eps: float) -> Array:
    """y = weight (x - mean) / sqrt(variance + eps) + bias

    Mean and variance are those of one token's own numbers. The variance is the population's (divided by n, not n - 1),
    and eps stands inside the root, where it keeps a constant row from dividing by zero.
    x [..., D], weight [D], bias [D] -> [..., D].
    """
    equal_parts = np.full(x.shape[-1], 1 / x.shape[-1], x.dtype)  # x @ equal_parts is the mean of x, by BLAS

    def rows(x: Array, y: Array) -> None:
        np.subtract(x, (x @ equal_parts)[:, None], out=y)
        variance = np.square(y) @ equal_parts
        y *= (1 / np.sqrt(variance + eps))[:, None]
        y *= weight
        y += bias

    return by_rows(rows, x)


@np.errstate(over="ignore")  # x / infinity is 0, as it should be
def gelu(x: Array) -> Array:
    """gelu(x) = x Phi(x) = x/2 (1 + erf(x / sqrt(2))) ~ x / (1 + 2^(x q(x^2)))

    Phi is the normal distribution's: x is kept in proportion to how likely a standard normal number is smaller
    (Hendrycks & Gimpel 2016). NumPy does not have it. Phi runs from 0 to 1 much as the logistic 1 / (1 + e^(-1.6 x))
    does, and with a polynomial in place of the 1.6 the two differ by less than float32 can tell. 2^ takes half the time
    of e^.
    """
    square = x * x
    y = np.multiply(square, PHI[0], dtype=x.dtype)
    for c in PHI[1:-1]:
        y += c
        y *= square
    y += PHI[-1]
    y *= x
    np.exp2(y, out=y)
    y += 1
    return np.divide(x, y, out=y)


PHI = (-5.20990658e-09, 3.85044907e-07, -1.14524286e-05, 0.000159389405, 9.55929434e-05, -0.104838581, -2.3022072)
"""The coefficients of q, that of x^12 first: those seven with which the largest error of gelu, before rounding, is
smallest (7e-8)."""

ERF = (1, 0.0705230784, 0.0422820123, 0.0092705272, 0.0001520143, 0.0002765672, 0.0000430638)


def erf(x: Array) -> Array:
    """erf(x) ~ sign(x) (1 - 1 / (1 + a1 |x| + ... + a6 |x|^6)^16)

    Abramowitz & Stegun, Handbook of Mathematical Functions (1964), 7.1.28; absolute error at most 3e-7. NumPy has none;
    this one is for GELU as it is defined: exercise 3, and the tests.
    """
    size, polynomial = np.abs(x), 0
    with np.errstate(over="ignore"):  # 1 / infinity is 0, as it should be
        for a in reversed(ERF):
            polynomial = polynomial * size + a
        return np.copysign(1 - 1 / polynomial**16, x)


def gelu_tanh(x: Array) -> Array:
    """gelu(x) ~ x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))

    The approximation some checkpoints were trained with; up to 5e-4 away from the one above, so never in its place.
    """
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))


def relu(x: Array) -> Array:
    """relu(x) = max(x, 0)"""
    return np.maximum(x, 0)


def silu(x: Array) -> Array:
    """silu(x) = x / (1 + exp(-x)) = x/2 (1 + tanh(x/2))

    The second form cannot overflow.
    """
    return 0.5 * x * (1 + np.tanh(0.5 * x))


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "gelu": gelu,
    "gelu_new": gelu_tanh,
    "gelu_pytorch_tanh": gelu_tanh,
    "relu": relu,
    "silu": silu,
}
"""What a config may call `hidden_act`."""


def by_rows(work: Callable[[Array, Array], None], x: Array) -> Array:
    """A new y of the shape of x, filled in by work(rows of x, rows of y).

    A few rows at a time: a block is worked on several times while it is in the cache, instead of the whole array while
    it is in memory.
    """
    y = np.empty_like(x) if x.ndim == 2 else np.empty(x.shape, x.dtype)
    x_rows, y_rows = x.reshape(-1, x.shape[-1]), y.reshape(-1, x.shape[-1])
    for rows in blocks(x_rows):
        work(x_rows[rows], y_rows[rows])
    return y


def blocks(x: Array) -> Iterator[slice]:
    """The rows of x in blocks of about BLOCK numbers."""
    step = max(1, BLOCK * len(x) // max(1, x.size))
    return (slice(start, start + step) for start in range(0, len(x), step))

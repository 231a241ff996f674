"""The arithmetic of BERT: linear, softmax, gelu, layer_norm. Each is its equation.

Every function takes and returns float32 arrays and works along the last axis; `x` may have any axes before it.
"""

import math
from collections.abc import Callable

import numpy as np

from minibert.cores import at_once, cores, parts_of

Array = np.ndarray

FEW = 128
"""Tokens, up to which `linear` turns its product round."""

BLOCK = 131_072
"""Numbers worked on at a time: 512 kB of float32 and as much again for the result stay in a core's own cache, and are
so many that Python's threads, of which only one is in the interpreter at a time, seldom wait for each other."""

SHARED = 200_000
"""Numbers from which on the cores share the work: it then takes longer than to wake them."""


def linear(x: Array, weight: Array, bias: Array) -> Array:
    """y = x weight^T + bias

    x [..., in], weight [out, in] (a row an output, as checkpoints store it), bias [out] -> [..., out].

    Of few tokens the product is taken as (weight x^T)^T: the same, and up to twice as fast, since BLAS likes the long
    side first. In memory such a y lies number by number, each for all tokens, and not token by token.
    """
    y = (weight @ x.T).T if x.ndim == 2 and len(x) <= FEW else x @ weight.T
    y += bias
    return y


def softmax(x: Array) -> Array:
    """softmax(x)_j = exp(x_j) / sum_k exp(x_k)

    The largest x of a row is taken off first: it cancels in the fraction, and exp can no longer overflow.
    """

    def rows(x: Array, y: Array) -> None:
        np.subtract(x, x.max(axis=-1, keepdims=True), out=y)
        np.exp(y, out=y)
        y /= y.sum(axis=-1, keepdims=True)

    return by_rows(rows, x)


def layer_norm(x: Array, weight: Array, bias: Array, eps: float) -> Array:
    """y = weight (x - mean) / sqrt(variance + eps) + bias

    Mean and variance are those of one token's own numbers. The variance is the population's (divided by n, not n - 1),
    and eps stands inside the root, where it keeps a constant row from dividing by zero.
    x [..., D], weight [D], bias [D] -> [..., D].
    """

    def rows(x: Array, y: Array) -> None:
        np.subtract(x, x.mean(axis=-1, keepdims=True), out=y)
        variance = np.vecdot(y, y)[:, None] / x.shape[-1]
        y /= np.sqrt(variance + eps)
        y *= weight
        y += bias

    return by_rows(rows, x)


def gelu(x: Array) -> Array:
    """gelu(x) = x Phi(x) = x/2 (1 + erf(x / sqrt(2)))

    Phi is the normal distribution's: x is kept in proportion to how likely a standard normal number is smaller
    (Hendrycks & Gimpel 2016). NumPy has no erf; the one below is used, which is odd, so that with z = |x| / sqrt(2)

        gelu(x) = (x + |x| erf(z)) / 2 = (x + |x| - |x| / (1 + a1 z + ... + a6 z^6)^16) / 2
    """
    coefficients = [np.float32(a / math.sqrt(2) ** power) for power, a in enumerate(ERF)]
    half = np.float32(0.5)

    @np.errstate(over="ignore")  # |x| / infinity is 0, as it should be
    def numbers(x: Array, y: Array) -> None:
        size = np.abs(x)
        np.multiply(size, coefficients[6], out=y)
        for a in coefficients[5:0:-1]:
            y += a
            y *= size
        y += coefficients[0]
        for _ in range(4):
            np.square(y, out=y)
        np.divide(size, y, out=y)
        size -= y
        np.add(x, size, out=y)
        y *= half

    return one_by_one(numbers, x)


ERF = (1, 0.0705230784, 0.0422820123, 0.0092705272, 0.0001520143, 0.0002765672, 0.0000430638)


def erf(x: Array) -> Array:
    """erf(x) ~ sign(x) (1 - 1 / (1 + a1 |x| + ... + a6 |x|^6)^16)

    Abramowitz & Stegun, Handbook of Mathematical Functions (1964), 7.1.28; absolute error at most 3e-7.
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
    y = np.empty(x.shape, x.dtype)
    x_rows, y_rows = x.reshape(-1, x.shape[-1]), y.reshape(-1, x.shape[-1])
    in_blocks(work, x_rows, y_rows, max(1, BLOCK // x.shape[-1]))
    return y


def one_by_one(work: Callable[[Array, Array], None], x: Array) -> Array:
    """A new y of the shape of x, filled in by work(numbers of x, numbers of y), in the order they have in memory."""
    y = np.empty_like(x)  # in the same order, if x is without gaps
    in_memory = [array.ravel(order="K") for array in (x, y)]
    in_blocks(work, *in_memory, BLOCK)
    return y


def in_blocks(work: Callable[[Array, Array], None], x: Array, y: Array, step: int) -> None:
    """work(block of x, block of y), blocks of `step` along the first axis; of a large array, each core takes a part."""

    def some(part: slice) -> None:
        for start in range(part.start, part.stop, step):
            block = slice(start, min(start + step, part.stop))
            work(x[block], y[block])

    at_once(some, parts_of(len(x), cores() if x.size > SHARED else 1))

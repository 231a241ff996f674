"""What makes the equations of `numerics` fast. It holds no equation that they have not.

    in_blocks    a decorator: the equation is worked on some rows at a time, which stay in the processor's cache
    elementwise  the same for an equation that treats each number by itself
    product      x weight^T, by whichever of its two forms BLAS is faster at
    total, mean, mean_square   of each row, by BLAS
    polynomial   by Horner's rule, in one array

Results differ from those of plain NumPy by rounding only.
"""

from collections.abc import Callable, Sequence
from functools import cache, wraps

import numpy as np

Array = np.ndarray

calm = np.errstate(all="ignore")
"""A decorator: what a caller has set for NumPy's errors is for the caller's arithmetic. Here 2^-1000 is simply 0."""

FEW = 128
"""Up to so many tokens, `product` is taken the other way round."""

BLOCK = 131_072
"""Numbers in a block: 512 kB of float32. A few such arrays fit into a core's own cache, and while one core works on so
many, another core's thread seldom has to wait for Python, which runs one thread at a time. Equations that treat each
number by itself hold more arrays at once, and take half."""


def in_blocks(equation: Callable[..., Array]) -> Callable[..., Array]:
    """A decorator: `equation(x, ...)` of all rows of x, computed some rows at a time.

    The equation must treat each row of x (its last axis) by itself, and give a result of the same shape.
    """

    @calm
    @wraps(equation)
    def over_blocks(x: Array, *parameters: object, **named: object) -> Array:
        return by_blocks(lambda rows: equation(rows, *parameters, **named), x, BLOCK)

    return over_blocks


def elementwise(equation: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """`in_blocks` for an equation that treats each number of x by itself: its blocks need not hold whole tokens."""

    @calm
    @wraps(equation)
    def over_blocks(x: Array) -> Array:
        turned = x.ndim == 2 and x.flags.f_contiguous  # as `product` leaves it: its columns lie in memory in one piece
        return by_blocks(equation, x.T, BLOCK // 2).T if turned else by_blocks(equation, x, BLOCK // 2)

    return over_blocks


def by_blocks(equation: Callable[[Array], Array], x: Array, size: int) -> Array:
    """equation(x), of as many rows at a time as have about `size` numbers."""
    if not x.size:
        return np.empty(x.shape, x.dtype)
    if x.size <= size:
        return equation(x)
    y = np.empty_like(x) if x.ndim == 2 else np.empty(x.shape, x.dtype)
    x_rows, y_rows = x.reshape(-1, x.shape[-1]), y.reshape(-1, x.shape[-1])
    step = max(1, size * len(x_rows) // x.size)
    for start in range(0, len(x_rows), step):
        y_rows[start : start + step] = equation(x_rows[start : start + step])
    return y


def product(x: Array, weight: Array) -> Array:
    """x weight^T. x [..., in], weight [out, in] -> a new array [..., out].

    For few tokens it is (weight x^T)^T, up to twice as fast, since BLAS prefers the long side first. In memory such a
    result lies output by output, each for all tokens, instead of token by token.
    """
    return (weight @ x.T).T if x.ndim == 2 and len(x) <= FEW else x @ weight.T


def total(x: Array) -> Array:
    """The sum of each row: [..., D] -> [..., 1]."""
    return (x @ np.ones(x.shape[-1], x.dtype))[..., None]


def mean(x: Array) -> Array:
    """The mean of each row: [..., D] -> [..., 1]."""
    return total(x) / x.shape[-1]


def mean_square(x: Array) -> Array:
    """The mean of the squares of each row: [..., D] -> [..., 1]."""
    return np.vecdot(x, x)[..., None] / x.shape[-1] if x.flags.c_contiguous else mean(x * x)


def in_range(sums: Array) -> bool:
    """Whether no sum of exponentials is so large, or so small, that its parts have lost digits. NaN is let through."""
    return not (sums.min() < 1e-4 or sums.max() > 1e30)


def polynomial(coefficients: Sequence[float], x: Array) -> Array:
    """c_0 + c_1 x + c_2 x^2 + ... = c_0 + x (c_1 + x (c_2 + ...)), of two coefficients or more."""
    y = coefficients[-1] * x
    for c in coefficients[-2:0:-1]:
        y += c
        y *= x
    y += coefficients[0]
    return y


@cache
def keep_freed_memory() -> None:
    """Let the C library keep freed memory for the arrays to come, instead of asking the system for it every layer.

    glibc (Linux) keeps up to 64 MB once it has seen 32 MB come and go: here they are asked for, and given back at once
    without having been touched. Elsewhere nothing is gained, and nothing lost.
    """
    np.empty(2**25 - 2**13, np.uint8)

"""What makes the equations of `numerics` fast. It holds no equation that they have not.

    in_blocks    a decorator: the equation is worked out some rows at a time, which stay in the processor's cache
    in_place     the same for an activation, which treats each number by itself: its result takes the place of x
    product      x weight^T, by whichever of its two forms BLAS is faster at
    total, centred, mean_square   of each row, by BLAS
    polynomial   by Horner's rule, in one array

Results differ from those of plain NumPy by rounding only.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache, wraps

import numpy as np

Array = np.ndarray

calm = np.errstate(all="ignore")
"""A decorator: whatever the caller has set by np.seterr, nothing warns inside. 2^-1000 is simply 0."""

FEW = 128
"""Up to so many tokens, `product` is taken the other way round."""

BLOCK = 131_072
"""Numbers in a block: 512 kB of float32. A few such arrays fit into a core's own cache, and while one core works on so
many, another core's thread seldom has to wait for Python, which runs one thread at a time. `in_place` takes half: the
equations it is for hold more arrays at once."""


def in_blocks(equation: Callable[..., Array]) -> Callable[..., Array]:
    """A decorator: `equation(x, ...)` of all rows of x, computed some rows at a time.

    The equation must treat each row of x (its last axis) by itself, and give a result of the same shape.
    """

    @calm
    @wraps(equation)
    def over_blocks(x: Array, *parameters: object, **named: object) -> Array:
        if not x.size:
            return np.empty(x.shape, x.dtype)
        if x.size <= BLOCK:
            return equation(x, *parameters, **named)
        y = np.empty_like(x) if x.ndim == 2 else np.empty(x.shape, x.dtype)
        x_rows, y_rows = x.reshape(-1, x.shape[-1]), y.reshape(-1, x.shape[-1])
        for block in blocks(x_rows, BLOCK):
            rows = x_rows[block].view(Rows)
            rows.place = place = y_rows[block]
            result = equation(rows, *parameters, **named)
            if result is not place:
                place[...] = result
        return y

    return over_blocks


class Rows(np.ndarray):
    """Some rows of x. What is first computed of them is written to the place of their result.

    So it is in the cache for the steps that follow, and where these work on it in place, nothing need be copied.
    """

    place: Array | None = None

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: object, **named: object) -> object:
        plain = [x.view(np.ndarray) if isinstance(x, Rows) else x for x in inputs]
        if method == "__call__" and ufunc in FIRST and self.place is not None:
            named["out"], self.place = self.place, None
        return getattr(ufunc, method)(*plain, **named)


FIRST = (np.exp, np.subtract)
"""What equations begin with, and what gives a number for each number of the rows."""


def in_place(equation: Callable[[Array], Array], x: Array) -> Array:
    """equation(x), which treats each number by itself, of an x that is not needed any more: a large result takes its
    place in memory, some of it at a time."""
    if x.size <= BLOCK // 2:
        return equation(x)
    x_rows = x.T if x.flags.f_contiguous else x  # as `product` leaves it: its columns lie in memory in one piece
    for block in blocks(x_rows, BLOCK // 2):
        x_rows[block] = equation(x_rows[block])
    return x


def blocks(x: Array, size: int) -> Iterator[slice]:
    """The rows of x in blocks of about so many numbers."""
    step = max(1, size * len(x) // x.size)
    return (slice(start, start + step) for start in range(0, len(x), step))


def product(x: Array, weight: Array) -> Array:
    """x weight^T. x [..., in], weight [out, in] -> a new array [..., out].

    For few tokens it is (weight x^T)^T, up to twice as fast, since BLAS prefers the long side first. In memory such a
    result lies output by output, each for all tokens, instead of token by token.
    """
    return (weight @ x.T).T if x.ndim == 2 and len(x) <= FEW else x @ weight.T


def total(x: Array) -> Array:
    """The sum of each row: [..., D] -> [..., 1]."""
    return (x @ np.ones(x.shape[-1], x.dtype))[..., None]


def centred(x: Array) -> Array:
    """Each row less its mean: [..., D] -> [..., D].

    Rounding leaves a tiny rest of the mean, which is taken off as well: in a constant row there is nothing else, and
    `layer_norm` would magnify it.
    """
    y = x - total(x) / x.shape[-1]
    y -= total(y) / x.shape[-1]
    return y


def mean_square(x: Array) -> Array:
    """The mean of the squares of each row: [..., D] -> [..., 1]."""
    return (np.vecdot(x, x)[..., None] if x.flags.c_contiguous else total(x * x)) / x.shape[-1]


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
    with suppress(MemoryError):
        np.empty(2**25 - 2**13, np.uint8)

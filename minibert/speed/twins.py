"""Four functions of the chapters have faster versions, called twins. After `load`, the chapters call the twins.

A twin has the name and the arguments of the chapter's function. Up to rounding, it has the same results. A large array
is computed in blocks, each small enough for a core's cache.
MINIBERT_PLAIN=1 in the environment, or `with plain():`, runs the chapters' own functions. tests/benchmarks/README.md
has times of the whole forward pass.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock

import numpy as np

import minibert.attention as attention
import minibert.embeddings as embeddings
import minibert.encoder as encoder
import minibert.heads as heads
import minibert.numerics as numerics

Array = np.ndarray

FEW = 128
"""Up to this many tokens, BLAS is faster at (weight x^T)^T than at x weight^T."""

BLOCK = 262_144
"""A block has this many numbers: 1 MB of float32. If each thread runs a sentence, smaller blocks would make the threads
wait for each other more often. Between two NumPy calls, only one thread at a time runs Python."""


def linear(x: Array, weight: Array, bias: Array) -> Array:
    """Compute `numerics.linear` without a second array for the sum, and for few tokens as (weight x^T)^T.

    For few tokens, the result is in column order in memory (Fortran order).
    """
    y = (weight @ x.T).T if x.ndim == 2 and len(x) <= FEW else x @ weight.T
    y += bias
    return y


def softmax(x: Array) -> Array:
    """Compute `numerics.softmax` for some rows at a time, in the memory of the result."""
    y = np.empty(x.shape, x.dtype)
    x_rows, y_rows = x.reshape(-1, x.shape[-1]), y.reshape(-1, x.shape[-1])
    for rows in blocks(x_rows):
        softmax_block(x_rows[rows], y_rows[rows])
    return y


def softmax_block(x: Array, y: Array) -> None:
    """Write softmax(x) into y. If any row would overflow or lose digits, the largest x of each row is subtracted."""
    ones = np.ones(x.shape[-1], x.dtype)
    with np.errstate(all="ignore"):
        sums = np.exp(x, out=y) @ ones  # BLAS adds faster than np.sum
        if not (sums.min() > 1e-4 and sums.max() < 1e30):
            np.subtract(x, x.max(axis=-1, keepdims=True), out=y)
            sums = np.exp(y, out=y) @ ones
        y *= (1 / sums)[:, None]


def layer_norm(x: Array, weight: Array, bias: Array, eps: float) -> Array:
    """Compute `numerics.layer_norm` for some rows at a time, in the memory of the result."""
    y = np.empty_like(x) if x.ndim == 2 else np.empty(x.shape, x.dtype)
    x_rows, y_rows = x.reshape(-1, x.shape[-1]), y.reshape(-1, x.shape[-1])
    for rows in blocks(x_rows):
        layer_norm_block(x_rows[rows], y_rows[rows], weight, bias, eps)
    return y


def layer_norm_block(x: Array, y: Array, weight: Array, bias: Array, eps: float) -> None:
    size = x.shape[-1]
    ones = np.ones(size, x.dtype)
    with np.errstate(all="ignore"):
        np.subtract(x, (x @ ones / size)[:, None], out=y)
        variance = np.square(y) @ ones / size
        y *= (1 / np.sqrt(variance + eps))[:, None]
        y *= weight
        y += bias


def gelu(x: Array) -> Array:
    """Approximate `numerics.gelu` in another way: it is off by at most 7e-8 in exact arithmetic and 6e-7 in float32.

        gelu(x) ~ x / (1 + 2^(x q(x^2)))

    Phi(x) is nearly 1 / (1 + e^(-1.6 x)). Here 2 replaces e, and a polynomial q with seven coefficients replaces -1.6.
    The coefficients are fitted so that the largest error of gelu is small. 2^ takes half the time of e^.
    """
    x = x if x.flags.f_contiguous else np.asarray(x, order="C")  # `linear` returns Fortran order for few tokens
    y = np.empty_like(x)
    x_flat, y_flat = x.ravel(order="K"), y.ravel(order="K")  # "K": views, in the order of memory
    for some in blocks(x_flat):
        gelu_block(x_flat[some], y_flat[some])
    return y


def gelu_block(x: Array, y: Array) -> None:
    q = (-2.3022072, -0.104838581, 9.55929434e-05, 0.000159389405, -1.14524286e-05, 3.85044907e-07, -5.20990658e-09)
    with np.errstate(all="ignore"):  # x / infinity is 0
        squares = x * x
        np.multiply(squares, q[-1], out=y)
        for coefficient in q[-2:0:-1]:
            y += coefficient
            y *= squares
        y += q[0]
        y *= x
        np.exp2(y, out=y)
        y += 1
        np.divide(x, y, out=y)


def blocks(x: Array) -> Iterator[slice]:
    """Return the rows of x in blocks of about BLOCK numbers."""
    step = max(1, BLOCK * len(x) // max(1, x.size))
    return (slice(start, start + step) for start in range(0, len(x), step))


TWINS: dict[Callable, Callable] = {
    numerics.linear: linear,
    numerics.softmax: softmax,
    numerics.layer_norm: layer_norm,
    numerics.gelu: gelu,
}

CHAPTERS = (embeddings, attention, encoder, heads)
"""The twins replace functions in these modules and in the table ACTIVATIONS. `numerics` keeps its own functions."""

lock = RLock()


def stand_in() -> None:
    """From now on, the chapters call the twins, unless MINIBERT_PLAIN is set."""
    if not os.environ.get("MINIBERT_PLAIN"):
        exchange(TWINS)


@contextmanager
def plain() -> Iterator[None]:
    """While the `with` block runs, the chapters call their own functions, for other threads too."""
    with lock:
        exchange({twin: own for own, twin in TWINS.items()})
        try:
            yield
        finally:
            stand_in()


def exchange(others: dict[Callable, Callable]) -> None:
    """Replace each function that is a key of `others` by its value, in the chapters and the table of activations."""
    for names in (*map(vars, CHAPTERS), numerics.ACTIVATIONS):
        for name, function in list(names.items()):
            if callable(function) and function in others:
                names[name] = others[function]

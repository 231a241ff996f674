"""The arithmetic of BERT: linear, softmax, layer_norm, gelu. Each is its equation.

Arrays are float32 and worked on along their last axis. What is imported from `speed/rows.py` makes the same numbers
sooner: read `product(x, w)` as x @ w.T, `total(x)` as x.sum(axis=-1, keepdims=True), `mean_square(x)` likewise,
`centred(x)` as x - x.mean(axis=-1, keepdims=True), `polynomial(a, x)` as a_0 + a_1 x + a_2 x^2 ..., `y *= 1 / z` as
y / z. `calm` keeps NumPy from warning, `in_blocks` from wasting time: pass over both.
Weights come in pairs, handed on with a star: `linear(x, *weights.query)`. Where chapters write W, they mean weight^T.
"""

import math

import numpy as np

from minibert.speed.rows import calm, centred, in_blocks, in_range, mean_square, polynomial, product, total

Array = np.ndarray


def linear(x: Array, weight: Array, bias: Array) -> Array:
    """y = x weight^T + bias

    x [..., in], weight [out, in] (one row per output, as checkpoints store it), bias [out] -> [..., out].
    """
    y = product(x, weight)
    y += bias
    return y


@in_blocks
def softmax(x: Array) -> Array:
    """softmax(x)_j = exp(x_j) / sum_k exp(x_k)

    To subtract one number from a whole row changes nothing: it cancels in the fraction. Where sums would overflow or
    vanish, and only there, the largest x is subtracted: then the largest exponential is 1.
    """
    y = np.exp(x)
    sums = total(y)
    y *= 1 / sums
    return y if in_range(sums) else softmax(x - x.max(axis=-1, keepdims=True))


@in_blocks
def layer_norm(x: Array, weight: Array, bias: Array, eps: float) -> Array:
    """y = weight (x - mean) / sqrt(variance + eps) + bias

    Mean and variance are those of one token's own numbers; x [..., D], weight and bias [D]. The variance is divided by
    D, not D - 1, and eps stands inside the root, where it keeps a constant row from dividing by zero.
    """
    y = centred(x)
    y *= 1 / np.sqrt(mean_square(y) + eps)  # y is centred: its mean square is the variance
    y *= weight
    return y + bias


def gelu(x: Array) -> Array:
    """gelu(x) = x Phi(x) = x/2 (1 + erf(x / sqrt(2))), as defined by Hendrycks & Gimpel (2016); `fast_gelu` is run.

    Phi(x) is the probability that a standard normal number is below x: gelu lets this share of x through."""
    return x / 2 * (1 + erf(x / math.sqrt(2)))


@calm  # 1 / infinity is 0, as it should be
def erf(x: Array) -> Array:
    """erf(x) ~ sign(x) (1 - 1 / (1 + a_1 |x| + ... + a_6 |x|^6)^16), off by at most 3e-7, before rounding.

    Abramowitz & Stegun, Handbook of Mathematical Functions (1964), 7.1.28. NumPy has no erf.
    """
    a = (1, 0.0705230784, 0.0422820123, 0.0092705272, 0.0001520143, 0.0002765672, 0.0000430638)
    return np.copysign(1 - 1 / polynomial(a, np.abs(x)) ** 16, x)


@calm  # x / infinity is 0
def fast_gelu(x: Array) -> Array:
    """gelu(x) ~ x / (1 + 2^(x q(x^2))), what models are run with: off by at most 7e-8, less than `gelu` with its erf.

    Phi runs from 0 to 1 much as 1 / (1 + e^(-1.6 x)) does; with a polynomial q in place of the 1.6, float32 can hardly
    tell them apart. The coefficients make gelu's largest error smallest. 2^ takes half the time of e^.
    """
    q = (-2.3022072, -0.104838581, 9.55929434e-05, 0.000159389405, -1.14524286e-05, 3.85044907e-07, -5.20990658e-09)
    return x / (1 + np.exp2(x * polynomial(q, x * x)))


def gelu_tanh(x: Array) -> Array:
    """gelu(x) ~ x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), up to 5e-4 away: only for checkpoints that name it."""
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))


def relu(x: Array) -> Array:
    """relu(x) = max(x, 0)"""
    return np.maximum(x, 0)


def silu(x: Array) -> Array:
    """silu(x) = x / (1 + exp(-x)) = x/2 (1 + tanh(x/2)); the second form cannot overflow."""
    return 0.5 * x * (1 + np.tanh(0.5 * x))


ACTIVATIONS = {"gelu": fast_gelu, "gelu_new": gelu_tanh, "gelu_pytorch_tanh": gelu_tanh, "relu": relu, "silu": silu}
"""What a config may call `hidden_act`."""

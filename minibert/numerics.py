"""The arithmetic of BERT: linear, softmax, gelu, layer_norm. Each is its equation.

Every function takes and returns float32 arrays and works along the last axis; `x` may have any axes before it.
"""

import math
from collections.abc import Callable

import numpy as np

Array = np.ndarray


def linear(x: Array, weight: Array, bias: Array) -> Array:
    """y = x weight^T + bias

    x [..., in], weight [out, in] (a row an output, as checkpoints store it), bias [out] -> [..., out].
    """
    y = x @ weight.T
    y += bias
    return y


def softmax(x: Array) -> Array:
    """softmax(x)_j = exp(x_j) / sum_k exp(x_k)

    The largest x of a row is taken off first: it cancels in the fraction, and exp can no longer overflow.
    """
    y = np.exp(x - x.max(axis=-1, keepdims=True))
    y /= y.sum(axis=-1, keepdims=True)
    return y


def layer_norm(x: Array, weight: Array, bias: Array, eps: float) -> Array:
    """y = weight (x - mean) / sqrt(variance + eps) + bias

    Mean and variance are those of one token's own numbers. The variance is the population's (divided by n, not n - 1),
    and eps stands inside the root, where it keeps a constant row from dividing by zero.
    x [..., D], weight [D], bias [D] -> [..., D].
    """
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = np.square(centred).mean(axis=-1, keepdims=True)
    return weight * (centred / np.sqrt(variance + eps)) + bias


def gelu(x: Array) -> Array:
    """gelu(x) = x Phi(x) = x/2 (1 + erf(x / sqrt(2)))

    Phi is the normal distribution's: x is kept in proportion to how likely a standard normal number is smaller
    (Hendrycks & Gimpel 2016). NumPy has no erf; `erf` below is within 1.5e-7 of it.
    """
    return 0.5 * x * (1 + erf(x / math.sqrt(2)))


def erf(x: Array) -> Array:
    """erf(x) ~ sign(x) (1 - (a1 t + a2 t^2 + ... + a5 t^5) exp(-x^2)),  t = 1 / (1 + p |x|)

    Abramowitz & Stegun, Handbook of Mathematical Functions (1964), 7.1.26; absolute error at most 1.5e-7.
    """
    t = 1 / (1 + 0.3275911 * np.abs(x))
    polynomial = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return np.copysign(1 - polynomial * np.exp(-x * x), x)


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

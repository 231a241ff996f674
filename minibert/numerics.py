"""These functions are the arithmetic of BERT: linear, softmax, layer_norm, gelu. The code of each is its equation.

Arrays are float32. linear, softmax and layer_norm work along the last axis. The other functions work on each number
alone. A weight and its bias are passed together, with a star: `linear(x, *weights.query)`. A checkpoint stores a weight
as [out, in], one row per output. The other chapters write W for the transpose of this weight.

By default, the other chapters call fast twins of these four functions: `speed/twins.py`. Up to rounding, the results
are the same. With MINIBERT_PLAIN=1 in the environment, and in `minibert read`, the functions of this file run.
"""

import math

import numpy as np

Array = np.ndarray


def linear(x: Array, weight: Array, bias: Array) -> Array:
    """Apply a linear map and add a bias.

        y = x weight^T + bias

    x [..., in], weight [out, in], bias [out] -> [..., out].
    """
    return x @ weight.T + bias


def softmax(x: Array) -> Array:
    """Turn numbers into shares, which are positive and add up to 1. The larger x_j, the larger its share.

        softmax(x)_j = exp(x_j) / sum_k exp(x_k)

    Subtracting one number from a whole row changes nothing, because it cancels in the fraction. The largest x is
    subtracted, so that exp cannot overflow.
    """
    exponentials = np.exp(x - x.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def layer_norm(x: Array, weight: Array, bias: Array, eps: float) -> Array:
    """Give the numbers of each token mean 0 and variance 1. Then multiply by a learned weight and add a learned bias.

        y = weight (x - mean) / sqrt(variance + eps) + bias

    Each token has its own mean and variance, computed from its D numbers: x [..., D], weight and bias [D]. The variance
    is divided by D, not D - 1. eps is inside the root. It prevents a division by zero if a token's numbers are equal.
    """
    mean = x.mean(axis=-1, keepdims=True)
    variance = np.square(x - mean).mean(axis=-1, keepdims=True)
    return weight * (x - mean) / np.sqrt(variance + eps) + bias


def gelu(x: Array) -> Array:
    """The activation function of BERT is nearly 0 for very negative x, nearly x for large x, and smooth in between.

        gelu(x) = x Phi(x) = x/2 (1 + erf(x / sqrt(2)))

    Phi(x) is the probability that a standard normal number is below x. gelu multiplies x by it (Hendrycks & Gimpel,
    2016).
    """
    return x / 2 * (1 + erf(x / math.sqrt(2)))


def erf(x: Array) -> Array:
    """Approximate the error function by a polynomial, because NumPy has no error function.

        erf(x) ~ sign(x) (1 - 1 / (1 + a_1 t + a_2 t^2 + ... + a_6 t^6)^16)      t = |x|

    The approximation is off by at most 3e-7 (Abramowitz & Stegun, Handbook of Mathematical Functions, 1964, 7.1.28).
    Rounding adds at most 1e-6. From t = 4 on, erf is 1 in float32. So a t above 6 may be 6: no power overflows.
    """
    t = np.minimum(np.abs(x), 6)
    a_1, a_2, a_3, a_4, a_5, a_6 = 0.0705230784, 0.0422820123, 0.0092705272, 0.0001520143, 0.0002765672, 0.0000430638
    polynomial = 1 + t * (a_1 + t * (a_2 + t * (a_3 + t * (a_4 + t * (a_5 + t * a_6)))))
    return np.sign(x) * (1 - 1 / polynomial**16)


def gelu_tanh(x: Array) -> Array:
    """Approximate gelu by tanh, for checkpoints whose config names this function.

        gelu(x) ~ x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))

    It is up to 5e-4 away from gelu.
    """
    return x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))


def relu(x: Array) -> Array:
    """relu(x) = max(x, 0)"""
    return np.maximum(x, 0)


def silu(x: Array) -> Array:
    """silu(x) = x / (1 + exp(-x))"""
    t = np.maximum(x, -88)  # below -88, exp(-x) would overflow float32, and silu is nearly 0
    return t / (1 + np.exp(-t))


ACTIVATIONS = {"gelu": gelu, "gelu_new": gelu_tanh, "gelu_pytorch_tanh": gelu_tanh, "relu": relu, "silu": silu}
"""A config gives one of these names as `hidden_act`."""

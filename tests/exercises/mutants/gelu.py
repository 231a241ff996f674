import math

import numpy as np

from minibert.numerics import erf


def gelu__tanh(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def gelu__sigmoid(x):
    return x / (1 + np.exp(-1.702 * x))


def gelu__silu(x):
    return x / (1 + np.exp(-x))


def gelu__relu(x):
    return np.maximum(x, 0)


def gelu__no_sqrt_2(x):
    return x / 2 * (1 + erf(x))


def gelu__no_half(x):
    return x * (1 + erf(x / math.sqrt(2)))


def gelu__only_phi(x):
    return (1 + erf(x / math.sqrt(2))) / 2


def gelu__brackets(x):
    return x / 2 * 1 + erf(x / math.sqrt(2))


def gelu__brackets__outside(x):
    return 0.5 * x * (1 + erf(x) / math.sqrt(2))


def gelu__brackets__all_outside(x):
    return 0.5 * x * (1 + erf(x)) / math.sqrt(2)

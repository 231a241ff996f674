"""Phi(x) is the probability that a standard normal number is smaller than x. It is half of 1 + erf(x / sqrt(2)), and
gelu is x times Phi(x)."""

import math

import numpy as np

from minibert.numerics import erf


def gelu(x: np.ndarray) -> np.ndarray:
    return x / 2 * (1 + erf(x / math.sqrt(2)))

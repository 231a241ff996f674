"""Phi(x), the chance that a normal number is smaller than x, is half of 1 + erf(x / sqrt(2)); gelu is x times that."""

import math

import numpy as np

from minibert.numerics import erf


def gelu(x: np.ndarray) -> np.ndarray:
    return x / 2 * (1 + erf(x / math.sqrt(2)))

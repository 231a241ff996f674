"""3. GELU: the activation between two linear maps

Two linear maps in a row are one linear map. The feed-forward block can do more, because it applies a nonlinear function
between its two linear maps:

    gelu(x) = x Phi(x) = x/2 (1 + erf(x / sqrt(2)))

Phi(x) is the probability that a standard normal number is smaller than x. So GELU keeps a large x almost unchanged. It
makes a very negative x almost zero. BERT uses this form, with erf; other models use an approximation with tanh.

Shapes: x [...] -> [...], number by number

Worked example: erf(1/sqrt(2)) is 0.6827, so gelu(1) is 0.8413. (About two thirds of all normal numbers are within one
standard deviation of the mean.)

>>> print(gelu(np.array([-1, 0, 1], dtype=np.float32)).round(3))
[-0.159  0.     0.841]

Predict, before you check: what are gelu(-10) and gelu(10)? Go from 0 to the left: does GELU only fall, or does it rise
again?
"""

import math

import numpy as np

from minibert.numerics import erf


def gelu(x: np.ndarray) -> np.ndarray:
    """x [...] -> [...], number by number. The library's `erf` works on whole arrays."""
    raise NotImplementedError

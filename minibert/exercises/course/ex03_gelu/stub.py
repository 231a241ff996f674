"""3. GELU: the bend in the feed-forward layer

Two linear maps in a row are one linear map. What makes the feed-forward layer more than that is a bend between them:

    gelu(x) = x Phi(x) = x/2 (1 + erf(x / sqrt(2)))

Phi(x) is the chance that a standard normal number is smaller than x. So a large x passes, a very negative one
is stopped, and one in between is let through in proportion. BERT uses this form, with erf; others use an
approximation with tanh.

Shapes: x [...] -> [...], each number by itself

Worked example: erf(1/sqrt(2)) is 0.6827 (two thirds of all normal numbers lie within one spread), so gelu(1) is
0.8413.

>>> print(gelu(np.array([-1, 0, 1], dtype=np.float32)).round(3))
[-0.159  0.     0.841]

Predict, before you check: what are gelu(-10) and gelu(10)? Does GELU ever turn and rise again to the left of 0?
"""

import math

import numpy as np

from minibert.numerics import erf


def gelu(x: np.ndarray) -> np.ndarray:
    """x [...] -> [...], each number by itself. `erf` is the library's, and works on whole arrays."""
    raise NotImplementedError

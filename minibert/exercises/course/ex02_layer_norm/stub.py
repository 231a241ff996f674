"""2. Layer norm: every token gets the same mean and variance

Each layer adds to the numbers of a token, so they can become larger and larger. Layer norm works on each token alone.
It brings the D numbers of the token to mean 0 and variance 1. Then it multiplies each of them by a learned weight, and
adds a learned bias.

    y = weight (x - mean) / sqrt(variance + eps) + bias

The mean and the variance are those of the numbers of one token. The variance is the population variance: the mean of
the squared distances from the mean. eps is inside the root.

Shapes: x [..., D], weight [D], bias [D], eps a number -> [..., D]

Worked example: the numbers 1 and 3 have mean 2 and variance 1, so they become -1 and 1. Multiply by 10, and add 5.

>>> x = np.array([[1, 3]], dtype=np.float32)
>>> ten, five = np.full(2, 10, dtype=np.float32), np.full(2, 5, dtype=np.float32)
>>> layer_norm(x, ten, five, 0.0).tolist()
[[-5.0, 15.0]]

Predict, before you check: what does layer norm return if all numbers of a token are equal?
"""

import numpy as np


def layer_norm(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, eps: float) -> np.ndarray:
    """x [..., D], weight [D], bias [D] -> [..., D]."""
    raise NotImplementedError

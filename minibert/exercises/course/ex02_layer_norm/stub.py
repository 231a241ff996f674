"""2. Layer norm: every token brought to the same mean and spread

Numbers that are added up layer after layer drift. Layer norm takes each token by itself, brings its D numbers
to mean 0 and variance 1, and then stretches and shifts them by what was learned: a weight and a bias for each
of the D.

    y = weight (x - mean) / sqrt(variance + eps) + bias

mean and variance are those of one token's own numbers. The variance is the population's: the mean of the
squared distances from the mean. eps stands inside the root.

Shapes: x [..., D], weight [D], bias [D], eps a number -> [..., D]

Worked example: the numbers 1 and 3 have mean 2 and variance 1, so they become -1 and 1; times 10, plus 5.

>>> x = np.array([[1, 3]], dtype=np.float32)
>>> ten, five = np.full(2, 10, dtype=np.float32), np.full(2, 5, dtype=np.float32)
>>> layer_norm(x, ten, five, 0.0).tolist()
[[-5.0, 15.0]]

Predict, before you check: what leaves layer norm where all numbers of a token are alike?
"""

import numpy as np


def layer_norm(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, eps: float) -> np.ndarray:
    """x [..., D], weight [D], bias [D] -> [..., D]."""
    raise NotImplementedError

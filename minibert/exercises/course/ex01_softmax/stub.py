"""1. softmax: scores become shares

Attention asks: of all I have to give, how much goes to each? softmax turns any row of numbers into shares, all
positive, that sum to 1; the larger the number, the larger its share.

    softmax(x)_j = exp(x_j) / sum_k exp(x_k)

Shapes: x [..., n] -> [..., n]. Each row along the last axis is on its own; there may be any number of axes
before it. float32 and float64 are both right, here and in all exercises. Take care: float32 cannot hold exp(100),
and there will be rows of some hundreds. Which number may you take off a whole row without changing its shares?

Worked example: exp(0), exp(log 2), exp(log 5) are 1, 2, 5, and their sum is 8.

>>> print(softmax(np.array([0, np.log(2), np.log(5)], dtype=np.float32)).round(3))
[0.125 0.25  0.625]

Predict, before you check: what changes when you add 100 to every number of a row?
"""

import numpy as np


def softmax(x: np.ndarray) -> np.ndarray:
    """x [..., n] -> [..., n], every row along the last axis summing to 1."""
    raise NotImplementedError

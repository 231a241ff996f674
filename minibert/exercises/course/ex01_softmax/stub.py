"""1. softmax: scores become shares

In attention, each token divides its attention among all tokens. softmax computes these shares. It turns any row of
numbers into shares that are all positive and sum to 1. A larger number gets a larger share.

    softmax(x)_j = exp(x_j) / sum_k exp(x_k)

Shapes: x [..., n] -> [..., n]. Each row along the last axis is computed alone. There may be any number of axes before
it. The result may be float32 or float64, here and in all exercises. Take care: exp(100) is too large for float32, and
the checker tries rows with numbers of some hundreds. Which number can you subtract from a whole row without changing
its shares?

Worked example: exp(0), exp(log 2), exp(log 5) are 1, 2, 5, and their sum is 8.

>>> print(softmax(np.array([0, np.log(2), np.log(5)], dtype=np.float32)).round(3))
[0.125 0.25  0.625]

Predict, before you check: what changes when you add 100 to every number of a row?
"""

import numpy as np


def softmax(x: np.ndarray) -> np.ndarray:
    """x [..., n] -> [..., n]. Every row along the last axis sums to 1."""
    raise NotImplementedError

"""The D numbers of a token lie in one row, so reshape can cut the row into heads. After that, transpose exchanges the
first two axes."""

import numpy as np


def split_heads(x_TD: np.ndarray, heads: int) -> np.ndarray:
    tokens, size = x_TD.shape
    x_THK = x_TD.reshape(tokens, heads, size // heads)
    return x_THK.transpose(1, 0, 2)

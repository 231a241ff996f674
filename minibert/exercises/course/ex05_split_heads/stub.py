"""5. Splitting heads: one vector per token becomes H shorter ones

Attention runs H times in parallel. Each of these H heads uses K = D / H of the D dimensions. Head h of a token consists
of its numbers h K to (h + 1) K. In the result, the axis of the heads comes first, so that each head is a matrix.

    x_HTK[h, t, k] = x_TD[t, h K + k]

Shapes: x_TD [tokens, D], heads a number -> x_HTK [heads, tokens, D / heads]

Worked example: 2 tokens of 4 numbers, 2 heads.

>>> split_heads(np.array([[1, 2, 3, 4], [5, 6, 7, 8]], dtype=np.float32), 2).astype(int).tolist()
[[[1, 2], [5, 6]], [[3, 4], [7, 8]]]

Predict, before you check: 4 tokens, 2 heads, head size 3. Where does number 5 of token 0 go? And which number
would a bare x_TD.reshape(2, 4, 3) put in that place?
"""

import numpy as np


def split_heads(x_TD: np.ndarray, heads: int) -> np.ndarray:
    """x_TD -> x_HTK."""
    raise NotImplementedError

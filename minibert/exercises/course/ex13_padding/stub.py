"""13. The padding mask, which minibert does not need

Most implementations put the sentences of a batch into one rectangle, and fill the short ones up with [PAD]. No token
must attend to padding. So the scores of padding are set to minus infinity before softmax, and exp(-infinity) is 0.

    attention = softmax(scores where the key is real, -infinity where it is padding)

Shapes: scores_BHTS [sentences, heads, queries, keys]; real_BS [sentences, keys], True for a token, False for padding
-> attention_BHTS. Every row must sum to 1. This includes the rows of queries that are padding.

Worked example: two real keys with equal scores, and one key of padding.

>>> padded_softmax(np.zeros((1, 1, 1, 3), dtype=np.float32), np.array([[True, True, False]])).tolist()
[[[[0.5, 0.5, 0.0]]]]

Predict, before you check: you pad the same sentences to twice the length. Does the attention of real tokens change?
"""

import numpy as np

from minibert.numerics import softmax


def padded_softmax(scores_BHTS: np.ndarray, real_BS: np.ndarray) -> np.ndarray:
    """scores_BHTS, real_BS -> attention_BHTS."""
    raise NotImplementedError

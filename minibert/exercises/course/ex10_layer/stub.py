"""10. A layer: attention, then feed-forward

    hidden, parts = attention_block(hidden)         exercise 8
    hidden        = feed_forward_block(hidden)      exercise 9

Shapes: hidden_TD -> hidden_TD, and the parts that attention_block returns (one dict per sentence). Both blocks are
imported already:
    attention_block(hidden_TD, sentences, weights, config)    -> the new hidden_TD, parts
    feed_forward_block(hidden_TD, weights, config)            -> the new hidden_TD

Worked example: a layer returns as many rows as it gets. Here it gets 5 rows of 6 numbers, which are one sentence. The
weights are random, with 2 heads of size 3 and inner size 9.

>>> from minibert.exercises.draw import Draw
>>> draw = Draw(0)
>>> hidden_TD, parts = encoder_layer(draw.normal(5, 6), [slice(0, 5)], draw.layer(6, 9), draw.config(2, 3, 9))
>>> hidden_TD.shape, parts[0]["attention"].shape
((5, 6), (2, 5, 5))

Predict, before you check: you shuffle the rows of hidden_TD, all of one sentence. What does the layer return?
"""

from collections.abc import Sequence

import numpy as np

from minibert.checkpoint.config import BertConfig
from minibert.checkpoint.parameters import LayerWeights
from minibert.encoder import attention_block, feed_forward_block


def encoder_layer(
    hidden_TD: np.ndarray, sentences: Sequence[slice], weights: LayerWeights, config: BertConfig
) -> tuple[np.ndarray, list[dict[str, np.ndarray]]]:
    """Returns the new hidden_TD, and the parts of the attention block."""
    raise NotImplementedError

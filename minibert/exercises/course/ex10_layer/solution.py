"""The second block gets the result of the first. Each block adds its input and normalises, so no other step is
needed."""

from collections.abc import Sequence

import numpy as np

from minibert.checkpoint.config import BertConfig
from minibert.checkpoint.parameters import LayerWeights
from minibert.encoder import attention_block, feed_forward_block


def encoder_layer(
    hidden_TD: np.ndarray, sentences: Sequence[slice], weights: LayerWeights, config: BertConfig
) -> tuple[np.ndarray, list[dict[str, np.ndarray]]]:
    attended_TD, parts = attention_block(hidden_TD, sentences, weights, config)
    return feed_forward_block(attended_TD, weights, config), parts

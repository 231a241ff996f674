"""Merging reverses the steps of splitting, the last step first. The result is added to the block's input, so a layer
that adds nothing loses nothing. The layer norm comes last."""

from collections.abc import Sequence

import numpy as np

from minibert.attention import self_attention
from minibert.checkpoint.config import BertConfig
from minibert.checkpoint.parameters import LayerWeights
from minibert.numerics import layer_norm, linear


def merge_heads(x_HTK: np.ndarray) -> np.ndarray:
    heads, tokens, head_size = x_HTK.shape
    x_THK = x_HTK.transpose(1, 0, 2)
    return x_THK.reshape(tokens, heads * head_size)


def attention_block(
    hidden_TD: np.ndarray, sentences: Sequence[slice], weights: LayerWeights, config: BertConfig
) -> tuple[np.ndarray, list[dict[str, np.ndarray]]]:
    parts = self_attention(hidden_TD, sentences, weights.attention, config.num_attention_heads)
    context_TD = np.concatenate([part["context"] for part in parts])
    attended_TD = linear(context_TD, *weights.attention_output)
    return layer_norm(hidden_TD + attended_TD, *weights.attention_norm, config.layer_norm_eps), parts

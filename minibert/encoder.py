"""One layer of the encoder is attention, then feed-forward.

Attention mixes the vectors of different tokens. Feed-forward works on each token alone. It is two linear maps with an
activation between them. Each of the two halves adds its result to its input (the residual connection) and then
normalises. This order, norm last, is BERT's. GPT-2 and many later models normalise first. `model.py` runs all layers.

Weights have names like those in checkpoints; `checkpoint/parameters.py` lists them all. In the equations below, W and b
are in `weights.attention_output`. W_1 and b_1 are in `weights.intermediate`, and W_2 and b_2 in `weights.output`.
"""

from collections.abc import Sequence

import numpy as np

from minibert.attention import self_attention
from minibert.checkpoint.config import BertConfig
from minibert.checkpoint.parameters import LayerWeights
from minibert.numerics import ACTIVATIONS, layer_norm, linear


def attention_output(
    context_TD: np.ndarray, hidden_TD: np.ndarray, weights: LayerWeights, config: BertConfig
) -> np.ndarray:
    """Combine the heads by W, the output projection. Then add the residual and normalise.

        attention_output = layer_norm(hidden + context W + b)

    context_TD, hidden_TD -> [T, D].
    """
    projected_TD = linear(context_TD, *weights.attention_output)
    return layer_norm(hidden_TD + projected_TD, *weights.attention_norm, config.layer_norm_eps)


def attention_block(
    hidden_TD: np.ndarray, sentences: Sequence[slice], weights: LayerWeights, config: BertConfig
) -> tuple[np.ndarray, list[dict[str, np.ndarray]]]:
    """Run the half of a layer that works on several tokens together: `self_attention`, then `attention_output`.

    Returns the new hidden_TD and, for each sentence, a dict. It has the arrays of `self_attention`. It also has
    "attention_output", the rows of this sentence in the new hidden_TD.
    """
    parts = self_attention(hidden_TD, sentences, weights.attention, config.num_attention_heads)
    context_TD = np.concatenate([part["context"] for part in parts])
    attention_output_TD = attention_output(context_TD, hidden_TD, weights, config)
    for part, rows in zip(parts, sentences, strict=True):
        part["attention_output"] = attention_output_TD[rows]
    return attention_output_TD, parts


def intermediate(hidden_TD: np.ndarray, weights: LayerWeights, config: BertConfig) -> np.ndarray:
    """Compute F numbers for each token, by the first matrix product of feed-forward.

        intermediate = act(hidden W_1 + b_1)

    act is the activation function, such as gelu. Without it, the two matrix products of feed-forward would equal a
    single one. hidden_TD -> intermediate_TF.
    """
    act = ACTIVATIONS[config.hidden_act]
    return act(linear(hidden_TD, *weights.intermediate))


def output(intermediate_TF: np.ndarray, hidden_TD: np.ndarray, weights: LayerWeights, config: BertConfig) -> np.ndarray:
    """Compute D numbers per token again. Then add the residual and normalise.

        output = layer_norm(hidden + intermediate W_2 + b_2)

    intermediate_TF, hidden_TD -> [T, D].
    """
    projected_TD = linear(intermediate_TF, *weights.output)
    return layer_norm(hidden_TD + projected_TD, *weights.output_norm, config.layer_norm_eps)


def feed_forward_block(hidden_TD: np.ndarray, weights: LayerWeights, config: BertConfig) -> np.ndarray:
    """Run the half of a layer that works on each token alone. It computes F numbers per token, and D from these.

        intermediate = act(hidden W_1 + b_1)
        hidden       = layer_norm(hidden + intermediate W_2 + b_2)

    hidden_TD -> hidden_TD.
    """
    intermediate_TF = intermediate(hidden_TD, weights, config)
    return output(intermediate_TF, hidden_TD, weights, config)


def encoder_layer(
    hidden_TD: np.ndarray, sentences: Sequence[slice], weights: LayerWeights, config: BertConfig
) -> tuple[np.ndarray, list[dict[str, np.ndarray]]]:
    """Run one layer: attention, then feed-forward.

    Returns the new hidden_TD and, for each sentence, what `attention_block` computed.
    """
    hidden_TD, parts = attention_block(hidden_TD, sentences, weights, config)
    return feed_forward_block(hidden_TD, weights, config), parts

"""One layer of the encoder: attention, then feed-forward.

Attention mixes between tokens. Feed-forward works on each token alone. Each of the two halves adds its result to its
input (the residual connection) and then normalises. This order, norm last, is BERT's; GPT-2 and most models since then
normalise first. `model.py` runs the layers one after another.

Weights have the names that checkpoints give them: `attention_output` is W, b below, `intermediate` is W_1, b_1, and
`output` is W_2, b_2. `checkpoint/parameters.py` lists them all.
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
    """W, the output projection, mixes what the heads found. Then come the residual and the norm.

        attention_output = layer_norm(hidden + context W + b)

    context_TD, hidden_TD -> [T, D].
    """
    projected_TD = linear(context_TD, *weights.attention_output)
    return layer_norm(hidden_TD + projected_TD, *weights.attention_norm, config.layer_norm_eps)


def attention_block(
    hidden_TD: np.ndarray, sentences: Sequence[slice], weights: LayerWeights, config: BertConfig
) -> tuple[np.ndarray, list[dict[str, np.ndarray]]]:
    """The half that sees more than one token.

        hidden = layer_norm(hidden + context W + b)

    Returns the new hidden_TD and, for each sentence, what `self_attention` computed, with "attention_output", the
    sentence's part of the new hidden_TD.
    """
    parts = self_attention(hidden_TD, sentences, weights.attention, config.num_attention_heads)
    context_TD = np.concatenate([part["context"] for part in parts])
    output_TD = attention_output(context_TD, hidden_TD, weights, config)
    return output_TD, [
        part | {"attention_output": output_TD[rows]} for part, rows in zip(parts, sentences, strict=True)
    ]


def intermediate(hidden_TD: np.ndarray, weights: LayerWeights, config: BertConfig) -> np.ndarray:
    """The F numbers of each token between the two products.

        intermediate = act(hidden W_1 + b_1)

    act is the activation function, such as gelu. Without it, two products in a row would be no more than one.
    hidden_TD -> intermediate_TF.
    """
    act = ACTIVATIONS[config.hidden_act]
    return act(linear(hidden_TD, *weights.intermediate))


def output(intermediate_TF: np.ndarray, hidden_TD: np.ndarray, weights: LayerWeights, config: BertConfig) -> np.ndarray:
    """Back to D numbers per token. Then come the residual and the norm.

        output = layer_norm(hidden + intermediate W_2 + b_2)

    intermediate_TF, hidden_TD -> [T, D].
    """
    projected_TD = linear(intermediate_TF, *weights.output)
    return layer_norm(hidden_TD + projected_TD, *weights.output_norm, config.layer_norm_eps)


def feed_forward_block(hidden_TD: np.ndarray, weights: LayerWeights, config: BertConfig) -> np.ndarray:
    """The half that works on each token alone. It widens a token to F numbers and narrows it back.

        intermediate = act(hidden W_1 + b_1)
        hidden       = layer_norm(hidden + intermediate W_2 + b_2)

    hidden_TD -> hidden_TD.
    """
    intermediate_TF = intermediate(hidden_TD, weights, config)
    return output(intermediate_TF, hidden_TD, weights, config)


def encoder_layer(
    hidden_TD: np.ndarray, sentences: Sequence[slice], weights: LayerWeights, config: BertConfig
) -> tuple[np.ndarray, list[dict[str, np.ndarray]]]:
    """Attention, then feed-forward.

    Returns the new hidden_TD and, for each sentence, what `attention_block` computed.
    """
    hidden_TD, parts = attention_block(hidden_TD, sentences, weights, config)
    return feed_forward_block(hidden_TD, weights, config), parts

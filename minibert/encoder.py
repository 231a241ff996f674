"""The encoder: layers that mix between tokens (attention), then within each token (feed-forward).

Each of the two halves adds what it found to what it was given (the residual) and then normalises. That order, norm
last, is BERT's; GPT-2 and most models since normalise first.

Weights have the names that checkpoints give them: `attention_output` is W, b below, `intermediate` is W_1, b_1, and
`output` is W_2, b_2; `checkpoint/parameters.py` lists them all.
"""

from collections.abc import Sequence

import numpy as np

from minibert.attention import self_attention
from minibert.checkpoint.config import BertConfig
from minibert.checkpoint.parameters import LayerWeights
from minibert.numerics import ACTIVATIONS, layer_norm, linear
from minibert.speed.rows import in_place


def attention_block(
    hidden_TD: np.ndarray, sentences: Sequence[slice], weights: LayerWeights, config: BertConfig
) -> tuple[np.ndarray, list[dict[str, np.ndarray]]]:
    """hidden = layer_norm(hidden + context W + b): the only half that sees more than one token.

    Returns the new hidden_TD and, for each sentence, what `self_attention` computed.
    """
    parts = self_attention(hidden_TD, sentences, weights.attention, config.num_attention_heads)
    context_TD = np.concatenate([part["context"] for part in parts]) if len(parts) > 1 else parts[0]["context"]
    return project_context(context_TD, hidden_TD, weights, config), parts


def project_context(
    context_TD: np.ndarray, hidden_TD: np.ndarray, weights: LayerWeights, config: BertConfig
) -> np.ndarray:
    """The part after the heads: W, the output projection, mixes what they found. context_TD, hidden_TD -> hidden_TD."""
    mixed_TD = linear(context_TD, *weights.attention_output)
    mixed_TD += hidden_TD
    return layer_norm(mixed_TD, *weights.attention_norm, config.layer_norm_eps)


def feed_forward_block(hidden_TD: np.ndarray, weights: LayerWeights, config: BertConfig) -> np.ndarray:
    """hidden = layer_norm(hidden + act(hidden W_1 + b_1) W_2 + b_2): each token alone, widened to F numbers and back.

    act is the activation function, such as gelu: without it, two products in a row would be no more than one.
    For reading, and for the exercises: `encoder_layer` calls the two steps itself, since it returns what lies between.
    """
    return narrow(widen(hidden_TD, weights, config), hidden_TD, weights, config)


def widen(hidden_TD: np.ndarray, weights: LayerWeights, config: BertConfig) -> np.ndarray:
    """inner = act(hidden W_1 + b_1): hidden_TD -> inner_TF. Read `in_place(act, x)` as act(x)."""
    return in_place(ACTIVATIONS[config.hidden_act], linear(hidden_TD, *weights.intermediate))


def narrow(inner_TF: np.ndarray, hidden_TD: np.ndarray, weights: LayerWeights, config: BertConfig) -> np.ndarray:
    """hidden = layer_norm(hidden + inner W_2 + b_2): inner_TF -> hidden_TD."""
    fed_TD = linear(inner_TF, *weights.output)
    fed_TD += hidden_TD
    return layer_norm(fed_TD, *weights.output_norm, config.layer_norm_eps)


def encoder_layer(
    hidden_TD: np.ndarray, sentences: Sequence[slice], weights: LayerWeights, config: BertConfig
) -> tuple[np.ndarray, list[dict[str, np.ndarray]]]:
    """One layer: look around, then think.

    Returns the new hidden_TD and, for each sentence, what `self_attention` computed, the state between the halves
    ("attended") and the inner numbers of the feed-forward half ("inner").
    """
    attended_TD, parts = attention_block(hidden_TD, sentences, weights, config)
    inner_TF = widen(attended_TD, weights, config)
    for part, rows in zip(parts, sentences, strict=True):
        part |= {"attended": attended_TD[rows], "inner": inner_TF[rows]}
    return narrow(inner_TF, attended_TD, weights, config), parts

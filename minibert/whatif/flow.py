"""From which tokens does information reach a token? These measures go beyond the attention of one head in one layer.

Attention alone does not show it. A value may be nearly 0, heads may cancel each other, and the residual keeps most of
each token. All functions return maps: a row for each token that receives, a column for each token it receives from.
"""

import numpy as np

from minibert.attention import merge_heads, split_heads
from minibert.encoder import attention_output, feed_forward_block
from minibert.model import Bert
from minibert.trace import Trace
from minibert.whatif.changes import field_of


def rollout(trace: Trace) -> np.ndarray:
    """Attention followed through the layers: rollout_LTS, after each layer; rows sum to 1.

        M_l     = (mean over heads of attention_l + identity) / 2
        rollout = M_l ... M_1 M_0

    It assumes that half of each state comes from attention and half from the residual
    (Abnar & Zuidema, "Quantifying Attention Flow in Transformers", 2020).
    """
    attention_LTS = trace.stacked("attention").mean(axis=1)
    mixed_LTS = (attention_LTS + np.eye(attention_LTS.shape[-1], dtype=np.float32)) / 2
    steps = [mixed_LTS[0]]
    for mixed_TS in mixed_LTS[1:]:
        steps.append(mixed_TS @ steps[-1])
    return np.stack(steps)


def moved(bert: Bert, trace: Trace, layer: int) -> np.ndarray:
    """What each head moves from each token to each other, after its part of the output projection: moved_HTSD.

        moved[h, t, s] = attention[h, t, s] (value[h, s] W_h)

    The sum over s is what head h adds to token t.
    """
    attention_HTS, value_HSK = (field_of(bert, trace, layer, name) for name in ("attention", "value"))
    weight_DHK = bert.weights.layers[layer].attention_output.weight.reshape(bert.config.hidden_size, len(value_HSK), -1)
    projected_HSD = value_HSK @ weight_DHK.transpose(1, 2, 0)
    return attention_HTS[..., None] * projected_HSD[:, None]


def norms(bert: Bert, trace: Trace, layer: int) -> np.ndarray:
    """How much each head moves, as the length of the vector: norms_HTS.

        norms[h, t, s] = |moved[h, t, s]|

    If attention is strong but the moved vector is short, as often at [SEP], little happens
    (Kobayashi et al., "Attention is Not Only a Weight: Analyzing Transformers with Vector Norms", 2020).
    """
    return np.linalg.norm(moved(bert, trace, layer), axis=-1)


def mixing(bert: Bert, trace: Trace, layer: int) -> np.ndarray:
    """How much of each token is in each token after attention, residual and layer norm: mixing_TS.

        v            = sum over heads of moved[h, t, s]      plus hidden[t] where s = t
        mixing[t, s] = |weight (v - mean(v)) / spread(t)|

    The layer norm divides token t by one number, its own spread. So it divides every part of token t by that number.
    Kobayashi et al., "Incorporating Residual and Normalization Layers into Analysis of Masked Language Models", 2021.
    """
    weights, hidden_TD = bert.weights.layers[layer], field_of(bert, trace, layer, "hidden_states")
    vectors_TSD = moved(bert, trace, layer).sum(axis=0)
    tokens = np.arange(len(hidden_TD))
    vectors_TSD[tokens, tokens] += hidden_TD
    summed_TD = vectors_TSD.sum(axis=1) + weights.attention_output.bias
    spread_T = np.sqrt(summed_TD.var(axis=-1) + bert.config.layer_norm_eps)
    centred_TSD = vectors_TSD - vectors_TSD.mean(axis=-1, keepdims=True)
    return np.linalg.norm(centred_TSD * weights.attention_norm.weight, axis=-1) / spread_T[:, None]


def value_zeroing(bert: Bert, trace: Trace, layer: int) -> np.ndarray:
    """How much the layer's output for token t turns if the value of token s is 0 in all heads: zeroing_TS.

        zeroing[t, s] = 1 - cos(output_t, output_t without value s)      then each row is divided by its sum

    Unlike the other measures, this one includes the feed-forward half.
    Mohebbi et al., "Quantifying Context Mixing in Transformers", 2023.
    """
    attention_HTS, value_HSK = (field_of(bert, trace, layer, name) for name in ("attention", "value"))
    hidden_TD, output_TD = (field_of(bert, trace, i, "hidden_states") for i in (layer, layer + 1))
    context_HTK = split_heads(field_of(bert, trace, layer, "context"), len(value_HSK))
    weights = bert.weights.layers[layer]
    columns = []
    for token in range(len(hidden_TD)):
        lost_HTK = attention_HTS[:, :, token, None] * value_HSK[:, None, token]
        between_TD = attention_output(merge_heads(context_HTK - lost_HTK), hidden_TD, weights, bert.config)
        changed_TD = feed_forward_block(between_TD, weights, bert.config)
        lengths_T = np.linalg.norm(changed_TD, axis=-1) * np.linalg.norm(output_TD, axis=-1)
        columns.append(1 - (changed_TD * output_TD).sum(axis=-1) / lengths_T)
    zeroing_TS = np.maximum(np.stack(columns, axis=-1), 0)  # rounding may leave a cosine just above 1
    return zeroing_TS / np.maximum(zeroing_TS.sum(axis=-1, keepdims=True), np.finfo(np.float32).tiny)

"""8. Merging heads, and the residual connection

After attention, each token has H contexts, one per head. merge_heads puts them side by side again, which undoes
exercise 5. One more linear map mixes the heads. Then the block's input is added to the result (the residual
connection), and a layer norm follows. In BERT the layer norm comes last.

    x_TD[t, h K + k] = x_HTK[h, t, k]                            merge_heads
    hidden = layer_norm(hidden + context W + b)                  attention_block

Shapes: merge_heads: x_HTK [heads, tokens, K] -> x_TD [tokens, heads K]. attention_block: hidden_TD, with all
sentences one below another; sentences, a list of slices: the rows of each.
    weights.attention                       query, key, value: pass them to self_attention
    weights.attention_output                W and b: linear(x, *weights.attention_output) is x W + b
    weights.attention_norm.weight, .bias    of the layer norm; its eps is config.layer_norm_eps
self_attention(hidden_TD, sentences, weights.attention, config.num_attention_heads) does exercises 5 to 7 for each
sentence. It returns a list with one dict per sentence. The "context" of such a dict is that sentence's context
[tokens, D], with the heads merged already. Return the new hidden_TD and that list.

Worked example:

>>> merge_heads(np.array([[[1, 2], [5, 6]], [[3, 4], [7, 8]]], dtype=np.float32)).astype(int).tolist()
[[1, 2, 3, 4], [5, 6, 7, 8]]

Predict, before you check: W and b of attention_output are all zeros. What does attention_block return?
"""

from collections.abc import Sequence

import numpy as np

from minibert.attention import self_attention
from minibert.checkpoint.config import BertConfig
from minibert.checkpoint.parameters import LayerWeights
from minibert.numerics import layer_norm, linear


def merge_heads(x_HTK: np.ndarray) -> np.ndarray:
    """x_HTK -> x_TD."""
    raise NotImplementedError


def attention_block(
    hidden_TD: np.ndarray, sentences: Sequence[slice], weights: LayerWeights, config: BertConfig
) -> tuple[np.ndarray, list[dict[str, np.ndarray]]]:
    """Returns the new hidden_TD, and what self_attention returned."""
    raise NotImplementedError

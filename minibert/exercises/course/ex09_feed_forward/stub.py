"""9. The feed-forward block: two linear maps work on each token alone

Attention moves information between tokens. The feed-forward block then works on each token alone. Its inner size F is
larger than D, usually four times as large.

    inner  = act(hidden W_1 + b_1)                               D -> F
    hidden = layer_norm(hidden + inner W_2 + b_2)                F -> D, residual, norm

Shapes: hidden_TD -> hidden_TD.
    weights.intermediate         W_1 and b_1: linear(x, *weights.intermediate)
    weights.output               W_2 and b_2
    weights.output_norm          of the layer norm; its eps is config.layer_norm_eps
    config.hidden_act            the name of act: ACTIVATIONS["gelu"] is exercise 3, and there are others

Worked example, of linear: the weight has one row per output.

>>> row, weight = np.ones((1, 2), dtype=np.float32), np.array([[1, 2], [3, 4], [5, 6]], dtype=np.float32)
>>> linear(row, weight, np.zeros(3, dtype=np.float32)).tolist()
[[3.0, 7.0, 11.0]]

Predict, before you check: you change token 2 of hidden_TD. Which rows of the result change?
"""

import numpy as np

from minibert.checkpoint.config import BertConfig
from minibert.checkpoint.parameters import LayerWeights
from minibert.numerics import ACTIVATIONS, layer_norm, linear


def feed_forward_block(hidden_TD: np.ndarray, weights: LayerWeights, config: BertConfig) -> np.ndarray:
    """hidden_TD -> hidden_TD."""
    raise NotImplementedError

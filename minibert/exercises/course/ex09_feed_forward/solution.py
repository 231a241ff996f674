"""No step combines two rows. linear, the activation and layer_norm all work on one token at a time."""

import numpy as np

from minibert.checkpoint.config import BertConfig
from minibert.checkpoint.parameters import LayerWeights
from minibert.numerics import ACTIVATIONS, layer_norm, linear


def feed_forward_block(hidden_TD: np.ndarray, weights: LayerWeights, config: BertConfig) -> np.ndarray:
    act = ACTIVATIONS[config.hidden_act]
    inner_TF = act(linear(hidden_TD, *weights.intermediate))
    fed_TD = linear(inner_TF, *weights.output)
    return layer_norm(hidden_TD + fed_TD, *weights.output_norm, config.layer_norm_eps)

"""The transform maps a vector into the space of the word embeddings. linear then computes its dot product with every
word, because the decoder has one row per word."""

import numpy as np

from minibert.checkpoint.parameters import MaskedLMWeights
from minibert.numerics import ACTIVATIONS, layer_norm, linear


def masked_lm_logits(hidden_TD: np.ndarray, weights: MaskedLMWeights, hidden_act: str, eps: float) -> np.ndarray:
    act = ACTIVATIONS[hidden_act]
    transformed_TD = layer_norm(act(linear(hidden_TD, *weights.transform)), *weights.norm, eps)
    return linear(transformed_TD, weights.decoder, weights.bias)

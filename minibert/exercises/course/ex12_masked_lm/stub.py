"""12. Masked words: which word would fit here?

BERT learned by filling blanks. For every place it gives every word of the vocabulary a number, its logit;
softmax makes them probabilities. A word fits where the transformed vector points the way of the word's
embedding: the decoder is the table of word embeddings again.

    transformed = layer_norm(act(hidden W + b))
    logits      = transformed word^T + bias

Shapes: hidden_TD -> logits_TV.
    weights.transform            W and b: linear(x, *weights.transform)
    weights.norm                 of the layer norm: layer_norm(x, *weights.norm, eps)
    weights.decoder              [V, D], a row a word, as `linear` takes its weight
    weights.bias                 [V]
    hidden_act                   the name of act: ACTIVATIONS[hidden_act]

Worked example: a vector and two words, one along it and one against it.

>>> words = np.array([[1, 1], [-1, -1]], dtype=np.float32)
>>> linear(np.array([[2, 1]], dtype=np.float32), words, np.zeros(2, dtype=np.float32)).tolist()
[[3.0, -3.0]]

Predict, before you check: what if you leave the transform out, and hold hidden_TD itself against the words?
"""

import numpy as np

from minibert.checkpoint.parameters import MaskedLMWeights
from minibert.numerics import ACTIVATIONS, layer_norm, linear


def masked_lm_logits(hidden_TD: np.ndarray, weights: MaskedLMWeights, hidden_act: str, eps: float) -> np.ndarray:
    """hidden_TD -> logits_TV."""
    raise NotImplementedError

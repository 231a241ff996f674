"""12. Masked words: which word would fit here?

BERT learned by filling blanks. At every position, the masked language model head computes a number for each word of the
vocabulary, its logit. softmax turns the logits into probabilities. A logit is large where the transformed vector points
the same way as the word's embedding. So the decoder is the table of word embeddings again.

    transformed = layer_norm(act(hidden W + b))
    logits      = transformed word^T + bias

Shapes: hidden_TD -> logits_TV.
    weights.transform            W and b: linear(x, *weights.transform)
    weights.norm                 of the layer norm: layer_norm(x, *weights.norm, eps)
    weights.decoder              [V, D], one row per word, as `linear` takes its weight
    weights.bias                 [V]
    hidden_act                   the name of act: ACTIVATIONS[hidden_act]

Worked example: one vector and two words. The first word points the same way as the vector, and the second points the
opposite way.

>>> words = np.array([[1, 1], [-1, -1]], dtype=np.float32)
>>> linear(np.array([[2, 1]], dtype=np.float32), words, np.zeros(2, dtype=np.float32)).tolist()
[[3.0, -3.0]]

Predict, before you check: what does the model predict if you leave the transform out, and multiply hidden_TD itself by
the word embeddings?
"""

import numpy as np

from minibert.checkpoint.parameters import MaskedLMWeights
from minibert.numerics import ACTIVATIONS, layer_norm, linear


def masked_lm_logits(hidden_TD: np.ndarray, weights: MaskedLMWeights, hidden_act: str, eps: float) -> np.ndarray:
    """hidden_TD -> logits_TV."""
    raise NotImplementedError

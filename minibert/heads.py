"""Pooler, masked-language-model head and classifier compute results from the encoder's output.

These are called heads too, but have nothing to do with the heads of attention. Logits are the numbers before softmax
(or before another last function). A masked language model guesses the tokens that are hidden by [MASK].
"""

from collections.abc import Callable

import numpy as np

from minibert.checkpoint.parameters import LinearWeights, MaskedLMWeights
from minibert.numerics import ACTIVATIONS, layer_norm, linear, softmax


def pooler(hidden_TD: np.ndarray, weights: LinearWeights, activation: Callable = np.tanh) -> np.ndarray:
    """Return one vector for the sentence, from its first token.

        pooled = tanh(hidden[CLS] W + b)

    hidden_TD -> [D].
    """
    return activation(linear(hidden_TD[:1], *weights))[0]


def masked_lm_logits(hidden_TD: np.ndarray, weights: MaskedLMWeights, hidden_act: str, eps: float) -> np.ndarray:
    """Return how well each token of the vocabulary would fit at each position.

        transformed = layer_norm(act(hidden W + b))
        logits      = transformed word^T + bias

    In most checkpoints `weights.decoder` is the table of word embeddings itself (tied weights). A logit is the dot
    product of a token's embedding and the transformed vector of a position, plus a bias. hidden_TD -> logits_TV.
    """
    act = ACTIVATIONS[hidden_act]
    transformed_TE = layer_norm(act(linear(hidden_TD, *weights.transform)), *weights.norm, eps)
    return linear(transformed_TE, weights.decoder, weights.bias)


def classify(pooled: np.ndarray, weights: LinearWeights) -> np.ndarray:
    """Return one logit for each label.

        logits = pooled W + b

    [D] -> [labels].
    """
    return linear(pooled[None], *weights)[0]


def label_scores(logits: np.ndarray, activation: str) -> np.ndarray:
    """Turn a classifier's logits into one number per label: [labels] -> [labels]. The checkpoint gives `activation`.

    softmax    exactly one label is right: probabilities that sum to 1
    sigmoid    each label by itself: 1 / (1 + exp(-logit)), a number between 0 and 1
    identity   the logits unchanged, for example if the model was trained to predict a rating from 1 to 5
    """
    if activation == "sigmoid":
        return (1 + np.tanh(logits / 2)) / 2  # this is the same function, and it cannot overflow
    return softmax(logits) if activation == "softmax" else logits

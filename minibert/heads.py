"""What is built on top of the encoder: the pooler, the masked-language-model head, a classifier.

These are called heads too, but have nothing to do with those of attention. Logits are scores before softmax.
"""

from collections.abc import Callable

import numpy as np

from minibert.checkpoint.parameters import LinearWeights, MaskedLMWeights
from minibert.numerics import ACTIVATIONS, layer_norm, linear, softmax


def pool(hidden_TD: np.ndarray, weights: LinearWeights, activation: Callable = np.tanh) -> np.ndarray:
    """pooled = tanh(hidden[CLS] W + b): one vector for the sentence, from its first token. hidden_TD -> [D]."""
    return activation(linear(hidden_TD[:1], *weights))[0]


def masked_lm_logits(hidden_TD: np.ndarray, weights: MaskedLMWeights, hidden_act: str, eps: float) -> np.ndarray:
    """How well each token of the vocabulary would fit at each position.

        transformed = layer_norm(act(hidden W + b))
        logits      = transformed word^T + bias

    `weights.decoder` is, in most checkpoints, the table of word embeddings itself (they are called tied): a token fits
    where the transformed vector points the way of its embedding. hidden_TD -> logits_TV.
    """
    transformed_TD = layer_norm(ACTIVATIONS[hidden_act](linear(hidden_TD, *weights.transform)), *weights.norm, eps)
    logits_TV = linear(transformed_TD, weights.decoder, weights.bias)
    return np.ascontiguousarray(logits_TV)  # in memory row after row, which NumPy sums more exactly


def sentence_vector(hidden_TD: np.ndarray, mode: str = "mean", normalize: bool = True) -> np.ndarray:
    """vector = mean over tokens of hidden, scaled to length 1: hidden_TD -> [D].

    Where a model was trained for it, sentences of like meaning point the same way, and the product of two vectors is
    the cosine of their angle (Reimers & Gurevych, 2019). mode "max" takes, number by number, the largest over the
    tokens; "cls" token 0 alone.
    """
    vector = {"mean": hidden_TD.mean(axis=0), "max": hidden_TD.max(axis=0), "cls": hidden_TD[0]}[mode]
    return vector / np.linalg.norm(vector) if normalize else vector


def classify(pooled: np.ndarray, weights: LinearWeights) -> np.ndarray:
    """logits = pooled W + b: [D] -> [labels]."""
    return linear(pooled[None], *weights)[0]


def answer(logits: np.ndarray, activation: str) -> np.ndarray:
    """What the logits of a classifier say: [labels] -> [labels].

    softmax    the labels exclude each other: probabilities that sum to 1
    sigmoid    1 / (1 + exp(-logit)): every label, or a single score, has a number between 0 and 1 of its own
    identity   the logits themselves, such as a number of stars
    """
    if activation == "sigmoid":
        return softmax(np.stack([logits, 0 * logits], axis=-1))[:, 0]  # of l and 0: it cannot overflow
    return softmax(logits) if activation == "softmax" else logits

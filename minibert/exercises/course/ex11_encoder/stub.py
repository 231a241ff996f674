"""11. The whole encoder, compared with the bundled model

The encoder computes the embeddings, then one layer after another. Each layer has weights of its own. From here on, your
code runs a trained model.

    hidden_0 = embed(sentences)                                  exercise 4
    hidden_i, parts = encoder_layer(hidden_{i-1}), i = 1 ... L   exercise 10

Shapes: encodings, a list of sentences -> a list of L + 1 arrays hidden_TD: the embeddings, then the result of each
layer.
    embed(encodings, weights.embeddings, config.layer_norm_eps)
    weights.layers                              one LayerWeights per layer
    rows_of_sentences(encodings)                the rows of each sentence, for encoder_layer
    encoder_layer(hidden_TD, rows, layer, config)   -> the new hidden_TD, and parts, which are not needed here

Worked example: three sentences of 4, 2 and 3 tokens have these rows. Only the lengths matter here, so the example uses
words with these lengths.

>>> rows_of_sentences(["four", "of", "the"])
[slice(0, 4, None), slice(4, 6, None), slice(6, 9, None)]

Predict, before you check: a word occurs twice in a sentence. Are its two vectors equal after the embeddings?
After the last layer?
"""

from collections.abc import Sequence

import numpy as np

from minibert.checkpoint.config import BertConfig
from minibert.checkpoint.parameters import Weights
from minibert.embeddings import embed
from minibert.encoder import encoder_layer
from minibert.model import rows_of_sentences
from minibert.tokenizer.tokenizer import Encoding


def hidden_states(encodings: Sequence[Encoding], weights: Weights, config: BertConfig) -> list[np.ndarray]:
    """Sentences -> [hidden_TD after the embeddings, after layer 1, ..., after layer L]."""
    raise NotImplementedError

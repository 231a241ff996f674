"""Every layer takes the last entry of the list and appends its own result. BERT is this chain of layers."""

from collections.abc import Sequence

import numpy as np

from minibert.checkpoint.config import BertConfig
from minibert.checkpoint.parameters import Weights
from minibert.embeddings import embed
from minibert.encoder import encoder_layer
from minibert.model import rows_of_sentences
from minibert.tokenizer.tokenizer import Encoding


def hidden_states(encodings: Sequence[Encoding], weights: Weights, config: BertConfig) -> list[np.ndarray]:
    rows = rows_of_sentences(encodings)
    states = [embed(encodings, weights.embeddings, config.layer_norm_eps)]
    for layer in weights.layers:
        hidden_TD, _ = encoder_layer(states[-1], rows, layer, config)
        states.append(hidden_TD)
    return states

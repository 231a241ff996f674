"""Each token is the sum of three rows from three tables. Positions count from 0 in every sentence, so the loop takes
one sentence at a time. Only the layers combine a row with other rows."""

from collections.abc import Sequence

import numpy as np

from minibert.checkpoint.parameters import EmbeddingWeights
from minibert.numerics import layer_norm
from minibert.tokenizer.tokenizer import Encoding


def embed(encodings: Sequence[Encoding], weights: EmbeddingWeights, eps: float) -> np.ndarray:
    sums = []
    for encoding in encodings:
        word = weights.word[list(encoding.input_ids)]
        position = weights.position[: len(encoding.input_ids)]
        token_type = weights.token_type[list(encoding.token_type_ids)]
        sums.append(word + position + token_type)
    return layer_norm(np.concatenate(sums), weights.norm.weight, weights.norm.bias, eps)

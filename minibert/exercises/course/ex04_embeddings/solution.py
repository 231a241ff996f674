"""Three rows of three tables are added per token. The position counts from 0 in every sentence, so sentences go one by
one; what a row has to do with its neighbours is left to the layers."""

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

"""4. Embeddings: from token ids to vectors

The model has three tables. The table of word vectors has one row per token of the vocabulary. The table of position
vectors has one row per position in a sentence. The table of token type vectors has two rows, for the first and the
second sentence of a pair. The vector of a token is the sum of three rows, after a layer norm:

    hidden_t = layer_norm(word[id of t] + position[place of t in its sentence] + token_type[type of t])

A batch is a list of sentences. The result has one row per token: first all tokens of the first sentence, then all
tokens of the second, and so on. Positions count from 0 in every sentence.

Shapes: encodings, a list of sentences, each with
    encoding.input_ids, encoding.token_type_ids     tuples, one int per token
and the tables (V is the size of the vocabulary)
    weights.word [V, D], weights.position [places, D], weights.token_type [2, D]
    weights.norm.weight [D], weights.norm.bias [D]  of the layer norm
Returns hidden_TD: T tokens of all sentences, D numbers each.

Worked example (without the norm): the ids 7 and 7 of one sentence give word[7] + position[0] + token_type[0] and
word[7] + position[1] + token_type[0]. The word is the same, but the two vectors differ. A list as an index picks many
rows of a table at once. (A tuple does not: NumPy reads it as row, column, ...)

>>> table = np.arange(3, dtype=np.float32)[:, None] * np.ones(2, dtype=np.float32)
>>> table[[2, 0, 2]].tolist()
[[2.0, 2.0], [0.0, 0.0], [2.0, 2.0]]

Predict, before you check: you shuffle the words of a sentence. Are the rows of hidden_TD the same, in another order?
"""

from collections.abc import Sequence

import numpy as np

from minibert.checkpoint.parameters import EmbeddingWeights
from minibert.numerics import layer_norm
from minibert.tokenizer.tokenizer import Encoding


def embed(encodings: Sequence[Encoding], weights: EmbeddingWeights, eps: float) -> np.ndarray:
    """Sentences -> hidden_TD."""
    raise NotImplementedError

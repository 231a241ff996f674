"""Each token becomes the sum of three vectors: for its id, its position, and the half of a pair of sentences."""

from collections.abc import Sequence, Sized

import numpy as np

from minibert.checkpoint.parameters import EmbeddingWeights
from minibert.numerics import layer_norm, linear


def embed(encodings: Sequence, weights: EmbeddingWeights, eps: float) -> np.ndarray:
    """Return the vectors of all tokens of all sentences, one sentence after another.

        hidden_t = layer_norm(word[id of t] + position[index of t in its sentence] + token_type[segment of t])

    Each token becomes a vector of D numbers, its hidden state. Each layer computes a new one. Without the position, the
    order of the tokens would be lost, because attention does not depend on the order. A pair of sentences is one
    sequence. Its positions continue through both halves, and the halves attend to each other. Only the segment differs.

    Tokens are words and pieces of words: "##y" continues the piece before it. [CLS] is in front, and [SEP] is at the
    end of the sentence, or of each half of a pair. An id is the token's row in the table `word`. All three tables were
    learned in training, the positions too.

    encodings: sentences with `input_ids` and `token_type_ids` -> hidden_TD.
    """
    input_ids_T = np.concatenate([encoding.input_ids for encoding in encodings])
    token_types_T = np.concatenate([encoding.token_type_ids for encoding in encodings])
    positions_T = np.concatenate([np.arange(len(encoding.input_ids)) for encoding in encodings])
    sum_TE = weights.word[input_ids_T] + weights.position[positions_T] + weights.token_type[token_types_T]
    normed_TE = layer_norm(sum_TE, *weights.norm, eps)
    if weights.projection is not None:  # ELECTRA and ALBERT have embeddings of E numbers, fewer than D
        return linear(normed_TE, *weights.projection)
    return normed_TE


def rows_of_sentences(sentences: Sequence[Sized]) -> list[slice]:
    """Return a slice of rows for each sentence. All sentences are in one array, one after another."""
    ends = np.cumsum([len(sentence) for sentence in sentences])
    return [slice(int(end) - len(sentence), int(end)) for sentence, end in zip(sentences, ends, strict=True)]

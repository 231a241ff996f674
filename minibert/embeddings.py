"""From token ids to vectors: what a token is, where it stands, and which half of a pair it belongs to."""

from collections.abc import Sequence, Sized

import numpy as np

from minibert.checkpoint.parameters import EmbeddingWeights
from minibert.numerics import layer_norm, linear


def embed(encodings: Sequence, weights: EmbeddingWeights, eps: float) -> np.ndarray:
    """The vectors of all tokens of all sentences, end to end.

        hidden_t = layer_norm(word[id of t] + position[index of t in its sentence] + token_type[segment of t])

    Each token becomes a vector of D numbers, its hidden state, which every layer will replace by another. Without the
    position, a sentence would be a bag of words: attention has no other way to know who stands next to whom. A pair of
    sentences is one sentence here: positions run on, its halves attend to each other, and only the segment differs.

    Tokens are words and pieces of words (##y goes on what is before it), with [CLS] in front and [SEP] at every end. An
    id is the token's row in the table `word`. All three tables were learned in training, the positions as well.
    encodings: sentences with `input_ids` and `token_type_ids` -> hidden_TD.
    """
    input_ids_T = np.concatenate([encoding.input_ids for encoding in encodings])
    token_types_T = np.concatenate([encoding.token_type_ids for encoding in encodings])
    positions_T = np.concatenate([np.arange(len(encoding.input_ids)) for encoding in encodings])
    hidden_TD = weights.word[input_ids_T]
    hidden_TD += weights.position[positions_T]
    hidden_TD += weights.token_type[token_types_T]
    hidden_TD = layer_norm(hidden_TD, *weights.norm, eps)
    return linear(hidden_TD, *weights.projection) if weights.projection else hidden_TD  # narrow ones, widened to D


def rows_of_sentences(sentences: Sequence[Sized]) -> list[slice]:
    """Which rows belong to which sentence when all are laid end to end."""
    ends = np.cumsum([len(sentence) for sentence in sentences])
    return [slice(int(end) - len(sentence), int(end)) for sentence, end in zip(sentences, ends, strict=True)]

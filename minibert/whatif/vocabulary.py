"""What does a head of layer 0 look for as such? Queries and keys of all words of the vocabulary, without a sentence.

The state of a token that enters layer 0 depends on its word, its place and its segment alone. So each head of layer 0
has one query and one key for each word at a given place:

    state(w)     = layer_norm(word[w] + position[place] + segment[0])
    score(w, v)  = query(w) . (key(v) - mean over the vocabulary of key) / sqrt(K)

Softmax does not see what all keys have in common, so the mean key is subtracted. Words of the same place are compared:
what a head does with places is the same for all keys. V is the size of the vocabulary, Q the number of queries.
"""

import math
from collections.abc import Iterator

import numpy as np

from minibert.errors import UserError
from minibert.model import Bert
from minibert.numerics import layer_norm, linear
from minibert.whatif.attribution import of_head

ROWS = 2048
"""So many states, or rows of scores, are computed at once."""


def vocabulary_points(bert: Bert, head: int, place: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Queries, divided by sqrt(K), and keys, less their mean, of one head of layer 0: query_VK, key_VK.

    UserError: a place that the model does not have.
    """
    weights, size = bert.weights.embeddings, bert.config.head_size
    places = len(weights.position)
    if not 0 <= place < places:
        raise UserError(f"--place is {place}; this model has places 0 to {places - 1}")
    of_query, of_key = (of_head(one, head, size) for one in bert.weights.layers[0].attention[:2])
    query, key = [], []
    for start in range(0, len(weights.word), ROWS):
        sum_TE = weights.word[start : start + ROWS] + weights.position[place] + weights.token_type[0]
        state_TD = layer_norm(sum_TE, *weights.norm, bert.config.layer_norm_eps)
        if weights.projection is not None:
            state_TD = linear(state_TD, *weights.projection)
        query.append(linear(state_TD, *of_query) / math.sqrt(size))
        key.append(linear(state_TD, *of_key))
    key_VK = np.concatenate(key)
    return np.concatenate(query), key_VK - key_VK.mean(axis=0)


def best_keys(query_QK: np.ndarray, key_VK: np.ndarray, count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each query the `count` keys of the highest scores, highest first, and their scores.

    Yields one pair per query; the rows of scores of some queries are computed together.
    """
    for start in range(0, len(query_QK), max(1, ROWS * 512 // len(key_VK))):
        scores_QV = query_QK[start : start + max(1, ROWS * 512 // len(key_VK))] @ key_VK.T
        best = np.argpartition(-scores_QV, min(count, scores_QV.shape[1]) - 1, axis=-1)[:, :count]
        for row, found in zip(scores_QV, best, strict=True):
            order = found[np.lexsort((found, -row[found]))]
            yield order, row[order]

"""24. Why: a score is a sum over what wrote the query and what wrote the key

Exercise 17 found a head that attends to the token before. How does it find that token? The state of a token is a sum
of parts: its word, its position, what each earlier head added, and more. A layer norm divides a token by one number,
its spread. Take the spread that the token had in this run. Then the norm is linear, and each part goes through it
by itself:

    spread  = sqrt(var(sum) + eps)                          sum: of all parts of the token
    norm(a) = weight (a - mean(a)) / spread                 for each part a; the last part also gets the bias

The parts after the norm sum to norm(sum). So queries and keys are sums of parts too, and a score is a sum over pairs:

    term(a, b, s) = query_a . key_b(s) / sqrt(K)            a: part of the query's token, b: part of the token s

Softmax does not see what all keys have in common. So take from each term its mean over the keys s.

The last function measures what earlier heads wrote into keys. Take the most attended key of each query, and there the
terms whose key part is "head l.h". Add them up over the parts of the query. The mean of this sum over all queries of
all texts is measurement[l, h]. Every query counts the same. Heads that are not earlier have 0.

Shapes: norm_parts: parts_PTD [parts, tokens, D], weight and bias [D], eps -> [parts, tokens, D]
pair_terms: query_PK [parts, K] of one token, key_PSK [parts, keys, K] -> [parts, parts, keys]: a, b, s
key_side: bert, the model; texts, a list; layer and head -> [layers, heads]
    query_and_key(bert, trace, layer, head)    names of the parts, query_PTK, key_PSK: given below
    trace.layers[layer].attention[head]        [tokens, tokens], a row a query

Worked example: two parts of one token. Their sum is (3, 1), its mean is 2, and its spread is 1.

>>> parts = np.array([[[4, 0]], [[-1, 1]]], dtype=np.float32)
>>> norm_parts(parts, np.ones(2), np.zeros(2), 0.0).tolist()
[[[2.0, -2.0]], [[-1.0, 1.0]]]

Predict, before you run it: does head 2 of layer 1 find the token before by positions alone? Then write the functions,
check, run this file (python 24_why.py), and put down the head that wrote most into its keys.
"""

import numpy as np

import minibert
from minibert.exercises import sentences
from minibert.speed.cores import one_thread
from minibert.whatif.attribution import of_head, parts_of_states, through_linear

WRITING_HEAD = None  # (layer, head), both from 0


def norm_parts(parts_PTD: np.ndarray, weight_D: np.ndarray, bias_D: np.ndarray, eps: float) -> np.ndarray:
    """The parts after the layer norm of their sum: [parts, tokens, D]."""
    raise NotImplementedError


def pair_terms(query_PK: np.ndarray, key_PSK: np.ndarray) -> np.ndarray:
    """The scores of one query as a sum over pairs of parts, minus each term's mean over the keys."""
    raise NotImplementedError


def query_and_key(bert: minibert.Bert, trace: minibert.Trace, layer: int, head: int):
    """Names of the parts, and the queries and keys of one head as sums of parts."""
    parts, size = parts_of_states(bert, trace, layer), bert.config.head_size
    query, key, _ = bert.weights.layers[layer].attention
    query_PTK = through_linear(parts.vectors, of_head(query, head, size))
    return parts.names, query_PTK, through_linear(parts.vectors, of_head(key, head, size))


def key_side(bert: minibert.Bert, texts: list[str], layer: int, head: int) -> np.ndarray:
    """What each head wrote into the most attended keys of one head: [layers, heads]."""
    raise NotImplementedError


if __name__ == "__main__":
    print("what each head wrote into the keys of head 1.2: rows are layers, columns are heads")
    with one_thread():
        print(key_side(minibert.load("tiny"), sentences(), 1, 2).round(2))

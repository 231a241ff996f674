"""Self-attention is the only place in BERT where information moves from one token to another.

Each token has three vectors. Its query describes what the token looks for. Its key is a label by which it can be found.
Its value is what it gives away. Take the query of token t and the key of token s. The larger their dot product, the
more of the value of s goes to t. This is from Vaswani et al., "Attention is all you need", 2017.

H heads do this in parallel. Each head reads all D numbers of a token. It computes its own query, key and value, each of
K = D / H numbers. So each head can look for something else. One matrix W_q [D, D] computes the queries of all heads. It
consists of H matrices [D, K], one for each head, side by side. `attend` is the main function. The line attention_HTS @
value_HSK moves the information.
"""

import math
from collections.abc import Sequence

import numpy as np

from minibert.checkpoint.parameters import AttentionWeights
from minibert.numerics import linear, softmax


def attend(
    query_HTK: np.ndarray, key_HSK: np.ndarray, value_HSK: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute the attention of the tokens of one sentence to each other.

        scores    = query key^T / sqrt(K)      how well does the label of s match what t looks for?
        attention = softmax(scores)            row t: how t shares out its attention; the row sums to 1
        context   = attention value            a weighted mean of the values

    query . key is a sum of K products. Suppose that they are independent, each with variance 1. Then the sum has
    variance K, so its standard deviation is sqrt(K). Without the division, a larger K gives larger differences between
    scores. Softmax then gives nearly everything to the largest score. If one key gets nearly all, the gradients of
    softmax are close to 0, and the head hardly learns.

    T and S count the same tokens of one sentence, once as queries and once as keys.
    Returns scores_HTS, attention_HTS, context_HTK.
    """
    scores_HTS = query_HTK @ key_HSK.mT / math.sqrt(query_HTK.shape[-1])  # .mT exchanges the last two axes
    attention_HTS = softmax(scores_HTS)
    context_HTK = attention_HTS @ value_HSK
    return scores_HTS, attention_HTS, context_HTK


def split_heads(x_TD: np.ndarray, heads: int) -> np.ndarray:
    """Split the D numbers of each token into H groups of K, one per head: x_TD -> x_HTK, a view."""
    tokens, hidden_size = x_TD.shape
    return x_TD.reshape(tokens, heads, hidden_size // heads).transpose(1, 0, 2)


def merge_heads(x_HTK: np.ndarray) -> np.ndarray:
    """Put the heads of each token side by side again: x_HTK -> x_TD. This undoes `split_heads`."""
    heads, tokens, head_size = x_HTK.shape
    return x_HTK.transpose(1, 0, 2).reshape(tokens, heads * head_size)


def self_attention(
    hidden_TD: np.ndarray, sentences: Sequence[slice], weights: AttentionWeights, heads: int
) -> list[dict[str, np.ndarray]]:
    """Compute the attention of the tokens within each sentence. `sentences` has the rows of each sentence in hidden_TD.

        query = hidden W_q + b_q
        key   = hidden W_k + b_k
        value = hidden W_v + b_v

    Other implementations stack sentences into one array and fill the short ones up with [PAD]. [PAD] must get no
    attention. So they add a huge negative number to the scores of its keys. This is the attention mask. Here sentences
    are in one array, one after another, and `attend` runs on each. So no mask is needed. ([MASK] is another thing: it
    is a token.)

    Returns, for each sentence, query, key, value [H, T, K], scores, attention [H, T, S] and context [T, D].
    """
    query_HTK = split_heads(linear(hidden_TD, *weights.query), heads)
    key_HTK = split_heads(linear(hidden_TD, *weights.key), heads)
    value_HTK = split_heads(linear(hidden_TD, *weights.value), heads)

    parts = []
    for rows in sentences:
        part = {"query": query_HTK[:, rows], "key": key_HTK[:, rows], "value": value_HTK[:, rows]}
        scores_HTS, attention_HTS, context_HTK = attend(part["query"], part["key"], part["value"])
        parts.append(part | {"scores": scores_HTS, "attention": attention_HTS, "context": merge_heads(context_HTK)})
    return parts


def head_outputs(context_TD: np.ndarray, weight: np.ndarray, heads: int) -> np.ndarray:
    """Return what each head adds to each token. The forward pass does not need it; it shows the heads one by one.

        context W + b = sum over heads of context_h W_h + b      head h has K rows of W to itself

    W is the output projection of the next chapter, which mixes the heads. (weight is W^T.)
    context_TD, weight [D, D] (one row per output) -> [H, T, D].
    """
    context_HTK = split_heads(context_TD, heads)
    weight_DHK = weight.reshape(len(weight), heads, -1)
    return context_HTK @ weight_DHK.transpose(1, 2, 0)

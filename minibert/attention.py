"""Self-attention: the only place in BERT where information moves from one token to another.

Every token asks a question (its query), shows a label that questions are compared with (its key), and carries something
to give away (its value). The larger the product of query and key, the more the query's token gets of the key's value.

    query, key, value = hidden W_q + b_q,  hidden W_k + b_k,  hidden W_v + b_v
    scores            = query key^T / sqrt(K)
    attention         = softmax(scores)
    context           = attention value

H heads do this side by side. Each reads all D numbers of a token and makes queries, keys and values of its own, of
K = D / H numbers, so that each can ask something else: W_q [D, D] is H matrices [D, K] side by side. `attend` is the
heart of it, and its last product, attention times value, is where the moving is done.

Other implementations are full of padding: they stack sentences into a rectangle, fill the short ones up with [PAD], and
add a huge negative number to the scores of those keys so that softmax gives them nothing. Here sentences lie end to
end, and `self_attention` goes through them one by one: nothing to mask. ([MASK] is another thing: a token.)
"""

import math
from collections.abc import Sequence

import numpy as np

from minibert.checkpoint.parameters import AttentionWeights
from minibert.numerics import linear, softmax


def attend(query_HTK: np.ndarray, key_HSK: np.ndarray, value_HSK: np.ndarray) -> tuple[np.ndarray, ...]:
    """Let the tokens of one sentence look at each other.

        scores    = query key^T / sqrt(K)      how well does what t looks for match what s offers?
        attention = softmax(scores)            row t: how t shares out its attention, summing to 1
        context   = attention value            what t takes home: a weighted mean of the values

    query . key is a sum of K products. Were they independent, each of variance 1, the sum's standard deviation would be
    sqrt(K): without the division, the wider a head, the more of its attention softmax would put on a single key.

    The keys are those of the same sentence: T and S count the same tokens, as askers and as asked. The query is
    divided in place of the scores: it comes to the same, and is fewer numbers.
    Returns scores_HTS, attention_HTS, context_HTK.
    """
    scores_HTS = (query_HTK / math.sqrt(query_HTK.shape[-1])) @ key_HSK.mT  # .mT: the last two axes exchanged
    attention_HTS = softmax(scores_HTS)
    context_HTK = attention_HTS @ value_HSK
    return scores_HTS, attention_HTS, context_HTK


def split_heads(x_TD: np.ndarray, heads: int) -> np.ndarray:
    """Head h of a token is numbers h K to (h + 1) K of its D: x_TD -> x_HTK, a view."""
    tokens, hidden_size = x_TD.shape
    return x_TD.reshape(tokens, heads, hidden_size // heads).transpose(1, 0, 2)


def merge_heads(x_HTK: np.ndarray) -> np.ndarray:
    """The heads of a token side by side again: x_HTK -> x_TD, a copy. Undoes `split_heads`."""
    heads, tokens, head_size = x_HTK.shape
    return x_HTK.transpose(1, 0, 2).reshape(tokens, heads * head_size)


def self_attention(
    hidden_TD: np.ndarray, sentences: Sequence[slice], weights: AttentionWeights, heads: int
) -> list[dict[str, np.ndarray]]:
    """Attention of every sentence to itself. `sentences` says which rows of hidden_TD are one sentence's.

    Returns, for each sentence, query, key, value [H, T, K], scores, attention [H, T, S] and context [T, D].
    """
    query_HTK = split_heads(linear(hidden_TD, *weights.query), heads)
    key_HTK = split_heads(linear(hidden_TD, *weights.key), heads)
    value_HTK = split_heads(linear(hidden_TD, *weights.value), heads)

    parts = []
    for rows in sentences:
        query, key, value = query_HTK[:, rows], key_HTK[:, rows], value_HTK[:, rows]
        scores, attention, context = attend(query, key, value)
        parts.append(
            {
                "query": query,
                "key": key,
                "value": value,
                "scores": scores,
                "attention": attention,
                "context": merge_heads(context),
            }
        )
    return parts


def head_outputs(context_TD: np.ndarray, weight: np.ndarray, heads: int) -> np.ndarray:
    """What each head adds to each token; not needed for the forward pass, but to look at heads one by one.

        context W + b = sum over heads of context_h W_h + b      W_h: the K rows of W that belong to head h

    W is the output projection, with which the next chapter mixes the heads. (Its rows are columns of weight = W^T.)

    context_TD, weight [D, D] (one row per output) -> [H, T, D].
    """
    context_HTK = split_heads(context_TD, heads)
    weight_DHK = weight.reshape(len(weight), heads, -1)
    return context_HTK @ weight_DHK.transpose(1, 2, 0)

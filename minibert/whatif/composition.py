"""What is a head made of, and which earlier heads feed it? The terms of `attribution`, for all queries of a sentence.

Let j be the most attended key of query t. Its lead is its score less the mean over the keys, a sum over pairs of parts:

    lead(t)  = sum over a, b of q_a(t) . (k_b(j) - mean over s of k_b(s))
    value    = mean over t of the pairs that are asked about
    null     = the same, with the words' parts shuffled
    without  = mean over t of attention(t, j) if these pairs are taken out of the scores

A head a composes with a later head through its queries (all pairs with part a of the query), its keys (all pairs with
part a of the key) or its values. What a later head moves to token t is m(t), also a sum over parts:

    m(t)     = sum over s of attention(t, s) W (x(s) - mean over s of x(s))      W = W_h W_v, x(s) the state of token s
    value    = sum over t of m_a(t) . m(t) / sum over t of |m(t)|^2              the values of all parts sum to 1

The null asks whether it matters to which word a part was written. The part (of the key, if both sides are asked about)
is shuffled among the words of the sentence. Special tokens keep theirs, and j, m(t) and all other parts stay as they
are. Value is linear in the part, so the mean over all orders of the words needs no chance: each word has the words'
mean. Shuffling the words of the text instead is no null: a head that looks one word back does so in any text.

Composition through queries, keys and values: Elhage et al., "A Mathematical Framework for Transformer Circuits", 2021.
P is the number of parts, X the number of questions.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from minibert.model import Bert
from minibert.numerics import softmax
from minibert.speed.cores import split
from minibert.trace import Trace
from minibert.whatif.attribution import Parts, of_head, query_and_key_parts, through_linear
from minibert.whatif.changes import field_of

KINDS = ("word", "position", "segment", "heads", "feed-forwards", "biases")
"""All parts, those that heads and feed-forward halves wrote taken together."""

MOST_NUMBERS = 1 << 21
"""The terms of this many pairs of tokens are computed at once."""


class Question(NamedTuple):
    """Which pairs of parts are asked about, in one head.

    side      "pair" for one pair of parts, "kinds" for one pair of KINDS, "query" for all pairs with a part of the
              query, "key" for all pairs with a part of the key, "value" for a part of what is moved
    of_query  the part of the query's token, "" for all
    of_key    the part of the key's token, "" for all
    """

    side: str
    of_query: str
    of_key: str


class Answers(NamedTuple):
    """One number per question, in their order: value_X, null_X, without_X; see the equations above.

    For a part of what is moved, `without` is the length of what the head moves without it, as a share of the whole.

    lead       mean over the queries of lead(t)
    attention  mean over the queries of attention(t, j)
    special    share of the queries whose most attended key is a special token
    """

    value: np.ndarray
    null: np.ndarray
    without: np.ndarray
    lead: float
    attention: float
    special: float


class OneHead(NamedTuple):
    """One head in one sentence. parts: of the states that enter its layer. words_T: which tokens are not special."""

    bert: Bert
    parts: Parts
    layer: int
    head: int
    attention_TS: np.ndarray
    scores_TS: np.ndarray
    words_T: np.ndarray


Three = tuple[np.ndarray, np.ndarray, np.ndarray]


def answer(bert: Bert, trace: Trace, layer: int, head: int, questions: tuple[Question, ...], parts: Parts) -> Answers:
    """Answer questions about one head in one sentence. parts: of the states that enter the layer."""
    attention_TS, scores_TS = (
        field_of(bert, trace, layer, name)[head].astype(float) for name in ("attention", "scores")
    )
    words_T = np.array([role in (None, "mask") for role in trace.roles])
    one = OneHead(bert, parts, layer, head, attention_TS, scores_TS, words_T)
    of_values = np.array([question.side == "value" for question in questions], bool)
    found_3X = np.zeros((3, len(questions)))
    for which, measured in ((~of_values, in_scores), (of_values, in_values)):
        asked = tuple(question for question, wanted in zip(questions, which, strict=True) if wanted)
        if asked:
            found_3X[:, which] = measured(one, asked)
    lead_T = scores_TS.max(axis=-1) - scores_TS.mean(axis=-1)
    special_T = ~words_T[scores_TS.argmax(axis=-1)]
    return Answers(*found_3X, *(float(x_T.mean()) for x_T in (lead_T, attention_TS.max(axis=-1), special_T)))


def in_scores(one: OneHead, asked: tuple[Question, ...]) -> Three:
    """Value, null and without of some terms of the scores."""
    query_PTK, key_PSK = query_and_key_parts(one.bert, one.parts, one.layer, one.head)
    queries, best_T = np.arange(len(one.scores_TS)), one.scores_TS.argmax(axis=-1)
    of_query_XP = belonging(one.parts.names, tuple(question.of_query for question in asked))
    of_key_XP = belonging(one.parts.names, tuple(question.of_key for question in asked))

    def value_X(query_PTK: np.ndarray, key_PSK: np.ndarray) -> np.ndarray:
        apart_PTK = key_PSK[:, best_T] - key_PSK.mean(axis=1, keepdims=True)
        lead_PP = flat(query_PTK) @ flat(apart_PTK).T / len(queries)
        return np.asarray((of_query_XP @ lead_PP * of_key_XP).sum(axis=-1))

    by_query_X = np.array([not question.of_key for question in asked])
    of_query_X = value_X(shuffled(query_PTK, one.words_T), key_PSK)
    null_X = np.where(by_query_X, of_query_X, value_X(query_PTK, shuffled(key_PSK, one.words_T)))
    without_X = []
    for some in split(len(asked), len(asked) * one.scores_TS.size // MOST_NUMBERS + 1):
        query_XTK = (of_query_XP[some] @ flat(query_PTK)).reshape(-1, *query_PTK.shape[1:])
        key_XSK = (of_key_XP[some] @ flat(key_PSK)).reshape(-1, *key_PSK.shape[1:])
        left_XTS = softmax((one.scores_TS - query_XTK @ key_XSK.mT).astype(np.float32))
        without_X.append(left_XTS[:, queries, best_T].mean(axis=-1))
    return value_X(query_PTK, key_PSK), null_X, np.concatenate(without_X)


def in_values(one: OneHead, asked: tuple[Question, ...]) -> Three:
    """Value, null and without of some parts of what a head moves."""
    weights, size = one.bert.weights.layers[one.layer], one.bert.config.head_size
    columns_DK = weights.attention_output.weight[:, one.head * size : (one.head + 1) * size].astype(float)
    lengths_KK = columns_DK.T @ columns_DK  # W_h v . W_h w = v (W_h^T W_h) w: K numbers a token, not D
    value_PSK = through_linear(one.parts.vectors, of_head(weights.attention.value, one.head, size))
    value_PSK -= value_PSK.mean(axis=1, keepdims=True)
    whole_TK = one.attention_TS @ value_PSK.sum(axis=0)
    along_TK = whole_TK @ lengths_KK
    total = float((whole_TK * along_TK).sum()) or 1.0
    of_key_XP = belonging(one.parts.names, tuple(question.of_key for question in asked))
    read_SK = one.attention_TS.T @ along_TK  # the sum of m_a . m over the queries is a . read, for each part a

    def value_X(value_PSK: np.ndarray) -> np.ndarray:
        return np.asarray(of_key_XP @ (flat(value_PSK) @ read_SK.ravel()) / total)

    moved_XTK = one.attention_TS @ (of_key_XP @ flat(value_PSK)).reshape(-1, *whole_TK.shape)
    left_XTK = whole_TK - moved_XTK
    lengths_X = ((left_XTK @ lengths_KK) * left_XTK).sum(axis=(1, 2))
    return value_X(value_PSK), value_X(shuffled(value_PSK, one.words_T)), np.sqrt(lengths_X.clip(0) / total)


def shuffled(vectors_PTK: np.ndarray, words_T: np.ndarray) -> np.ndarray:
    """The vectors with those of the words in any order, as a mean over all orders; special tokens keep theirs."""
    mixed_PTK = vectors_PTK.copy()
    if words_T.any():
        mixed_PTK[:, words_T] = vectors_PTK[:, words_T].mean(axis=1, keepdims=True)
    return mixed_PTK


def flat(vectors_PTK: np.ndarray) -> np.ndarray:
    """[P, T K]: the numbers of all tokens side by side."""
    return vectors_PTK.reshape(len(vectors_PTK), -1)


@lru_cache(4096)
def belonging(names: tuple[str, ...], wanted: tuple[str, ...]) -> np.ndarray:
    """[X, P], 1 where a part belongs to what is wanted: this part, this kind of parts, or all parts if it is ""."""
    return np.array([[wish in ("", name, name.split(" ")[0] + "s") for name in names] for wish in wanted], float)

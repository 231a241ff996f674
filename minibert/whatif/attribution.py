"""Why does a head look there? Every score is an exact sum over what wrote the query and what wrote the key.

A layer norm subtracts the mean of a token, divides by the token's spread, multiplies by a weight and adds a bias. With
the spread that the token had in this run, all of that but the bias is linear. So the state of token t that enters a
layer is a sum of parts: word, position, segment, what each earlier head and each earlier feed-forward half added, and
biases. Queries and keys are linear maps of the state, so a score is a sum over pairs of parts:

    state(t)    = sum over a of a(t)
    query(t)    = sum over a of W_q a(t)      b_q counts as a bias
    key(s)      = sum over b of W_k b(s)      b_k counts as a bias
    score(t, s) = sum over a, b of (W_q a(t)) . (W_k b(s)) / sqrt(K)

The sum is exact, but it is not causal by itself: if a part were missing, the spreads would be others. `without_terms`
takes terms out of the scores; softmax and `bert.resume` then show what the model does without them.

Elhage et al., "A Mathematical Framework for Transformer Circuits", 2021; Kobayashi et al., "Incorporating Residual and
Normalization Layers into Analysis of Masked Language Models", 2021. P is the number of parts.
"""

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from minibert.attention import head_outputs
from minibert.checkpoint.parameters import LinearWeights, NormWeights
from minibert.model import Bert
from minibert.numerics import softmax
from minibert.trace import Trace
from minibert.whatif.changes import field_of

BIASES = "biases"


@dataclass(frozen=True)
class Parts:
    """States of all tokens as a sum.

    names    of the P parts: "word", "position", "segment", "head 0.1", "feed-forward 0", ..., "biases"
    vectors  [P, tokens, hidden], float64; their sum over the parts is the states
    """

    names: tuple[str, ...]
    vectors: np.ndarray


@dataclass(frozen=True)
class ScoreParts:
    """The scores of one query as a sum.

    names  of the P parts
    parts  [P, P, keys]: part of the query's token, part of the key's token, key. Their sum over both is the row of
           scores, already divided by sqrt(head_size)
    """

    names: tuple[str, ...]
    parts: np.ndarray

    @property
    def centred(self) -> np.ndarray:
        """[P, P, keys], each term less its mean over the keys, which softmax does not see."""
        return self.parts - self.parts.mean(axis=-1, keepdims=True)

    def against(self, key: int) -> np.ndarray:
        """[P, P, keys], each term less the same term for another key: why these keys, and not that one?"""
        return self.parts - self.parts[..., key : key + 1]


@dataclass(frozen=True)
class Term:
    """One term of a score. without: the attention of the query to the key if this term is taken out of the scores."""

    of_query: str
    of_key: str
    value: float
    without: float

    @property
    def name(self) -> str:
        return f"{self.of_query} x {self.of_key}"


def parts_of_states(bert: Bert, trace: Trace, layer: int) -> Parts:
    """The states that enter a layer, as a sum of what wrote them. layer: 0 to the number of layers (the last state)."""
    return parts_after(bert, trace, 2 * layer)


def parts_after(bert: Bert, trace: Trace, halves: int) -> Parts:
    """The states after so many halves of layers, as a sum. After 2 L + 1 halves, they are in the middle of layer L."""
    return next(itertools.islice(parts_after_each_half(bert, trace), halves, None))


def parts_of_each_state(bert: Bert, trace: Trace) -> Iterator[Parts]:
    """The states that enter layer 0, 1, ... and the last states, each as a sum."""
    return itertools.islice(parts_after_each_half(bert, trace), 0, None, 2)


def parts_after_each_half(bert: Bert, trace: Trace) -> Iterator[Parts]:
    """The states after 0, 1, 2, ... halves of layers, each as a sum."""
    names, vectors_PTD = embedding_parts(bert, trace)
    yield Parts(tuple(names), vectors_PTD)
    for layer, second in itertools.product(range(bert.config.num_hidden_layers), (False, True)):
        weights = bert.weights.layers[layer]
        if second:
            intermediate_TF = field_of(bert, trace, layer, "intermediate").astype(float)
            new, added_NTD = [f"feed-forward {layer}"], (intermediate_TF @ weights.output.weight.T.astype(float))[None]
        else:
            context_TD, count = field_of(bert, trace, layer, "context").astype(float), bert.config.num_attention_heads
            new = [f"head {layer}.{head}" for head in range(count)]
            added_NTD = head_outputs(context_TD, weights.attention_output.weight.astype(float), count)
        bias = weights.output.bias if second else weights.attention_output.bias
        vectors_PTD = np.concatenate([vectors_PTD[:-1], added_NTD, vectors_PTD[-1:] + bias])
        norm = weights.output_norm if second else weights.attention_norm
        names, vectors_PTD = [*names[:-1], *new, BIASES], through_norm(vectors_PTD, norm, bert.config.layer_norm_eps)
        yield Parts(tuple(names), vectors_PTD)


def embedding_parts(bert: Bert, trace: Trace) -> tuple[list[str], np.ndarray]:
    """Word, position, segment and biases of the embeddings: names and vectors [4, T, D]."""
    weights, tokens = bert.weights.embeddings, len(trace.input_ids)
    if not tokens:
        raise ValueError("the trace has no input_ids; expected a trace of bert(text)")
    word_TE = weights.word[list(trace.input_ids)]
    position_TE, segment_TE = weights.position[:tokens], weights.token_type[list(trace.token_type_ids)]
    vectors_PTE = np.stack([word_TE, position_TE, segment_TE, np.zeros_like(word_TE)]).astype(float)
    vectors_PTE = through_norm(vectors_PTE, weights.norm, bert.config.layer_norm_eps)
    if weights.projection:
        return ["word", "position", "segment", BIASES], through_linear(vectors_PTE, weights.projection)
    return ["word", "position", "segment", BIASES], vectors_PTE


def through_norm(vectors_PTD: np.ndarray, weights: NormWeights, eps: float) -> np.ndarray:
    """Each part of a sum through the layer norm of the sum. Its bias goes to the last part, the biases."""
    spread_T1 = np.sqrt(vectors_PTD.sum(axis=0).var(axis=-1, keepdims=True) + eps)
    normed_PTD = (vectors_PTD - vectors_PTD.mean(axis=-1, keepdims=True)) / spread_T1 * weights.weight
    normed_PTD[-1] += weights.bias
    return normed_PTD


def through_linear(vectors_PTD: np.ndarray, weights: LinearWeights) -> np.ndarray:
    """Each part of a sum through a linear map. Its bias goes to the last part, the biases."""
    mapped_PTK = vectors_PTD @ weights.weight.T.astype(float)
    mapped_PTK[-1] += weights.bias
    return mapped_PTK


def of_head(weights: LinearWeights, head: int, head_size: int) -> LinearWeights:
    """The rows of a projection to queries, keys or values that make those of one head."""
    rows = slice(head * head_size, (head + 1) * head_size)
    return LinearWeights(weights.weight[rows], weights.bias[rows])


def query_and_key_parts(bert: Bert, parts: Parts, layer: int, head: int) -> tuple[np.ndarray, np.ndarray]:
    """The queries, divided by sqrt(K), and the keys of one head as sums: query_PTK, key_PSK."""
    size = bert.config.head_size
    query, key, _ = bert.weights.layers[layer].attention
    query_PTK = through_linear(parts.vectors, of_head(query, head, size)) / math.sqrt(size)
    return query_PTK, through_linear(parts.vectors, of_head(key, head, size))


def score_parts(bert: Bert, trace: Trace, layer: int, head: int, query: int, parts: Parts | None = None) -> ScoreParts:
    """The row of scores of one query (its position) in one head, as a sum over pairs of parts.

    parts: those of the states that enter the layer, where they are known already.
    """
    parts = parts or parts_of_states(bert, trace, layer)
    query_PTK, key_PSK = query_and_key_parts(bert, parts, layer, head)
    return ScoreParts(parts.names, np.einsum("ak,bsk->abs", query_PTK[:, query], key_PSK))


def score_terms(
    bert: Bert,
    trace: Trace,
    layer: int,
    head: int,
    query: int,
    key: int,
    instead: int | None = None,
    parts: Parts | None = None,
) -> list[Term]:
    """The terms of one score, the largest first: each less its mean over the keys or, with `instead`, that key's."""
    found = score_parts(bert, trace, layer, head, query, parts)
    shown = found.centred[..., key] if instead is None else found.against(instead)[..., key]
    row = field_of(bert, trace, layer, "scores")[head, query].astype(float)
    without = softmax(row - found.centred)[..., key]
    places = zip(*np.unravel_index(np.argsort(-np.abs(shown), axis=None, kind="stable"), shown.shape), strict=True)
    names = found.names
    return [Term(names[a], names[b], float(shown[a, b]), float(without[a, b])) for a, b in places]


def moved_parts(bert: Bert, trace: Trace, layer: int, head: int, query: int, parts: Parts | None = None) -> Parts:
    """What one head moves to one token from each key, as a sum of what wrote the key's state: vectors [P, keys, D].

        moved(a, s) = attention(t, s) (W_v a(s)) W_h

    The sum over parts and keys is what the head adds to the token: its row of `head_outputs`.
    """
    parts, size = parts or parts_of_states(bert, trace, layer), bert.config.head_size
    weights = bert.weights.layers[layer]
    attention_S = field_of(bert, trace, layer, "attention")[head, query].astype(float)
    value_PSK = through_linear(parts.vectors, of_head(weights.attention.value, head, size))
    columns = weights.attention_output.weight[:, head * size : (head + 1) * size].astype(float)
    return Parts(parts.names, attention_S[:, None] * (value_PSK @ columns.T))


def strongest_terms(bert: Bert, trace: Trace, layer: int, head: int, parts: Parts | None = None) -> np.ndarray:
    """[P, P]: how much each pair of parts adds to the score of the most attended key, less the mean over the keys.

    A mean over all queries of the sentence. The sum over both axes is the mean lead of the most attended key.
    """
    parts = parts or parts_of_states(bert, trace, layer)
    query_PTK, key_PSK = query_and_key_parts(bert, parts, layer, head)
    best_T = field_of(bert, trace, layer, "attention")[head].argmax(axis=-1)
    lead_PTK = key_PSK[:, best_T] - key_PSK.mean(axis=1, keepdims=True)
    return np.einsum("atk,btk->ab", query_PTK, lead_PTK, optimize=True) / len(best_T)


def without_terms(
    bert: Bert, trace: Trace, layer: int, head: int, terms: Iterable[tuple[str, str]], parts: Parts | None = None
) -> np.ndarray:
    """The scores of all heads of a layer, without some terms of one head: scores_HTS, for `bert.resume(scores=...)`.

    terms: pairs of names, the part of the query's token and the part of the key's. Each term is taken out less its mean
    over the keys, so that the row keeps its level.
    """
    parts = parts or parts_of_states(bert, trace, layer)
    query_PTK, key_PSK = query_and_key_parts(bert, parts, layer, head)
    scores_HTS = field_of(bert, trace, layer, "scores").copy()
    for of_query, of_key in terms:
        a, b = place_of(parts, of_query), place_of(parts, of_key)
        term_TS = query_PTK[a] @ key_PSK[b].T
        scores_HTS[head] -= (term_TS - term_TS.mean(axis=-1, keepdims=True)).astype(np.float32)
    return scores_HTS


def place_of(parts: Parts, name: str) -> int:
    """Which part has this name. ValueError: none has."""
    if name not in parts.names:
        raise ValueError(f"{name!r} is none of the parts; expected one of {', '.join(parts.names)}")
    return parts.names.index(name)

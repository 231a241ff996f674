"""Why this guess? The way back from a masked word to the words and positions that it comes from.

With the spread that each layer norm had in this run, and with the ratio act(x) / x that each activation had, every step
after attention is linear. So the lead of a guess is a sum over the parts of the last state at the mask:

    gate(x)   = act(x) / x                                    of this run, number by number
    lead      = logit(guess) - level
    level     = mean of the logits over the vocabulary        or the logit of another word, `instead`
    lead      = sum over parts a of direction . a + head      head: what the biases of the masked-LM head add
    direction = W (gate * centred(norm weight * word) / spread)    word: the guess's embedding less the level's

A part that an attention head wrote is a sum over keys and over the parts of each key's state. A part that a
feed-forward half wrote is a sum over the parts of the state it read:

    head(t)         = sum over s, b of attention(t, s) (W_v b(s)) W_h
    feed_forward(t) = sum over b of (gate * (W_1 b(t))) W_2

Why a head attends to the token s is a sum over the same parts of its state:

    score(b) = sum over a of (W_q a(t)) . (W_k b(s)) / sqrt(K)      less its mean over the keys

`way_back` follows the largest parts in this way until it comes to words and positions. At each node it keeps the
largest parts and adds up all others, so the parts of a node sum to it. A softmax ignores what all words have in common.
So a logit by itself explains nothing, and the level is taken off. The mean over the vocabulary answers "why this word
at all?", another word answers "why this one and not that one?".

The sums are exact, but not causal: without a part, later spreads, gates and attention would be others. So beside each
number stands the probability of the guess in a run without that part.

Kobayashi et al., "Incorporating Residual and Normalization Layers into Analysis of Masked Language Models", 2021, for
the norms. Achtibat et al., "AttnLRP: Attention-Aware Layer-Wise Relevance Propagation for Transformers", 2024, for the
gates: their rule for functions of one number. P is the number of parts, N any number of vectors.
"""

import heapq
import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial

import numpy as np

from minibert.checkpoint.parameters import LinearWeights, NormWeights
from minibert.heads import masked_lm_logits
from minibert.model import Bert
from minibert.numerics import ACTIVATIONS, layer_norm, linear, softmax
from minibert.trace import NOT_KEPT, LayerTrace, Trace
from minibert.whatif.attribution import of_head, parts_after, query_and_key_parts, through_linear
from minibert.whatif.changes import field_of, resume
from minibert.whatif.lens import head_of

HEAD = "masked-LM head"
LEAST = 0.05
"""Parts below this share of the largest are not shown by themselves."""


@dataclass
class Node:
    """A part of a guess, and the parts that it is the sum of.

    name        "head 2.1", "feed-forward 3", "word", ...; "“sea” (6)" is what a head moves from this token; "12 others"
    value       how much it adds to the lead of the guess; the values of `parts`, if there are any, sum to it
    token       position of the token whose state it is a part of
    without     probability of the guess in a run without it; None for what no layer wrote
    attention   of a head to this token; None for other nodes
    score       of a token that a head read: its score less the mean over the keys; of a part of this token's state: how
                much it adds to that. Others have none
    attention_without   of a part with a score: the attention to the token if its score lacks the part
    """

    name: str
    value: float
    token: int
    parts: list["Node"] = field(default_factory=list)
    without: float | None = None
    attention: float | None = None
    score: float | None = None
    attention_without: float | None = None
    follow: Callable[["Node"], None] | None = field(default=None, repr=False)
    """Finds the parts; None where the way ends"""
    vector: np.ndarray = field(default=NOT_KEPT, repr=False)
    """[D], what of the output of the first half on the way is taken out for `without`"""
    scores: np.ndarray = field(default=NOT_KEPT, repr=False)
    """[keys], what it adds to the score of each key, less the mean over the keys; taken out for `attention_without`"""

    def walk(self) -> Iterator["Node"]:
        """This node and all below it."""
        yield self
        for part in self.parts:
            yield from part.walk()


def direction_of(
    bert: Bert, trace: Trace, place: int, guess: int, instead: int | None = None
) -> tuple[np.ndarray, float]:
    """direction_D and what the head's biases add: lead = direction . last state + added."""
    head, eps = head_of(bert), bert.config.layer_norm_eps
    hidden_D = field_of(bert, trace, bert.config.num_hidden_layers, "hidden_states")[place].astype(float)
    word_E = head.decoder[guess] - (
        head.decoder.mean(axis=0, dtype=float) if instead is None else head.decoder[instead]
    )
    bias = head.bias[guess] - (head.bias.mean(dtype=float) if instead is None else head.bias[instead])
    before_E = hidden_D @ head.transform.weight.T.astype(float) + head.transform.bias
    gate_E = gates(before_E, bert.config.hidden_act)
    scaled_E = head.norm.weight * word_E.astype(float)
    pulled_E = gate_E * (scaled_E - scaled_E.mean()) / math.sqrt((gate_E * before_E).var() + eps)
    added = pulled_E @ head.transform.bias + word_E @ head.norm.bias + bias
    return pulled_E @ head.transform.weight, float(added)


def gates(x: np.ndarray, hidden_act: str) -> np.ndarray:
    """act(x) / x, number by number. Where x is 0, any ratio gives act(0) = 0; it is 1/2."""
    return np.divide(ACTIVATIONS[hidden_act](x), x, out=np.full_like(x, 0.5), where=x != 0)


def guess_parts(
    bert: Bert, trace: Trace, place: int, guess: int, instead: int | None = None
) -> tuple[tuple[str, ...], np.ndarray]:
    """Names, and how much each part of the last state at `place` adds to the lead of a guess (an id): [P + 1].

    Their sum is the lead. The last one, "masked-LM head", is what the biases of that head add.
    """
    direction_D, added = direction_of(bert, trace, place, guess, instead)
    parts = parts_after(bert, trace, 2 * bert.config.num_hidden_layers)
    return (*parts.names, HEAD), np.append(parts.vectors[:, place] @ direction_D, added)


def way_back(
    bert: Bert,
    trace: Trace,
    place: int,
    guess: int,
    instead: int | None = None,
    *,
    keep: int = 5,
    steps: int = 8,
    watch: Callable[[list[Node]], Iterable[Node]] = iter,
) -> Node:
    """The lead of a guess (an id) at the mask `place`, followed back to words and positions.

    instead: another word (an id) to compare with. keep: how many parts of a node stand by themselves; the others are
    summed. steps: how many nodes are followed further, the largest first. watch: goes over the nodes that take a run
    each, for a progress bar.
    """
    way = Way(bert, trace, place, guess, instead, keep)
    root = Node(bert.tokenizer.token(guess), way.lead, place, without=way.probability(trace))
    order = itertools.count()  # of equal parts, the first is followed first
    waiting: list[tuple[float, int, Node, Callable[[Node], None]]] = [(0.0, next(order), root, way.last_state)]
    for _ in range(steps + 1):
        if not waiting:
            break
        _, _, node, follow = heapq.heappop(waiting)
        follow(node)
        for part in node.parts:
            if part.follow is not None:
                heapq.heappush(waiting, (-abs(part.value), next(order), part, part.follow))
    written = [(part, writer) for part in root.parts if (writer := writer_of(part.name)) is not None]
    halves = {id(node): half for part, (half, _) in written for node in part.walk()}
    for node in watch([node for part, _ in written for node in part.walk()]):
        node.without = way.probability(way.run_without(halves[id(node)], node.vector))
    return root


@dataclass(frozen=True)
class Path:
    """The linear map from what a half writes to a token, up to what the first half on the way back writes to the mask.

    direction_D: its dot product with what the half writes is what that adds to the lead.
    """

    carry: Callable[[np.ndarray], np.ndarray]
    direction_D: np.ndarray

    def after(self, linear_map: Callable, transpose: Callable) -> "Path":
        """The path that begins one linear map earlier."""
        return Path(lambda x: self.carry(linear_map(x)), transpose(self.direction_D))


class Way:
    """One run, one guess, and what of the run is held fixed: spreads, gates and attention."""

    def __init__(self, bert: Bert, trace: Trace, place: int, guess: int, instead: int | None, keep: int) -> None:
        self.bert, self.trace, self.place, self.words, self.keep = bert, trace, place, (guess, instead), keep
        self.direction_D, added = direction_of(bert, trace, place, guess, instead)
        self.halves = 2 * bert.config.num_hidden_layers
        self.summed = [self.before_norm(half) for half in range(self.halves)]
        self.parts = lru_cache(maxsize=4)(partial(parts_after, bert, trace))
        state_D = field_of(bert, trace, bert.config.num_hidden_layers, "hidden_states")[place]
        self.lead = float(state_D @ self.direction_D + added)

    def before_norm(self, half: int) -> np.ndarray:
        """What the layer norm of a half reads, its input and output together: summed_TD."""
        (layer, second), bert, trace = divmod(half, 2), self.bert, self.trace
        weights = bert.weights.layers[layer]
        if second:
            intermediate_TF = field_of(bert, trace, layer, "intermediate").astype(float)
            return field_of(bert, trace, layer, "attention_output") + linear(intermediate_TF, *weights.output)
        context_TD = field_of(bert, trace, layer, "context").astype(float)
        return field_of(bert, trace, layer, "hidden_states") + linear(context_TD, *weights.attention_output)

    def norm(self, half: int) -> NormWeights:
        weights = self.bert.weights.layers[half // 2]
        return weights.output_norm if half % 2 else weights.attention_norm

    def spread(self, half: int, token: int) -> float:
        return math.sqrt(self.summed[half][token].var() + self.bert.config.layer_norm_eps)

    def carried(self, x: np.ndarray, token: int, start: int, stop: int) -> np.ndarray:
        """What a half wrote to a token, carried through the norms of the halves from `start` to before `stop`."""
        for half in range(start, stop):
            x = (x - x.mean(axis=-1, keepdims=True)) / self.spread(half, token) * self.norm(half).weight
        return x

    def pulled(self, direction_D: np.ndarray, token: int, start: int, stop: int) -> np.ndarray:
        """The transpose: carried(x) . direction = x . pulled(direction)."""
        for half in reversed(range(start, stop)):
            scaled_D = direction_D * self.norm(half).weight / self.spread(half, token)
            direction_D = scaled_D - scaled_D.mean()
        return direction_D

    def last_state(self, node: Node) -> None:
        """Follow the guess to the parts of the last state at the mask."""
        names, values = guess_parts(self.bert, self.trace, self.place, *self.words)
        node.parts = self.kept([Node(*part, self.place) for part in zip(names, values.tolist(), strict=True)])
        for part in node.parts:
            if (writer := writer_of(part.name)) is not None:
                part.vector = self.output(*writer)
                direction_D = self.pulled(self.direction_D, self.place, writer[0], self.halves)
                part.follow = partial(self.follow, *writer, self.place, Path(lambda x: x, direction_D), writer[0])

    def head(self, half: int, head: int, token: int, path: Path, node: Node) -> None:
        """Follow a head to the tokens that it read."""
        value, columns_DK = self.value_maps(half, head)
        value_PSK = through_linear(self.parts(half).vectors, value)
        attention_S, scores_S = (
            field_of(self.bert, self.trace, half // 2, name)[head, token].astype(float)
            for name in ("attention", "scores")
        )
        moved_SD = attention_S[:, None] * value_PSK.sum(axis=0) @ columns_DK.T
        nodes = []
        for key, name in enumerate(self.trace.tokens):
            part = Node(f"“{name}” ({key})", (moved_SD[key] @ path.direction_D).item(), key, vector=moved_SD[key])
            part.attention, part.score = attention_S[key].item(), (scores_S[key] - scores_S.mean()).item()
            part.follow = partial(self.read, half, head, token, path, value_PSK[:, key])
            nodes.append(part)
        node.parts = self.kept(nodes, path)

    def value_maps(self, half: int, head: int) -> tuple[LinearWeights, np.ndarray]:
        """The maps from a state to the values of a head, and from these to what the head writes: columns_DK."""
        weights, size = self.bert.weights.layers[half // 2], self.bert.config.head_size
        columns_DK = weights.attention_output.weight[:, head * size : (head + 1) * size]
        return of_head(weights.attention.value, head, size), columns_DK

    def read(self, half: int, head: int, token: int, path: Path, value_PK: np.ndarray, node: Node) -> None:
        """Follow what a head moves from one token to the parts of that token's state: what is read, and why there."""
        (value_KD, _), columns_DK = self.value_maps(half, head)
        moved_PD = node.attention * value_PK @ columns_DK.T
        longer = path.after(
            lambda x: node.attention * (x @ value_KD.T) @ columns_DK.T,
            lambda direction: node.attention * (direction @ columns_DK) @ value_KD,
        )
        query_PTK, key_PSK = query_and_key_parts(self.bert, self.parts(half), half // 2, head)
        scores_PS = key_PSK @ query_PTK[:, token].sum(axis=0)
        scores_PS -= scores_PS.mean(axis=-1, keepdims=True)
        nodes = self.of_state(half, node.token, moved_PD, path, longer)
        for part, scores_S in zip(nodes, scores_PS, strict=True):
            part.scores = scores_S
        node.parts = self.kept(nodes, path)
        for part in node.parts:
            without_S = softmax(scores_PS.sum(axis=0) - part.scores)
            part.score, part.attention_without = float(part.scores[node.token]), float(without_S[node.token])

    def feed_forward(self, half: int, token: int, path: Path, node: Node) -> None:
        """Follow a feed-forward half to the parts of the state that it read."""
        weights = self.bert.weights.layers[half // 2]
        inner, outer = weights.intermediate, weights.output.weight
        before_PF = through_linear(self.parts(half).vectors[:, token], inner)
        gate_F = gates(before_PF.sum(axis=0), self.bert.config.hidden_act)
        written_PD = (before_PF * gate_F) @ outer.T
        longer = path.after(
            lambda x: (x @ inner.weight.T * gate_F) @ outer.T,
            lambda direction: (direction @ outer * gate_F) @ inner.weight,
        )
        node.parts = self.kept(self.of_state(half, token, written_PD, path, longer), path)

    def of_state(self, half: int, token: int, written_PD: np.ndarray, path: Path, longer: Path) -> list[Node]:
        """The parts of a token's state that a half reads, and what it wrote of each. longer: begins at this state."""
        values_P, nodes = written_PD @ path.direction_D, []
        for name, value, vector_D in zip(self.parts(half).names, values_P.tolist(), written_PD, strict=True):
            writer = writer_of(name)
            follow = None if writer is None else partial(self.follow, *writer, token, longer, half)
            nodes.append(Node(name, value, token, vector=vector_D, follow=follow))
        return nodes

    def follow(self, half: int, head: int | None, token: int, path: Path, stop: int, node: Node) -> None:
        """Follow what a half wrote to a token. The path begins at the token's state after `stop` halves."""
        path = path.after(
            lambda x: self.carried(x, token, half, stop), lambda direction: self.pulled(direction, token, half, stop)
        )
        if head is None:
            self.feed_forward(half, token, path, node)
        else:
            self.head(half, head, token, path, node)

    def output(self, half: int, head: int | None) -> np.ndarray:
        """What a head, or a feed-forward half without its bias, adds to the mask: [D]."""
        name = "intermediate" if head is None else "head_outputs"
        array = field_of(self.bert, self.trace, half // 2, name)
        if head is not None:
            return array[head, self.place].astype(float)
        return self.bert.weights.layers[half // 2].output.weight @ array[self.place].astype(float)

    def kept(self, nodes: list[Node], path: Path | None = None) -> list[Node]:
        """The largest nodes, and the sum of the others. None that is kept is below a twentieth of the largest.

        path: carries what is kept up to the first half on the way.
        """
        weight = np.abs([node.value for node in nodes])
        weight /= weight.max() or 1
        if nodes[0].scores is not None:
            scores = np.abs([node.scores[node.token] for node in nodes])
            weight = np.maximum(weight, scores / (scores.max() or 1))
        order = [int(i) for i in np.argsort(-weight, kind="stable")]
        count = min(self.keep, int((weight >= LEAST).sum()))
        if len(nodes) - count < 2:
            count = len(nodes)
        first, rest = [[nodes[i] for i in part] for part in (order[:count], order[count:])]
        first.sort(key=lambda node: -abs(node.value))
        kept = first + ([summed(rest)] if rest else [])
        if path is not None:
            for node in kept:
                node.vector = path.carry(node.vector)
        return kept

    def run_without(self, half: int, vector_D: np.ndarray) -> Trace:
        """The trace that follows if what a half adds to the mask lacks a vector."""
        (layer, second), trace = divmod(half, 2), self.trace
        kept = replace(trace, layers=tuple(LayerTrace(attention_output=each.attention_output) for each in trace.layers))
        name = "hidden_states" if second else "attention_output"
        states_TD = field_of(self.bert, trace, layer + second, name).copy()
        summed_D = self.summed[half][self.place] - vector_D
        states_TD[self.place] = layer_norm(summed_D, *self.norm(half), self.bert.config.layer_norm_eps)
        return resume(self.bert, kept, layer=layer + second, **{name: states_TD})

    def probability(self, trace: Trace) -> float:
        config, states_1D = self.bert.config, trace.hidden_states[-1][self.place : self.place + 1]
        logits_1V = masked_lm_logits(states_1D, head_of(self.bert), config.hidden_act, config.layer_norm_eps)
        return float(softmax(logits_1V)[0, self.words[0]])


def summed(nodes: list[Node]) -> Node:
    """One node for several."""
    node = Node(f"{len(nodes)} others", sum(each.value for each in nodes), nodes[0].token)
    vectors, scores = ([getattr(each, name) for each in nodes] for name in ("vector", "scores"))
    node.vector = NOT_KEPT if any(vector is None for vector in vectors) else np.sum(vectors, axis=0)
    node.scores = NOT_KEPT if any(row is None for row in scores) else np.sum(scores, axis=0)
    return node


def writer_of(name: str) -> tuple[int, int | None] | None:
    """The half that wrote a part, and which of its heads; None for words, positions, segments and biases."""
    kind, _, where = name.partition(" ")
    if kind == "head":
        layer, _, head = where.partition(".")
        return 2 * int(layer), int(head)
    return (2 * int(where) + 1, None) if kind == "feed-forward" else None

"""Which named properties does a head's score carry? Properties that can be read off a text, without a model.

Half of the sentences drawn from a file, every other one, give the directions of queries and keys that carry a property
(`viz.geometry.properties`). The other half gives the share of the score that they carry. Any two directions carry
something, so the same is done with shuffled labels: in each sentence, the tokens change their places, each with its
query and its key, and the labels stay. A share counts if it is larger than those of 95 in 100 shuffles.

Properties of a pair are measured among words: special tokens are left out, as queries and as keys. No token has [CLS]
as its next place. So a head that parks its attention on [CLS] would else carry the property "next place". For the same
reason, such labels are taken less their means over the queries, too. "special token" is a property of the key alone, so
it is measured among all tokens.

Where a property is one of places, the exact sum of `minibert.whatif.attribution` is measured beside it, in the same
unit: the term position x position, as a share of the scores, and the share of this term that the directions carry.
P is the number of properties, n counts the shuffles.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minibert.attention import split_heads
from minibert.corpus.here import Here
from minibert.corpus.lines import Corpus
from minibert.corpus.passes import look_through
from minibert.errors import UserError
from minibert.model import Bert
from minibert.speed.cores import one_thread, parallel_map
from minibert.survey.sample import Run, is_word
from minibert.terminal import counted, model_name, rounded, with_bar
from minibert.trace import Trace
from minibert.whatif.attribution import parts_of_each_state, place_of
from viz.geometry.properties import PropertyPlane, centred, contrast, energy

PLACES = ("previous place", "next place", "distance", "same half")
"""The properties of places."""
OF_PAIRS = ("same word", "piece of the word", *PLACES)
OF_KEYS = ("special token",)
PROPERTIES = (*OF_PAIRS, *OF_KEYS)
POINTS = 2000
"""Tokens that are drawn from the file."""
LEAST = 8
"""Sentences; half of fewer says little."""
LEAST_PAIRS = 10
"""Pairs with the property in either half; the directions of fewer are those of a few words."""
SHUFFLES, PERCENTILE = 100, 95
KEEP = ("query", "key", "context", "attention_output")


@dataclass(frozen=True)
class Row:
    """One property in one head. Its fields are the columns of the table.

    share        of the scores, that the two strongest directions carry; None: too few pairs have the property
    null         the 95th percentile of this share with shuffled labels
    above_null   whether the share is larger
    correlation  of label and score, both less their mean over the keys
    position_term     share of the scores that is position x position; None for properties that are not of places
    of_position_term  share of this term that the directions carry
    pairs        pairs with the property in the sentences that are measured
    """

    layer: int
    head: int
    property: str
    share: float | None
    null: float | None
    above_null: bool
    correlation: float | None
    position_term: float | None
    of_position_term: float | None
    pairs: int

    def as_dict(self) -> dict[str, object]:
        """The row for a file, numbers in six digits."""
        return {name: rounded(x) if isinstance(x, float) else x for name, x in vars(self).items()}


@dataclass(frozen=True)
class Half:
    """Half of the sentences, end to end: their words for OF_PAIRS, all tokens for OF_KEYS.

    query, key: [L, H, N, K]; the keys less their mean over the sentence.
    labels: [P, S, S] per sentence, less their means. has: the same, True for pairs with the property.
    tokens: [N]; words, spellings: [N], see `numbers_of_words`. pairs: [P], how many have each property.
    """

    query: np.ndarray
    key: np.ndarray
    labels: list[np.ndarray]
    spans: list[slice]
    tokens: list[str]
    words: np.ndarray
    spellings: np.ndarray
    has: list[np.ndarray]
    pairs: np.ndarray


@dataclass(frozen=True)
class Properties(Run):
    """What was found in the sentences of a file."""

    model: str
    sentences: int
    """that were drawn; half of them are measured"""
    layers: range
    heads: range
    rows: list[Row]
    planes: PropertyPlane
    """of layers, heads and properties, [L, H, P]"""
    held: dict[str, Half]
    """for each property the sentences that were measured, not fitted"""

    def of_head(self, layer: int, head: int) -> list[Row]:
        """The rows of one head, in the order of PROPERTIES."""
        return [row for row in self.rows if (row.layer, row.head) == (layer, head)]


def properties(
    bert: Bert,
    texts: Sequence[str] = (),
    file: str | Path | None = None,
    *,
    column: str | None = None,
    skip_bad: bool = False,
    head: tuple[int, int] | None = None,
    seed: int = 0,
) -> Properties:
    """Measure which properties each head's scores carry; head: this one alone.

    texts: sentences, or else file, column: see `minibert.corpus.lines.Corpus`. seed: of the sentences and the shuffles.

    UserError: fewer than LEAST sentences.
    """
    corpus = Corpus(texts, None if file is None else Path(file), column)
    scan = look_through(Here(bert), corpus, points=POINTS, seed=seed, skip_bad=skip_bad)
    sample = scan.sample
    if len(sample) < LEAST:
        few = f"{corpus.name if file is not None else 'there'} has {counted(len(sample), 'sentence')}"
        raise UserError(f"{few} in its first {POINTS} tokens; expected {LEAST} or more: half of them are measured")
    layers, heads = range(bert.config.num_hidden_layers), range(bert.config.num_attention_heads)
    if head is not None:
        layers, heads = range(head[0], head[0] + 1), range(head[1], head[1] + 1)
    with one_thread():
        traces = list(with_bar(bert.stream(sample, KEEP), len(sample), "sentences drawn"))
        traces = [trace for trace in traces if is_word(trace).sum() > 1]
        halves = {names: [half_of(traces[i::2], layers, heads, names) for i in (0, 1)] for names in (OF_PAIRS, OF_KEYS)}
        places = PositionTerm.of(bert, traces[1::2], layers, heads)
        rows: list[Row] = []
        planes: list[PropertyPlane] = []
        for names, (fitted, held) in halves.items():
            scores = energy(held.query, held.key, held.spans)
            found = [
                measure_layer(fitted, place, scores[place], seed)
                for place in with_bar(range(len(layers)), len(layers), "layers")
            ]
            some, *others = (plane.fieldwise(lambda axes: axes[None]) for plane, _ in found)
            planes.append(some.fieldwise(lambda *axes: np.concatenate(axes), *others))
            shares = np.stack([shares for _, shares in found])
            rows += rows_of(names, fitted, held, layers, heads, shares, scores, places, planes[-1])
    rows.sort(key=lambda row: (row.layer, row.head, PROPERTIES.index(row.property)))
    both = planes[0].fieldwise(lambda *axes: np.concatenate(axes, axis=2), planes[1])
    about = corpus, scan, scan.sentences, skip_bad, model_name(bert)
    held_of = {name: held for names, (_, held) in halves.items() for name in names}
    return Properties(*about, len(sample), layers, heads, rows, both, held_of)


def rows_of(
    names: Sequence[str],
    fitted: Half,
    held: Half,
    layers: range,
    heads: range,
    shares: np.ndarray,
    scores: np.ndarray,
    places: "PositionTerm",
    planes: PropertyPlane,
) -> Iterator[Row]:
    """A row for each head and property. shares: [L, n + 1, H, P]; scores: [L, H, K, K], the energy of `held`."""
    total = np.trace(scores, axis1=-2, axis2=-1)
    labels = sum((label.astype(float) ** 2).sum(axis=(1, 2)) for label in held.labels)
    common = np.trace(contrast(held.query, held.key, held.labels, held.spans), axis1=-2, axis2=-1)
    nulls = np.percentile(shares[:, 1:], PERCENTILE, axis=1)
    of_term = planes.share(places.energy[:, :, None])
    for i, j, p in np.ndindex(nulls.shape):
        of_places = names[p] in PLACES
        enough = bool(min(fitted.pairs[p], held.pairs[p]) >= LEAST_PAIRS)
        share, null = float(shares[i, 0, j, p]), float(nulls[i, j, p])
        yield Row(
            layers[i],
            heads[j],
            names[p],
            share if enough else None,
            null if enough else None,
            enough and share > null,
            float(common[i, j, p] / np.sqrt(labels[p] * total[i, j])) if enough and total[i, j] else None,
            float(places.common[i, j] / total[i, j]) if of_places and total[i, j] else None,
            float(of_term[i, j, p]) if of_places else None,
            int(held.pairs[p]),
        )


def half_of(traces: Sequence[Trace], layers: range, heads: range, names: tuple[str, ...]) -> Half:
    """Queries, keys, labels and tokens of some sentences, end to end, for these properties."""
    chosen = [is_word(trace) if names == OF_PAIRS else np.ones(len(trace.tokens), bool) for trace in traces]
    which = [PROPERTIES.index(name) for name in names]
    labels = [labels_of(trace)[which][:, kept][..., kept] for trace, kept in zip(traces, chosen, strict=True)]
    stops = np.cumsum([label.shape[-1] for label in labels]).tolist()
    spans = [slice(start, stop) for start, stop in zip([0, *stops], stops, strict=False)]
    query, key = (
        np.concatenate(
            [
                np.stack([getattr(trace.layers[layer], name)[heads.start : heads.stop, kept] for layer in layers])
                for trace, kept in zip(traces, chosen, strict=True)
            ],
            axis=-2,
        )
        for name in ("query", "key")
    )
    for span in spans:
        key[..., span, :] -= key[..., span, :].mean(axis=-2, keepdims=True)
    both_ways = [centred(label.mT).mT if names == OF_PAIRS else label for label in labels]
    words, spellings = (np.concatenate(numbers) for numbers in zip(*map(numbers_of_words, traces), strict=True))
    kept = np.concatenate(chosen)
    return Half(
        query,
        key,
        [centred(label).astype(np.float32) for label in both_ways],
        spans,
        np.array([token for trace in traces for token in trace.tokens], object)[kept].tolist(),
        words[kept],
        spellings[kept],
        [label != 0 for label in labels],
        np.sum([(label != 0).sum(axis=(1, 2)) for label in labels], axis=0),
    )


def labels_of(trace: Trace) -> np.ndarray:
    """[P, S, S]: whether the key, a column, has each property for the query, a row; for "distance", how far it is."""
    place, word, spelled = np.arange(len(trace.tokens)), *numbers_of_words(trace)
    after, other = place - place[:, None], place != place[:, None]
    same_piece = (word == word[:, None]) & (word >= 0)
    special = ~is_word(trace)
    second = 2 * place >= len(place)
    found = {
        "same word": (spelled == spelled[:, None]) & (spelled >= 0) & ~same_piece,
        "piece of the word": same_piece & other,
        "previous place": after == -1,
        "next place": after == 1,
        "distance": np.abs(after),
        "same half": second == second[:, None],
        "special token": np.broadcast_to(special, other.shape),
    }
    return np.stack([found[name] for name in PROPERTIES]).astype(float)


def numbers_of_words(trace: Trace) -> tuple[np.ndarray, np.ndarray]:
    """The number of each token's word, and a number that is the same for words of the same pieces; -1: special."""
    pieces: dict[tuple[int, int], list[str]] = {}
    for token, word in zip(trace.tokens, trace.words, strict=True):
        if word is not None:
            pieces.setdefault(word, []).append(token.lower())
    words, spellings = list(pieces), list(map(tuple, pieces.values()))
    number = [-1 if word is None else words.index(word) for word in trace.words]
    spelled = [-1 if place < 0 else spellings.index(spellings[place]) for place in number]
    return np.array(number), np.array(spelled)


@dataclass(frozen=True)
class PositionTerm:
    """The term position x position of the scores among words, over some sentences.

    energy: [L, H, K, K], of its queries and keys. common: [L, H], the sum over pairs of score times term.
    """

    energy: np.ndarray
    common: np.ndarray

    @classmethod
    def of(cls, bert: Bert, traces: Sequence[Trace], layers: range, heads: range) -> "PositionTerm":
        count, size = bert.config.num_attention_heads, bert.config.head_size
        total, common = np.zeros((len(layers), len(heads), size, size)), np.zeros((len(layers), len(heads)))
        for trace in with_bar(traces, len(traces), "sentences explained"):
            kept = is_word(trace)
            whole = [slice(0, int(kept.sum()))]
            for layer, parts in zip(range(layers[-1] + 1), parts_of_each_state(bert, trace), strict=False):
                if layer not in layers:
                    continue
                of_position_TD = parts.vectors[place_of(parts, "position")][kept]
                query, key = (
                    split_heads(of_position_TD @ linear.weight.T.astype(float), count)[heads.start : heads.stop]
                    for linear in bert.weights.layers[layer].attention[:2]
                )
                own_query, own_key = (
                    getattr(trace.layers[layer], name)[heads.start : heads.stop, kept] for name in ("query", "key")
                )
                total[layers.index(layer)] += energy(query, key, whole)
                common[layers.index(layer)] += product(own_query, own_key, query, key)
        return cls(total, common)


def product(query: np.ndarray, key: np.ndarray, other_query: np.ndarray, other_key: np.ndarray) -> np.ndarray:
    """The sum over pairs of a sentence of both scores' product, less their means over the keys: [H]."""
    others = centred(other_query @ other_key.mT)
    return (query.astype(float) @ key.mT * others).sum(axis=(-2, -1))


def measure_layer(fitted: Half, place: int, scores: np.ndarray, seed: int) -> tuple[PropertyPlane, np.ndarray]:
    """The planes of one layer, [H, P], and the shares that they carry: [n + 1, H, P], the labels' own first.

    scores: [H, K, K], the energy of the sentences that are measured.
    """
    query, key = fitted.query[place], fitted.key[place]

    def planes(number: int) -> PropertyPlane:
        order = shuffled(fitted.spans, seed, number)
        return PropertyPlane.of(contrast(query[:, order], key[:, order], fitted.labels, fitted.spans))

    numbers = range(SHUFFLES + 1)
    shares = parallel_map(lambda number: planes(number).share(scores[:, None]), numbers)
    return planes(0), np.stack(shares)


def shuffled(spans: Sequence[slice], seed: int, number: int) -> np.ndarray:
    """The tokens in another order within each sentence; number 0 is the order of the text."""
    if not number:
        return np.arange(spans[-1].stop)
    rng = np.random.default_rng([seed, number])
    return np.concatenate([rng.permutation(np.arange(span.start, span.stop)) for span in spans])

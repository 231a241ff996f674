"""What the moves show, measured in all sentences of a corpus, block by block."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

import viz
from minibert.corpus.here import Here
from minibert.corpus.lines import Corpus, Line
from minibert.corpus.passes import Found, add_up
from minibert.corpus.sentences import encoded
from minibert.model import Bert
from minibert.survey.firing import Firing, Wanted, fire, wanted
from minibert.survey.sample import Heads, Sample, is_word, word_places
from minibert.tokenizer.encoding import Encoding
from minibert.trace import Trace
from minibert.whatif.moved import lengths, output_squares
from viz.geometry.distances import square_distances
from viz.measures.held import drawn, products
from viz.measures.measure import Sums, among

MOST_PAIRS = 40_000  # of queries and keys of one head to measure at once: enough to be quick, small in memory

Numbered = tuple[int, Trace]
"""A trace, and the place of its sentence in the corpus."""


@dataclass(frozen=True)
class Seen(Sums):
    """What was seen of one way, in some sentences.

    every: the measures for all queries and keys. words: those among words, with special tokens left out.
    held, held_words: how much of the scores the plane holds, of all tokens and among words.
    """

    every: viz.Measures
    words: viz.Measures
    held: viz.Held
    held_words: viz.Held


def measure(
    hands: Here,
    corpus: Corpus,
    lines: int,
    ways: Sequence[viz.Normalized],
    where: Heads,
    queries: int,
    *,
    sample: Sample,
    fitted: Sequence[Encoding],
    held_step: int = 1,
    examples: int | None = None,
    seed: int = 0,
    skip_bad: bool = False,
) -> tuple[list[Seen], viz.Habits, viz.Parking, Firing | None, int]:
    """What was seen of each way, the habits of the heads, what they park, where they fire, and how many sentences were
    measured.

    lines: the number of lines of the corpus. queries: of each sentence so many queries are measured, drawn at random,
        against all its keys; habits are measured for all queries.
    sample: what the ways were fitted to, and `fitted` its sentences. An attention plane is measured on the other
        sentences alone, if there are any. A plane that has places only for the tokens of the sample is measured on it.
    held_step: what the planes hold is measured in every so manieth line alone.
    examples: how many pairs of each part are kept, see `minibert.survey.firing`; None: none.
    """
    mapped = [without_points(way) for way in ways if way.has_map]
    known = {encoding.tokens for encoding in fitted} if any(way.plane.is_attention for way in mapped) else set()
    of = None if examples is None else wanted(sample, where, examples, seed)
    what: dict[str, Any] = {
        "ways": mapped,
        "where": where,
        "fitted": known,
        "queries": queries,
        "wanted": of,
        "held_step": held_step,
    }
    work = partial(measure_block, **what, seed=seed, skip_bad=skip_bad)
    found: Found = add_up(hands, work, corpus, lines)
    *measured, habits, parked, fired = found.all if examples is not None else [*found.all, None]
    if False in found.sums:  # sentences that were not fitted
        pairs = zip(mapped, measured, found.sums[False], strict=False)
        measured = [fresh if way.plane.is_attention else every for way, every, fresh in pairs]
    of_maps = iter(measured)
    of_all = [next(of_maps) if way.has_map else seen_in_sample(way, where, sample) for way in ways]
    return of_all, habits, parked, fired, found.sentences


def without_points(way: viz.Normalized) -> viz.Normalized:
    """A way as it is sent to workers: its move and its plane, without the sample."""
    return replace(way, query=way.query[..., :0, :], key=way.key[..., :0, :])


def seen_in_sample(way: viz.Normalized, where: Heads, sample: Sample) -> Seen:
    """What is seen of a way in the sample alone, which for --among words has no special tokens."""
    blocks, words = [block[where.region] for block in sample.attention], sample.is_word
    query, key, x, y = sample.query[where.region], sample.key[where.region], way.query_drawn, way.key_drawn
    spans = [np.flatnonzero(sample.sentences == number) for number in range(len(sample.texts))]

    def held(places: Sequence[np.ndarray]) -> viz.Held:
        first, *others = (viz.held(*(a[..., at, :] for a in (query, key, x, y))) for at in places)
        return sum(others, first)

    of_words = viz.measure(way, blocks, sample.sentences, words)
    return Seen(
        viz.measure(way, blocks, sample.sentences), of_words, held(spans), held([at[words[at]] for at in spans])
    )


def measure_block(
    models: Sequence[Bert],
    lines: Sequence[Line],
    *,
    ways: Sequence[viz.Normalized],
    where: Heads,
    fitted: set[tuple[str, ...]],
    queries: int,
    seed: int,
    skip_bad: bool,
    held_step: int = 1,
    wanted: Wanted | None = None,
) -> Found:
    """What is seen of every way, habits and what is parked, in a block: of the sentences that are `fitted`, and apart
    of the others.

    Which queries of a sentence are measured depends on the seed and on its place in the corpus alone.
    """
    (bert,) = models
    outputs = [output_squares(bert, layer, where.heads) for layer in where.layers]
    pairs = sorted(encoded(bert, lines, skip_bad), key=lambda pair: len(pair[1]))  # those of one length, side by side
    line_at = {line.at: line for line, _ in pairs}
    traces = bert.stream([encoding for _, encoding in pairs], keep=("query", "key", "value", "attention"))
    found = Found(0, {})
    for is_fitted, group in alike(zip([line.at for line, _ in pairs], traces, strict=True), fitted):
        orders = [np.random.default_rng([seed, at]).permutation(len(trace.tokens)) for at, trace in group]
        words = word_places(group[0][1])
        whole = [number for number, (at, _) in enumerate(group) if at % held_step == 0]
        some = [np.sort(places[:queries]) for places in orders]
        some_words = [np.sort(places[np.isin(places, words)][:queries]) for places in orders]
        sums = measure_layers(ways, [trace for _, trace in group], where, some, some_words, outputs, whole)
        if wanted is not None:
            sums.append(fire([line_at[at] for at, _ in group], [trace for _, trace in group], where, wanted))
        found += Found(len(group), {is_fitted: sums})
    return found


def measure_layers(
    ways: Sequence[viz.Normalized],
    traces: Sequence[Trace],
    where: Heads,
    some: Sequence[np.ndarray],
    some_words: Sequence[np.ndarray],
    outputs: Sequence[np.ndarray],
    whole: Sequence[int] | slice = slice(None),
) -> list[Any]:
    """What is seen of every way, then habits and what is parked, of some layers and heads in sentences of one form.

    some, some_words: for each sentence, the positions of the queries that are measured, of all and among words.
    outputs: for each layer `output_squares`.
    whole: the sentences in which it is measured what the planes hold, which takes all their queries.
    """
    layers, heads = where
    span = slice(heads[0], heads[-1] + 1) if len(heads) == heads[-1] - heads[0] + 1 else heads
    query, key, value, attention = (
        np.array([[getattr(trace.layers[layer], name)[span] for layer in layers] for trace in traces])
        for name in ("query", "key", "value", "attention")
    )
    words = word_places(traces[0])
    enough = len(words) > 1
    if not enough:  # nothing is near among fewer than two words: what is measured in their place is taken as 0
        words, some_words = np.arange(len(traces[0].tokens)), some

    def rows(x: np.ndarray, chosen: Sequence[np.ndarray]) -> np.ndarray:
        return np.array([of_one[..., at, :] for of_one, at in zip(x, chosen, strict=True)])

    wanted = rows(attention, some), among(rows(attention, some_words), words)
    targets = [viz.RankedAttention(attended) for attended in wanted]
    of_words = query[..., words, :], key[..., words, :]
    scores = [products(*(x[whole] for x in pair)) for pair in ((query, key), of_words)]
    found, all_keys = list[Any](), np.arange(key.shape[-2])
    for way in ways:
        near = way.near, way.plane.is_attention
        x, y = way.places(query, key)
        seen_by = []
        for target, chosen, places in zip(targets, (some, some_words), (all_keys, words), strict=True):
            dot, square, _ = way.move.pairs(rows(query, chosen), key[..., places, :])
            plane = square_distances(rows(x, chosen), y[..., places, :])
            seen_by.append(target.measures(dot, square, plane, *near))
        every, inside = seen_by
        flat = [
            drawn(scores[0], x[whole], y[whole]),
            drawn(scores[1], x[whole][..., words, :], y[whole][..., words, :]),
        ]
        seen = Seen(every, inside, *flat)
        found.append(seen if enough else replace(seen, words=nothing(inside), held_words=nothing(flat[1])))
    found.append(viz.habits(attention, traces[0].tokens, traces[0].roles))
    found.append(viz.parking(attention, lengths(value, np.stack(outputs)), ~is_word(traces[0])))
    return [sums.fieldwise(lambda x: x.sum(axis=0)) for sums in found]  # over the sentences


def nothing(sums: Any) -> Any:
    """The same sums of no sentence."""
    return sums.fieldwise(np.zeros_like)


def alike(traces: Iterable[Numbered], fitted: set[tuple[str, ...]]) -> Iterator[tuple[bool, list[Numbered]]]:
    """Groups of neighbouring traces, no more than have MOST_PAIRS together; True where all of them are fitted.

    The traces of a group have one length, and special tokens of the same roles in the same positions; all are fitted,
    or none is.
    """
    group: list[Numbered] = []
    last: tuple[Any, ...] = ()
    for at, trace in traces:
        form = trace.tokens in fitted, trace.roles, [word is None for word in trace.words]
        if group and (form != last or (len(group) + 1) * len(trace.tokens) ** 2 > MOST_PAIRS):
            yield last[0], group
            group = []
        group.append((at, trace))
        last = form
    if group:
        yield last[0], group

"""What the moves show, measured in all sentences of a corpus, block by block."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

import viz
from minibert.corpus.here import Here
from minibert.corpus.lines import Corpus, Line
from minibert.corpus.passes import Found, add_up
from minibert.corpus.sentences import encoded
from minibert.model import Bert
from minibert.survey.sample import Heads, Sample
from minibert.trace import Trace

MOST_PAIRS = 40_000  # of queries and keys of one head to measure at once: enough to be quick, small in memory

Numbered = tuple[int, Trace]
"""A trace, and the place of its sentence in the corpus."""


def measure(
    hands: Here,
    corpus: Corpus,
    lines: int,
    ways: Sequence[viz.Normalized],
    where: Heads,
    queries: int,
    *,
    sample: Sample,
    seed: int = 0,
    skip_bad: bool = False,
) -> tuple[list[viz.Measures], viz.Habits, int]:
    """The measures of each way, the habits of the heads, and the number of sentences until the end or Ctrl-C.

    lines: the number of lines of the corpus. queries: of each sentence so many queries are measured, drawn at random,
        against all its keys; habits are measured for all queries.
    sample: what the ways were fitted to. An attention plane is measured on the other sentences alone, if there are any.
        A plane that has places only for the tokens of the sample is measured on the sample.
    """
    mapped = [without_points(way) for way in ways if way.has_map]
    fitted = sentences_of(sample) if any(way.plane.is_attention for way in mapped) else set()
    what: dict[str, Any] = {"ways": mapped, "where": where, "fitted": fitted, "queries": queries}
    work = partial(measure_block, **what, seed=seed, skip_bad=skip_bad)
    found: Found = add_up(hands, work, corpus, lines)
    *measured, habits = found.all
    if False in found.sums:  # sentences that were not fitted
        pairs = zip(mapped, measured, found.sums[False], strict=False)
        measured = [fresh if way.plane.is_attention else every for way, every, fresh in pairs]
    of_maps, attention = iter(measured), [block[where.region] for block in sample.attention]
    of_all = [next(of_maps) if way.has_map else viz.measure(way, attention, sample.sentences) for way in ways]
    return of_all, habits, found.sentences


def without_points(way: viz.Normalized) -> viz.Normalized:
    """A way as it is sent to workers: its move and its plane, without the sample."""
    return replace(way, query=way.query[..., :0, :], key=way.key[..., :0, :])


def sentences_of(sample: Sample) -> set[tuple[str, ...]]:
    """The tokens of each sentence of the sample."""
    tokens = np.array(sample.tokens, object)
    return {tuple(tokens[sample.sentences == number]) for number in range(len(sample.texts))}


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
) -> Found:
    """The measures of every way, and habits, of a block: of the sentences that are `fitted`, and apart of the others.

    Which queries of a sentence are measured depends on the seed and on its place in the corpus alone.
    """
    (bert,) = models
    pairs = sorted(encoded(bert, lines, skip_bad), key=lambda pair: len(pair[1]))  # those of one length, side by side
    traces = bert.stream([encoding for _, encoding in pairs])
    found = Found(0, {})
    for is_fitted, group in alike(zip([line.at for line, _ in pairs], traces, strict=True), fitted):
        drawn = [np.random.default_rng([seed, at]).permutation(len(trace.tokens)) for at, trace in group]
        some = [np.sort(places[:queries]) for places in drawn]
        sums = measure_layers(ways, [trace for _, trace in group], where, some)
        found += Found(len(group), {is_fitted: sums})
    return found


def measure_layers(
    ways: Sequence[viz.Normalized], traces: Sequence[Trace], where: Heads, some: Sequence[Sequence[int] | np.ndarray]
) -> list[Any]:
    """The measures of every way, and then habits, of some layers and heads in sentences of one form.

    some: for each sentence, the positions of the queries that are measured.
    """
    layers, heads = where
    span = slice(heads[0], heads[-1] + 1) if len(heads) == heads[-1] - heads[0] + 1 else heads
    query, key, attention = (
        np.array([[getattr(trace.layers[layer], name)[span] for layer in layers] for trace in traces])
        for name in ("query", "key", "attention")
    )
    query, wanted = (np.array([x[..., at, :] for x, at in zip(xs, some, strict=True)]) for xs in (query, attention))
    target = viz.RankedAttention(wanted)
    found: list[Any] = []
    for way in ways:
        dot, square, plane = way.distances(query, key)
        found.append(target.measures(dot, square, plane, way.near, way.plane.is_attention))
    found.append(viz.habits(attention, traces[0].tokens, traces[0].roles))
    return [sums.fieldwise(lambda x: x.sum(axis=0)) for sums in found]  # over the sentences


def alike(traces: Iterable[Numbered], fitted: set[tuple[str, ...]]) -> Iterator[tuple[bool, list[Numbered]]]:
    """Groups of neighbouring traces, no more than have MOST_PAIRS together; True where all of them are fitted.

    The traces of a group have one length, and special tokens in the same positions; all are fitted, or none is.
    """
    group: list[Numbered] = []
    last: tuple[Any, ...] = ()
    for at, trace in traces:
        form = trace.tokens in fitted, trace.roles
        if group and (form != last or (len(group) + 1) * len(trace.tokens) ** 2 > MOST_PAIRS):
            yield last[0], group
            group = []
        group.append((at, trace))
        last = form
    if group:
        yield last[0], group

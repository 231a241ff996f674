"""Queries and keys moved, and measured: fitted on a sample of the sentences, measured on all, block by block."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from minibert.commands.passes import Found, add_up
from minibert.commands.sentences import Sample, encoded
from minibert.corpus.here import Here
from minibert.corpus.lines import Corpus, Line
from minibert.model import Bert
from minibert.speed.cores import one_thread, parallel_map, workers
from minibert.terminal import progress
from minibert.trace import Trace

METHODS = ("raw", "paper", "exact")
MOST_PAIRS = 40_000  # of queries and keys of one head to measure at once: enough to be quick, small in memory


def fit(
    sample: Sample,
    layers: Sequence[int],
    heads: Sequence[int],
    methods: Sequence[str],
    *,
    scope: str = "head",
    scale: float | None = None,
    distance: str = "euclidean",
    weight: str | None = "attention",
    dims: int = 2,
    plane: str = "pca",
    seed: int = 0,
) -> list:
    """The sample normalised by `viz.normalize` with each of the methods, for the layers and heads wanted; and once
    more, raw, in the plane asked for, where that is not the one of PCA.

    The scope may take in more layers and heads than these.
    """
    import viz

    attention = sample.attention if weight == "attention" else None

    def one(method: str) -> viz.Normalized:
        options = {"scale": scale, "distance": distance, "weight": weight, "scope": scope, "components": dims}
        region, inside = regions(sample, layers, heads, scope)
        blocks = None if attention is None else [block[region] for block in attention]
        return viz.normalize(
            sample.query[region], sample.key[region], sample.sentences, method, attention=blocks, **options
        )[inside]

    most = workers()
    with one_thread():
        ways = parallel_map(one, methods, most)
    if plane != "pca":
        ways.append(fit_plane(sample, layers, heads, plane, scope=scope, dims=dims, seed=seed))
    return ways


def fit_plane(
    sample: Sample, layers: Sequence[int], heads: Sequence[int], plane: str, *, scope: str, dims: int, seed: int
) -> Any:
    """The sample, raw, in a plane that takes long: layer by layer where the layers do not share it."""
    import viz

    def one(some: Sequence[int]) -> viz.Normalized:
        region, inside = regions(sample, some, heads, scope)
        return viz.normalize(
            sample.query[region],
            sample.key[region],
            sample.sentences,
            "raw",
            attention=[block[region] for block in sample.attention],
            scope=scope,
            components=dims,
            plane=plane,
            seed=seed,
        )[inside]

    pieces = [layers] if scope == "model" else [[layer] for layer in layers]
    step, found = max(1, workers()), []
    with progress(len(layers), "layers") as bar:
        for start in range(0, len(pieces), step):
            some = pieces[start : start + step]
            with one_thread():
                found += parallel_map(one, some, step)
            bar.update(sum(len(piece) for piece in some))
    return found[0].beside(*found[1:])


def regions(sample: Sample, layers: Sequence[int], heads: Sequence[int], scope: str) -> tuple[tuple, tuple]:
    """Which layers and heads share something with those wanted, and where among them the wanted ones are."""
    rows = range(len(sample.query)) if scope == "model" else layers
    columns = heads if scope == "head" else range(sample.query.shape[1])
    inside = np.ix_([rows.index(layer) for layer in layers], [columns.index(head) for head in heads])
    return np.ix_(rows, columns), inside


def measure(
    hands: Here,
    corpus: Corpus,
    lines: int,
    ways: list,
    layers: Sequence[int],
    heads: Sequence[int],
    queries: int,
    *,
    seed: int = 0,
    skip_bad: bool = False,
    sample: Sample | None = None,
) -> tuple[list, Any, int]:
    """Measures and habits added up over all sentences, and how many there were until the end or Ctrl-C.

    lines: how many the corpus has. queries: how many of each sentence are measured, against all its keys, chosen at
    random; habits are those of all.
    sample: what the ways were fitted to. An attention plane is measured on the other sentences alone, if there are any;
        a plane that has places only for the tokens of the sample, on these.
    """
    mapped = [without_points(way) for way in ways if way.has_map]
    fitted = sentences_of(sample) if any(way.plane.is_attention for way in mapped) else set()
    what = {"ways": mapped, "layers": layers, "heads": heads, "fitted": fitted}
    work = partial(measure_block, **what, queries=queries, seed=seed, skip_bad=skip_bad)
    found = add_up(hands, work, corpus, lines)
    *measured, habits = found.all
    if False in found.sums:  # sentences that were not fitted
        pairs = zip(mapped, measured, found.sums[False], strict=False)
        measured = [fresh if way.plane.is_attention else of_all for way, of_all, fresh in pairs]
    return in_order(ways, measured, sample, layers, heads), habits, found.sentences


def without_points(way: Any) -> Any:
    """A way as it is sent to others: its move and its plane, without the sample."""
    return replace(way, query=way.query[..., :0, :], key=way.key[..., :0, :])


def in_order(ways: list, measured: list, sample: Sample | None, layers: Sequence[int], heads: Sequence[int]) -> list:
    """The measures of all ways; those without a map are measured on the sample itself."""
    import viz

    measured, result = iter(measured), []
    for way in ways:
        if way.has_map:
            result.append(next(measured))
        else:
            result.append(viz.measure(way, [b[np.ix_(layers, heads)] for b in sample.attention], sample.sentences))
    return result


def sentences_of(sample: Sample | None) -> set[tuple[str, ...]]:
    """The tokens of each sentence of the sample."""
    if sample is None:
        return set()
    tokens = np.array(sample.tokens, object)
    return {tuple(tokens[sample.sentences == number]) for number in range(len(sample.texts))}


def measure_block(
    models: Sequence[Bert],
    lines: Sequence[Line],
    *,
    ways: list,
    layers: Sequence[int],
    heads: Sequence[int],
    fitted: set[tuple[str, ...]],
    queries: int,
    seed: int,
    skip_bad: bool,
) -> Found:
    """Measures of every way, and habits, of the sentences of a block: apart those that are `fitted` and those that are
    not. Which queries of a sentence are measured depends on the seed and its place in the corpus alone."""
    (bert,) = models
    pairs = sorted(encoded(bert, lines, skip_bad), key=lambda pair: len(pair[1]))  # those of one length, side by side
    traces = bert.stream([encoding for _, encoding in pairs])
    found = Found(0, {})
    for is_fitted, group in alike(zip([line.at for line, _ in pairs], traces, strict=True), fitted):
        some = [
            np.sort(np.random.default_rng([seed, at]).permutation(len(trace.tokens))[:queries]) for at, trace in group
        ]
        sums = measure_layers(ways, [trace for _, trace in group], layers, heads, some)
        found += Found(len(group), {is_fitted: sums})
    return found


def measure_layers(
    ways: list, traces: Sequence[Trace], layers: Sequence[int], heads: Sequence[int], some: Sequence[Sequence[int]]
) -> list:
    """Measures of every way, and habits, of some layers and heads in sentences of one form.

    some: of each sentence, the positions of the queries that are measured.
    """
    import viz

    span = slice(heads[0], heads[-1] + 1) if len(heads) == heads[-1] - heads[0] + 1 else heads
    query, key, attention = (
        np.array([[getattr(trace.layers[layer], name)[span] for layer in layers] for trace in traces])
        for name in ("query", "key", "attention")
    )
    query, wanted = (np.array([x[..., at, :] for x, at in zip(xs, some, strict=True)]) for xs in (query, attention))
    target = viz.RankedAttention(wanted)
    found = [target.measures(*way.distances(query, key), way.near, way.plane.is_attention) for way in ways]
    found.append(viz.habits(attention, traces[0].tokens, traces[0].roles))
    return [sums.fieldwise(lambda x: x.sum(axis=0)) for sums in found]  # over the sentences


def alike(
    traces: Iterable[tuple[int, Trace]], fitted: set[tuple[str, ...]]
) -> Iterator[tuple[bool, list[tuple[int, Trace]]]]:
    """Neighbouring traces, with their places, of one length with special tokens in the same positions, all fitted (and
    whether they are) or none, not too many at once."""
    group: list = []
    last: tuple = ()
    for at, trace in traces:
        form = tuple(trace.tokens) in fitted, trace.roles
        if group and (form != last or (len(group) + 1) * len(trace.tokens) ** 2 > MOST_PAIRS):
            yield last[0], group
            group = []
        group.append((at, trace))
        last = form
    if group:
        yield last[0], group

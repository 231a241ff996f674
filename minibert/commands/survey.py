"""Queries and keys moved, and measured: fitted on a sample of the sentences, measured on all of them."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from minibert.checkpoint.tokenizer import Encoding
from minibert.commands.output import progress, until_interrupted
from minibert.commands.sentences import Sample, Sentences
from minibert.model import Bert
from minibert.speed.cores import one_thread, parallel_map, split, workers
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
    bert: Bert,
    sentences: Sentences,
    ways: list,
    layers: Sequence[int],
    heads: Sequence[int],
    queries: int,
    seed: int = 0,
    sample: Sample | None = None,
) -> tuple[list, Any, int]:
    """Measures and habits added up over all sentences, and how many there were until the end or Ctrl-C.

    queries: how many of each sentence are measured, against all its keys, chosen at random; habits are those of all.
    sample: what the ways were fitted to. An attention plane is measured on the other sentences alone, if there are any;
        a plane that has places only for the tokens of the sample, on these.
    """
    mapped = [way for way in ways if way.has_map]
    fitted = sentences_of(sample) if any(way.plane.is_attention for way in mapped) else set()
    totals: list = []
    fresh: list = []
    done = 0
    parts = split(len(layers), workers())  # each core takes some of the layers
    moves = [[way[part] for way in mapped] for part in parts]
    random = np.random.default_rng(seed)
    with progress(len(sentences), "sentences") as bar, until_interrupted(lambda: done):
        for traces in alike(bert.stream(by_length(sentences)), fitted):
            some = np.sort(random.permutation(len(traces[0].tokens))[:queries])
            pieces = [(moved, traces, layers[part], heads, some) for part, moved in zip(parts, moves, strict=True)]
            with one_thread():
                new = parallel_map(lambda piece: measure_layers(*piece), pieces)
            totals = added(totals, new)
            if fitted and tuple(traces[0].tokens) not in fitted:
                fresh = added(fresh, new)
            done += len(traces)
            bar.update(len(traces))
    *measured, habits = side_by_side(totals)
    if fresh:
        pairs = zip(mapped, measured, side_by_side(fresh), strict=False)
        measured = [new if way.plane.is_attention else old for way, old, new in pairs]
    return in_order(ways, measured, sample, layers, heads), habits, done


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


def measure_layers(
    ways: list, traces: list[Trace], layers: Sequence[int], heads: Sequence[int], some: np.ndarray
) -> list:
    """Measures of every way, and habits, of some layers and heads in sentences of one form.

    some: the positions of the queries that are measured.
    """
    import viz

    span = slice(heads[0], heads[-1] + 1) if len(heads) == heads[-1] - heads[0] + 1 else heads
    query, key, attention = (
        np.array([[getattr(trace.layers[layer], name)[span][:, tokens] for layer in layers] for trace in traces])
        for name, tokens in (("query", some), ("key", slice(None)), ("attention", slice(None)))
    )
    target = viz.Target(attention[..., some, :])
    found = [target.measures(*way.distances(query, key), way.near, way.plane.is_attention) for way in ways]
    found.append(viz.habits(attention, traces[0].tokens, traces[0].roles))
    return [sums.fieldwise(lambda x: x.sum(axis=0)) for sums in found]  # over the sentences


def side_by_side(parts: Sequence[list]) -> list:
    """Sums of some layers each -> of all layers."""
    return [one[0].fieldwise(lambda *layers: np.concatenate(layers), *one[1:]) for one in zip(*parts, strict=True)]


def added(sums: list[list], others: list[list]) -> list[list]:
    """What each core has measured so far, and something more."""
    if not sums:
        return others
    return [[a + b for a, b in zip(*pair, strict=True)] for pair in zip(sums, others, strict=True)]


def by_length(encodings: Iterable[Encoding], window: int = 2000) -> Iterator[Encoding]:
    """Encodings sorted by length, a window at a time: sentences of one length can be measured side by side."""
    encodings = iter(encodings)
    while ahead := list(itertools.islice(encodings, window)):
        yield from sorted(ahead, key=len)


def alike(traces: Iterable[Trace], fitted: set[tuple[str, ...]]) -> Iterator[list[Trace]]:
    """Neighbouring traces of one length with special tokens in the same positions, all fitted or none, not too many at
    once."""

    def form(trace):
        return trace.roles, bool(fitted) and tuple(trace.tokens) in fitted

    group = []
    for trace in traces:
        if group and (form(trace) != form(group[0]) or (len(group) + 1) * len(trace.tokens) ** 2 > MOST_PAIRS):
            yield group
            group = []
        group.append(trace)
    if group:
        yield group

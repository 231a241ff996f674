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
    weight: str | None = "closeness",
    dims: int = 2,
) -> list:
    """The sample normalised by `viz.normalize` with each of the methods, for the layers and heads wanted.

    The scope may take in more layers and heads than these.
    """
    import viz

    rows = range(len(sample.query)) if scope == "model" else layers
    columns = heads if scope == "head" else range(sample.query.shape[1])
    region = np.ix_(rows, columns)
    inside = np.ix_([rows.index(layer) for layer in layers], [columns.index(head) for head in heads])

    def one(method: str):
        return viz.normalize(
            sample.query[region],
            sample.key[region],
            sample.sentences,
            method,
            scale=scale,
            distance=distance,
            weight=weight,
            attention=[block[region] for block in sample.attention] if weight == "attention" else None,
            scope=scope,
            components=dims,
        )[inside]

    most = workers()
    with one_thread():
        return parallel_map(one, methods, most)


def measure(
    bert: Bert,
    sentences: Sentences,
    ways: list,
    layers: Sequence[int],
    heads: Sequence[int],
    queries: int,
    seed: int = 0,
) -> tuple[list, Any, int]:
    """Measures and habits added up over all sentences, and how many there were until the end or Ctrl-C.

    queries: how many of each sentence are measured, against all its keys, chosen at random; habits are those of all.
    """
    totals: list = []
    done = 0
    parts = split(len(layers), workers())  # each core takes some of the layers
    moves = [[way[part] for way in ways] for part in parts]
    random = np.random.default_rng(seed)
    with progress(len(sentences), "sentences") as bar, until_interrupted(lambda: done):
        for traces in alike(bert.stream(by_length(sentences))):
            some = np.sort(random.permutation(len(traces[0].tokens))[:queries])
            pieces = [(moved, traces, layers[part], heads, some) for part, moved in zip(parts, moves, strict=True)]
            with one_thread():
                new = parallel_map(lambda piece: measure_layers(*piece), pieces)
            totals = [added(*pair) for pair in zip(totals, new, strict=True)] if totals else new
            done += len(traces)
            bar.update(len(traces))
    *measured, habits = (side_by_side(parts) for parts in zip(*totals, strict=True))
    return measured, habits, done


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
    found = [target.measures(*way.distances(query, key), way.near) for way in ways]
    found.append(viz.habits(attention, traces[0].tokens, traces[0].roles))
    return [sums.fieldwise(lambda x: x.sum(axis=0)) for sums in found]  # over the sentences


def side_by_side(parts: Sequence):
    """Sums of some layers each -> of all layers."""
    return parts[0].fieldwise(lambda *layers: np.concatenate(layers), *parts[1:])


def added(sums: list, others: list) -> list:
    return [a + b for a, b in zip(sums, others, strict=True)]


def by_length(encodings: Iterable[Encoding], window: int = 2000) -> Iterator[Encoding]:
    """Encodings sorted by length, a window at a time: sentences of one length can be measured side by side."""
    encodings = iter(encodings)
    while ahead := list(itertools.islice(encodings, window)):
        yield from sorted(ahead, key=len)


def alike(traces: Iterable[Trace]) -> Iterator[list[Trace]]:
    """Neighbouring traces of one length with special tokens in the same positions, not too many at once."""
    group = []
    for trace in traces:
        if group and (trace.roles != group[0].roles or (len(group) + 1) * len(trace.tokens) ** 2 > MOST_PAIRS):
            yield group
            group = []
        group.append(trace)
    if group:
        yield group


def head_rows(ways, measured, habits, layers, heads, dims) -> list[dict]:
    """heads.csv: one row per head, every measure of every way."""
    rows = []
    for i, j in np.ndindex(len(layers), len(heads)):
        row = {"layer": layers[i], "head": heads[j]}
        for way, result in zip(ways, measured, strict=True):
            values = {
                "scale": way.scale,
                "translation_norm": np.linalg.norm(way.translation, axis=-1),
                "explained_variance": way.plane.explained_variance_ratio.sum(axis=-1),
                "correlation": result.pairs.correlation,
                "weighted_correlation": result.close_pairs.correlation,
            }
            for space, near in (("full", result.space), (f"{dims}d", result.plane)):
                values[f"nearest1_{space}"] = near.nearest1
                values[f"nearest3_{space}"] = near.nearest3
                values[f"rank_correlation_{space}"] = near.rank_correlation
            row |= {f"{way.method}_{name}": f"{value[i, j]:.6g}" for name, value in values.items()}
        for name in ("to_self", "to_previous", "to_next", "to_cls", "to_sep", "entropy"):
            row[name] = f"{getattr(habits, name)[i, j]:.6g}"
        rows.append(row)
    return rows


def head_table(ways, measured, layers, heads, dims) -> str:
    """What is printed: one line per head, before and after; for several heads their means, method by method."""
    _, paper, exact = ways
    lines = [
        f"       scale         correlation           nearest@1 in {dims}-D      nearest@1 in full",
        " head  paper  exact    raw  paper  exact    raw  paper  exact    raw  paper  exact",
    ]
    for i, j in np.ndindex(len(layers), len(heads)):
        cells = [way.scale[i, j] for way in (paper, exact)]
        cells += [result.pairs.correlation[i, j] for result in measured]
        cells += [result.plane.nearest1[i, j] for result in measured]
        cells += [result.space.nearest1[i, j] for result in measured]
        doubts = [f"{way.method}: {way[i, j].doubt}" for way in (paper, exact) if way[i, j].doubt]
        doubt = "  " * bool(doubts) + "; ".join(doubts)
        lines.append(f"{f'{layers[i]}.{heads[j]}':>5}" + "".join(f"{cell:7.2f}" for cell in cells) + doubt)
    if len(layers) * len(heads) > 1:
        lines += [
            "",
            f"mean over {len(layers) * len(heads)} heads",
            "       nearest@1     nearest@3     rank corr.      corr.  weighted  explained",
            f"        full {dims}-D      full {dims}-D      full {dims}-D               corr.   variance",
        ]
        for way, result in zip(ways, measured, strict=True):
            near = [(s.nearest1, s.nearest3, s.rank_correlation) for s in (result.space, result.plane)]
            cells = [value.mean() for pair in zip(*near, strict=True) for value in pair]
            cells += [result.pairs.correlation.mean(), result.close_pairs.correlation.mean()]
            cells.append(way.plane.explained_variance_ratio.sum(axis=-1).mean())
            lines.append(f"{way.method:>5}" + "".join(f"{c:7.2f}" for c in cells))
    return "\n".join(lines)

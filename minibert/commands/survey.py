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


def head_rows(ways, measured, habits, layers, heads, dims) -> list[dict]:
    """heads.csv: one row per head, every measure of every way; of a plane that is not PCA's, what is seen in it."""
    rows = []
    for i, j in np.ndindex(len(layers), len(heads)):
        row = {"layer": layers[i], "head": heads[j]}
        for way, result in zip(ways, measured, strict=True):
            values, spaces = {}, ((f"{dims}d", result.plane),)
            if way.plane.kind == "pca":
                values = {
                    "scale": way.scale,
                    "translation_norm": np.linalg.norm(way.translation, axis=-1),
                    "explained_variance": way.plane.explained_variance_ratio.sum(axis=-1),
                    "correlation": result.pairs.correlation,
                    "weighted_correlation": result.close_pairs.correlation,
                }
                spaces = (("full", result.space), *spaces)
            for space, near in spaces:
                values[f"nearest1_{space}"] = near.nearest1
                values[f"nearest3_{space}"] = near.nearest3
                values[f"rank_correlation_{space}"] = near.rank_correlation
            if way.plane.is_attention:
                values["lost_nats"] = result.lost
            row |= {f"{way.name}_{name}": f"{value[i, j]:.6g}" for name, value in values.items()}
        for name in ("to_self", "to_previous", "to_next", "to_cls", "to_sep", "entropy"):
            row[name] = f"{getattr(habits, name)[i, j]:.6g}"
        rows.append(row)
    return rows


def head_table(ways, measured, layers, heads, dims) -> str:
    """What is printed: one line per head, before and after; for several heads their means, method by method."""
    moved = [(way, result) for way, result in zip(ways, measured, strict=True) if way.plane.kind == "pca"]
    others = [(way, result) for way, result in zip(ways, measured, strict=True) if way.plane.kind != "pca"]
    scaled = [(way, result) for way, result in moved if way.method != "raw"]
    groups = [  # heading, what stands in it, of which ways
        ("scale", lambda way, result: way.scale, scaled),
        ("correlation", lambda way, result: result.pairs.correlation, moved),
        (f"nearest@1 in {dims}-D", lambda way, result: result.plane.nearest1, moved + others),
        ("nearest@1 in full", lambda way, result: result.space.nearest1, moved),
        ("nats lost", lambda way, result: result.lost, [pair for pair in others if pair[0].plane.is_attention]),
    ]
    headings, names, widths, cells = " " * 5, " head", [], []
    for heading, value, pairs in groups:
        some = [max(7, len(way.name) + 2, (len(heading) + 2) // len(pairs)) for way, _ in pairs]
        headings += heading.rjust(sum(some)) if pairs else ""
        names += "".join(way.name.rjust(width) for (way, _), width in zip(pairs, some, strict=True))
        widths += some
        cells += [value(way, result) for way, result in pairs]
    lines = [headings, names]
    for i, j in np.ndindex(len(layers), len(heads)):
        doubts = [f"{way.method}: {way[i, j].doubt}" for way, _ in scaled if way[i, j].doubt]
        line = "".join(f"{cell[i, j]:{width}.2f}" for cell, width in zip(cells, widths, strict=True))
        lines.append(f"{f'{layers[i]}.{heads[j]}':>5}{line}" + "  " * bool(doubts) + "; ".join(doubts))
    if len(layers) * len(heads) > 1:
        lines += ["", *mean_table(moved, others, len(layers) * len(heads), dims)]
    return "\n".join(lines)


def mean_table(moved: list[tuple], others: list[tuple], heads: int, dims: int) -> list[str]:
    """Means over the heads, one line per way."""
    indent = max(5, *(len(way.name) for way, _ in moved + others))
    lines = [
        f"mean over {heads} heads",
        " " * (indent - 5) + "       nearest@1     nearest@3     rank corr.      corr.  weighted  explained",
        " " * (indent - 5)
        + f"        full {dims}-D      full {dims}-D      full {dims}-D               corr.   variance",
    ]
    for way, result in moved:
        near = [(s.nearest1, s.nearest3, s.rank_correlation) for s in (result.space, result.plane)]
        cells = [value.mean() for pair in zip(*near, strict=True) for value in pair]
        cells += [result.pairs.correlation.mean(), result.close_pairs.correlation.mean()]
        cells.append(way.plane.explained_variance_ratio.sum(axis=-1).mean())
        lines.append(f"{way.name:>{indent}}" + "".join(f"{c:7.2f}" for c in cells))
    for way, result in others:
        near = result.plane
        cells = [value.mean() for value in (near.nearest1, near.nearest3, near.rank_correlation)]
        lost = f"   {result.lost.mean():.2f} nats lost" if way.plane.is_attention else ""
        lines.append(f"{way.name:>{indent}}" + "".join(f"{'':7}{c:7.2f}" for c in cells) + lost)
    return lines

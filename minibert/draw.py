"""The commands that draw: traces go to `viz`, pictures and tables come out. `viz` and matplotlib load only here."""

import argparse
import csv
import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from minibert.model import Bert, load
from minibert.sentences import Sentences
from minibert.trace import Trace

DEFAULT_TEXT = "The brown capybara is sleeping now."
DEFAULT_LINK = "brown:capybara"
ONE_HEAD = ("joint", "distances", "attention", "search")
MANY_HEADS = ("matrix", "layers", "sheet", "search", "metrics", "positions")
METHODS = ("none", "paper", "exact")

VIZ_HELP = """\
Draws queries and keys of a head as points of one plane, and their dot products against their distances: as they are
(raw), moved as in AttentionViz (paper), and moved such that the more attended key is always the nearer one (exact).
All three have exactly the same attention.

  minibert viz                                         one head of the default sentence
  minibert viz "A text." --layer 2 --head 0            this head
  minibert viz "A text." --layer all --head all        an overview of all heads
  minibert viz --file sentences.txt                    many sentences: heads.csv and overviews
  minibert viz --draw search --layer 2 --head 0        how the scale was chosen

Pictures for one head: joint, distances, attention, search. For several: matrix, layers, sheet (attention maps), search,
metrics, positions. Layers and heads count from 0.
"""


def add_viz_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description, parser.formatter_class = VIZ_HELP, argparse.RawDescriptionHelpFormatter
    parser.add_argument("texts", metavar="TEXT", nargs="*", help=f'sentences (default: "{DEFAULT_TEXT}")')
    add_source(parser)
    parser.add_argument("--model", default="tiny", help="bundled name, folder or hub id (default: tiny)")
    parser.add_argument("--layer", metavar="L", help="a layer, or all (default: chosen and named; all with --file)")
    parser.add_argument("--head", metavar="H", help="a head, or all (default: as --layer)")
    parser.add_argument("--draw", metavar="NAMES", help="pictures to draw, separated by commas (default: see above)")
    add_output(parser)
    group = parser.add_argument_group("which lines are drawn")
    group.add_argument("--link", metavar="WORD:WORD", help=f"a pair of words in red (default sentence: {DEFAULT_LINK})")
    group.add_argument(
        "--top", type=int, metavar="N", help="the N strongest pairs; else each query's most attended key"
    )
    group.add_argument("--above", type=float, metavar="P", help="all pairs with attention above P")
    group.add_argument("--no-special", action="store_true", help="draw no line from or to [CLS] and [SEP]")
    group.add_argument("--words", action="store_true", help="merge the pieces of a word")
    group = parser.add_argument_group("how queries and keys are moved")
    group.add_argument(
        "--scope", choices=("head", "layer", "model"), default="head", help="what shares one move and plane"
    )
    group.add_argument("--scale", type=float, metavar="C", help="the scale of paper and exact (default: searched)")
    group.add_argument(
        "--distance", choices=("euclidean", "pca", "cosine"), default="euclidean", help="searched by (paper)"
    )
    group.add_argument(
        "--weight", choices=("closeness", "attention", "none"), default="closeness", help="weighted by (paper)"
    )
    group.add_argument(
        "--dims", type=int, choices=(2, 3), default=2, help="dimensions of the joint picture (default: 2)"
    )


def add_source(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("many sentences")
    group.add_argument("--file", type=Path, help="a text file, one sentence a line")
    group.add_argument("--skip-bad", action="store_true", help="leave out lines that cannot be used, and count them")
    group.add_argument("--points", type=int, default=2000, help="tokens sampled to fit and to draw (default: 2000)")
    group.add_argument("--seed", type=int, default=0, help="of that sample (default: 0)")


def add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for what is written (default: out)")
    parser.add_argument("--format", choices=("png", "svg", "pdf"), default="png", help="of the pictures (default: png)")


def run_viz(args: argparse.Namespace) -> None:
    """Read, sample, fit, measure, write, draw."""
    if args.points < 1 or args.seed < 0:
        raise ValueError(f"--points is {args.points} and --seed {args.seed}; expected at least 1 and 0")
    if args.file is not None and args.texts:
        raise ValueError("give sentences either as TEXT or by --file, not both")
    default = not args.texts and args.file is None
    texts = args.texts or [DEFAULT_TEXT]
    link = args.link or (DEFAULT_LINK if default else None)
    if link is not None and not all(link.partition(":")):
        raise ValueError(f"--link is {link!r}; expected two words with a colon between, such as {DEFAULT_LINK}")

    bert = load(args.model)
    sentences = Sentences(bert, texts, args.file, args.skip_bad)
    out = writable_folder(args.out)
    everything = range(len(sentences))
    chosen = everything if args.file is None else sentences.sample(args.points, args.seed)
    sample = gather(bert, sentences, chosen)
    layers, heads, why = choose_heads(args, bert, sample, link)
    names = pictures(args.draw, single=len(layers) * len(heads) == 1, file=args.file is not None)

    import viz

    ways = fit(sample, layers, heads, args)
    measured, habits, done = measure(bert, sentences, ways, layers, heads)
    path = out / "heads.csv"
    write_csv(path, head_rows(ways, measured, habits, layers, heads, args.dims))

    print(describe(bert, sentences, sample, args, why, done))
    print(head_table(ways, measured, layers, heads, args.dims))
    print()
    print(path)
    shown = Shown(bert, sample, layers, heads, ways, measured, habits, args, link)
    for name in names:
        print(viz.save(globals()[f"draw_{name}"](shown), out / f"{file_name(name, layers, heads)}.{args.format}"))
    if done < len(sentences):
        raise KeyboardInterrupt


@dataclass(frozen=True)
class Sample:
    """Queries and keys [L, H, N, K] of some sentences end to end, attention [L, H, S, S] of each; one entry a token in
    tokens, words and sentences; one a sentence in texts."""

    query: np.ndarray
    key: np.ndarray
    attention: list[np.ndarray]
    tokens: list[str]
    words: list
    sentences: np.ndarray
    texts: list[str]


@dataclass(frozen=True)
class Shown:
    """What the pictures are about."""

    bert: Bert
    sample: Sample
    layers: range
    heads: range
    ways: list
    measured: list
    habits: object
    args: argparse.Namespace
    link: str | None


def gather(bert: Bert, sentences: Iterable, chosen: Sequence[int]) -> Sample:
    """Run the chosen sentences and lay them end to end."""
    wanted = set(map(int, chosen))
    encodings = [encoding for place, encoding in enumerate(sentences) if place in wanted]
    traces = list(bert.stream(encodings))
    return Sample(
        np.concatenate([stacked(trace, "query") for trace in traces], axis=-2),
        np.concatenate([stacked(trace, "key") for trace in traces], axis=-2),
        [stacked(trace, "attention") for trace in traces],
        [token for trace in traces for token in trace.tokens],
        [word for trace in traces for word in trace.words],
        np.repeat(np.arange(len(traces)), [len(trace.tokens) for trace in traces]),
        [encoding.text for encoding in encodings],
    )


def stacked(trace: Trace, name: str, layers: range | None = None, heads: range | None = None) -> np.ndarray:
    """One field of all layers of a trace: [L, H, ...]."""
    layers = range(len(trace.layers)) if layers is None else layers
    span = slice(None) if heads is None else slice(heads.start, heads.stop)
    return np.stack([getattr(trace.layers[layer], name)[span] for layer in layers])


def choose_heads(args, bert: Bert, sample: Sample, link: str | None) -> tuple[range, range, str]:
    """The layers and heads asked for, and why; without a wish the one head that shows most."""
    layers = wished("layer", args.layer, bert.config.num_hidden_layers)
    heads = wished("head", args.head, bert.config.num_attention_heads)
    if args.file is not None or (args.layer is not None and args.head is not None):
        return layers, heads, ""

    import viz

    words = viz.find_words(sample.tokens, sample.words, sample.sentences)
    blocks = words.attention(
        [block[layers.start : layers.stop, heads.start : heads.stop] for block in sample.attention]
    )
    if link is not None:
        first, _, second = link.partition(":")
        shown = viz.link_words(words, first, second, blocks, merged=True).attention.mean(axis=-1)
        why = f"here {first} attends most to {second}"
    else:
        shown = 0
        for number, block in enumerate(blocks):
            special = words.special[words.sentences == number]
            others = ~(special[:, None] | special | np.eye(len(special), dtype=bool))
            shown = shown + (block * others).sum(axis=(-2, -1))
        why = "here words attend most to other words"
    layer, head = np.unravel_index(shown.argmax(), shown.shape)
    layers, heads = layers[layer : layer + 1], heads[head : head + 1]
    return layers, heads, f"layer {layers[0]}, head {heads[0]}: {why}"


def wished(kind: str, wish: str | None, count: int) -> range:
    """All layers or heads of a model, or the one asked for."""
    if wish in (None, "all"):
        return range(count)
    if not wish.isdecimal() or int(wish) >= count:
        raise ValueError(f"--{kind} is {wish}; this model has {kind}s 0 to {count - 1}, or all")
    return range(int(wish), int(wish) + 1)


def pictures(wish: str | None, single: bool, file: bool) -> list[str]:
    """The names of the pictures to draw."""
    known = ONE_HEAD if single else MANY_HEADS
    if wish is not None:
        names = [name.strip() for name in wish.split(",")]
        for name in names:
            if name not in known:
                what = "one head" if single else "several heads"
                raise ValueError(f"--draw names {name!r}; for {what} there are: {', '.join(known)}")
        return names
    if single:
        return ["joint", "distances"]
    return ["metrics", "matrix", "positions"] if file else ["matrix", "sheet", "layers"]


def fit(sample: Sample, layers: range, heads: range, args, methods: Sequence[str] = METHODS) -> list:
    """The sample normalised in each way, for the layers and heads wanted; the scope may take in more than these."""
    import viz

    rows = range(len(sample.query)) if args.scope == "model" else layers
    columns = heads if args.scope == "head" else range(sample.query.shape[1])
    region = np.s_[rows.start : rows.stop, columns.start : columns.stop]
    inside = tuple(slice(a.start - b.start, a.stop - b.start) for a, b in ((layers, rows), (heads, columns)))
    attention = [block[region] for block in sample.attention] if args.weight == "attention" else None
    return [
        viz.normalize(
            sample.query[region],
            sample.key[region],
            sample.sentences,
            method,
            scale=args.scale,
            distance=args.distance,
            weight=None if args.weight == "none" else args.weight,
            attention=attention,
            scope=args.scope,
            components=args.dims,
        )[inside]
        for method in methods
    ]


def measure(bert: Bert, sentences: Sentences, ways: list, layers: range, heads: range):
    """Measures and habits added up over all sentences, and how many there were until the end or Ctrl-C."""
    from huggingface_hub.utils import tqdm

    import viz

    measured, habits, done = None, None, 0
    bar = tqdm(total=len(sentences), unit=" sentences", disable=len(sentences) < 20, leave=False)
    try:
        for trace in bert.stream(sentences):
            query, key, attention = (stacked(trace, name, layers, heads) for name in ("query", "key", "attention"))
            here = viz.measure_all([way.apply(query, key) for way in ways], [attention])
            now = viz.habits(attention, trace.tokens)
            measured = here if measured is None else [a + b for a, b in zip(measured, here, strict=True)]
            habits = now if habits is None else habits + now
            done += 1
            bar.update()
    except KeyboardInterrupt:
        if not done:
            raise
    finally:
        bar.close()
    return measured, habits, done


def head_rows(ways, measured, habits, layers, heads, dims) -> list[dict]:
    """heads.csv: a row a head, every measure of every way."""
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
    """What is printed: a line a head, before and after; for several heads their means, method by method."""
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
        edge = "  at the edge of the search" if any(w.search and w.search.at_edge[i, j] for w in (paper, exact)) else ""
        lines.append(f"{f'{layers[i]}.{heads[j]}':>5}" + "".join(f"{cell:7.2f}" for cell in cells) + edge)
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
            lines.append(f"{'raw' if way.method == 'none' else way.method:>5}" + "".join(f"{c:7.2f}" for c in cells))
    return "\n".join(lines)


def describe(bert: Bert, sentences: Sentences, sample: Sample, args, why: str, done: int) -> str:
    """What was run, what was fitted on what, and what was left out."""
    lines = [f"{model_name(bert)}: {done} of {len(sentences)} sentences" if done < len(sentences) else model_name(bert)]
    if args.file is None:
        lines += [f"  {text}" for text in sample.texts]
    else:
        skipped = f", {sentences.skipped} lines left out" if args.skip_bad else ""
        lines.append(f"  measured: {done} sentences, {sentences.lengths[:done].sum()} tokens{skipped}")
        fitted = f"{len(sample.texts)} sentences, {len(sample.tokens)} tokens, drawn with seed {args.seed}"
        lines.append(f"  fitted and drawn: {fitted}")
    return "\n".join(lines + [why] * bool(why))


def model_name(bert: Bert) -> str:
    """A bundled name or hub id as it is; the last two parts of a folder."""
    return "/".join(Path(bert.name).parts[-2:])


def file_name(picture: str, layers: range, heads: range) -> str:
    return f"{picture}-{layers[0]}.{heads[0]}" if len(layers) * len(heads) == 1 else picture


def writable_folder(path: Path) -> Path:
    """The folder, made if need be; asked before any work is done."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise ValueError(f"--out is {path}, which is a file or lies in one; expected a folder") from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise ValueError(f"--out is {path}, where this user may not write; expected a folder that can be written")
    return path


def write_csv(path: Path, rows: list[dict]) -> None:
    """Whole or not at all."""
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    beside = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        beside.write_text(text.getvalue(), encoding="utf-8")
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def title(shown: Shown, what: str = "") -> str:
    """Model, layer, head, text: what every picture says above itself."""
    parts = [model_name(shown.bert)]
    if len(shown.layers) * len(shown.heads) == 1:
        parts.append(f"layer {shown.layers[0]}, head {shown.heads[0]}")
    if what:
        parts.append(what)
    texts = shown.sample.texts
    if shown.args.file is not None:
        parts.append(f"{len(texts)} sentences of {shown.args.file.name}")
    else:
        short = texts[0] if len(texts[0]) <= 60 else texts[0][:59] + "…"
        parts.append(f"“{short}”" + (f" and {len(texts) - 1} more" if len(texts) > 1 else ""))
    if shown.args.scope != "head":
        parts.append(f"one move and plane for each {shown.args.scope}")
    return " · ".join(parts)


def lines_of(shown: Shown, place: tuple[int, int]):
    """The lines of one head, by --top, --above, --no-special and --words."""
    import viz

    sample, args = shown.sample, shown.args
    words = viz.find_words(sample.tokens, sample.words, sample.sentences)
    blocks = [block[shown.layers[place[0]], shown.heads[place[1]]] for block in sample.attention]
    special = words.special if args.words else words.special[words.of_token]
    lines = viz.choose_lines(
        words.attention(blocks) if args.words else blocks,
        words.sentences if args.words else sample.sentences,
        top=args.top,
        above=args.above,
        left_out=special if args.no_special else None,
    )
    return lines, words, blocks


def seen(shown: Shown, way, words):
    """The points drawn: tokens, or with --words the mean of each word's pieces."""
    return replace(way, query=words.mean(way.query), key=words.mean(way.key)) if shown.args.words else way


def linked(shown: Shown, words, blocks, merged: bool):
    """The red lines of --link, if there are any."""
    import viz

    if shown.link is None:
        return None
    first, _, second = shown.link.partition(":")
    return viz.link_words(words, first, second, words.attention(blocks) if merged else blocks, merged)


def draw_joint(shown: Shown):
    import viz

    lines, words, blocks = lines_of(shown, (0, 0))
    notes = [
        f"most attended key is nearest: {m.plane.nearest1[0, 0]:.0%} here, {m.space.nearest1[0, 0]:.0%} in full space"
        for m in shown.measured
    ]
    return viz.joint_figure(
        [seen(shown, way[0, 0], words) for way in shown.ways],
        words.labels if shown.args.words else shown.sample.tokens,
        lines,
        linked(shown, words, blocks, shown.args.words),
        title=title(shown, "pieces of a word merged" if shown.args.words else ""),
        notes=notes,
    )


def draw_distances(shown: Shown):
    import viz

    _, words, blocks = lines_of(shown, (0, 0))
    panels, link = [way[0, 0] for way in shown.ways], linked(shown, words, blocks, False)
    return viz.distance_figure(panels, blocks, shown.sample.sentences, link, title=title(shown))


def draw_attention(shown: Shown):
    import viz

    _, words, blocks = lines_of(shown, (0, 0))
    of_token = words.sentences if shown.args.words else shown.sample.sentences
    labels = np.array(words.labels if shown.args.words else shown.sample.tokens, object)
    blocks = (words.attention(blocks) if shown.args.words else blocks)[:3]
    return viz.attention_figure(blocks, [labels[of_token == n] for n in range(len(blocks))], title=title(shown))


def draw_search(shown: Shown):
    import viz

    sample, args = shown.sample, shown.args
    searches = []
    for weight in ("closeness", "attention", "none"):
        for distance in ("euclidean", "pca", "cosine"):
            asked = argparse.Namespace(**vars(args) | {"weight": weight, "distance": distance, "scale": None})
            searches.append(fit(sample, shown.layers, shown.heads, asked, ("paper",))[0].search)
    asked = argparse.Namespace(**vars(args) | {"scale": None})
    searches.append(fit(sample, shown.layers, shown.heads, asked, ("exact",))[0].search)
    return viz.search_figure(searches, title=title(shown, "the search for the scale"))


def draw_matrix(shown: Shown):
    import viz

    way, lines = shown.ways[-1], None
    grid = np.ndindex(len(shown.layers), len(shown.heads))
    _, words, _ = lines_of(shown, (0, 0))
    if len(shown.sample.tokens) <= 200:
        lines = {place: lines_of(shown, place)[0] for place in grid}
    what = "exact, pieces of a word merged" if shown.args.words else "exact"
    return viz.matrix_figure(seen(shown, way, words), shown.layers, shown.heads, lines, title=title(shown, what))


def draw_layers(shown: Shown):
    import viz

    asked = argparse.Namespace(**vars(shown.args) | {"scope": "model"})
    way = fit(shown.sample, shown.layers, shown.heads, asked, ("exact",))[0]
    what = f"exact, one move (c = {way.scale[0, 0]:.2f}) and one plane for the whole model"
    return viz.layers_figure(way, shown.layers, title=title(shown, what))


def draw_sheet(shown: Shown):
    import viz

    block = shown.sample.attention[0][shown.layers.start : shown.layers.stop, shown.heads.start : shown.heads.stop]
    return viz.attention_sheet(block, shown.layers, shown.heads, title=title(shown, "attention in the first sentence"))


def draw_metrics(shown: Shown):
    import viz

    maps, limits = {}, {}
    measures = {
        f"nearest@1 in {shown.args.dims}-D": lambda m: m.plane.nearest1,
        "nearest@1 in full": lambda m: m.space.nearest1,
        f"rank correlation in {shown.args.dims}-D": lambda m: m.plane.rank_correlation,
        "correlation of product and distance": lambda m: m.pairs.correlation,
    }
    for name, measure_of in measures.items():
        for way, result in zip(shown.ways, shown.measured, strict=True):
            key = f"{name}, {'raw' if way.method == 'none' else way.method}"
            maps[key] = measure_of(result)
            limits[key] = (0, 1) if name.startswith("nearest") else (-1, 1)
    habits = {"self": "to_self", "the previous token": "to_previous", "the next token": "to_next"}
    for name, field in (habits | {"[CLS]": "to_cls", "[SEP]": "to_sep"}).items():
        maps[f"attention to {name}"] = getattr(shown.habits, field)
        limits[f"attention to {name}"] = (0, 1)
    maps["entropy of attention (bits)"] = shown.habits.entropy
    return viz.heatmap_figure(maps, shown.layers, shown.heads, limits=limits, title=title(shown))


def draw_positions(shown: Shown):
    import viz

    what = "mean attention by relative position"
    return viz.positions_figure(shown.habits.by_offset, shown.layers, shown.heads, title=title(shown, what))


def add_compare_arguments(parser) -> None:
    pass


def run_compare(args) -> None:
    raise ValueError("not there yet")

"""Each picture of `minibert viz`: from what was measured to a call of `viz`."""

import argparse
from dataclasses import dataclass, replace

import numpy as np

from minibert.commands.output import model_name, quoted
from minibert.commands.sentences import Sample
from minibert.commands.survey import fit
from minibert.model import Bert


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
    done: int
    """of how many sentences the measures and habits are; the sample, which is drawn, has fewer"""
    args: argparse.Namespace
    link: str | None


MOST_LINES = 100  # where nobody asked for so many: more would be one grey area


def title(shown: Shown, *what: str, measured: bool = False, first: int | None = None) -> str:
    """Model, layer, head, what it shows, text: what every picture says above itself.

    measured: of all sentences, not of the sample. first: only of the first so many of the sample.
    """
    parts = [model_name(shown.bert)]
    if len(shown.layers) * len(shown.heads) == 1:
        parts.append(f"layer {shown.layers[0]}, head {shown.heads[0]}")
    parts += filter(None, what)
    texts = shown.sample.texts[:first]
    if shown.args.file is not None and first is None:
        parts.append(f"{shown.done if measured else len(texts)} sentences of {shown.args.file.name}")
    else:
        parts.append(quoted(texts))
    return " · ".join(parts)


def merged_words(shown: Shown) -> str:
    return "pieces of a word merged" if shown.args.words else ""


def moved_together(shown: Shown) -> str:
    """What shares a move and a plane, where it is not each head alone."""
    return {
        "head": "",
        "layer": "one move and plane for all heads of a layer",
        "model": "one move and plane for all heads",
    }[shown.args.scope]


def lines_of(sample: Sample, args, layer: int, head: int):
    """The lines of one head, by --top, --above, --no-special and --words."""
    import viz

    words = words_of(sample)
    blocks = [block[layer, head] for block in sample.attention]
    special = words.special if args.words else words.special[words.of_token]
    return viz.choose_lines(
        words.attention(blocks) if args.words else blocks,
        words.sentences if args.words else sample.sentences,
        top=args.top,
        above=args.above,
        left_out=special if args.no_special else None,
    )


def linked(sample: Sample, link: str | None, layer: int, head: int, merged: bool = False):
    """The red lines of --link, if there are any; between whole words where `merged`."""
    import viz

    if link is None:
        return None
    first, _, second = link.partition(":")
    words = words_of(sample)
    blocks = [block[layer, head] for block in sample.attention]
    return viz.link_words(words, first, second, words.attention(blocks) if merged else blocks, merged)


def words_of(sample: Sample):
    import viz

    return viz.find_words(sample.tokens, sample.words, sample.sentences)


def seen(shown: Shown, way):
    """The points drawn: tokens, or with --words the mean of each word's pieces."""
    if not shown.args.words:
        return way
    words = words_of(shown.sample)
    return replace(way, query=words.mean(way.query), key=words.mean(way.key))


def draw_joint(shown: Shown):
    import viz

    layer, head, merged = shown.layers[0], shown.heads[0], shown.args.words
    notes = [
        f"most attended key is nearest: {m.plane.nearest1[0, 0]:.0%} here, {m.space.nearest1[0, 0]:.0%} in full space"
        for m in shown.measured
    ]
    counted = ["of all sentences"] * (shown.args.file is not None) + ["piece by piece"] * merged
    what = f"percentages: {', '.join(counted)}" if counted else ""
    lines = lines_of(shown.sample, shown.args, layer, head)
    if shown.args.top is None and shown.args.above is None:
        lines = lines.strongest(MOST_LINES)
    return viz.joint_figure(
        [seen(shown, way[0, 0]) for way in shown.ways],
        words_of(shown.sample).labels if merged else shown.sample.tokens,
        [lines] * len(shown.ways),
        linked(shown.sample, shown.link, layer, head, merged),
        title=title(shown, merged_words(shown), moved_together(shown), what),
        notes=notes,
    )


def draw_distances(shown: Shown):
    import viz

    layer, head = shown.layers[0], shown.heads[0]
    blocks = [block[layer, head] for block in shown.sample.attention]
    link = linked(shown.sample, shown.link, layer, head)
    panels = [way[0, 0] for way in shown.ways]
    return viz.distance_figure(panels, blocks, shown.sample.sentences, link, title=title(shown, moved_together(shown)))


def draw_attention(shown: Shown):
    import viz

    sample, merged = shown.sample, shown.args.words
    blocks = [block[shown.layers[0], shown.heads[0]] for block in sample.attention]
    labels, sentences = np.array(sample.tokens, object), sample.sentences
    if merged:
        words = words_of(sample)
        blocks, labels, sentences = words.attention(blocks), np.array(words.labels, object), words.sentences
    blocks = blocks[:3]
    labels = [labels[sentences == number] for number in range(len(blocks))]
    return viz.attention_figure(blocks, labels, title=title(shown, "attention", merged_words(shown), first=3))


def draw_search(shown: Shown):
    import viz
    from viz.geometry.normalize import sentence_spans
    from viz.geometry.scale import search_rows

    where = (shown.sample, shown.layers, shown.heads)
    searches = [
        fit(*where, ["paper"], distance=distance, weight=weight, scope=shown.args.scope)[0].search
        for weight in ("closeness", "attention", None)
        for distance in ("euclidean", "pca", "cosine")
    ]
    (moved,) = fit(*where, ["paper"], scale=1, scope=shown.args.scope)
    spans = sentence_spans(shown.sample.sentences, len(shown.sample.tokens))
    searches.append(search_rows(moved.query, moved.key, spans))
    searches.append(fit(*where, ["exact"], scope=shown.args.scope)[0].search)
    for way in shown.ways:  # say which of them chose what the other pictures show
        if way.search is not None:
            at = [search.objective for search in searches].index(way.search.objective)
            searches[at] = replace(searches[at], objective=f"{way.method}: {way.search.objective}")
    return viz.search_figure(searches, title=title(shown, "the search for the scale", moved_together(shown)))


def draw_matrix(shown: Shown):
    import viz

    sample, args, lines = shown.sample, shown.args, None
    if len(sample.tokens) <= 200:  # more lines would hide the points
        lines = {
            (i, j): lines_of(sample, args, layer, head)
            for i, layer in enumerate(shown.layers)
            for j, head in enumerate(shown.heads)
        }
    points = seen(shown, shown.ways[-1])
    heading = title(shown, "exact", merged_words(shown), moved_together(shown))
    return viz.matrix_figure(points, shown.layers, shown.heads, lines, title=heading)


def draw_layers(shown: Shown):
    import viz

    # not "exact": its extra coordinate would draw one line of queries beside one heap of keys
    (way,) = fit(shown.sample, shown.layers, shown.heads, ["paper"], scope="model", scale=shown.args.scale or 1)
    what = f"paper, one move (c = {way.scale[0, 0]:.2f}) and one plane for the whole model"
    return viz.layers_figure(way, shown.layers, title=title(shown, what))


def draw_sheet(shown: Shown):
    import viz

    block = shown.sample.attention[0][shown.layers.start : shown.layers.stop, shown.heads.start : shown.heads.stop]
    return viz.attention_sheet(block, shown.layers, shown.heads, title=title(shown, "attention", first=1))


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
    return viz.heatmap_figure(
        maps, shown.layers, shown.heads, limits=limits, title=title(shown, moved_together(shown), measured=True)
    )


def draw_positions(shown: Shown):
    import viz

    what = "mean attention by relative position"
    heading = title(shown, what, measured=True)
    return viz.positions_figure(shown.habits.by_offset, shown.layers, shown.heads, title=heading)


ONE_HEAD = {
    "joint": draw_joint,
    "distances": draw_distances,
    "attention": draw_attention,
    "search": draw_search,
}
MANY_HEADS = {
    "matrix": draw_matrix,
    "layers": draw_layers,
    "sheet": draw_sheet,
    "search": draw_search,
    "metrics": draw_metrics,
    "positions": draw_positions,
}

"""Each picture of `minibert viz`: from what was measured to a call of `viz`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

import viz
from minibert.commands.output import quoted
from minibert.commands.sentences import Sample
from minibert.commands.survey import fit
from viz.geometry.scale import search_rows
from viz.geometry.sentences import sentence_spans

MOST_LINES = 100  # where nobody asked for so many: more would be one grey area


@dataclass(frozen=True)
class LineChoice:
    """Which lines are drawn: the `top` keys of each query, or the `strongest` pairs of all, or all pairs with attention
    `above` something. words: the pieces of a word are merged."""

    top: int | None = None
    strongest: int | None = None
    above: float | None = None
    no_special: bool = False
    words: bool = False


@dataclass(frozen=True)
class Shown:
    """What the pictures are about."""

    model: str
    """its name"""
    sample: Sample
    """the sentences that were fitted, and that are drawn"""
    layers: Sequence[int]
    heads: Sequence[int]
    ways: list[viz.Normalized]
    """the sample normalised: raw, paper, exact; each [layers, heads]"""
    measured: list[viz.Measures]
    """of each way"""
    habits: viz.Habits
    done: int
    """of how many sentences the measures and habits are; the sample has fewer"""
    source: str | None = None
    """the name of the file that the sentences are from, if they are from one"""
    link: str | None = None
    """such as "word:word", drawn in red"""
    lines: LineChoice = LineChoice()
    scope: str = "head"


def title(shown: Shown, *what: str, measured: bool = False, first: int | None = None) -> str:
    """Model, layer, head, what it shows, text: what every picture says above itself.

    measured: of all sentences, not of the sample. first: only of the first so many of the sample.
    """
    parts = [shown.model]
    if len(shown.layers) * len(shown.heads) == 1:
        parts.append(f"layer {shown.layers[0]}, head {shown.heads[0]}")
    parts += filter(None, what)
    texts = shown.sample.texts[:first]
    if shown.source is not None and first is None:
        parts.append(f"{shown.done if measured else len(texts)} sentences of {shown.source}")
    else:
        parts.append(quoted(texts))
    return " · ".join(parts)


def merged_words(shown: Shown) -> str:
    return "pieces of a word merged" if shown.lines.words else ""


def moved_together(shown: Shown) -> str:
    """What shares a move and a plane, where it is not each head alone."""
    return {
        "head": "",
        "layer": "one move and plane for all heads of a layer",
        "model": "one move and plane for all heads",
    }[shown.scope]


def lines_of(sample: Sample, layer: int, head: int, choice: LineChoice) -> viz.Lines:
    """The lines of one head.

    ValueError: a choice that makes no sense.
    """
    words = words_of(sample)
    blocks = [block[layer, head] for block in sample.attention]
    special = words.special if choice.words else words.special[words.of_token]
    return viz.choose_lines(
        words.attention(blocks) if choice.words else blocks,
        words.sentences if choice.words else sample.sentences,
        top=choice.strongest,
        above=choice.above,
        keys=choice.top or 1,
        left_out=special if choice.no_special else None,
    )


def linked(
    sample: Sample, link: str | None, layer: int | np.ndarray, head: int | np.ndarray, merged: bool = False
) -> viz.Lines | None:
    """The red lines of "word:word", if there are any; between whole words where `merged`. Of many heads for arrays.

    ValueError: no sentence has both words.
    """
    if link is None:
        return None
    first, _, second = link.partition(":")
    words = words_of(sample)
    blocks = [block[layer, head] for block in sample.attention]
    return viz.link_words(words, first, second, words.attention(blocks) if merged else blocks, merged)


def words_of(sample: Sample) -> viz.Words:
    return viz.find_words(sample.tokens, sample.words, sample.sentences)


def seen(shown: Shown, way: viz.Normalized) -> viz.Normalized:
    """The points drawn: tokens, or with --words the mean of each word's pieces."""
    if not shown.lines.words:
        return way
    words = words_of(shown.sample)
    return replace(way, query=words.mean(way.query), key=words.mean(way.key))


def draw_joint(shown: Shown):
    layer, head, merged = shown.layers[0], shown.heads[0], shown.lines.words
    notes = [
        f"most attended key is nearest: {m.plane.nearest1[0, 0]:.0%} here, {m.space.nearest1[0, 0]:.0%} in full space"
        for m in shown.measured
    ]
    counted = ["of all sentences"] * (shown.source is not None) + ["piece by piece"] * merged
    what = f"percentages: {', '.join(counted)}" if counted else ""
    lines = lines_of(shown.sample, layer, head, shown.lines)
    if (shown.lines.top, shown.lines.strongest, shown.lines.above) == (None, None, None):
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
    layer, head = shown.layers[0], shown.heads[0]
    blocks = [block[layer, head] for block in shown.sample.attention]
    link = linked(shown.sample, shown.link, layer, head)
    panels = [way[0, 0] for way in shown.ways]
    return viz.distance_figure(panels, blocks, shown.sample.sentences, link, title=title(shown, moved_together(shown)))


def draw_attention(shown: Shown):
    sample, merged = shown.sample, shown.lines.words
    blocks = [block[shown.layers[0], shown.heads[0]] for block in sample.attention]
    labels, sentences = np.array(sample.tokens, object), sample.sentences
    if merged:
        words = words_of(sample)
        blocks, labels, sentences = words.attention(blocks), np.array(words.labels, object), words.sentences
    blocks = blocks[:3]
    labels = [labels[sentences == number] for number in range(len(blocks))]
    return viz.attention_figure(blocks, labels, title=title(shown, "attention", merged_words(shown), first=3))


def draw_search(shown: Shown):
    where = (shown.sample, shown.layers, shown.heads)
    searches = [
        fit(*where, ["paper"], distance=distance, weight=weight, scope=shown.scope)[0].search
        for weight in ("closeness", "attention", None)
        for distance in ("euclidean", "pca", "cosine")
    ]
    (moved,) = fit(*where, ["paper"], scale=1, scope=shown.scope)
    spans = sentence_spans(shown.sample.sentences, len(shown.sample.tokens))
    searches.append(search_rows(moved.query, moved.key, spans))
    searches.append(fit(*where, ["exact"], scope=shown.scope)[0].search)
    for way in shown.ways:  # say which of them chose what the other pictures show
        if way.search is not None:
            at = [search.objective for search in searches].index(way.search.objective)
            searches[at] = replace(searches[at], objective=f"{way.method}: {way.search.objective}")
    return viz.search_figure(searches, title=title(shown, "the search for the scale", moved_together(shown)))


def draw_matrix(shown: Shown):
    sample, lines, merged = shown.sample, None, shown.lines.words
    asked = (shown.lines.top, shown.lines.strongest, shown.lines.above) != (None, None, None)
    if asked or len(sample.tokens) <= 200:  # more lines would hide the points
        lines = {
            (i, j): lines_of(sample, layer, head, shown.lines)
            for i, layer in enumerate(shown.layers)
            for j, head in enumerate(shown.heads)
        }
    points = seen(shown, shown.ways[-1])
    heading = title(shown, "exact", merged_words(shown), moved_together(shown))
    link = linked(sample, shown.link, *_region(shown), merged)
    return viz.matrix_figure(points, shown.layers, shown.heads, lines, link, title=heading)


def draw_layers(shown: Shown):
    # not "exact": its extra coordinate would draw one line of queries beside one heap of keys
    way = in_one_plane(shown.ways[1])
    moves = {"head": "each head moved on its own", "layer": "one move per layer", "model": "one move for all heads"}
    c = f" (c = {way.scale[0, 0]:.2f})" if np.ptp(way.scale) == 0 else ""
    what = f"paper: {moves[shown.scope]}{c}, one plane for all"
    return viz.layers_figure(seen(shown, way), shown.layers, title=title(shown, what, merged_words(shown)))


def in_one_plane(way: viz.Normalized) -> viz.Normalized:
    """The same moves, seen in the one plane in which the points of all heads together vary most."""
    heads, size = way.query.shape[:-2], way.query.shape[-1]
    plane = viz.pca(np.concatenate([way.query.reshape(-1, size), way.key.reshape(-1, size)]))
    shared = {
        name: np.broadcast_to(getattr(plane, name), (*heads, *getattr(plane, name).shape))
        for name in ("mean", "components", "explained_variance_ratio")
    }
    return replace(way, plane=replace(way.plane, **shared))


def draw_sheet(shown: Shown):
    block = shown.sample.attention[0][_region(shown)]
    return viz.attention_sheet(block, shown.layers, shown.heads, title=title(shown, "attention", first=1))


def draw_metrics(shown: Shown):
    maps, limits = {}, {}
    dims = shown.ways[0].plane.components.shape[-2]
    measures = {
        f"nearest@1 in {dims}-D": lambda m: m.plane.nearest1,
        "nearest@1 in full": lambda m: m.space.nearest1,
        f"rank correlation in {dims}-D": lambda m: m.plane.rank_correlation,
        "correlation of product and distance": lambda m: m.pairs.correlation,
    }
    for name, measure_of in measures.items():
        for way, result in zip(shown.ways, shown.measured, strict=True):
            key = f"{name}, {way.method}"
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
    what = "mean attention by relative position"
    heading = title(shown, what, measured=True)
    return viz.positions_figure(shown.habits.by_offset, shown.layers, shown.heads, title=heading)


def _region(shown):
    """The layers and heads shown, among all of the model."""
    return np.ix_(shown.layers, shown.heads)


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

"""Each picture of `minibert viz`: from what was measured to a call of `viz`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

import viz
from minibert.commands.sentences import Sample
from minibert.commands.survey import fit
from minibert.terminal import counted, quoted

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FEW_LINES = 40  # in each small panel, where there are many tokens
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
    width: float = 7.0
    """of the pictures, in inches"""


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
        drawn = "" if measured or len(texts) == shown.done else "drawn: "
        parts.append(f"{drawn}{counted(shown.done if measured else len(texts), 'sentence')} of {shown.source}")
    else:
        parts.append(quoted(texts))
    return " · ".join(parts)


def percentages(shown: Shown, ways: Sequence[viz.Normalized]) -> str:
    """Of which sentences the shares are in a picture of these ways."""
    if shown.source is None:
        return ""
    said = [f"of {counted(shown.done, 'sentence')}"]
    *others, last = {way.name: way for way in ways}.values()
    if last.plane.is_attention or not last.has_map:
        fresh = last.has_map and shown.done > len(shown.sample.texts)
        drawn = "of sentences that it was not fitted to" if fresh else "of those drawn"
        said = [*said[: len(others)], f"{last.name}, {drawn}" if others else drawn]
    return f"percentages: {'; '.join(said)}"


def as_measured(way: viz.Normalized, measured: viz.Measures) -> viz.Normalized:
    """With what the plane loses as the tables have it: on the sentences that it was not fitted to, if there are any."""
    if not way.plane.is_attention:
        return way
    return replace(way, plane=replace(way.plane, lost=measured.lost))


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
    return way.averaged(words.mean)


def draw_joint(shown: Shown) -> "Figure":
    """One head, each way beside the other."""
    layer, head, merged = shown.layers[0], shown.heads[0], shown.lines.words
    link = linked(shown.sample, shown.link, layer, head, merged)
    panels = [seen(shown, way[0, 0]) for way in shown.ways]
    return _joint(shown, panels, [(0, 0)] * len(panels), _lines(shown, layer, head), link)


def draw_joints(shown: Shown, method: str | None = None) -> "Figure":
    """All heads of a layer on one page, moved one way, or in the plane that was asked for."""
    at = way_of(shown, method)
    layer, heads = shown.layers[0], shown.heads
    places = [(0, column) for column in range(len(heads))]
    links = [linked(shown.sample, shown.link, layer, head, shown.lines.words) for head in heads]
    return _joint(
        shown,
        [seen(shown, shown.ways[at][place]) for place in places],
        places,
        [_lines(shown, layer, head) for head in heads],
        None if shown.link is None else links,
        titles=[f"head {head}{_chosen(shown.ways[at][0, column])}" for column, head in enumerate(heads)],
        measured=[shown.measured[at]] * len(heads),
        what=f"layer {layer}, {shown.ways[at].title}",
    )


def _chosen(head):
    """What one head's search chose, or what its plane loses."""
    _, _, chosen = head.title.partition(", ")
    return f": {chosen}" if chosen else ""


def way_of(shown: Shown, method: str | None) -> int:
    """Which of the ways: by name; None: the last, which is exact, or in the plane that was asked for."""
    return -1 if method is None else [way.name for way in shown.ways].index(method)


def _joint(shown, panels, places, lines, link, titles=(), measured=None, what=""):
    merged = shown.lines.words
    words = words_of(shown.sample)
    sentences = words.sentences if merged else shown.sample.sentences
    notes = []
    for number, (panel, place) in enumerate(zip(panels, places, strict=True)):
        found = (measured or shown.measured)[number]
        here, full = found.plane.nearest1[place], found.space.nearest1[place]
        note = f"nearest@1: {here:.0%} here, {full:.0%} in full"
        red = link[number] if isinstance(link, list) else link
        if red is not None:
            pair, _, places = viz.link_in_words(panel, red, sentences)[0].partition(": ")
            kept_whole = places.replace(" ", "\N{NO-BREAK SPACE}").replace(",\N{NO-BREAK SPACE}", ", ")
            note += f"\n{pair}: {kept_whole}"
        notes.append(note)
    shares = percentages(shown, panels)
    if merged:
        shares = f"{shares}, piece by piece" if shares else "percentages: piece by piece"
    return viz.joint_figure(
        panels,
        words.labels if merged else shown.sample.tokens,
        lines,
        link,
        sentences=sentences,
        common=shown.scope != "head" and len(panels) > 1 and len({panel.method for panel in panels}) == 1,
        title=title(shown, what, merged_words(shown), moved_together(shown), shares),
        titles=titles,
        notes=notes,
        width=shown.width,
    )


def _lines(shown, layer, head, most=MOST_LINES):
    """The lines drawn: where nobody said how many, no more than can be seen."""
    lines = lines_of(shown.sample, layer, head, shown.lines)
    asked = (shown.lines.top, shown.lines.strongest, shown.lines.above) != (None, None, None)
    return lines if asked else lines.strongest(most)


def draw_distances(shown: Shown) -> "Figure":
    layer, head = shown.layers[0], shown.heads[0]
    blocks = [block[layer, head] for block in shown.sample.attention]
    link = linked(shown.sample, shown.link, layer, head)
    panels = [way[0, 0] for way in shown.ways if way.plane.kind == "pca"]  # distances are those of the whole space
    heading = title(shown, moved_together(shown))
    return viz.distance_figure(panels, blocks, shown.sample.sentences, link, title=heading, width=shown.width)


def draw_attention(shown: Shown) -> "Figure":
    sample, merged = shown.sample, shown.lines.words
    blocks = [block[shown.layers[0], shown.heads[0]] for block in sample.attention]
    labels, sentences = np.array(sample.tokens, object), sample.sentences
    if merged:
        words = words_of(sample)
        blocks, labels, sentences = words.attention(blocks), np.array(words.labels, object), words.sentences
    blocks = blocks[:3]
    labels = [labels[sentences == number] for number in range(len(blocks))]
    some = f"the first 3 of {len(sample.texts)} sentences" if len(sample.texts) > 3 else ""
    heading = title(shown, "attention", merged_words(shown), some, first=3)
    return viz.attention_figure(blocks, labels, title=heading, width=shown.width)


def draw_search(shown: Shown) -> "Figure":
    """What was used, and beside it what else "paper" could have looked for, by the same distance and by cosine."""
    where = (shown.sample, shown.layers, shown.heads)
    used = [(f"used by {way.method}:", way.search) for way in shown.ways if way.search is not None]
    others = [("attention", "euclidean"), ("closeness", "euclidean"), (None, "euclidean"), ("attention", "cosine")]
    more = [
        fit(*where, ["paper"], distance=distance, weight=weight, scope=shown.scope)[0].search
        for weight, distance in others
    ]
    if not any(way.method == "exact" and way.search is not None for way in shown.ways):
        more.append(fit(*where, ["exact"], scope=shown.scope)[0].search)
    known = [search.objective for _, search in used]
    panels = used + [("not used:", search) for search in more if search.objective not in known]
    return viz.search_figure(
        [search for _, search in panels],
        titles=[name for name, _ in panels],
        title=title(shown, "the search for the scale c", moved_together(shown)),
        width=shown.width,
    )


def draw_matrix(shown: Shown, method: str | None = None) -> "Figure":
    """All heads, moved one way; by default the last, which is exact, or in the plane that was asked for."""
    return _matrix(shown, [way_of(shown, method)])


def draw_before_and_after(shown: Shown) -> "Figure":
    """All heads as they are, and beside them the last way."""
    return _matrix(shown, [0, -1])


def _matrix(shown, which):
    sample, merged = shown.sample, shown.lines.words
    ways, measured = ([all_of[at] for at in which] for all_of in (shown.ways, shown.measured))
    most = MOST_LINES if len(sample.tokens) <= 200 else FEW_LINES
    lines = {
        (i, j): _lines(shown, layer, head, most)
        for i, layer in enumerate(shown.layers)
        for j, head in enumerate(shown.heads)
    }
    what = [ways[0].title] if len(ways) == 1 else []
    return viz.matrix_figure(
        [seen(shown, way) for way in ways],
        shown.layers,
        shown.heads,
        lines,
        linked(sample, shown.link, *_region(shown), merged),
        nearest=[found.plane.nearest1 for found in measured],
        titles=[way.title for way in ways] if len(ways) > 1 else (),
        title=title(shown, *what, merged_words(shown), moved_together(shown), percentages(shown, ways)),
        width=shown.width,
    )


def draw_layers(shown: Shown) -> "Figure":
    # not "exact": its extra coordinate would draw one line of queries beside one heap of keys
    way = in_one_plane(shown.ways[1])
    moves = {"head": "each head moved on its own", "layer": "one move per layer", "model": "one move for all heads"}
    c = f" (c = {way.scale[0, 0]:.2f})" if np.ptp(way.scale) == 0 else ""
    what = f"paper: {moves[shown.scope]}{c}, one plane for all"
    heading = title(shown, what, merged_words(shown))
    return viz.layers_figure(seen(shown, way), shown.layers, title=heading, width=shown.width)


def in_one_plane(way: viz.Normalized) -> viz.Normalized:
    """The same moves, seen in the one plane in which the points of all heads together vary most."""
    heads, size = way.query.shape[:-2], way.query.shape[-1]
    plane = viz.pca(np.concatenate([way.query.reshape(-1, size), way.key.reshape(-1, size)]))
    shared = {
        name: np.broadcast_to(getattr(plane, name), (*heads, *getattr(plane, name).shape))
        for name in ("mean", "components", "explained_variance_ratio")
    }
    return replace(way, plane=replace(way.plane, **shared))


def draw_sheet(shown: Shown) -> "Figure":
    block = shown.sample.attention[0][_region(shown)]
    labels = [t for t, number in zip(shown.sample.tokens, shown.sample.sentences, strict=True) if number == 0]
    some = f"the first of {len(shown.sample.texts)} sentences" if len(shown.sample.texts) > 1 else ""
    heading = title(shown, "attention", some, first=1)
    return viz.attention_sheet(block, shown.layers, shown.heads, labels, title=heading, width=shown.width)


def draw_metrics(shown: Shown) -> "Figure":
    """Where indigo is always what one hopes for: one row of maps per measure, one column per way, then habits."""
    dims = shown.ways[0].plane.components.shape[-2]
    measures = {
        f"nearest@1 in {dims}-D": (lambda m: m.plane.nearest1, (0, 1)),
        "nearest@1 in full": (lambda m: m.space.nearest1, (0, 1)),
        f"rank correlation in {dims}-D": (lambda m: m.plane.rank_correlation, (-1, 1)),
        "product and nearness": (lambda m: -m.pairs.correlation, (-1, 1)),
    }
    maps, limits = {}, {}
    for name, (measure_of, of_colours) in measures.items():
        for way, result in zip(shown.ways, shown.measured, strict=True):
            key = f"{name}, {way.name}"
            of_raw = way.plane.kind != "pca" and not name.endswith("-D")  # the whole space is that of raw
            by_construction = way.method == "exact" and name == "nearest@1 in full"  # 1 for every head
            maps[key] = None if of_raw or by_construction else measure_of(result)
            limits[key] = of_colours
    habits = {"self": "to_self", "the previous token": "to_previous", "the next token": "to_next"}
    habits |= dict(zip(ends(shown.sample), ("to_cls", "to_sep"), strict=True))
    most = max(0.1, *(float(getattr(shown.habits, field).max()) for field in habits.values()))  # little shall look it
    for name, field in habits.items():
        maps[f"attention to {name}"] = getattr(shown.habits, field)
        limits[f"attention to {name}"] = (0, most)
    maps["entropy of attention (bits)"] = shown.habits.entropy
    told = percentages(shown, shown.ways).partition("; ")[2]
    told = f" {told.replace(',', ':', 1)}." if told else ""
    return viz.heatmap_figure(
        maps,
        shown.layers,
        shown.heads,
        limits=limits,
        columns=len(shown.ways),
        title=title(shown, moved_together(shown), measured=True),
        caption="One row per layer, one column per head. nearest@1: share of queries whose most attended key is the "
        "nearest. Rank correlation: of attention and nearness, mean over queries. Product and nearness: minus the "
        "correlation of product and distance, over all pairs. exact is 1 in full by construction." + told,
        width=shown.width,
    )


def ends(sample: Sample) -> tuple[str, str]:
    """What stands before and after a sentence, such as [CLS] and [SEP], or <s> and </s>."""
    last = int(np.sum(sample.sentences == 0)) - 1  # of the first sentence
    names = [sample.tokens[i] if sample.words[i] is None else usual for i, usual in ((0, "[CLS]"), (last, "[SEP]"))]
    return names[0], names[1]


def draw_positions(shown: Shown) -> "Figure":
    heading = title(shown, "mean attention by relative position", measured=True)
    return viz.positions_figure(shown.habits.by_offset, shown.layers, shown.heads, title=heading, width=shown.width)


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
    "matrix-raw": partial(draw_matrix, method="raw"),
    "matrix-paper": partial(draw_matrix, method="paper"),
    "matrix-both": draw_before_and_after,
    "joint-raw": partial(draw_joints, method="raw"),
    "joint-paper": partial(draw_joints, method="paper"),
    "joint-exact": partial(draw_joints, method="exact"),
    "joint-plane": draw_joints,
    "layers": draw_layers,
    "sheet": draw_sheet,
    "search": draw_search,
    "metrics": draw_metrics,
    "positions": draw_positions,
}

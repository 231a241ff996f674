"""Each picture of a survey, by name: from what was measured to a call of `viz`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

import viz
from minibert.survey.fit import fit
from minibert.survey.result import Survey
from minibert.survey.sample import Heads, Sample
from minibert.terminal import counted, quoted

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FEW_LINES = 40  # in each small panel, where there are many tokens
MOST_LINES = 100  # where no number was chosen: more would be one grey area

Place = tuple[int, int]
"""Where a head stands among those of the survey."""


@dataclass(frozen=True)
class Drawing:
    """Which lines are drawn, and how wide.

    top: for each query, its so many most attended keys (1 where nothing is chosen). Or else strongest: so many pairs
    of all; or above: all pairs with attention above this. no_special: no line from or to [CLS] and [SEP].
    link: a pair of words, "word:word", in red. words: the pieces of a word are merged. width: in inches.
    """

    top: int | None = None
    strongest: int | None = None
    above: float | None = None
    no_special: bool = False
    words: bool = False
    link: str | None = None
    width: float = 7.0

    @property
    def merged(self) -> str:
        return "pieces of a word merged" if self.words else ""


def draw(found: Survey, name: str, drawing: Drawing = Drawing()) -> "Figure":
    """One picture, out of ONE_HEAD for a survey of one head, otherwise out of MANY_HEADS."""
    return (ONE_HEAD if found.single else MANY_HEADS)[name](found, drawing)


def title(
    found: Survey, *what: str, measured: bool = False, first: int | None = None, among: str = "among words"
) -> str:
    """Model, layer, head, what it shows, text: the title of every picture.

    measured: it is of all sentences, not of the sample. first: it is only of the first so many of the sample. among:
    what is said where words alone were fitted.
    """
    parts = [found.model]
    if found.single:
        parts.append(f"layer {found.layers[0]}, head {found.heads[0]}")
    parts += filter(None, [*what, among if found.among_words else ""])
    texts = found.sample.texts[:first]
    if found.source is not None and first is None:
        drawn = "" if measured or len(texts) == found.done else "drawn: "
        parts.append(f"{drawn}{counted(found.done if measured else len(texts), 'sentence')} of {found.source}")
    else:
        parts.append(quoted(texts))
    return " · ".join(filter(None, [*parts, found.unknown(first)]))


def percentages(found: Survey, ways: Sequence[viz.Normalized]) -> str:
    """In which sentences the shares were measured that a picture of these ways shows."""
    if found.source is None:
        return ""
    where = [f"of {counted(found.done, 'sentence')}"]
    *others, last = {way.name: way for way in ways}.values()
    if last.plane.is_attention or not last.has_map:
        fresh = last.has_map and found.done > len(found.sample.texts)
        drawn = "of sentences that it was not fitted to" if fresh else "of those drawn"
        where = [*where[: len(others)], f"{last.name}, {drawn}" if others else drawn]
    return f"percentages: {'; '.join(where)}"


def moved_together(found: Survey) -> str:
    """What shares a move and a plane, where it is not each head alone."""
    return {
        "head": "",
        "layer": "one move and plane for all heads of a layer",
        "model": "one move and plane for all heads",
    }[found.scope]


def lines_of(sample: Sample, layer: int, head: int, drawing: Drawing) -> viz.Lines:
    """The lines of one head."""
    words, sentences = sample.whole_words(), sample.sentences
    blocks, special = [block[layer, head] for block in sample.attention], words.special[words.of_token]
    if drawing.words:
        blocks, special, sentences = words.attention(blocks), words.special, words.sentences
    top, above, keys = drawing.strongest, drawing.above, drawing.top or 1
    left_out = special if drawing.no_special else None
    return viz.choose_lines(blocks, sentences, top=top, above=above, keys=keys, left_out=left_out)


def some_lines(found: Survey, layer: int, head: int, drawing: Drawing, most: int = MOST_LINES) -> viz.Lines:
    """The lines of one head: where no number was chosen, no more than can be seen."""
    lines = lines_of(found.sample, layer, head, drawing)
    chosen = (drawing.top, drawing.strongest, drawing.above) != (None, None, None)
    return lines if chosen else lines.strongest(most)


def linked(
    sample: Sample, link: str | None, layer: int | np.ndarray, head: int | np.ndarray, merged: bool = False
) -> viz.Lines | None:
    """The red lines of "word:word"; between whole words where `merged`. Those of many heads for arrays.

    Raises viz.errors.InputError where no sentence has both words.
    """
    if link is None:
        return None
    first, _, second = link.partition(":")
    words = sample.whole_words()
    blocks = [block[layer, head] for block in sample.attention]
    return viz.link_words(words, first, second, words.attention(blocks) if merged else blocks, merged)


def seen(found: Survey, way: viz.Normalized, drawing: Drawing) -> viz.Normalized:
    """The points that are drawn: tokens, or the mean of each word's pieces."""
    return way.averaged(found.sample.whole_words().mean) if drawing.words else way


@dataclass(frozen=True)
class Panel:
    """One panel of a joint picture: a head, moved in one way."""

    points: viz.Normalized
    measured: viz.Measures
    held: viz.Held
    place: Place
    lines: viz.Lines
    link: viz.Lines | None
    title: str = ""


def draw_joint(found: Survey, drawing: Drawing) -> "Figure":
    """One head, each way beside the other."""
    where = found.layers[0], found.heads[0]
    link = linked(found.sample, drawing.link, *where, drawing.words)
    lines = some_lines(found, *where, drawing)
    panels = [
        Panel(seen(found, way[0, 0], drawing), measured, held, (0, 0), lines, link)
        for (way, measured), held in zip(found.pairs, found.held, strict=True)
    ]
    return joint(found, drawing, panels)


def draw_joints(found: Survey, drawing: Drawing, method: str | None = None) -> "Figure":
    """All heads of a layer on one page, moved one way, or in the plane that was asked for."""
    layer = found.layers[0]
    way, measured = found.pairs[way_of(found, method)]
    held = found.held[way_of(found, method)]
    panels = []
    for column, head in enumerate(found.heads):
        _, _, chosen = way[0, column].title.partition(", ")  # what the search chose, or what the plane loses
        points = seen(found, way[0, column], drawing)
        name = f"head {head}" + (f": {chosen}" if chosen else "")
        link = linked(found.sample, drawing.link, layer, head, drawing.words)
        lines = some_lines(found, layer, head, drawing)
        panels.append(Panel(points, measured, held, (0, column), lines, link, name))
    return joint(found, drawing, panels, way.title if found.single else f"layer {layer}, {way.title}")


def way_of(found: Survey, method: str | None) -> int:
    """Which of the ways: by name; None: the last, which is exact, or in the plane that was asked for."""
    return -1 if method is None else [way.name for way in found.ways].index(method)


def joint(found: Survey, drawing: Drawing, panels: Sequence[Panel], what: str = "") -> "Figure":
    words = found.sample.whole_words()
    sentences = words.sentences if drawing.words else found.sample.sentences
    points = [panel.points for panel in panels]
    shares = percentages(found, points)
    if drawing.words:
        shares = f"{shares}, piece by piece" if shares else "percentages: piece by piece"
    return viz.joint_figure(
        points,
        words.labels if drawing.words else found.sample.tokens,
        [panel.lines for panel in panels],
        [panel.link for panel in panels if panel.link is not None] or None,
        sentences=sentences,
        common=found.scope != "head" and len(panels) > 1 and len({way.method for way in points}) == 1,
        title=title(found, what, drawing.merged, moved_together(found), shares),
        titles=[panel.title for panel in panels] if panels[0].title else (),
        notes=[note(panel, sentences) for panel in panels],
        width=drawing.width,
    )


def note(panel: Panel, sentences: np.ndarray) -> str:
    """What stands above a panel: its nearest@1, what it holds, and how near the two words of the link are."""
    here, full = (space.nearest1[panel.place] for space in (panel.measured.plane, panel.measured.space))
    size = panel.points.query.shape[-1]
    text = f"nearest@1: {here:.0%} here, {full:.0%} in all {size} dimensions"
    text += " (always, by construction)" if panel.points.method == "exact" else ""
    dims = panel.points.query_drawn.shape[-1]
    share, bound = (x[panel.place] for x in (panel.held.share, panel.held.bound(dims)))
    if not np.isnan(share):
        text += f"\nscores held: {share:.0%} of at most {bound:.0%}"
    if panel.link is None:
        return text
    pair, _, places = viz.link_in_words(panel.points, panel.link, sentences)[0].partition(": ")
    kept_whole = places.replace(" ", "\N{NO-BREAK SPACE}").replace(",\N{NO-BREAK SPACE}", ", ")
    return f"{text}\n{pair}: {kept_whole}"


def draw_distances(found: Survey, drawing: Drawing) -> "Figure":
    layer, head = found.layers[0], found.heads[0]
    blocks = [block[layer, head] for block in found.sample.attention]
    link = linked(found.sample, drawing.link, layer, head)
    panels = [way[0, 0] for way in found.ways if way.plane.kind == "pca"]  # distances are those of the whole space
    heading = title(found, moved_together(found))
    return viz.distance_figure(panels, blocks, found.sample.sentences, link, title=heading, width=drawing.width)


def draw_attention(found: Survey, drawing: Drawing) -> "Figure":
    sample = found.sample
    blocks = [block[found.layers[0], found.heads[0]] for block in sample.attention]
    labels, sentences = sample.tokens, sample.sentences
    if drawing.words:
        words = sample.whole_words()
        blocks, labels, sentences = words.attention(blocks), list(words.labels), words.sentences
    blocks = blocks[:3]
    texts = np.array(labels, object)
    of_each = [texts[sentences == number].tolist() for number in range(len(blocks))]
    some = f"the first 3 of {len(sample.texts)} sentences" if len(sample.texts) > 3 else ""
    heading = title(found, "attention", drawing.merged, some, first=3)
    return viz.attention_figure(blocks, of_each, title=heading, width=drawing.width)


def draw_search(found: Survey, drawing: Drawing) -> "Figure":
    """What was used, and beside it what else "paper" could have looked for, by the same distance and by cosine."""
    where = found.sample, Heads(found.layers, found.heads)
    used = [(f"used by {way.method}:", way.search) for way in found.ways if way.search is not None]
    others = [("attention", "euclidean"), ("closeness", "euclidean"), (None, "euclidean"), ("attention", "cosine")]
    more = [
        fit(*where, ["paper"], distance=distance, weight=weight, scope=found.scope)[0].search
        for weight, distance in others
    ]
    if not any(way.method == "exact" and way.search is not None for way in found.ways):
        more.append(fit(*where, ["exact"], scope=found.scope)[0].search)
    known = [search.objective for _, search in used]
    panels = used + [("not used:", one) for one in more if one is not None and one.objective not in known]
    return viz.search_figure(
        [search for _, search in panels],
        titles=[name for name, _ in panels],
        title=title(found, "the search for the scale c", moved_together(found)),
        width=drawing.width,
    )


def draw_matrix(found: Survey, drawing: Drawing, which: Sequence[int] = (), method: str | None = None) -> "Figure":
    """All heads, moved one way, or in several ways side by side; by default the last way."""
    pairs = [found.pairs[at] for at in which or [way_of(found, method)]]
    ways = [way for way, _ in pairs]
    most = MOST_LINES if len(found.sample.tokens) <= 200 else FEW_LINES
    lines = {
        (i, j): some_lines(found, layer, head, drawing, most)
        for i, layer in enumerate(found.layers)
        for j, head in enumerate(found.heads)
    }
    what = [ways[0].title] if len(ways) == 1 else []
    rows, columns = region(found)
    return viz.matrix_figure(
        [seen(found, way, drawing) for way in ways],
        found.layers,
        found.heads,
        lines,
        linked(found.sample, drawing.link, rows, columns, drawing.words),
        nearest=[measured.plane.nearest1 for _, measured in pairs],
        titles=[way.title for way in ways] if len(ways) > 1 else (),
        title=title(found, *what, drawing.merged, moved_together(found), percentages(found, ways)),
        width=drawing.width,
    )


def draw_layers(found: Survey, drawing: Drawing) -> "Figure":
    # not "exact": its extra coordinate would draw one line of queries beside one heap of keys
    way = in_one_plane(found.ways[1])
    moves = {"head": "each head moved on its own", "layer": "one move per layer", "model": "one move for all heads"}
    c = f" (c = {way.scale[0, 0]:.2f})" if np.ptp(way.scale) == 0 else ""
    heading = title(found, f"paper: {moves[found.scope]}{c}, one plane for all", drawing.merged)
    return viz.layers_figure(seen(found, way, drawing), found.layers, title=heading, width=drawing.width)


def in_one_plane(way: viz.Normalized) -> viz.Normalized:
    """The same moves, seen in the one plane in which the points of all heads together vary most."""
    heads, size = way.query.shape[:-2], way.query.shape[-1]
    pca = viz.pca(np.concatenate([way.query.reshape(-1, size), way.key.reshape(-1, size)]))
    shared = {
        name: np.broadcast_to(getattr(pca, name), (*heads, *getattr(pca, name).shape))
        for name in ("mean", "components", "explained_variance_ratio")
    }
    plane: Any = way.plane
    return replace(way, plane=replace(plane, **shared))


def draw_sheet(found: Survey, drawing: Drawing) -> "Figure":
    block = found.sample.attention[0][region(found)]
    some = f"the first of {len(found.sample.texts)} sentences" if len(found.sample.texts) > 1 else ""
    heading = title(found, "attention", some, first=1)
    tokens = found.sample.tokens_of(0)
    return viz.attention_sheet(block, found.layers, found.heads, tokens, title=heading, width=drawing.width)


def draw_metrics(found: Survey, drawing: Drawing) -> "Figure":
    """Maps of all heads: a row per measure with a column per way, then the habits. Indigo is always what one hopes."""
    maps = measure_maps(found) | habit_maps(found)
    told = percentages(found, found.ways).partition("; ")[2]
    told = f" {told.replace(',', ':', 1)}." if told else ""
    return viz.heatmap_figure(
        {name: values for name, (values, _) in maps.items()},
        found.layers,
        found.heads,
        limits={name: limits for name, (_, limits) in maps.items() if limits is not None},
        columns=len(found.ways),
        title=title(found, moved_together(found), measured=True),
        caption="One row per layer, one column per head. nearest@1: share of queries whose most attended key is the "
        "nearest. Rank correlation: of attention and nearness, mean over queries. Product and nearness: minus the "
        "correlation of product and distance, over all pairs. exact is 1 in full by construction." + told,
        width=drawing.width,
    )


Map = tuple[np.ndarray | None, tuple[float, float] | None]
"""Numbers [layers, heads], None where there are none to show; and those that the colours run from and to."""


def measure_maps(found: Survey) -> dict[str, Map]:
    """The map of each measure for each way."""
    measures: dict[str, tuple[Callable[[viz.Measures], np.ndarray], tuple[float, float]]] = {
        f"nearest@1 in {found.dims}-D": (lambda m: m.plane.nearest1, (0, 1)),
        "nearest@1 in full": (lambda m: m.space.nearest1, (0, 1)),
        f"rank correlation in {found.dims}-D": (lambda m: m.plane.rank_correlation, (-1, 1)),
        "product and nearness": (lambda m: -m.pairs.correlation, (-1, 1)),
    }
    maps: dict[str, Map] = {}
    for name, (measure_of, limits) in measures.items():
        for way, measured in found.pairs:
            of_raw = way.plane.kind != "pca" and not name.endswith("-D")  # the whole space is that of raw
            by_construction = way.method == "exact" and name == "nearest@1 in full"  # 1 for every head
            maps[f"{name}, {way.name}"] = None if of_raw or by_construction else measure_of(measured), limits
    return maps


def habit_maps(found: Survey) -> dict[str, Map]:
    """The map of each habit; little attention has a pale colour."""
    habits = {"self": "to_self", "the previous token": "to_previous", "the next token": "to_next"}
    habits |= dict(zip(ends(found.sample), ("to_cls", "to_sep"), strict=True))
    values = {f"attention to {name}": getattr(found.habits, field) for name, field in habits.items()}
    most = max(0.1, *(float(of_heads.max()) for of_heads in values.values()))
    maps: dict[str, Map] = {name: (of_heads, (0.0, most)) for name, of_heads in values.items()}
    return maps | {"entropy of attention (bits)": (found.habits.entropy, None)}


def ends(sample: Sample) -> tuple[str, str]:
    """What stands before and after a sentence, such as [CLS] and [SEP], or <s> and </s>."""
    last = int(np.sum(sample.sentences == 0)) - 1  # of the first sentence
    names = [sample.tokens[i] if sample.words[i] is None else usual for i, usual in ((0, "[CLS]"), (last, "[SEP]"))]
    return names[0], names[1]


def draw_positions(found: Survey, drawing: Drawing) -> "Figure":
    heading = title(found, "mean attention by relative position", measured=True, among="")
    return viz.positions_figure(found.habits.by_offset, found.layers, found.heads, title=heading, width=drawing.width)


def draw_parked(found: Survey, drawing: Drawing) -> "Figure":
    heading = title(found, "parked attention", measured=True, among="")
    return viz.parking_figure(found.parked, found.layers, found.heads, title=heading, width=drawing.width)


def draw_flat(found: Survey, drawing: Drawing) -> "Figure":
    """Maps of all heads: what each plane holds of the scores, what any picture could, and the rank that 90 % take."""
    dims, columns = f"{found.dims}-D", len(found.ways)
    of_all, of_words = found.seen[0].held, found.seen[0].held_words
    maps: dict[str, np.ndarray | None] = {f"held in {dims}, {way.name}": seen.held.share for way, seen in found.each}
    maps |= {f"held in {dims}, {way.name}, words": seen.held_words.share for way, seen in found.each}
    ranks: dict[str, np.ndarray] = {}
    for name, held in (("", of_all), (", words", of_words)):
        rank = {f"rank for 90 %{name}": held.dimensions(0.9)}
        ranks |= rank
        maps |= {f"bound in {dims}{name}": held.bound(found.dims), **rank}
        maps |= {f"{name}{place}": None for place in range(columns - 2 if columns < 4 else 0)}
    shares = dict.fromkeys([name for name in maps if name not in ranks], (0.0, 1.0))
    most = max(float(np.nanmax(values, initial=1)) for values in ranks.values())
    told = percentages(found, found.ways).partition("; ")[2]
    told = f" {told.replace(',', ':', 1)}." if told else ""
    return viz.heatmap_figure(
        maps,
        found.layers,
        found.heads,
        limits=shares | dict.fromkeys(ranks, (0.0, most)),
        columns=columns,
        title=title(found, moved_together(found), measured=True, among="fitted among words"),
        caption="One row per layer, one column per head. Held: the share of the squared scores, less the mean of each "
        "row, that the plane shows at its best size. Bound: no picture in so many dimensions holds more. Rank: so many "
        "singular values of the scores make up 90 %. Words: special tokens are left out." + told,
        width=drawing.width,
    )


def region(found: Survey) -> tuple[np.ndarray, ...]:
    """The layers and heads of the survey, among all of the model."""
    return np.ix_(found.layers, found.heads)


Draw = Callable[[Survey, Drawing], "Figure"]

ONE_WAY: dict[str, Draw] = {
    "joint-raw": partial(draw_joints, method="raw"),
    "joint-paper": partial(draw_joints, method="paper"),
    "joint-exact": partial(draw_joints, method="exact"),
    "joint-plane": draw_joints,
}
ONE_HEAD: dict[str, Draw] = {
    "joint": draw_joint,
    "distances": draw_distances,
    "attention": draw_attention,
    "search": draw_search,
    **ONE_WAY,
}
MANY_HEADS: dict[str, Draw] = {
    "matrix": draw_matrix,
    "matrix-raw": partial(draw_matrix, method="raw"),
    "matrix-paper": partial(draw_matrix, method="paper"),
    "matrix-both": partial(draw_matrix, which=(0, -1)),
    **ONE_WAY,
    "layers": draw_layers,
    "sheet": draw_sheet,
    "search": draw_search,
    "metrics": draw_metrics,
    "parked": draw_parked,
    "flat": draw_flat,
    "positions": draw_positions,
}

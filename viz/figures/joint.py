"""Queries and keys of one head as points of one plane, with lines from query to key: Fig. 4 (a) of AttentionViz."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from mpl_toolkits.mplot3d import proj3d
from mpl_toolkits.mplot3d.art3d import Line3DCollection

from viz.figures import canvas
from viz.figures.grid import HIGH
from viz.figures.labels import place_labels
from viz.figures.lines import Lines
from viz.figures.style import (
    KEY,
    KEY_MARK,
    KEY_TEXT,
    LINE,
    LINK,
    NORMAL,
    QUERY,
    QUERY_MARK,
    SMALL,
    WIDTH,
    in_house_style,
)
from viz.geometry.normalize import Normalized
from viz.geometry.sentences import sentence_spans

SOME = 40  # tokens; of more, lines are thinner and arrows left out
MANY = 300  # tokens; more are drawn as areas, not as points
TOLD_APART = 3  # sentences, by how full their marks are
DOTS = {".", "。", "．", "·", "・", "•", "●", "○", "◆", ","}  # tokens that look like points
HELD = (0.95, 0.8, 0.5)  # of the points, in the areas drawn
METHODS = {
    "raw": "raw: the vectors as the model has them",
    "paper": "paper: keys moved onto the centre of the queries, then queries times c, keys divided by c (AttentionViz)",
    "exact": "exact: one more coordinate, so that in full space the nearer key is always the more attended one",
    "attention": "attention: two linear maps, one for queries and one for keys, such that near is attended",
    "unfold": "unfold: places chosen such that near is attended; no projection",
    "tsne": "tsne: t-SNE, where neighbours stay neighbours; no projection",
    "umap": "umap: UMAP, where neighbours stay neighbours; no projection",
}


@in_house_style
def joint_figure(
    panels: Normalized | Sequence[Normalized],
    labels: Sequence[str],
    lines: Lines | Sequence[Lines] | None = None,
    link: Lines | Sequence[Lines] | None = None,
    *,
    sentences: Sequence[int] | np.ndarray | None = None,
    common: bool = False,
    arrows: bool = False,
    title: str = "",
    titles: Sequence[str] = (),
    notes: Sequence[str] = (),
    width: float = WIDTH,
) -> Figure:
    """Queries and keys of one head as points of one plane, or of one space where `normalize` kept three components.

    panels: one head each, for example the same one normalised in different ways, or the heads of a layer.
    labels: [N], a text per token. lines, link: for all panels or one for each; as wide as the attention is high; link
        in red.
    sentences: [N], the sentence of each token, to tell them apart. common: the panels show one plane, so they get the
        same limits and label the same tokens. arrows: in the later panels, from where each point lies in the first,
        where there are few.
    title: over the figure. titles, notes: one per panel; without titles the panel's own.
    width: of the figure, in inches.

    ValueError: a panel of many heads, panels of unlike tokens, or not as many labels, lines or notes as needed.
    """
    panels = of_one_head(panels)
    tokens = len(panels[0].query)
    if len(labels) != tokens:
        raise ValueError(f"labels must have one text per token, {tokens}, not {len(labels)}")
    lines, link = _for_each("lines", lines, panels), _for_each("link", link, panels)
    titles = _for_each("titles", list(titles) or [panel.title for panel in panels], panels)
    notes = _for_each("notes", list(notes) or [""] * len(panels), panels)
    spans = sentence_spans(sentences, tokens)

    columns = canvas.columns_for(len(panels), width, 2.1 if len(panels) <= 12 else 1.6)
    rows = -(-len(panels) // columns)
    flat = panels[0].query_drawn.shape[-1] == 2
    left, gap = 0.47, 0.45 if flat else 0.2
    across = (width - left - 0.08 - gap * (columns - 1)) / columns
    titles = [canvas.wrap(name, NORMAL, across + 0.05) for name in titles]
    notes = [canvas.wrap_evenly(note, SMALL, across + 0.05) for note in notes]
    notes = [note + "\n" * (max(map(_lines, notes)) - _lines(note)) for note in notes]  # names on one line
    above = max(map(_lines, titles)) * NORMAL * 1.3 / 72 + max(map(_lines, notes)) * SMALL * 1.3 / 72 + 0.08
    ratio = 0.75 if columns == 1 and width > 4 else 1.1 if flat else 1.0
    if rows > 1:  # so that all fit a page
        ratio = min(ratio, max(0.6, (HIGH / rows - 0.4 - above) / across))
    figure, grid = canvas.page(
        rows,
        columns,
        width=width,
        title=title,
        caption=_caption(panels, tokens, notes, common, arrows and flat and tokens <= SOME),
        keys=_keys(panels, lines, link, tokens, len(spans)),
        ratio=ratio,
        left=left,
        right=0.08,
        above=above,
        below=0.4,
        gaps=(gap, 0.4 + above),
        projection=None if flat else "3d",
    )
    everywhere = [points for panel in panels for points in (panel.query_drawn, panel.key_drawn)]
    for place, (axes, panel) in enumerate(zip(grid.ravel(), panels, strict=False)):
        query, key = everywhere[2 * place : 2 * place + 2]
        both = np.concatenate(everywhere if common else [query, key])
        if flat:
            canvas.equal_axes(axes, both, margin=0.09)
        else:
            _equal_space(axes, both)
        _draw_points(axes, query, key, spans)
        if arrows and place and flat and tokens <= SOME:
            _draw_arrows(axes, everywhere[:2], (query, key))
        for some, color in ((lines[place], LINE), (link[place], LINK)):
            if some is not None:
                _draw_lines(axes, query, key, some, color)
        _label_points(axes, query, key, labels, lines if common else lines[place : place + 1], link[place], spans)
        for name, text in zip("xyz", panel.plane.axis_names, strict=False):
            text = text if flat else text.replace(" of variance", "")  # a short axis
            getattr(axes, f"set_{name}label")(text, fontsize=SMALL, labelpad=2 if flat else -9)
        if not flat:
            axes.tick_params(labelsize=SMALL, pad=-3)
        canvas.heading(axes, titles[place], notes[place])
    for axes in grid.ravel()[len(panels) :]:
        axes.remove()
    return figure


def link_in_words(
    panels: Normalized | Sequence[Normalized], link: Lines, sentences: Sequence[int] | np.ndarray | None = None
) -> list[str]:
    """For each panel, one head, how near the linked query and key are, among the keys of their sentence.

    Of a link between words of several pieces, the pair with most attention. Returns for example "brown → capybara: 2nd
    nearest here, nearest in full", of the keys in the plane and in full space.
    """
    panels, result = of_one_head(panels), []
    i, j = link.query[-1], link.key[-1]
    (span,) = (s for s in sentence_spans(sentences, len(panels[0].query)) if s.start <= i < s.stop)
    for panel in panels:
        places = []
        for query, key in (
            (panel.query_drawn, panel.key_drawn),
            (panel.query, panel.key),
        ):
            distance = np.linalg.norm(key[span] - query[i], axis=-1)
            places.append(1 + int((distance < distance[j - span.start]).sum()))
        here, full = ("nearest" if place == 1 else f"{ordinal(place)} nearest" for place in places)
        result.append(f"{link.how}: {here} here" + (" and in full" if here == full else f", {full} in full"))
    return result


def of_one_head(panels: Normalized | Sequence[Normalized]) -> list[Normalized]:
    """The panels as a list, after checking that each is one head of the same tokens."""
    panels = [panels] if isinstance(panels, Normalized) else list(panels)
    if not panels:
        raise ValueError("panels is empty; expected at least one head, normalised")
    for panel in panels:
        if panel.query.ndim != 2:
            raise ValueError(
                f"a panel is of many heads, {list(panel.query.shape[:-2])}; choose one first, such as "
                f"normalized[{', '.join('0' * (panel.query.ndim - 2))}]"
            )
    if len({len(panel.query) for panel in panels}) != 1:
        raise ValueError(f"panels must be of the same tokens, not of {[len(panel.query) for panel in panels]}")
    if len({panel.query_drawn.shape[-1] for panel in panels}) != 1:
        raise ValueError("panels must all have two or all three components")
    return panels


def ordinal(number: int) -> str:
    """1 -> 1st, 12 -> 12th, 22 -> 22nd."""
    tens, ones = divmod(number % 100, 10)
    return f"{number}{'th' if tens == 1 else {1: 'st', 2: 'nd', 3: 'rd'}.get(ones, 'th')}"


def _lines(text):
    return text.count("\n") + 1 if text else 0


def _for_each(name, given, panels):
    """A list with one entry per panel, where one for all was given too."""
    if given is None or isinstance(given, Lines):
        return [given] * len(panels)
    if len(given) != len(panels):
        raise ValueError(f"{name} must be one for each of the {len(panels)} panels, not {len(given)}")
    return list(given)


def _tint(color, sentence):
    """The first sentence's marks are full, the second's hollow, the third's half full; all where nothing is told."""
    share = (1.0, 0.0, 0.4)[sentence]
    return tuple(1 - share * (1 - channel) for channel in to_rgb(color))


def _draw_points(axes, query, key, spans):
    kinds = ((query, QUERY, QUERY_MARK), (key, KEY, KEY_MARK))
    if len(query) > MANY and query.shape[-1] == 2:
        for points, color, mark in kinds:
            axes.scatter(*points.T, s=1, color=color, marker=mark, lw=0, alpha=0.25, rasterized=True, zorder=1)
            _draw_density(axes, points, color)
        return
    size = 11 if len(query) <= 40 else 6 if len(query) <= 120 else 3
    depth = {} if query.shape[-1] == 2 else {"depthshade": False}
    several = 1 < len(spans) <= TOLD_APART
    for points, color, mark in kinds:
        size_here = 0.75 * size if mark == "D" else size  # a diamond is larger than its dot
        for number, span in enumerate(spans if several else [slice(None)]):
            face = _tint(color, number if several else 0)
            style = {"marker": mark, "s": size_here, "color": [face], "edgecolors": color, "linewidths": 0.5}
            axes.scatter(*points[span].T, zorder=4, **style, **depth)


def _draw_density(axes, points, color):
    """Areas that hold so much of the points: a histogram, smoothed, cut at three heights."""
    size, reach = 90, 6
    limits = [axes.get_xlim(), axes.get_ylim()]
    count, x, y = np.histogram2d(*points.T, bins=size, range=limits)
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / 2.0) ** 2)
    for axis in (0, 1):
        count = np.apply_along_axis(np.convolve, axis, count, bell / bell.sum(), mode="same")
    falling = np.sort(count.ravel())[::-1]
    held = np.cumsum(falling) / falling.sum()
    levels = [falling[np.searchsorted(held, share)] for share in HELD]
    middles = [(edges[:-1] + edges[1:]) / 2 for edges in (x, y)]
    for level in sorted(set(levels)):
        if level < count.max():
            axes.contourf(*middles, count.T, [level, count.max()], colors=[color], alpha=0.2, zorder=2)


def _draw_arrows(axes, before, after):
    """Faint, from where the queries and the keys were to where they are."""
    shape = {"width": 0.0025, "headwidth": 5, "headlength": 6, "headaxislength": 5, "zorder": 1}
    for old, new, color in zip(before, after, (QUERY, KEY), strict=True):
        where = {"angles": "xy", "scale_units": "xy", "scale": 1}
        axes.quiver(*old.T, *(new - old).T, color=color, alpha=0.35, **where, **shape)


def _draw_lines(axes, query, key, lines, color):
    segments = np.stack([query[lines.query], key[lines.key]], axis=1)
    kind = LineCollection if query.shape[-1] == 2 else Line3DCollection
    style = {"alpha": 0.6, "zorder": 3} if color == LINE else {"alpha": 1.0, "zorder": 3.5}
    axes.add_collection(kind(segments, colors=color, linewidths=line_widths(lines.attention, len(query)), **style))


def line_widths(attention: np.ndarray, tokens: int = 0) -> np.ndarray:
    """Points of width for attention 0 to 1; thinner where there are many tokens."""
    return 0.25 + (2.5 if tokens <= SOME else 1.2 if tokens <= MANY else 0.8) * np.asarray(attention)


def _label_points(axes, query, key, labels, lines, link, spans):
    """All labels where there is room, otherwise those at the ends of the strongest lines, each text once, and of the
    red ones."""
    most = _most_labelled(axes)
    ends = [np.arange(len(labels))] * 2
    if len(labels) > most:
        count = max(4, most // 3)
        ends = [_strongest_ends(lines, name, labels, count) for name in ("query", "key")]
        if link is not None:
            ends = [np.union1d(end, getattr(link, name)) for end, name in zip(ends, ("query", "key"), strict=True)]
        ends = [end.astype(int) for end in ends]
    if query.shape[-1] == 3:  # as seen on paper
        query, key = (np.stack(proj3d.proj_transform(*x.T, axes.get_proj())[:2], axis=-1) for x in (query, key))
    drawn = [some for some in (*lines, link) if some is not None]
    segments = [np.stack([query[some.query], key[some.key]], axis=1) for some in drawn]
    names = _numbered(labels, spans)
    place_labels(
        axes,
        np.concatenate([query[ends[0]], key[ends[1]]]),
        [names[i] for end in ends for i in end],
        [QUERY] * len(ends[0]) + [KEY_TEXT] * len(ends[1]),
        among=np.concatenate([query, key])[:400],
        lines=np.concatenate(segments)[-400:] if segments else None,
    )


def _most_labelled(axes):
    """Tokens for whose labels there is room, two for each."""
    box = axes.get_position()
    return min(60, int(6 * np.prod(axes.figure.get_size_inches()) * box.width * box.height))


def _strongest_ends(lines, name, labels, count):
    """Tokens at this end of the strongest lines, no two with the same text."""
    lines = [some for some in lines if some is not None]
    if not lines:
        return np.array([], int)
    ends = np.concatenate([getattr(some, name) for some in lines])
    order = np.argsort(np.concatenate([some.attention for some in lines]), kind="stable")[::-1]
    found = {}
    for token in ends[order]:
        found.setdefault(labels[token], token)
        if len(found) == count:
            break
    return np.array(sorted(found.values()), int)


def _numbered(labels, spans):
    """With several sentences that are told apart, each label with the number of its sentence: cat₁, cat₂. What would
    look like one more point is in quotation marks."""
    labels = [f"“{label}”" if label in DOTS else label for label in labels]
    if not 1 < len(spans) <= TOLD_APART:
        return labels
    return [f"{labels[i]}{'₁₂₃'[number]}" for number, s in enumerate(spans) for i in range(s.start, s.stop)]


def _keys(panels, lines, link, tokens, sentences):
    keys = canvas.query_and_key()
    if 1 < sentences <= TOLD_APART and tokens <= MANY:
        for number, name in enumerate(("first", "second", "third")[:sentences]):
            face = _tint("#444444", number)
            keys.append(Line2D([], [], ls="", marker="o", ms=3.5, mfc=face, mec="#444444", mew=0.5, label=name))
        keys[-1].set_label(f"{keys[-1].get_label()} sentence")
    some = next((some for some in lines if some is not None), None)
    if some is not None:
        keys.append(Line2D([], [], color=LINE, lw=line_widths(0.5, tokens), label=some.how))
        keys += [Line2D([], [], color=LINE, lw=line_widths(a, tokens), label=f"attention {a:g}") for a in (0.1, 0.9)]
    for red in dict.fromkeys(red.how for red in link if red is not None):
        here = [some.attention[-1] for some in link if some is not None]
        several = "≤ " if any(some is not None and len(some.query) > 1 for some in link) else ""
        said = f", attention {several}{here[-1]:.2f}" if np.ptp(here) == 0 else ""
        keys.append(Line2D([], [], color=LINK, lw=line_widths(0.5), label=red + said))
    return keys


def _caption(panels, tokens, notes, common, arrows):
    methods = dict.fromkeys(panel.name for panel in panels)
    said = ["Near should mean attended."]
    if any("nearest@1" in note for note in notes):
        said.append("nearest@1: share of queries whose most attended key is nearest, in the picture and in full space.")
    if len(methods) > 1:
        said.append("The attention is the same in all panels, only distances differ;")
    if any(method != "raw" for method in methods):
        said.append("; ".join(METHODS[method] for method in METHODS if method in methods) + ".")
    if any(getattr(panel.plane, "lost", None) is not None for panel in panels):
        said.append("Nats lost: how far the picture's own attention, softmax of -distance^2, is from the model's (KL).")
    if tokens > MANY and panels[0].query_drawn.shape[-1] == 2:
        shares = ", ".join(f"{share:.0%}" for share in sorted(HELD))
        said.append(f"Shaded: where {shares} of the {tokens} queries, and of the keys, lie.")
    if tokens > 20:
        said.append("Where there is no room for all labels, those at the strongest lines are written.")
    if common:
        said.append("All panels show one plane, with the same axes.")
    if arrows:
        said.append("Arrows: from where a query or key lies in the first panel.")
    return " ".join(said)


def _equal_space(axes: Axes, points):
    middle, half = (points.min(axis=0) + points.max(axis=0)) / 2, max(np.ptp(points, axis=0).max() / 2, 1e-6)
    for name, value in zip("xyz", middle, strict=True):
        getattr(axes, f"set_{name}lim")(value - half, value + half)
        getattr(axes, f"{name}axis").set_major_locator(_few_ticks())
    axes.computed_zorder = False  # red over grey, wherever they lie
    axes.set_box_aspect((1, 1, 1), zoom=0.9)
    axes.apply_aspect()


def _few_ticks():
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(4)

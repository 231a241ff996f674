"""Queries and keys of one head as points of one plane, with lines from query to key: Fig. 4 (a) of AttentionViz."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from mpl_toolkits.mplot3d import proj3d  # type: ignore[import-untyped]
from mpl_toolkits.mplot3d.art3d import Line3DCollection  # type: ignore[import-untyped]

from viz.figures import canvas
from viz.figures.attention_lines import Lines
from viz.figures.grid import HIGH
from viz.figures.label_placement import place_labels
from viz.figures.panels import METHODS, Panel, for_each, of_one_head
from viz.figures.style import KEY, KEY_MARK, LINE, LINK, NORMAL, QUERY, QUERY_MARK, SMALL, WIDTH, in_house_style
from viz.geometry.normalize import Normalized
from viz.geometry.sentences import PerToken, sentence_spans

SOME = 40  # tokens; with more, lines are thinner, and there are no arrows
MANY = 300  # tokens; more are drawn as areas, not as points
TOLD_APART = 3  # sentences that differ in how full their marks are
DOTS = {".", "。", "．", "·", "・", "•", "●", "○", "◆", ","}  # tokens that look like points
FEW = 20  # tokens; all labels have room
LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
HELD = (0.95, 0.8, 0.5)  # shares of the points in the areas
ORDINALS = ("first", "second", "third")


@in_house_style
def joint_figure(
    panels: Normalized | Sequence[Normalized],
    labels: Sequence[str],
    lines: Lines | Sequence[Lines | None] | None = None,
    link: Lines | Sequence[Lines | None] | None = None,
    *,
    sentences: PerToken | None = None,
    common: bool = False,
    arrows: bool = False,
    title: str = "",
    titles: Sequence[str] = (),
    notes: Sequence[str] = (),
    width: float = WIDTH,
) -> Figure:
    """Queries and keys of one head as points of one plane, or of one space where `normalize` kept three components.

    panels: one head each, for example the same one normalized in different ways, or the heads of a layer.
    labels: [N], a text per token.
    lines, link: for all panels or one for each. The width is the attention. link is red.
    sentences: [N], the sentence of each token: marks of up to three sentences differ.
    common: the panels show one plane, so they have the same limits and label the same tokens.
    arrows: in the later panels, from the place of each point in the first panel, where there are few points.
    title: above the figure. titles, notes: one per panel; without titles the panel's own.
    width: of the figure, in inches.

    ValueError: a panel of many heads, panels of different tokens, or not as many labels, lines or notes as needed.
    """
    heads = of_one_head(panels)
    tokens = len(heads[0].query)
    if len(labels) != tokens:
        raise ValueError(f"labels must have one text per token, {tokens}, not {len(labels)}")
    spans = sentence_spans(sentences, tokens)
    titles = for_each("titles", list(titles) or [head.title for head in heads], len(heads))
    notes = for_each("notes", list(notes) or [""] * len(heads), len(heads))
    grey, red = (_of_panels(name, given, len(heads)) for name, given in (("lines", lines), ("link", link)))
    shown = [
        Panel(head, head.query_drawn, head.key_drawn, titles[i], notes[i], grey[i], red[i])
        for i, head in enumerate(heads)
    ]
    flat = shown[0].flat
    arrows = arrows and flat and tokens <= SOME
    layout, shown = _laid_out(shown, width)
    caption = _caption(shown, common, arrows, len(spans) == 1 and len(set(labels)) < len(labels) <= FEW)
    figure, all_axes = canvas.page(layout, title=title, caption=caption, keys=_keys(shown, len(spans)))
    for axes, panel in zip(all_axes, shown, strict=True):
        within = shown if common else [panel]
        _set_axes(axes, np.concatenate([x for one in within for x in (one.query, one.key)]), flat)
        _draw_points(axes, panel, spans)
        if arrows and panel is not shown[0]:
            _draw_arrows(axes, shown[0], panel)
        for some, color in ((panel.lines, LINE), (panel.link, LINK)):
            if some is not None:
                _draw_lines(axes, panel, some, color)
        _name_axes(axes, panel)
        canvas.heading(axes, panel.title, panel.note)
    if not flat:  # for the places of the numbers of the axes
        figure.draw_without_rendering()
    for axes, panel in zip(all_axes, shown, strict=True):
        near = [one.lines for one in (shown if common else [panel]) if one.lines is not None]
        _label_points(axes, panel, near, labels, spans)
    return figure


def _of_panels(name: str, given: Lines | Sequence[Lines | None] | None, count: int) -> Sequence[Lines | None]:
    """Lines for each of so many panels: the given ones for all, or one for each."""
    return for_each(name, [given] * count if given is None or isinstance(given, Lines) else given, count)


def _laid_out(panels: list[Panel], width: float) -> tuple[canvas.Layout, list[Panel]]:
    """The layout, and the panels with titles and notes broken into lines, all names on one height."""
    flat = panels[0].flat
    columns = canvas.columns_for(len(panels), width, 2.1 if len(panels) <= 12 else 1.6)
    rows = -(-len(panels) // columns)
    left, gap = 0.47, 0.45 if flat else 0.2
    across = (width - left - 0.08 - gap * (columns - 1)) / columns
    titles = [canvas.wrap(panel.title, NORMAL, across + 0.05) for panel in panels]
    notes = [canvas.wrap_evenly(panel.note, SMALL, across + 0.05) for panel in panels]
    title_lines, note_lines = max(map(_lines, titles)), max(map(_lines, notes))
    notes = [note + "\n" * (note_lines - _lines(note)) for note in notes]
    above = title_lines * NORMAL * 1.3 / 72 + note_lines * SMALL * 1.3 / 72 + 0.08
    ratio = 1.0 if not flat else 1.1 if columns > 1 else 0.75 if width > 4 else 0.6
    if rows > 1:  # so that all fit a page
        ratio = min(ratio, max(0.6, (HIGH / rows - 0.4 - above) / across))
    margins = (left, 0.08, above, 0.4)
    gaps, projection = (gap, 0.4 + above), None if flat else "3d"
    layout = canvas.Layout(len(panels), columns, width, ratio, margins=margins, gaps=gaps, projection=projection)
    written = zip(panels, titles, notes, strict=True)
    return layout, [replace(panel, title=title, note=note) for panel, title, note in written]


def _lines(text: str) -> int:
    return text.count("\n") + 1 if text else 0


def link_in_words(
    panels: Normalized | Sequence[Normalized], link: Lines, sentences: PerToken | None = None
) -> list[str]:
    """For each panel, one head, the rank of the linked key by its distance from the query, in its sentence.

    If the words have several pieces, it is the pair with most attention. "brown → capybara: 2nd nearest here, nearest
    in full" counts the keys in the plane and in full space.
    """
    heads, result = of_one_head(panels), []
    i, j = link.query[-1], link.key[-1]
    (span,) = (s for s in sentence_spans(sentences, len(heads[0].query)) if s.start <= i < s.stop)
    for panel in heads:
        places = []
        for query, key in ((panel.query_drawn, panel.key_drawn), (panel.query, panel.key)):
            distance = np.linalg.norm(key[span] - query[i], axis=-1)
            places.append(1 + int((distance < distance[j - span.start]).sum()))
        here, full = ("nearest" if place == 1 else f"{ordinal(place)} nearest" for place in places)
        result.append(f"{link.how}: {here} here" + (" and in full" if here == full else f", {full} in full"))
    return result


def ordinal(number: int) -> str:
    """1 -> 1st, 12 -> 12th, 22 -> 22nd."""
    tens, ones = divmod(number % 100, 10)
    return f"{number}{'th' if tens == 1 else {1: 'st', 2: 'nd', 3: 'rd'}.get(ones, 'th')}"


def _set_axes(axes: Any, points: np.ndarray, flat: bool) -> None:
    """Limits around points [N, C], with one unit for all axes."""
    if flat:
        canvas.equal_axes(axes, points, margin=0.09)
        return
    middle, half = (points.min(axis=0) + points.max(axis=0)) / 2, max(np.ptp(points, axis=0).max() / 2, 1e-6)
    for name, value in zip("xyz", middle, strict=True):
        getattr(axes, f"set_{name}lim")(value - half, value + half)
        getattr(axes, f"{name}axis").set_major_locator(MaxNLocator(4))
    axes.computed_zorder = False  # red over grey, whatever is nearer
    axes.set_box_aspect((1, 1, 1), zoom=0.9)
    axes.apply_aspect()
    axes.tick_params(labelsize=SMALL, pad=-3)


def _tint(color: str, sentence: int) -> tuple[float, ...]:
    """Marks of the first sentence are full, of the second hollow, of the third half full."""
    share = (1.0, 0.0, 0.4)[sentence]
    return tuple(1 - share * (1 - channel) for channel in to_rgb(color))


def _name_axes(axes: Any, panel: Panel) -> None:
    for name, text in zip("xyz", panel.normalized.plane.axis_names, strict=False):
        text = text if panel.flat else text.replace(" of variance", "")  # the axis is short
        getattr(axes, f"set_{name}label")(text, fontsize=SMALL, labelpad=2 if panel.flat else -9)


def _draw_points(axes: Any, panel: Panel, spans: list[slice]) -> None:
    kinds, tokens = ((panel.query, QUERY, QUERY_MARK), (panel.key, KEY, KEY_MARK)), len(panel.query)
    if tokens > MANY and panel.flat:
        for points, color, mark in kinds:
            axes.scatter(*points.T, s=1, color=color, marker=mark, lw=0, alpha=0.25, rasterized=True, zorder=1)
            _draw_density(axes, points, color)
        return
    size = 11 if tokens <= 40 else 6 if tokens <= 120 else 3
    depth = {} if panel.flat else {"depthshade": False}
    several = 1 < len(spans) <= TOLD_APART
    for points, color, mark in kinds:
        size_here = 0.75 * size if mark == "D" else size  # a diamond is larger than its dot
        for number, span in enumerate(spans if several else [slice(None)]):
            face = _tint(color, number if several else 0)
            style = {"marker": mark, "s": size_here, "color": [face], "edgecolors": color, "linewidths": 0.5}
            axes.scatter(*points[span].T, zorder=4, **style, **depth)


def _draw_density(axes: Any, points: np.ndarray, color: str) -> None:
    """Areas with given shares of the points: a histogram, smoothed, cut at three heights."""
    size, reach = 90, 6
    limits = np.array([axes.get_xlim(), axes.get_ylim()])
    count, x, y = np.histogram2d(points[:, 0], points[:, 1], bins=size, range=limits)
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


def _draw_arrows(axes: Any, before: Panel, after: Panel) -> None:
    """Faint arrows from the places of queries and keys in one panel to those in another."""
    shape = {"width": 0.0025, "headwidth": 5, "headlength": 6, "headaxislength": 5, "zorder": 1}
    for old, new, color in ((before.query, after.query, QUERY), (before.key, after.key, KEY)):
        where = {"angles": "xy", "scale_units": "xy", "scale": 1}
        axes.quiver(*old.T, *(new - old).T, color=color, alpha=0.35, **where, **shape)


def _draw_lines(axes: Axes, panel: Panel, lines: Lines, color: str) -> None:
    kind = LineCollection if panel.flat else Line3DCollection
    style = {"alpha": 0.6, "zorder": 3} if color == LINE else {"alpha": 1.0, "zorder": 3.5}
    widths = line_widths(lines.attention, len(panel.query))
    axes.add_collection(kind(list(_segments(panel.query, panel.key, lines)), colors=color, linewidths=widths, **style))


def _segments(query: np.ndarray, key: np.ndarray, lines: Lines) -> np.ndarray:
    """The ends of lines, [lines, 2, C]."""
    return np.stack([query[lines.query], key[lines.key]], axis=1)


def line_widths(attention: np.ndarray | float, tokens: int = 0) -> np.ndarray:
    """Widths in points for attention from 0 to 1; smaller for many tokens."""
    return 0.25 + (2.5 if tokens <= SOME else 1.2 if tokens <= MANY else 0.8) * np.asarray(attention)


def _label_points(axes: Any, panel: Panel, lines: list[Lines], labels: Sequence[str], spans: list[slice]) -> None:
    """Label all points if there is room, else those at the ends of the strongest lines and of red ones.

    No two of the strongest lines' labels have the same text.
    """
    query, key, link = panel.query, panel.key, panel.link
    query_ends = key_ends = np.arange(len(labels))
    most = min(60, int(6 * np.prod(canvas.size_of(axes))))  # two labels per token
    if len(labels) > most:
        count = max(4, most // 3, most**2 // len(labels))  # the more tokens, the fewer names have room
        query_ends, key_ends = (_strongest_ends(lines, name, labels, count) for name in ("query", "key"))
        if link is not None:
            query_ends, key_ends = np.union1d(query_ends, link.query), np.union1d(key_ends, link.key)
    if not panel.flat:  # the projection of the page
        query, key = (np.stack(proj3d.proj_transform(*x.T, axes.get_proj())[:2], axis=-1) for x in (query, key))
    segments = [_segments(query, key, some) for some in (*lines, link) if some is not None]
    names = _numbered(labels, spans)
    place_labels(
        axes,
        np.concatenate([query[query_ends], key[key_ends]]),
        [names[i] for i in (*query_ends, *key_ends)],
        [QUERY] * len(query_ends) + [KEY] * len(key_ends),
        among=np.concatenate([query, key])[:400],
        lines=np.concatenate(segments)[-400:] if segments else None,
        italic=[False] * len(query_ends) + [True] * len(key_ends),
        avoid=None if panel.flat else _boxes_of_axes(axes),
    )


def _boxes_of_axes(axes: Any) -> np.ndarray:
    """The boxes of the numbers and names of axes in space, [boxes, 4] in pixels."""
    texts = [text for axis in (axes.xaxis, axes.yaxis, axes.zaxis) for text in (axis.label, *axis.get_ticklabels())]
    return np.array([text.get_window_extent().extents for text in texts if text.get_text()]).reshape(-1, 4)


def _strongest_ends(lines: list[Lines], name: str, labels: Sequence[str], count: int) -> np.ndarray:
    """Tokens at this end of the strongest lines, no two with the same text."""
    if not lines:
        return np.array([], int)
    ends = np.concatenate([getattr(some, name) for some in lines])
    order = np.argsort(np.concatenate([some.attention for some in lines]), kind="stable")[::-1]
    found: dict[str, int] = {}
    for token in ends[order]:
        found.setdefault(labels[token], token)
        if len(found) == count:
            break
    return np.array(sorted(found.values()), int)


def _numbered(labels: Sequence[str], spans: list[slice]) -> list[str]:
    """Labels with the number of their sentence, cat₁, cat₂, if there are up to three; of one, equal ones are numbered.

    A label that looks like one more point is written in quotation marks.
    """
    labels = [f"“{label}”" if label in DOTS else label for label in labels]
    if len(spans) == 1 and len(labels) <= FEW:
        places = [labels[:i].count(label) + 1 for i, label in enumerate(labels)]
        several = [labels.count(label) > 1 for label in labels]
        numbers = [str(place).translate(LOWERED) if many else "" for place, many in zip(places, several, strict=True)]
        return [label + number for label, number in zip(labels, numbers, strict=True)]
    if not 1 < len(spans) <= TOLD_APART:
        return labels
    return [f"{labels[i]}{'₁₂₃'[number]}" for number, s in enumerate(spans) for i in range(s.start, s.stop)]


def _keys(panels: list[Panel], sentences: int) -> list[Line2D]:
    keys, tokens = canvas.query_and_key(), len(panels[0].query)
    if 1 < sentences <= TOLD_APART and tokens <= MANY:
        for number, name in enumerate(ORDINALS[:sentences]):
            face, last = _tint("#444444", number), " sentence" if number == sentences - 1 else ""
            keys.append(Line2D([], [], ls="", marker="o", ms=3.5, mfc=face, mec="#444444", mew=0.5, label=name + last))
    some = next((panel.lines for panel in panels if panel.lines is not None), None)
    if some is not None:
        keys.append(Line2D([], [], color=LINE, lw=float(line_widths(0.5, tokens)), label=some.how))
        for attention in (0.1, 0.9):
            width = float(line_widths(attention, tokens))
            keys.append(Line2D([], [], color=LINE, lw=width, label=f"attention {attention:g}"))
    links = [panel.link for panel in panels if panel.link is not None]
    for how in dict.fromkeys(link.how for link in links):
        strongest = [link.attention[-1] for link in links]
        several = "≤ " if any(len(link.query) > 1 for link in links) else ""
        said = f", attention {several}{strongest[-1]:.2f}" if np.ptp(strongest) == 0 else ""
        keys.append(Line2D([], [], color=LINK, lw=float(line_widths(0.5)), label=how + said))
    return keys


def _caption(panels: list[Panel], common: bool, arrows: bool, repeated: bool) -> str:
    methods, tokens = {panel.normalized.name for panel in panels}, len(panels[0].query)
    said = ["A query should lie near the keys it attends to. Names of keys are in italics."]
    if any("nearest@1" in panel.note for panel in panels):
        where = "in the picture (here) and by the distances of whole vectors (in all dimensions, in full)"
        said.append(f"nearest@1: share of queries whose most attended key is the nearest, {where}.")
    if any("scores held" in panel.note for panel in panels):
        said.append("Scores held: share of the squared scores, less the mean of each query's, that the picture shows.")
        said.append("At most: no picture in so many dimensions shows more.")
    if len(methods) > 1:
        said.append("All panels have the same attention; only distances differ.")
    if methods != {"raw"}:
        said.append("; ".join(METHODS[method] for method in METHODS if method in methods) + ".")
    if any(panel.normalized.plane.lost is not None for panel in panels):
        said.append("Nats lost: how far the picture's own attention, softmax of -distance^2, is from the model's (KL).")
    if tokens > MANY and panels[0].flat:
        shares = ", ".join(f"{share:.0%}" for share in sorted(HELD))
        said.append(f"Shaded: where {shares} of the {tokens} queries, and of the keys, lie.")
    if repeated:
        said.append("Equal tokens have numbers in the order of the text.")
    if tokens > FEW:
        said.append("Where there is no room for all labels, those at the strongest lines are written.")
    if common:
        said.append("All panels show one plane, with the same axes.")
    if arrows:
        said.append("Arrows: from where a query or key lies in the first panel.")
    return " ".join(said)

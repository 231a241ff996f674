"""One head, closely: queries and keys in one plane, dot product against distance, attention, the search for a scale.

The first two are Fig. 4 (a) and (b) of AttentionViz.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from mpl_toolkits.mplot3d import proj3d
from mpl_toolkits.mplot3d.art3d import Line3DCollection

from viz.figures import canvas
from viz.figures.lines import Lines
from viz.figures.style import in_house_style
from viz.geometry.normalize import Normalized
from viz.geometry.scale import Search, closeness, near_distance
from viz.geometry.sentences import attention_blocks, sentence_spans
from viz.measures.correlation import correlation

MOST_LABELS = 24
MOST_DOTS = 20_000


@in_house_style
def joint_figure(
    panels: Sequence[Normalized],
    labels: Sequence[str],
    lines: Sequence[Lines],
    link: Lines | None = None,
    *,
    common: bool = False,
    title: str = "",
    notes: Sequence[str] = (),
) -> Figure:
    """Queries and keys of one head as points of one plane, or of one space where `normalize` kept three components.

    panels: the same head, normalised in different ways, side by side.
    labels: [N], a text a token. lines: for each panel, as wide as the attention is high. link: lines drawn in red.
    common: the panels show one plane, so they get the same limits.
    title: over the figure. notes: one a panel, under its title.
    """
    panels = _of_one_head(panels)
    if not len(labels) == len(panels[0].query):
        raise ValueError(f"labels must have one text per token, {len(panels[0].query)}, not {len(labels)}")
    flat = panels[0].plane.components.shape[-2] == 2
    figure = canvas.new_figure(5.2 * len(panels) + 0.4, 6.6)
    everywhere = [points for panel in panels for points in (panel.query_drawn, panel.key_drawn)]
    for place, panel in enumerate(panels):
        left = (0.62 + 5.2 * place) / figure.get_figwidth()
        box = (left, 0.155, 4.5 / figure.get_figwidth(), 0.685)
        axes = figure.add_axes(box) if flat else figure.add_axes(box, projection="3d")
        query, key = panel.query_drawn, panel.key_drawn
        both = np.concatenate(everywhere if common else [query, key])
        if flat:
            canvas.equal_axes(axes, both)
        else:
            _equal_space(axes, both)
        _draw_lines(axes, query, key, lines[place], canvas.LINE)
        if link is not None:
            _draw_lines(axes, query, key, link, canvas.LINK)
        size = 20 if len(query) <= 100 else 8
        axes.scatter(*query.T, s=size, c=canvas.QUERY, marker="o", linewidths=0, zorder=4, label="query")
        axes.scatter(*key.T, s=size, c=canvas.KEY, marker="s", linewidths=0, zorder=4, label="key")
        _label_points(axes, query, key, labels, lines[place], link)

        shares = panel.plane.explained_variance_ratio
        for name, share in zip("xyz", shares, strict=False):
            number = "xyz".index(name) + 1
            getattr(axes, f"set_{name}label")(f"component {number} ({share:.0%} of variance)", fontsize=9)
        axes.tick_params(labelsize=7)
        axes.set_title(panel.title + (f"\n{notes[place]}" if notes else ""), fontsize=10)
    canvas.title(figure, title, fontsize=12, y=0.975)
    _joint_legend(figure, lines[0], link)
    return figure


@in_house_style
def distance_figure(
    panels: Sequence[Normalized],
    attention: list[np.ndarray] | np.ndarray,
    sentences: np.ndarray | None = None,
    link: Lines | None = None,
    *,
    title: str = "",
) -> Figure:
    """Dot product against distance, one point a pair of tokens of one sentence, with the straight line that fits best.

    panels: one head, normalised in different ways; both axes show the moved vectors. attention, sentences: as for
    `viz.measure`; attention colours the points. link: pairs ringed in red. More than 20,000 pairs are thinned evenly.
    """
    panels = _of_one_head(panels)
    spans = sentence_spans(sentences, panels[0].query.shape[-2])
    blocks = attention_blocks(attention, spans)
    attended = np.concatenate([block.ravel() for block in blocks])
    step = -(-len(attended) // MOST_DOTS)
    order = np.argsort(attended[::step], kind="stable")
    figure = canvas.new_figure(4.6 * len(panels) + 1.2, 5.0)
    for place, panel in enumerate(panels):
        box = ((0.75 + 4.6 * place) / figure.get_figwidth(), 0.12, 3.7 / figure.get_figwidth(), 0.70)
        axes = figure.add_axes(box)
        dot = np.concatenate([(panel.query[s] @ panel.key[s].T).ravel() for s in spans])
        apart = [np.linalg.norm(panel.query[s][:, None] - panel.key[s], axis=-1).ravel() for s in spans]
        distance = np.concatenate(apart)
        x, y, color = (a[::step][order] for a in (distance, dot, attended))
        dots = axes.scatter(x, y, s=12, c=color, cmap=canvas.ATTENTION, vmin=0, vmax=1, linewidths=0, rasterized=True)
        if link is not None:
            x = np.linalg.norm(panel.query[link.query] - panel.key[link.key], axis=-1)
            y = np.vecdot(panel.query[link.query], panel.key[link.key])
            axes.scatter(x, y, s=60, facecolors="none", edgecolors=canvas.LINK, linewidths=1.4, label=link.how)
        if np.ptp(distance) > 0:
            slope, height = np.polyfit(distance.astype(float), dot.astype(float), 1)
            ends = np.array([distance.min(), distance.max()])
            rim = [withStroke(linewidth=2.5, foreground="white")]
            axes.plot(ends, slope * ends + height, color="black", lw=1, path_effects=rim, label="least squares")
        weight = closeness(distance, near_distance(distance))
        plain, close = correlation(distance, dot), correlation(distance, dot, weight)
        numbers = f"r = {plain:.2f}; weighted by closeness {close:.2f}".replace("-", "−")
        axes.set_title(f"{panel.title}\n{numbers}", fontsize=10)
        axes.set_xlabel("distance of query and key", fontsize=9)
        if place == 0:
            axes.set_ylabel("dot product of query and key", fontsize=9)
        axes.tick_params(labelsize=7)
        axes.grid(alpha=0.25, lw=0.5)
        legend = axes.legend(fontsize=7, loc="best", framealpha=0.8)
        for text in legend.get_texts():
            text.set_parse_math(False)
    canvas.bar_beside(figure, axes, dots, "attention")
    thinned = f" (every {_ordinal(step)} pair drawn)" if step > 1 else ""
    canvas.title(figure, title + thinned, fontsize=12, y=0.975)
    return figure


@in_house_style
def attention_figure(
    attention: Sequence[np.ndarray],
    labels: Sequence[Sequence[str]],
    *,
    titles: Sequence[str] = (),
    title: str = "",
) -> Figure:
    """Attention maps [S, S] of one head, side by side: row a query, column a key."""
    figure = canvas.new_figure(5.4 * len(attention) + 0.9, 5.9)
    for place, (block, names) in enumerate(zip(attention, labels, strict=True)):
        box = ((1.0 + 5.4 * place) / figure.get_figwidth(), 0.05, 4.2 / figure.get_figwidth(), 0.70)
        axes = figure.add_axes(box)
        image = attention_map(axes, block, names, titles[place] if titles else "")
    canvas.bar_beside(figure, axes, image, "attention")
    canvas.title(figure, title, fontsize=12, y=0.985)
    return figure


def attention_map(axes, values, labels, name="", cmap=canvas.ATTENTION, limits=(0, 1)):
    """One map [S, S] with its labels; also used for differences. Returns the image, for a colour bar."""
    if np.shape(values) != (len(labels), len(labels)):
        raise ValueError(
            f"attention is {list(np.shape(values))}; expected {[len(labels)] * 2}, one row and one column per label"
        )
    image = axes.imshow(values, cmap=cmap, vmin=limits[0], vmax=limits[1], interpolation="nearest")
    size = min(9, 200 / len(labels), 110 / max(map(len, labels)))
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    if size >= 3:
        axes.set_xticks(range(len(labels)), labels, rotation=90, fontsize=size, parse_math=False)
        axes.set_yticks(range(len(labels)), labels, fontsize=size, parse_math=False)
    axes.tick_params(length=0)
    axes.set_xlabel("key", fontsize=9)
    axes.set_ylabel("query", fontsize=9)
    axes.set_title(name, fontsize=10, parse_math=False)
    return image


@in_house_style
def attention_pair_figure(
    before: np.ndarray, after: np.ndarray, labels: Sequence[str], *, names: Sequence[str], title: str = ""
) -> Figure:
    """Two attention maps [S, S] of the same sentence, and the second less the first."""
    figure = canvas.new_figure(17.6, 5.9)
    difference = after - before
    most = max(float(np.abs(difference).max()), 1e-12)
    maps = (
        (before, names[0], canvas.ATTENTION, (0, 1), "attention"),
        (after, names[1], canvas.ATTENTION, (0, 1), "attention"),
        (difference, "second less first", canvas.DIFFERENCE, (-most, most), "difference of attention"),
    )
    for place, (values, name, cmap, limits, unit) in enumerate(maps):
        left = 1.0 + 5.8 * place
        axes = figure.add_axes((left / 17.6, 0.05, 4.2 / 17.6, 0.70))
        image = attention_map(axes, values, labels, name, cmap, limits)
        canvas.bar_beside(figure, axes, image, unit)
    canvas.title(figure, title, fontsize=12, y=0.985)
    return figure


@in_house_style
def search_figure(searches: Sequence[Search], *, title: str = "") -> Figure:
    """How each search judged the scales it tried: one curve a head, its choice marked, one panel a search.

    A flat curve says nothing about the scale; a choice at the edge says that the range, not the data, chose.
    """
    if any(search is None for search in searches):
        raise ValueError("a search is None: where the scale was given, or the method has none, nothing was searched")
    columns = min(3, len(searches))
    rows = -(-len(searches) // columns)
    figure = canvas.new_figure(4.4 * columns, 3.1 * rows + 1.1)
    all_axes = figure.subplots(rows, columns, squeeze=False).ravel()
    figure.subplots_adjust(
        left=0.75 / figure.get_figwidth(),
        right=0.98,
        bottom=0.8 / figure.get_figheight(),
        top=1 - 1.0 / figure.get_figheight(),
        hspace=0.5,
        wspace=0.28,
    )
    for axes in all_axes[len(searches) :]:
        axes.remove()
    for axes, search in zip(all_axes, searches, strict=False):
        curves = search.curve.reshape(-1, search.curve.shape[-1])
        best = search.best.ravel()
        found = np.array([curve[np.abs(search.scales - c).argmin()] for curve, c in zip(curves, best, strict=True)])
        flat, edge = search.flat.ravel(), search.at_edge.ravel()
        width = 1.8 if len(curves) == 1 else 0.7
        segments = [np.stack([search.scales, curve], axis=-1) for curve in curves]
        axes.add_collection(LineCollection(segments, colors="#33658a", linewidths=width, alpha=max(0.25, width / 2)))
        inside = ~flat & ~edge
        marks = [
            *axes.plot(best[inside], found[inside], "o", color="black", ms=4, label="chosen"),
            *axes.plot(best[edge], found[edge], "^", color=canvas.LINK, ms=5, label="chosen, at the edge"),
            *axes.plot(best[flat], found[flat], "x", color="#777777", ms=5, label="flat, so nothing to choose: c = 1"),
        ]
        axes.set_xscale("log")
        axes.set_xticks([0.2, 0.5, 1, 2, 5], ["0.2", "0.5", "1", "2", "5"], minor=False)
        axes.minorticks_off()
        axes.set_ylim(*((-1.05, 1.05) if "correlation" in search.objective else (-0.02, 1.02)))
        axes.set_xlim(search.scales[0] / 1.1, search.scales[-1] * 1.1)
        axes.axhline(0, color="#bbbbbb", lw=0.5, zorder=0)
        counts = f"of {len(best)} heads {flat.sum()} flat, {edge.sum()} at the edge" if len(best) > 1 else ""
        verdict = "flat" if flat.all() else f"c = {best[0]:.2f}" + (", at the edge" if edge.all() else "")
        axes.set_title(f"{search.objective}\n{counts or verdict}", fontsize=9)
        axes.set_xlabel("scale c", fontsize=8)
        axes.set_ylabel("correlation" if "correlation" in search.objective else "share of queries", fontsize=8)
        axes.tick_params(labelsize=7)
    figure.legend(handles=marks, loc="lower center", ncols=3, fontsize=9, frameon=False)
    canvas.title(figure, title, fontsize=11, y=1 - 0.25 / figure.get_figheight())
    return figure


def _of_one_head(panels):
    """The panels, after checking that each is one head of the same tokens."""
    for panel in panels:
        if panel.query.ndim != 2:
            raise ValueError(
                f"a panel is of many heads, {list(panel.query.shape[:-2])}; choose one first, such as "
                f"normalized[{', '.join('0' * (panel.query.ndim - 2))}]"
            )
    if len({len(panel.query) for panel in panels}) != 1:
        raise ValueError(f"panels must be of the same tokens, not of {[len(panel.query) for panel in panels]}")
    return panels


def _draw_lines(axes, query, key, lines, color):
    segments = np.stack([query[lines.query], key[lines.key]], axis=1)
    kind = LineCollection if query.shape[-1] == 2 else Line3DCollection
    axes.add_collection(kind(segments, colors=color, linewidths=0.3 + 4 * lines.attention, alpha=0.65, zorder=2))


def _label_points(axes, query, key, labels, lines, link):
    """All labels where there are few tokens, otherwise those at the ends of the strongest lines and of the red ones."""
    ends = [np.arange(len(labels))] * 2
    if len(labels) > MOST_LABELS:
        count = MOST_LABELS // 2
        ends = [lines.query[-count:], lines.key[-count:]]
        if link is not None:
            ends = [np.concatenate(pair) for pair in zip(ends, (link.query, link.key), strict=True)]
        ends = [np.unique(end) for end in ends]
    if query.shape[-1] == 3:  # as seen on paper
        query, key = (np.stack(proj3d.proj_transform(*x.T, axes.get_proj())[:2], axis=-1) for x in (query, key))
    drawn = [lines] if link is None else [lines, link]
    segments = np.concatenate([np.stack([query[some.query], key[some.key]], axis=1) for some in drawn])
    canvas.place_labels(
        axes,
        np.concatenate([query[ends[0]], key[ends[1]]]),
        [labels[i] for end in ends for i in end],
        [canvas.QUERY_TEXT] * len(ends[0]) + [canvas.KEY_TEXT] * len(ends[1]),
        among=np.concatenate([query, key])[:400],
        lines=segments[-400:],
    )


def _joint_legend(figure, lines, link):
    handles = [
        Line2D([], [], color=canvas.QUERY, marker="o", ls="", label="query"),
        Line2D([], [], color=canvas.KEY, marker="s", ls="", label="key"),
        Line2D([], [], color=canvas.LINE, lw=2.5, label=f"{lines.how}; width: attention"),
    ]
    if link is not None:
        handles.append(Line2D([], [], color=canvas.LINK, lw=2.5, label=link.how))
    legend = figure.legend(handles=handles, loc="lower center", ncols=4, fontsize=9, frameon=False)
    for text in legend.get_texts():
        text.set_parse_math(False)


def _equal_space(axes, points):
    middle, half = (points.min(axis=0) + points.max(axis=0)) / 2, max(np.ptp(points, axis=0).max() / 2, 1e-6)
    for name, value in zip("xyz", middle, strict=True):
        getattr(axes, f"set_{name}lim")(value - half, value + half)
    axes.set_box_aspect((1, 1, 1))
    axes.apply_aspect()


def _ordinal(number):
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number if number < 20 else number % 10, 'th') }"

"""Dot product against distance, one point per pair of tokens: Fig. 4 (b) of AttentionViz."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from viz.figures import canvas
from viz.figures.attention_lines import Lines
from viz.figures.panels import METHODS, of_one_head
from viz.figures.style import DOTS, INK, LINK, SMALL, WIDTH, in_house_style
from viz.geometry.normalize import Normalized
from viz.geometry.scale import closeness, near_distance
from viz.geometry.sentences import Attention, PerToken, attention_blocks, sentence_spans
from viz.measures.correlation import correlation

MOST_DOTS = 2000  # more pairs are drawn as hexagons
MOST_IN_HEXAGON = 20  # a hexagon with one in so many of all pairs is black
STRONG = 0.1  # attention; pairs with more are drawn one by one beside the hexagons
MOST_STRONG = 1500
SOLID, DASHED = "-", (0, (3, 1.5))


@dataclass(frozen=True)
class Pairs:
    """All pairs of a query and a key of one sentence, each [pairs]: distance, dot product, attention, closeness."""

    distance: np.ndarray
    product: np.ndarray
    attention: np.ndarray
    closeness: np.ndarray

    @property
    def many(self) -> bool:
        return len(self.distance) > MOST_DOTS


@in_house_style
def distance_figure(
    panels: Normalized | Sequence[Normalized],
    attention: Attention,
    sentences: PerToken | None = None,
    link: Lines | None = None,
    *,
    title: str = "",
    width: float = WIDTH,
) -> Figure:
    """Dot product against distance, one point per pair of tokens of one sentence, with two lines of best fit.

    One line fits all pairs, the other pairs weighted by closeness. Many pairs are drawn as hexagons, the darker the
    more pairs, and those with attention above 0.1 as points.

    panels: one head, normalized in different ways; the dot products of all panels have one scale.
    attention, sentences: as for `viz.measure`; attention is the color of a point.
    link: pairs with a red ring.
    width: of the figure, in inches.

    ValueError: a panel of many heads, or shapes that do not fit.
    """
    heads = of_one_head(panels)
    measured = _measured(heads, attention, sentences)
    columns = canvas.columns_for(len(heads), width)
    ratio = 0.6 if columns == 1 and width > 4 else 1.0
    margins = (0.42, 0.48, 0.46, 0.34)
    layout = canvas.Layout(len(heads), columns, width, ratio, margins=margins, gaps=(0.22, 0.82))
    keys = _keys(link, len(measured[0].distance) if measured[0].many else 0)
    figure, all_axes = canvas.page(layout, title=title, caption=_caption(heads), keys=keys)
    low, high = min(np.min(pairs.product) for pairs in measured), max(np.max(pairs.product) for pairs in measured)
    room = 0.04 * max(high - low, 1e-6)
    for place, (axes, head, pairs) in enumerate(zip(all_axes, heads, measured, strict=True)):
        x, y = pairs.distance, pairs.product
        margin = 0.04 * max(np.ptp(x), 1e-6)
        axes.set_xlim(x.min() - margin, x.max() + margin)
        axes.set_ylim(low - room, high + room)
        dots = _draw_pairs(axes, pairs)
        _draw_fit(axes, x, y, np.ones_like(x), SOLID)
        _draw_fit(axes, x, y, pairs.closeness, DASHED)
        if link is not None:
            distance = np.linalg.norm(head.query[link.query] - head.key[link.key], axis=-1)
            product = np.vecdot(head.query[link.query], head.key[link.key])
            axes.scatter(distance, product, s=26, facecolors="none", edgecolors=LINK, linewidths=1, zorder=5)
        canvas.heading(axes, head.title, canvas.wrap(_correlations(pairs), SMALL, layout.panel[0] + 0.1))
        names = ("distance of query and key", "dot product of query and key")
        canvas.name_axes(axes, *names, first=place % columns == 0)
        axes.grid(alpha=0.25, lw=0.4)
        axes.set_axisbelow(True)
    canvas.colorbar(dots, all_axes[columns - 1], "attention")
    return figure


def _measured(heads: list[Normalized], attention: Attention, sentences: PerToken | None) -> list[Pairs]:
    spans = sentence_spans(sentences, len(heads[0].query))
    blocks = attention_blocks(attention, spans)
    if np.ndim(blocks[0]) != 2:
        raise ValueError(f"attention must be that of one head, [S, S] per sentence, not {list(np.shape(blocks[0]))}")
    attended = np.concatenate([np.ravel(block) for block in blocks])
    result = []
    for head in heads:
        product = np.concatenate([(head.query[s] @ head.key[s].T).ravel() for s in spans])
        apart = [np.linalg.norm(head.query[s][:, None] - head.key[s], axis=-1).ravel() for s in spans]
        distance = np.concatenate(apart)
        result.append(Pairs(distance, product, attended, closeness(distance, near_distance(distance))))
    return result


def _draw_pairs(axes: Axes, pairs: Pairs) -> PathCollection:
    """Points in the color of their attention, the strongest last; below them hexagons if there are many pairs."""
    x, y, some = pairs.distance, pairs.product, np.arange(len(pairs.distance))
    if pairs.many:
        extent = (*axes.get_xlim(), *axes.get_ylim())
        limits: dict[str, Any] = {"vmin": 0.5, "vmax": len(x) // MOST_IN_HEXAGON}  # so that a single pair is seen
        axes.hexbin(x, y, gridsize=36, bins="log", cmap="Greys", mincnt=1, extent=extent, lw=0, **limits)
        some = np.flatnonzero(pairs.attention > STRONG)
        some = some[:: max(1, -(-len(some) // MOST_STRONG))]
    some = some[np.argsort(pairs.attention[some], kind="stable")]
    shades: dict[str, Any] = {"c": pairs.attention[some], "cmap": DOTS, "vmin": 0, "vmax": 1}
    return axes.scatter(x[some], y[some], s=3 if pairs.many else 7, lw=0, rasterized=True, **shades)


def _correlations(pairs: Pairs) -> str:
    plain = correlation(pairs.distance, pairs.product)
    weighted = correlation(pairs.distance, pairs.product, pairs.closeness)
    attended = correlation(pairs.distance, pairs.product, pairs.attention)
    close = int((pairs.closeness > 0).sum())
    weights = f"weighted by attention {attended:.2f}, by closeness {weighted:.2f} ({close} close pairs)"
    return f"r = {plain:.2f}; {weights}".replace("-", "−")


def _keys(link: Lines | None, many: int) -> list[Line2D]:
    keys = [
        Line2D([], [], color=INK, lw=1, label="least squares"),
        Line2D([], [], color=INK, lw=1, ls=DASHED, label="weighted by closeness"),
    ]
    if link is not None:
        keys.append(Line2D([], [], ls="", marker="o", mfc="none", mec=LINK, mew=1, ms=5, label=link.how))
    if many:
        said = f"pairs: 1 where palest, {many // MOST_IN_HEXAGON:,} or more where black"
        keys.append(Line2D([], [], ls="", marker="h", color="#b9bec9", ms=5, label=said))
        keys.append(canvas.dot(DOTS(0.6), "o", f"a pair with attention above {STRONG:g}"))
    return keys


def _caption(heads: list[Normalized]) -> str:
    caption = "Each point is a query and a key of one sentence. "
    caption += "If nearer keys have larger dot products, the points fall and r, the correlation, is below 0."
    moved = [METHODS[head.method] for head in heads if head.method != "raw"]
    if moved:
        caption += " Moving all keys adds the same number to all dot products of a query: attention stays the same. "
        caption += "; ".join(moved) + "."
    return caption


def _draw_fit(axes: Axes, x: np.ndarray, y: np.ndarray, weight: np.ndarray, style: Any) -> None:
    """The straight line y = slope x + height with the smallest weighted sum of squares, where the weights are."""
    x, y, weight = (np.asarray(values, np.float64) for values in (x, y, weight))
    there = x[weight > 0]
    if len(there) < 2 or np.ptp(there) == 0:
        return
    total = weight.sum()
    middle_x, middle_y = weight @ x / total, weight @ y / total
    slope = weight @ ((x - middle_x) * (y - middle_y)) / (weight @ (x - middle_x) ** 2)
    ends = np.array([there.min(), there.max()])
    rim = [withStroke(linewidth=1.6, foreground="white")]
    axes.plot(ends, middle_y + slope * (ends - middle_x), color=INK, lw=1, ls=style, path_effects=rim, zorder=4)

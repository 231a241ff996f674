"""Dot product against distance, one point per pair of tokens: Fig. 4 (b) of AttentionViz."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from viz.figures import canvas
from viz.figures.joint import METHODS, of_one_head
from viz.figures.lines import Lines
from viz.figures.style import DOTS, INK, LINK, SMALL, WIDTH, in_house_style
from viz.geometry.normalize import Normalized
from viz.geometry.scale import closeness, near_distance
from viz.geometry.sentences import attention_blocks, sentence_spans
from viz.measures.correlation import correlation

MOST_DOTS = 2000  # more pairs are drawn as hexagons
STRONG = 0.1  # attention; such pairs are drawn one by one all the same
MOST_STRONG = 1500


@in_house_style
def distance_figure(
    panels: Normalized | Sequence[Normalized],
    attention: Sequence[np.ndarray] | np.ndarray,
    sentences: Sequence[int] | np.ndarray | None = None,
    link: Lines | None = None,
    *,
    title: str = "",
    width: float = WIDTH,
) -> Figure:
    """Dot product against distance, one point per pair of tokens of one sentence, with the straight lines that fit
    best: of all pairs, and of pairs weighted by closeness.

    panels: one head, normalised in different ways; both axes show the moved vectors, the products on one scale.
    attention, sentences: as for `viz.measure`; attention colours the points. link: pairs ringed in red. Many pairs are
    drawn as hexagons, the darker the more pairs, and those with attention above 0.1 as points.
    width: of the figure, in inches.

    ValueError: a panel of many heads, or shapes that do not fit.
    """
    panels = of_one_head(panels)
    spans = sentence_spans(sentences, len(panels[0].query))
    blocks = attention_blocks(attention, spans)
    if np.ndim(blocks[0]) != 2:
        raise ValueError(f"attention must be that of one head, [S, S] per sentence, not {list(np.shape(blocks[0]))}")
    attended = np.concatenate([np.ravel(block) for block in blocks])
    many = len(attended) > MOST_DOTS
    columns = canvas.columns_for(len(panels), width)
    keys = [
        Line2D([], [], color=INK, lw=1, label="least squares"),
        Line2D([], [], color=INK, lw=1, ls=(0, (3, 1.5)), label="weighted by closeness"),
    ]
    if link is not None:
        keys.append(Line2D([], [], ls="", marker="o", mfc="none", mec=LINK, mew=1, ms=5, label=link.how))
    if many:
        keys.append(Line2D([], [], ls="", marker="h", color="#b9bec9", ms=5, label="pairs, more where darker"))
        keys.append(canvas.dot(DOTS(0.6), "o", f"a pair with attention above {STRONG:g}"))
    caption = "A point is a query and a key of one sentence. The nearer, the larger the product: the cloud falls."
    if any(panel.method != "raw" for panel in panels):
        caption += (
            " Moving all keys adds the same to all products of a query: clouds shift up or down, attention stays. "
        )
        caption += "; ".join(METHODS[panel.method] for panel in panels if panel.method != "raw") + "."
    rows = -(-len(panels) // columns)
    figure, grid = canvas.page(
        rows,
        columns,
        width=width,
        title=title,
        caption=caption,
        keys=keys,
        left=0.42,
        right=0.48,
        above=0.32,
        below=0.34,
        gaps=(0.22, 0.7),
        ratio=0.6 if columns == 1 and width > 4 else 1.0,
    )
    products = [np.concatenate([(panel.query[s] @ panel.key[s].T).ravel() for s in spans]) for panel in panels]
    low, high = min(map(np.min, products)), max(map(np.max, products))
    room = 0.04 * max(high - low, 1e-6)
    for place, (axes, panel) in enumerate(zip(grid.ravel(), panels, strict=False)):
        apart = [np.linalg.norm(panel.query[s][:, None] - panel.key[s], axis=-1).ravel() for s in spans]
        x, y = np.concatenate(apart), products[place]
        axes.set_xlim(x.min() - 0.04 * max(np.ptp(x), 1e-6), x.max() + 0.04 * max(np.ptp(x), 1e-6))
        axes.set_ylim(low - room, high + room)
        some = np.arange(len(x))
        if many:
            extent = (*axes.get_xlim(), *axes.get_ylim())
            axes.hexbin(x, y, gridsize=36, bins="log", cmap="Greys", mincnt=1, extent=extent, lw=0, vmax=len(x) / 20)
            some = np.flatnonzero(attended > STRONG)
            some = some[:: max(1, -(-len(some) // MOST_STRONG))]
        some = some[np.argsort(attended[some], kind="stable")]
        dots = axes.scatter(
            x[some], y[some], s=3 if many else 7, c=attended[some], cmap=DOTS, vmin=0, vmax=1, lw=0, rasterized=True
        )
        weight = closeness(x, near_distance(x))
        close = int((weight > 0).sum())
        for weights, style in ((np.ones_like(x), "-"), (weight, (0, (3, 1.5)))):
            _draw_fit(axes, x, y, weights, style)
        if link is not None:
            there = np.linalg.norm(panel.query[link.query] - panel.key[link.key], axis=-1)
            product = np.vecdot(panel.query[link.query], panel.key[link.key])
            axes.scatter(there, product, s=26, facecolors="none", edgecolors=LINK, linewidths=1, zorder=5)
        plain, weighted = correlation(x, y), correlation(x, y, weight)
        numbers = f"r = {plain:.2f}; weighted {weighted:.2f} ({close} close pairs)".replace("-", "−")
        canvas.heading(axes, panel.title, numbers)
        axes.set_xlabel("distance of query and key", fontsize=SMALL)
        if place % columns == 0:
            axes.set_ylabel("dot product of query and key", fontsize=SMALL)
        else:
            axes.set_yticklabels([])
        axes.grid(alpha=0.25, lw=0.4)
        axes.set_axisbelow(True)
    for axes in grid.ravel()[len(panels) :]:
        axes.remove()
    canvas.colour_bar(figure, dots, grid[0, -1], "attention")
    return figure


def _draw_fit(axes, x, y, weight, style):
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

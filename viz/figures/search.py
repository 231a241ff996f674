"""How a scale was searched for: one curve per head, its choice marked."""

from collections.abc import Sequence

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from viz.figures import canvas
from viz.figures.style import ATTENTION, FAINT, INK, LINK, NORMAL, RULE, SMALL, WIDTH, in_house_style
from viz.geometry.scale import Search


@in_house_style
def search_figure(
    searches: Search | Sequence[Search], *, titles: Sequence[str] = (), title: str = "", width: float = WIDTH
) -> Figure:
    """How each search judged the scales it tried: one curve per head, its choice marked, one panel per search.

    A flat curve says nothing about the scale; a choice at the edge says that the range, not the data, chose.

    searches: `Normalized.search`, one or several. titles: one per search, before what it looked for. width: of the
    figure, in inches.

    ValueError: a search that is None.
    """
    searches = [searches] if searches is None or isinstance(searches, Search) else list(searches)
    if not searches or any(search is None for search in searches):
        raise ValueError("a search is None: where the scale was given, or the method has none, nothing was searched")
    columns = canvas.columns_for(len(searches), width)
    keys = [
        Line2D([], [], color=INK, marker="o", ms=3, ls="", label="chosen"),
        Line2D([], [], color=LINK, marker="^", ms=4, ls="", label="chosen, at the edge of the range"),
        Line2D([], [], color=FAINT, marker="x", ms=4, ls="", label="flat, so nothing to choose: c = 1"),
    ]
    caption = (
        "Queries are multiplied by c and keys divided by it: attention stays, distances change. One curve per head. A "
        "flat curve says nothing about c; where the choice lies at the edge, the range chose and not the data."
    )
    figure, grid = canvas.page(
        -(-len(searches) // columns),
        columns,
        width=width,
        title=title,
        caption=caption,
        keys=keys,
        left=0.45,
        right=0.06,
        above=0.45,
        below=0.36,
        gaps=(0.5, 0.85),
        ratio=0.45 if columns == 1 and width > 4 else 0.72,
    )
    for place, (axes, search) in enumerate(zip(grid.ravel(), searches, strict=False)):
        curves = search.curve.reshape(-1, search.curve.shape[-1])
        best, flat, edge = search.best.ravel(), search.flat.ravel(), search.at_edge.ravel() & ~search.flat.ravel()
        found = np.array([curve[np.abs(search.scales - c).argmin()] for curve, c in zip(curves, best, strict=True)])
        thin = 1.4 if len(curves) == 1 else 0.5
        segments = [np.stack([search.scales, curve], axis=-1) for curve in curves]
        axes.add_collection(
            LineCollection(segments, colors=[ATTENTION(0.75)], linewidths=thin, alpha=max(0.3, thin / 2))
        )
        for some, mark, size, color in (
            (~flat & ~edge, "o", 2.5, INK),
            (edge, "^", 3.5, LINK),
            (flat, "x", 3.5, FAINT),
        ):
            if some.any():
                axes.plot(best[some], found[some], mark, color=color, ms=size, clip_on=False, zorder=3)
        correlation = "correlation" in search.objective
        axes.set_xscale("log")
        axes.set_xticks([0.2, 0.5, 1, 2, 5], ["0.2", "0.5", "1", "2", "5"], minor=False)
        axes.minorticks_off()
        axes.set_ylim(*((-1.05, 1.05) if correlation else (-0.02, 1.02)))
        axes.set_xlim(search.scales[0] / 1.1, search.scales[-1] * 1.1)
        axes.axhline(0, color=RULE, lw=0.5, zorder=0)
        counts = f"of {len(best)} heads {flat.sum()} flat, {edge.sum()} at the edge"
        verdict = "flat" if flat.all() else f"c = {best[0]:.2f}" + (", at the edge" if edge.all() else "")
        panel = axes.get_position().width * width + 0.1
        heading = canvas.wrap(" ".join([*titles[place : place + 1], search.objective]), NORMAL, panel)
        canvas.heading(axes, heading, counts if len(best) > 1 else verdict)
        axes.set_xlabel("scale c", fontsize=SMALL)
        axes.set_ylabel("correlation" if correlation else "share of queries", fontsize=SMALL)
    for axes in grid.ravel()[len(searches) :]:
        axes.remove()
    return figure

"""The search for a scale: one curve per head, the chosen scale marked."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from viz.figures import canvas
from viz.figures.style import ATTENTION, FAINT, INK, LINK, NORMAL, RULE, SMALL, WIDTH, in_house_style
from viz.geometry.scale import AS_GOOD, Search

TICKS = (0.2, 0.5, 1, 2, 5)


@in_house_style
def search_figure(
    searches: Search | Sequence[Search | None] | None,
    *,
    titles: Sequence[str] = (),
    title: str = "",
    width: float = WIDTH,
) -> Figure:
    """The objective of each search at the scales it tried: one curve per head, the chosen scale marked.

    A flat curve does not determine the scale. A scale at the edge of the range is determined by the range, not by the
    data.

    searches: `Normalized.search`, one or several, a panel each.
    titles: one per search, before its objective. width: of the figure, in inches.

    ValueError: a search that is None.
    """
    given = [searches] if searches is None or isinstance(searches, Search) else list(searches)
    found = [search for search in given if search is not None]
    if not found or len(found) < len(given):
        raise ValueError("a search is None: where the scale was given, or the method has none, nothing was searched")
    columns = canvas.columns_for(len(found), width)
    keys = [
        Line2D([], [], color=INK, marker="o", ms=3, ls="", label="chosen"),
        Line2D([], [], color=LINK, marker="^", ms=4, ls="", label="chosen, at the edge of the range"),
        Line2D([], [], color=FAINT, marker="x", ms=4, ls="", label="flat, so nothing to choose: c = 1"),
    ]
    caption = (
        "Queries are multiplied by c and keys divided by it: attention stays the same, distances change. One curve per "
        f"head. The lowest correlation is chosen; of the shares that are at most {AS_GOOD:g} below the highest, the "
        "one whose c is nearest to 1. A flat curve does not determine c. A choice at the edge is determined by the "
        "range, not by the data."
    )
    ratio = 0.45 if columns == 1 and width > 4 else 0.72
    margins = (0.45, 0.06, 0.45, 0.36)
    layout = canvas.Layout(len(found), columns, width, ratio, margins=margins, gaps=(0.5, 0.85))
    figure, panels = canvas.page(layout, title=title, caption=caption, keys=keys)
    for place, (axes, search) in enumerate(zip(panels, found, strict=True)):
        _draw_curves(axes, search)
        name = canvas.wrap(" ".join([*titles[place : place + 1], search.objective]), NORMAL, layout.panel[0] + 0.1)
        canvas.heading(axes, name, _summary(search))
    return figure


def _draw_curves(axes: Axes, search: Search) -> None:
    curves = search.curve.reshape(-1, search.curve.shape[-1])
    best, flat, edge = search.best.ravel(), search.flat.ravel(), search.at_edge.ravel() & ~search.flat.ravel()
    found = np.array([curve[np.abs(search.scales - c).argmin()] for curve, c in zip(curves, best, strict=True)])
    thin = 1.4 if len(curves) == 1 else 0.5
    segments = [np.stack([search.scales, curve], axis=-1) for curve in curves]
    axes.add_collection(LineCollection(segments, colors=[ATTENTION(0.75)], linewidths=thin, alpha=max(0.3, thin / 2)))
    for some, mark, size, color in ((~flat & ~edge, "o", 2.5, INK), (edge, "^", 3.5, LINK), (flat, "x", 3.5, FAINT)):
        if some.any():
            axes.plot(best[some], found[some], mark, color=color, ms=size, clip_on=False, zorder=3)
    correlation = "correlation" in search.objective
    axes.set_xscale("log")
    axes.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS], minor=False)
    axes.minorticks_off()
    axes.set_ylim(*((-1.05, 1.05) if correlation else (-0.02, 1.02)))
    axes.set_xlim(search.scales[0] / 1.1, search.scales[-1] * 1.1)
    axes.axhline(0, color=RULE, lw=0.5, zorder=0)
    axes.set_xlabel("scale c", fontsize=SMALL)
    axes.set_ylabel("correlation" if correlation else "share of queries", fontsize=SMALL)


def _summary(search: Search) -> str:
    """The scale of one head; of several the number of flat curves and of scales at the edge."""
    best, flat, edge = search.best.ravel(), search.flat.ravel(), search.at_edge.ravel() & ~search.flat.ravel()
    if len(best) > 1:
        return f"of {len(best)} heads {flat.sum()} flat, {edge.sum()} at the edge"
    return "flat" if flat.all() else f"c = {best[0]:.2f}" + (", at the edge" if edge.all() else "")

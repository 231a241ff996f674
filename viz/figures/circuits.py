"""What heads are made of, and which head feeds which: maps of parts by parts, and a graph of the model's heads."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch

from viz.errors import InputError
from viz.figures import canvas
from viz.figures.attention_maps import MINUS, NUMBER_WIDE, mark_negative, number, readable_on
from viz.figures.grid import Grid, grid_page
from viz.figures.style import ATTENTION, DIFFERENCE, FAINT, INK, KEY, QUERY, RULE, SMALL, WIDTH, in_house_style

SIDES: dict[str, dict[str, Any]] = {
    "query": {"color": QUERY, "linestyle": "-"},
    "key": {"color": KEY, "linestyle": (0, (3, 1.2))},
    "value": {"color": ATTENTION(0.75), "linestyle": (0, (1, 1))},
}
"""How an arrow into a query, a key or a value is drawn: told apart by colour and by line."""

CELL = 0.42  # inches, the largest cell of a map of parts
NODE = 14  # points across
LAYER = 0.8  # inches from one layer of the graph to the next
GREYS = LinearSegmentedColormap.from_list("greys", ["#ffffff", "#6b7280"])
MOST_NUMBERED = 24  # arrows; the numbers of more would cover each other


class Arrow(NamedTuple):
    """One head feeds another. source, target: (layer, head). side: "query", "key" or "value". share: its width."""

    source: tuple[int, int]
    target: tuple[int, int]
    side: str
    share: float
    pale: bool = False


@in_house_style
def parts_figure(
    values: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    checks: np.ndarray | None = None,
    grey: np.ndarray | None = None,
    title: str = "",
    caption: str = "",
    width: float = WIDTH,
) -> Figure:
    """A map of what one head is made of: a row per part of the query, a column per part of the key.

    values: [rows, columns]; a cell that is NaN stays empty. rows, columns: names of the parts.
    checks: [rows, columns], smaller numbers below those of the cells.
    grey: [rows, columns], cells whose numbers are grey, without a colour. width: of the figure, in inches.

    InputError: values are not of as many rows and columns as there are names.
    """
    values = np.asarray(values, float)
    if values.shape != (len(rows), len(columns)) or not values.size:
        raise InputError(f"values are {list(values.shape)}; expected [{len(rows)}, {len(columns)}], one at least")
    pale = np.zeros(values.shape, bool) if grey is None else np.asarray(grey, bool)
    left = 0.25 + max(canvas.wide(name, SMALL) for name in rows)
    below = 0.25 + max(canvas.wide(name, SMALL) for name in columns)
    right = 0.65
    cell = min(CELL, (width - left - right) / len(columns))
    margins = (left, width - left - cell * len(columns), 0.1, below)
    layout = canvas.Layout(1, 1, width, height=min(cell, 0.27) * len(rows), margins=margins)
    figure, (axes,) = canvas.page(layout, title=title, caption=caption)
    colored = np.where(pale, np.nan, values)
    most = float(np.nanmax(np.abs(values), initial=0.0)) or 1.0
    signs = bool((np.nan_to_num(values) < 0).any())
    cmap, low = (DIFFERENCE, -most) if signs else (ATTENTION, 0.0)
    image = axes.imshow(colored, cmap=cmap, vmin=low, vmax=most, aspect="auto", interpolation="nearest")
    if cell >= NUMBER_WIDE:
        for (i, j), value in np.ndenumerate(values):
            if np.isfinite(value):
                color = FAINT if pale[i, j] else readable_on(image, value)
                small = "" if checks is None else number(float(checks[i, j]))
                _write_cell(axes, (j, i), number(float(value)), small, color)
    else:
        mark_negative(axes, image, colored)
    _frame(axes, rows, columns)
    canvas.colorbar(image, axes, "score")
    return figure


def _write_cell(axes: Axes, at: tuple[int, int], text: str, below: str, color: Any) -> None:
    """A number in the middle of its cell, or one above another."""
    where: dict[str, Any] = {"ha": "center", "textcoords": "offset points", "color": color}
    axes.annotate(text, at, (0, 0.5 if below else 0), va="bottom" if below else "center", fontsize=SMALL, **where)
    if below:
        axes.annotate(below, at, (0, -0.5), va="top", fontsize=SMALL - 1, **where)


def _frame(axes: Axes, rows: Sequence[str], columns: Sequence[str]) -> None:
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set_xticks(range(len(columns)), list(columns), rotation=90)
    axes.tick_params(length=0, pad=2)
    axes.set_ylabel("part of the query", fontsize=SMALL)
    axes.set_xlabel("part of the key", fontsize=SMALL)
    axes.set_xticks(np.arange(len(columns) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(rows) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color=RULE, lw=0.4)
    axes.tick_params(which="minor", length=0)


@in_house_style
def parts_grid_figure(
    shares: np.ndarray,
    layers: Sequence[int],
    heads: Sequence[int],
    names: Sequence[str],
    *,
    grey: np.ndarray,
    title: str = "",
    caption: str = "",
    width: float = WIDTH,
) -> Figure:
    """What each head is made of: a small map per head, a row per part of the query, a column per part of the key.

    shares: [L, H, parts, parts]; NaN stays empty. layers, heads: their numbers. names: of the parts.
    grey: [L, H, parts, parts], cells that are shades of grey. width: of the figure, in inches.

    InputError: shares are not of as many heads and parts.
    """
    expected = (len(layers), len(heads), len(names), len(names))
    if np.shape(shares) != expected:
        raise InputError(f"shares are {list(np.shape(shares))}; expected {list(expected)}")
    grid = Grid(layers, heads, width, left=0.1, right=0.6)
    caption += MINUS * bool((np.where(grey, 0, np.nan_to_num(shares)) < 0).any())
    figure, panels = grid_page(grid, title=title, caption=caption)
    named = {"fontsize": SMALL - 1, "labels": [name[0] for name in names], "ticks": range(len(names))}
    for place, axes in np.ndenumerate(panels):
        pale, of_head = grey[place], shares[place]
        axes.imshow(np.where(pale, np.abs(of_head), np.nan), cmap=GREYS, vmin=0, vmax=1, aspect="auto")
        image = axes.imshow(np.where(pale, np.nan, of_head), cmap=DIFFERENCE, vmin=-1, vmax=1, aspect="auto")
        mark_negative(axes, image, np.where(pale, np.nan, of_head))
        wide, high = canvas.size_of(axes)
        axes.tick_params(length=0, pad=1)
        if place[1] == 0 and high > 0.09 * len(names):
            axes.set_yticks(**named)
        if place[0] == len(layers) - 1 and wide > 0.07 * len(names):
            axes.set_xticks(**named)
    canvas.colorbar(image, panels[-1, -1], "share of the lead", up_to=panels[0, -1])
    return figure


@in_house_style
def circuit_figure(
    arrows: Sequence[Arrow],
    layers: Sequence[int],
    heads: Sequence[int],
    *,
    title: str = "",
    caption: str = "",
    width: float = WIDTH,
) -> Figure:
    """The heads of a model as a graph: a row of nodes per layer, the first below, and an arrow from head to head.

    arrows: their width is the share. layers, heads: the numbers of all nodes. width: of the figure, in inches.

    InputError: an arrow from or to a head that has no node, or one that does not lead to a later layer.
    """
    for arrow in arrows:
        (before, _), (after, _) = arrow.source, arrow.target
        nodes = [layer in layers and head in heads for layer, head in (arrow.source, arrow.target)]
        if not all(nodes) or before >= after or arrow.side not in SIDES:
            raise InputError(f"{arrow} does not lead from a head to one of a later layer, into its query, key or value")
    keys = [Line2D([], [], lw=1.5, label=f"feeds the {side}", **style) for side, style in SIDES.items()]
    layout = canvas.Layout(1, 1, width, height=LAYER * len(layers), margins=(0.45, 0.05, 0.0, 0.0))
    figure, (axes,) = canvas.page(layout, title=title, caption=caption, keys=keys)
    axes.set(xlim=(-0.5, len(heads) - 0.5), ylim=(-0.5, len(layers) - 0.5), xticks=[])
    axes.set_yticks(range(len(layers)), [f"layer {layer}" for layer in layers])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    place = {(layer, head): (x, y) for y, layer in enumerate(layers) for x, head in enumerate(heads)}
    touched = {head for arrow in arrows for head in (arrow.source, arrow.target)}
    for head, (x, y) in place.items():
        edge, color = (INK, INK) if head in touched else (RULE, FAINT)
        axes.plot(x, y, "o", ms=NODE, mfc="white", mec=edge, mew=0.8, zorder=3)
        axes.text(x, y, f"{head[0]}.{head[1]}", ha="center", va="center", fontsize=SMALL - 1, color=color, zorder=4)
    step = _inches(axes)
    taken = [np.array(node) * step for node in place.values()] if len(arrows) <= MOST_NUMBERED else None
    for arrow in sorted(arrows, key=lambda arrow: arrow.share):
        _draw_arrow(axes, place[arrow.source], place[arrow.target], arrow, taken)
    return figure


def _inches(axes: Axes) -> np.ndarray:
    """Of one unit across, and of one up."""
    return canvas.size_of(axes) / (np.ptp(axes.get_xlim()), np.ptp(axes.get_ylim()))


def _draw_arrow(
    axes: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    arrow: Arrow,
    taken: list[np.ndarray] | None,
) -> None:
    """One arrow, bent by its side so that the three of one pair lie apart, and past the nodes of layers between.

    taken: where numbers stand, in inches; None: the arrow has no number.
    """
    step = _inches(axes)
    way = (np.array(end) - start) * step
    aside = {"query": 1.0, "key": -1.0, "value": 0.0}[arrow.side]
    bulge = 0.12 * aside + (0.2 if aside >= 0 else -0.2) * (end[1] - start[1] > 1)
    rad = 2 * bulge / float(np.hypot(*way))
    look: dict[str, Any] = SIDES[arrow.side] | {"lw": 0.4 + 6 * arrow.share, "zorder": 2}
    look |= {"alpha": 0.3 if arrow.pale else 0.85}
    shape: dict[str, Any] = {"connectionstyle": f"arc3,rad={rad}", "arrowstyle": "-|>", "mutation_scale": 6}
    axes.add_patch(FancyArrowPatch(start, end, shrinkA=NODE / 2, shrinkB=NODE / 2, **shape, **look))
    if taken is None:
        return
    bent = rad * np.array([way[1], -way[0]])
    spots = [start * step + t * way + 2 * t * (1 - t) * bent for t in (0.64, 0.5, 0.36, 0.75, 0.57, 0.43)]
    free = [spot for spot in spots if all((np.abs(spot - other) > (0.2, 0.09)).any() for other in taken)]
    spot = (free or spots)[0]
    taken.append(spot)
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 0.4, "alpha": 0.8}
    small: dict[str, Any] = {"fontsize": SMALL - 1, "ha": "center", "va": "center", "zorder": 5, "bbox": paper}
    x, y = spot / step
    axes.text(x, y, f"{arrow.share:.2f}", color=SIDES[arrow.side]["color"], **small)

"""A sum of sums as a tree: what a number is the sum of, what each part is the sum of, and so on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from viz.errors import InputError
from viz.figures import canvas
from viz.figures.style import DIFFERENCE, FAINT, INK, RULE, SMALL, WIDTH, in_house_style

LINE = 0.165
"""Height of a row, in inches."""
INDENT, LEAST_INDENT, COLUMN, NUMBER = 0.2, 0.06, 0.56, 0.44
"""Widths in inches: of a step to the right, if there is room, and at least; of a column of notes; of the numbers."""
NAMES, BARS = 1.2, 0.7
"""Inches for names and for bars, at least."""
SMALL_PRINT: dict[str, Any] = {"fontsize": SMALL, "color": FAINT, "linespacing": 1.1}
THICKEST = 3.2
"""Points, for the line to the largest part."""


@dataclass(frozen=True)
class Branch:
    """A row of a tree, in the order in which it is read: each row is followed by its parts, one deeper.

    depth: 0 for the row that all others are parts of. notes: what else the columns say of it, "" for nothing.
    """

    depth: int
    name: str
    value: float
    notes: tuple[str, ...] = ()


@in_house_style
def tree_figure(
    rows: Sequence[Branch],
    columns: Sequence[str] = (),
    *,
    unit: str = "",
    title: str = "",
    caption: str = "",
    width: float = WIDTH,
) -> Figure:
    """A row per branch: its name, indented, below the row that it is a part of; its value as number and bar; notes.

    The line to a part is the thicker the larger its value, and its colour shows the sign. columns: headings of the
    notes. unit: heading of the values. width: of the figure, in inches.

    InputError: there are no rows, the first is not the only one of depth 0, or the figure is too narrow.
    """
    if not rows or [row.depth for row in rows].count(0) != 1 or rows[0].depth:
        raise InputError("expected rows of which the first, and no other, has depth 0")
    beside = 2 * canvas.EDGE + NUMBER + COLUMN * len(columns)
    least = math.ceil(10 * (beside + NAMES + BARS)) / 10
    if width < least:
        raise InputError(f"width is {width:g} inches; expected at least {least:g}")
    room = width - beside
    widths = [(row.depth, canvas.wide(row.name, SMALL) + 0.06) for row in rows]
    names = min(room - BARS, max(INDENT * depth + wide for depth, wide in widths))
    step = max(LEAST_INDENT, min([INDENT, *((names - wide) / depth for depth, wide in widths if depth)]))
    headings = [canvas.wrap(text, SMALL, COLUMN - 0.08) for text in columns]
    above = (max(text.count("\n") for text in (*headings, unit)) + 1) * SMALL * canvas.LEADING / 72
    height, margins = LINE * len(rows) + 0.05, (canvas.EDGE, canvas.EDGE, above + 0.06, 0.1)
    layout = canvas.Layout(1, 1, width, height=height, margins=margins)
    figure, (axes,) = canvas.page(layout, title=title, caption=caption)
    axes.set(xlim=(0, width - 2 * canvas.EDGE), ylim=(len(rows) - 0.3, -0.6))
    axes.set_axis_off()
    for place in range(0, len(rows), 2):
        axes.axhspan(place - 0.5, place + 0.5, color=RULE, alpha=0.35, lw=0)
    _draw_lines(axes, rows, step)
    _draw_bars(axes, rows, names + NUMBER, room - names)
    ends = [names + NUMBER + room - names + COLUMN * (place + 1) for place in range(len(columns))]
    for text, end in zip((unit, *headings), (names + NUMBER, *ends), strict=True):
        axes.annotate(text, (end, -0.6), (0, 3), textcoords="offset points", ha="right", va="bottom", **SMALL_PRINT)
    for place, row in enumerate(rows):
        left = step * row.depth
        name = canvas.wrap(row.name, SMALL, names - left, most=1)
        axes.text(left, place, name, va="center", fontsize=SMALL, color=INK)
        for text, end in zip(row.notes, ends, strict=True):
            axes.text(end, place, text.replace("-", "−"), ha="right", va="center", **SMALL_PRINT)
    return figure


def _color(value: float) -> tuple[float, float, float, float]:
    return DIFFERENCE(0.85 if value >= 0 else 0.15)


def _draw_lines(axes: Axes, rows: Sequence[Branch], step: float) -> None:
    """A line from each row down to each of its parts, the thick ones on top."""
    largest = max((abs(row.value) for row in rows[1:]), default=0) or 1
    parent, lines = {}, []
    for place, row in enumerate(rows):
        parent[row.depth] = place
        if row.depth:
            lines.append((abs(row.value) / largest, row, parent[row.depth - 1], place))
    for share, row, start, end in sorted(lines, key=lambda line: line[0]):
        across = step * (row.depth - 0.7)
        path = [(across, start + 0.4), (across, end), (step * row.depth - 0.04, end)]
        thick = 0.4 + (THICKEST - 0.4) * share
        axes.plot(
            *zip(*path, strict=True), color=_color(row.value), lw=thick, solid_capstyle="butt", solid_joinstyle="miter"
        )


def _draw_bars(axes: Axes, rows: Sequence[Branch], left: float, wide: float) -> None:
    """Each value as a number that ends at `left`, and as a bar to the right of it."""
    low, high = (pick(0.0, *(row.value for row in rows)) for pick in (min, max))
    scale = (wide - 0.1) / ((high - low) or 1)
    zero = left + 0.06 - low * scale
    axes.plot((zero, zero), (-0.5, len(rows) - 0.5), color=FAINT, lw=0.4)
    for place, row in enumerate(rows):
        number = f"{row.value:+z.2f}".replace("-", "−")
        axes.text(left, place, number, ha="right", va="center", fontsize=SMALL, color=INK)
        axes.barh(place, row.value * scale, left=zero, height=0.55, color=_color(row.value))

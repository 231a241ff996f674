"""The terms of a sum as bars: what speaks for a number, what speaks against it, and how far each term goes."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from viz.errors import InputError
from viz.figures import canvas
from viz.figures.style import DIFFERENCE, FAINT, INK, SMALL, WIDTH, in_house_style

LINE = 0.21
"""Height of one bar with its name, in inches."""


@in_house_style
def terms_figure(
    terms: Mapping[str, float],
    *,
    title: str = "",
    unit: str = "",
    caption: str = "",
    total: bool = True,
    least: float = 0.0,
    width: float = WIDTH,
) -> Figure:
    """One horizontal bar per term, in the order given, with its name and its number; the sum is the last line.

    terms: numbers by name. unit: the name of the axis. total: False leaves out the sum. least: the axis is at least
    this long, so that small numbers look small. width: of the figure, in inches.

    InputError: there are no terms.
    """
    if not terms:
        raise InputError("terms is empty; expected at least one number with its name")
    names, values = [*terms, *["sum"] * total], [*terms.values(), *[sum(terms.values())] * total]
    longest = max(len(name) for name in names)
    margins = (min(0.06 * longest + 0.25, width / 2), 0.45, 0.06, 0.35)
    layout = canvas.Layout(1, 1, width, height=LINE * len(names) + 0.1, margins=margins)
    figure, (axes,) = canvas.page(layout, title=title, caption=caption)
    colors = [DIFFERENCE(0.85 if value >= 0 else 0.15) for value in terms.values()] + [FAINT] * total
    places = range(len(names))
    axes.barh(places, values, height=0.7, color=colors)
    for place, value in zip(places, values, strict=True):
        text = f"{value:+z.2f}".replace("-", "−")
        side, away = ("left", 3) if value >= 0 else ("right", -3)
        where: dict[str, Any] = {"xy": (value, place), "xytext": (away, 0), "textcoords": "offset points"}
        axes.annotate(text, **where, ha=side, va="center", fontsize=SMALL, color=INK)
    low, high = min(0.0, *values), max(0.0, *values)
    high = max(high, low + least)
    room = 0.12 * (high - low or 1)
    axes.set_xlim(low - (room if low < 0 else 0), high + room)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_yticks(list(places), names)
    axes.tick_params(axis="y", length=0)
    axes.axvline(0, color=INK, lw=0.6)
    if total:
        axes.axhline(len(names) - 1.5, color=FAINT, lw=0.4)
    axes.set_xlabel(unit, fontsize=SMALL)
    return figure

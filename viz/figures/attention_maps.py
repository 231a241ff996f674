"""Attention maps: one row per query, one column per key, from white (0) to indigo (1)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, Normalize, PowerNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from viz.figures import canvas
from viz.figures.grid import HIGH, Grid, check_heads, grid_page
from viz.figures.style import ATTENTION, DIFFERENCE, INK, KEY, NORMAL, QUERY, SMALL, WIDTH, in_house_style

LONG = 30  # tokens; maps of more show the square root, since most attention is small
LINE_HIGH = 1.15 * SMALL / 72  # height of a label in inches
CELL = 0.4  # largest cell of a map in inches
NUMBER_WIDE = 0.19  # width of a number in inches
CLEARLY = 0.05  # below 0: by this share of the largest number
MINUS = " A minus: below 0."
READ = "One row per query, one column per key, in the order of the text; each row sums to 1."


@in_house_style
def attention_figure(
    attention: np.ndarray | Sequence[np.ndarray],
    labels: Sequence[str] | Sequence[Sequence[str]],
    *,
    titles: Sequence[str] = (),
    title: str = "",
    measure: str = "attention",
    width: float = WIDTH,
) -> Figure:
    """Attention maps [S, S] of one head.

    attention, labels: one map and its tokens, or several, side by side where there is room.
    titles: one per map. measure: what the colors are. width: of the figure, in inches.

    ValueError: a map that is not square, or not of as many tokens as there are labels.
    """
    one = np.ndim(attention[0]) == 1
    given: list[Any] = [attention] if one else list(attention)
    names: list[Any] = [labels] if one else list(labels)
    maps = [_checked(values, of_map) for values, of_map in zip(given, names, strict=True)]
    longest = max(map(len, names))
    gutter, above = _room(names)
    layout, panel = _map_layout(len(maps), longest, gutter, above, width, any(titles))
    norm, scale = _norm(longest)
    figure, panels = canvas.page(layout, title=title, caption=READ + _some_labels(_step(panel, longest)))
    for place, (axes, values) in enumerate(zip(panels, maps, strict=True)):
        image = _draw_map(axes, values, names[place], ATTENTION, norm, numbers=_numbers_fit(axes, longest))
        axes.set_title(titles[place] if titles else "", fontsize=NORMAL)
    canvas.colorbar(image, panels[layout.columns - 1], f"{measure}{scale}")
    return figure


def _map_layout(
    count: int, tokens: int, gutter: float, labels_high: float, width: float, titled: bool
) -> tuple[canvas.Layout, float]:
    """The layout of so many maps, and the side of a map in inches.

    As many maps stand side by side as leave every token a line of its own. If tokens are too many for that, the maps
    are as large as possible.
    """
    left, right, over, gap = gutter + 0.2, 0.5, labels_high + 0.2, gutter + 0.15

    def side(columns: int) -> float:
        wide = (width - left - right - (columns - 1) * gap) / columns
        return min(wide, max(HIGH / -(-count // columns) - over, 1.0))

    possible = range(min(3, count), 0, -1)
    roomy = [columns for columns in possible if side(columns) >= LINE_HIGH * tokens]
    columns = roomy[0] if roomy else max(possible, key=side)
    panel = min(side(columns), CELL * tokens)  # few tokens need no whole page
    right = width - left - columns * panel - (columns - 1) * gap
    above = labels_high + (0.16 if titled else 0)
    margins = (left, right, above, 0.06)
    return canvas.Layout(count, columns, width, margins=margins, gaps=(gap, over)), panel


@in_house_style
def attention_pair_figure(
    before: np.ndarray,
    after: np.ndarray,
    labels: Sequence[str],
    *,
    names: Sequence[str] = ("before", "after"),
    title: str = "",
    width: float = WIDTH,
) -> Figure:
    """Two attention maps [S, S] of the same sentence, and the second less the first.

    names: of the two. width: of the figure, in inches.

    ValueError: maps that are not square, or not of as many tokens as there are labels.
    """
    before, after = _checked(before, labels), _checked(after, labels)
    difference = after - before
    most = max(float(np.abs(difference).max()), 1e-12)
    norm, scale = _norm(len(labels))
    gutter, above = _room([labels])
    columns = 3 if width >= 4.5 else 1
    panel = (width - gutter - 0.42) / columns - 0.15
    margins = (gutter + 0.2, 0.22, above + 0.16, 0.42)  # at the right, for half a number under the end of a color bar
    caption = READ + _some_labels(_step(panel, len(labels)))
    caption += " Difference: indigo where the second gives more attention, brown and with a minus where less."
    layout = canvas.Layout(3, columns, width, margins=margins, gaps=(0.2, above + 0.6))
    figure, panels = canvas.page(layout, title=title, caption=caption)
    maps = (
        (before, names[0], ATTENTION, norm),
        (after, names[1], ATTENTION, norm),
        (difference, "second less first", DIFFERENCE, Normalize(-most, most)),
    )
    numbers = _numbers_fit(panels[0], len(labels))
    images = []
    for axes, (values, name, cmap, its_norm) in zip(panels, maps, strict=True):
        rows = axes is panels[0] or columns == 1
        images.append(_draw_map(axes, values, labels, cmap, its_norm, rows=rows, numbers=numbers))
        axes.set_title(canvas.wrap(name, NORMAL, panel, most=1), fontsize=NORMAL)
    if not numbers:
        mark_negative(panels[-1], images[-1], difference)
    first, second, third = panels
    of = second if columns == 1 else first
    canvas.colorbar(images[1], of, f"attention{scale}", up_to=second, horizontal=True)
    canvas.colorbar(images[2], third, "difference of attention", horizontal=True)
    return figure


@in_house_style
def attention_sheet(
    attention: np.ndarray,
    layers: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
    labels: Sequence[str] | None = None,
    *,
    title: str = "",
    measure: str = "attention",
    width: float = WIDTH,
) -> Figure:
    """Attention maps of many heads, [L, H, S, S]: rows are layers, columns heads; in a map, row query, column key.

    layers, heads: their numbers; None: from 0. labels: [S], the tokens, written where there is room.
    measure: what the colors are. width: of the figure, in inches.

    ValueError: not as many maps as layers and heads, or labels as tokens.
    """
    attention = np.asarray(attention)
    if attention.ndim != 4:
        raise ValueError(f"attention must be [layers, heads, S, S], not {list(attention.shape)}")
    layers, heads = check_heads("attention", attention.shape[:2], layers, heads)
    size = attention.shape[-1]
    if labels is not None and len(labels) != size:
        raise ValueError(f"labels must have one text per token, {size}, not {len(labels)}")
    norm, scale = _norm(size)
    gutter, above = _room([labels or [""]])
    cell = (width - 0.25 - gutter - 0.5) / len(heads)
    labelled = labels is not None and 0.93 * cell / size > LINE_HIGH
    grid = Grid(layers, heads, width, gutter if labelled else 0.0, 0.5, above if labelled else 0.0)
    caption = "In each map one row per query, one column per key, in the order of the text."
    figure, panels = grid_page(grid, title=title, caption=caption)
    for (row, column), axes in np.ndenumerate(panels):
        image = axes.imshow(attention[row, column], cmap=ATTENTION, norm=norm, interpolation="nearest", aspect="auto")
        if labelled and row == 0:
            axes.xaxis.tick_top()
            axes.set_xticks(range(size), labels, rotation=90, fontsize=SMALL, color=KEY)
        if labelled and column == 0:
            axes.set_yticks(range(size), labels, fontsize=SMALL, color=QUERY)
        axes.tick_params(length=0)
    canvas.colorbar(image, panels[-1, -1], f"{measure}{scale}", up_to=panels[0, -1])
    return figure


def _checked(values: np.ndarray, labels: Sequence[str]) -> np.ndarray:
    values = np.asarray(values)
    if values.shape != (len(labels), len(labels)):
        expected = [len(labels)] * 2
        raise ValueError(f"attention is {list(values.shape)}; expected {expected}, one row and one column per label")
    return values


def _norm(size: int) -> tuple[Normalize, str]:
    """From attention to color, and the name of the scale for the colorbar."""
    return (PowerNorm(0.5, 0, 1), " (square-root scale)") if size > LONG else (Normalize(0, 1), "")


def _room(labels: Sequence[Sequence[str]]) -> tuple[float, float]:
    """Inches for labels beside a map, and above it."""
    wide = max((canvas.wide(_short(name), SMALL) for names in labels for name in names), default=0.0)
    return wide + 0.05, wide + 0.14


def _step(inches: float, size: int) -> int:
    """1 if there is room for the labels of all tokens, 2 for every second, and so on."""
    return max(1, int(np.ceil(LINE_HIGH * size / inches)))


def _some_labels(step: int) -> str:
    return f" 1 token in {step} is labelled." if step > 1 else ""


def _short(name: str) -> str:
    return name if len(name) <= 16 else name[:15] + "…"


def _numbers_fit(axes: Axes, size: int) -> bool:
    wide, high = canvas.size_of(axes) / size
    return bool(wide >= NUMBER_WIDE and high >= LINE_HIGH)


def _draw_map(
    axes: Axes,
    values: np.ndarray,
    labels: Sequence[str],
    cmap: Colormap,
    norm: Normalize,
    rows: bool = True,
    numbers: bool = False,
) -> AxesImage:
    """One map with its labels, and its numbers where they fit. Returns the image, for a colorbar."""
    image = axes.imshow(values, cmap=cmap, norm=norm, interpolation="nearest", aspect="auto")
    size, high = len(labels), canvas.size_of(axes)[1]
    names = [_short(name) for name in labels]
    shown = range(0, size, _step(high, size))
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xticks(shown, [names[i] for i in shown], rotation=90, fontsize=SMALL, color=KEY)
    axes.set_yticks(shown, [names[i] for i in shown] if rows else [""] * len(shown), fontsize=SMALL, color=QUERY)
    axes.tick_params(length=0)
    axes.set_xlabel("key", fontsize=SMALL, color=KEY)
    if rows:
        axes.set_ylabel("query", fontsize=SMALL, color=QUERY)
    if numbers:
        write_numbers(axes, image, values, least=0.005)
    return image


def write_numbers(axes: Axes, image: AxesImage, values: np.ndarray, least: float = 0.0) -> None:
    """Write each number of at least `least` into its cell, in black or white, whichever is readable on its color."""
    for (i, j), value in np.ndenumerate(values):
        if abs(value) >= least:
            axes.text(j, i, number(value), ha="center", va="center", fontsize=SMALL, color=readable_on(image, value))


def mark_negative(axes: Axes, image: AxesImage, values: np.ndarray) -> bool:
    """A minus in each cell that is clearly below 0, since colors alone do not show the sign in grey. Are there any?"""
    most = float(np.nanmax(np.abs(image.get_clim()))) or 1.0
    rows, columns = np.nonzero(np.nan_to_num(values) < -CLEARLY * most)
    cell = float((canvas.size_of(axes) / np.shape(values)[::-1]).min())
    colors = [readable_on(image, float(value)) for value in values[rows, columns]]
    side = min(0.6 * 72 * cell, SMALL)
    axes.scatter(columns, rows, marker="_", s=side**2, c=colors, lw=max(0.3, side / 8))
    return bool(len(rows))


def readable_on(image: AxesImage, value: float) -> str:
    """Black or white, whichever is readable on the color of a value."""
    red, green, blue, _ = image.cmap(image.norm(np.asarray(value)))
    return INK if 0.3 * red + 0.59 * green + 0.11 * blue > 0.6 else "white"


def number(value: float) -> str:
    """A number short enough for its cell: 0.73 -> .73, 1 -> 1, 0.997 -> 1.0, -0.5 -> −.50, 12.3 -> 12."""
    digits = 2 if abs(value) < 0.995 else 1 if abs(value) < 9.95 else 0
    text = f"{value:.{digits}f}"
    if digits == 2:
        text = text.replace("0.", ".", 1)
    elif value == round(value):
        text = text.removesuffix(".0")
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "−")

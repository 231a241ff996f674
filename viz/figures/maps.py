"""Attention maps: one row per query, one column per key, from white (0) to indigo (1)."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, PowerNorm
from matplotlib.figure import Figure

from viz.figures import canvas
from viz.figures.grid import HIGH, check_heads, grid_page
from viz.figures.style import ATTENTION, DIFFERENCE, INK, KEY_TEXT, NORMAL, QUERY, SMALL, WIDTH, in_house_style

LONG = 30  # tokens; of more, attention is spread so thin that its square root is drawn
LINE_HIGH = 1.15 * SMALL / 72  # inches that a label needs
CELL = 0.4  # inches; no cell of a map is larger
NUMBER_WIDE = 0.19  # inches that a number needs
READ = "One row per query, one column per key, in the order of the text; each row sums to 1."


@in_house_style
def attention_figure(
    attention: np.ndarray | Sequence[np.ndarray],
    labels: Sequence[str] | Sequence[Sequence[str]],
    *,
    titles: Sequence[str] = (),
    title: str = "",
    width: float = WIDTH,
) -> Figure:
    """Attention maps [S, S] of one head.

    attention, labels: one map and its tokens, or several, side by side where there is room.
    titles: one per map. width: of the figure, in inches.

    ValueError: a map that is not square, or not of as many tokens as there are labels.
    """
    if np.ndim(attention[0]) == 1:  # one map
        attention, labels = [attention], [labels]
    maps = [_checked(values, names) for values, names in zip(attention, labels, strict=True)]
    longest = max(map(len, labels))
    gutter, above = _room(labels, 0)
    left, right, over = gutter + 0.2, 0.5, above + 0.2

    def across(columns):
        """Inches of a map's side, with so many side by side, if all are to fit a page."""
        rows = -(-len(maps) // columns)
        wide = (width - left - right - (columns - 1) * (gutter + 0.15)) / columns
        return min(wide, max(HIGH / rows - over, 1.0))

    # as many side by side as leave every token a line of its own, or where none does, so that maps are largest
    possible = range(min(3, len(maps)), 0, -1)
    roomy = [c for c in possible if across(c) >= LINE_HIGH * longest]
    columns = roomy[0] if roomy else max(possible, key=across)
    norm, scale = _norm(longest)
    panel = min(across(columns), CELL * longest)  # few tokens need no whole page
    right = width - left - columns * panel - (columns - 1) * (gutter + 0.15)
    caption = READ + _some_labels(_step(panel, longest))
    figure, grid = canvas.page(
        -(-len(maps) // columns),
        columns,
        width=width,
        title=title,
        caption=caption,
        left=left,
        right=right,
        above=above + (0.16 if any(titles) else 0),
        below=0.06,
        gaps=(gutter + 0.15, over),
    )
    for place, (axes, values) in enumerate(zip(grid.ravel(), maps, strict=False)):
        image = _draw_map(axes, values, labels[place], ATTENTION, norm, numbers=_numbers_fit(axes, longest))
        axes.set_title(titles[place] if titles else "", fontsize=NORMAL)
    for axes in grid.ravel()[len(maps) :]:
        axes.remove()
    canvas.colour_bar(figure, image, grid[0, min(columns, len(maps)) - 1], f"attention{scale}")
    return figure


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
    gutter, above = _room([labels], 0)
    columns = 3 if width >= 4.5 else 1
    panel = (width - gutter - 0.28) / columns - 0.15
    figure, grid = canvas.page(
        3 // columns,
        columns,
        width=width,
        title=title,
        caption=READ + _some_labels(_step(panel, len(labels))) + " Right: what the second gives more (indigo) or less.",
        left=gutter + 0.2,
        right=0.08,
        above=above + 0.16,
        below=0.42,
        gaps=(0.2, above + 0.6),
    )
    maps = (
        (before, names[0], ATTENTION, norm),
        (after, names[1], ATTENTION, norm),
        (difference, "second less first", DIFFERENCE, Normalize(-most, most)),
    )
    first, second, third = panels = grid.ravel()
    images = []
    for axes, (values, name, cmap, its_norm) in zip(panels, maps, strict=True):
        images.append(
            _draw_map(
                axes,
                values,
                labels,
                cmap,
                its_norm,
                rows=axes is first or columns == 1,
                numbers=_numbers_fit(axes, len(labels)),
            )
        )
        axes.set_title(canvas.wrap(name, NORMAL, panel, most=1), fontsize=NORMAL)
    if columns == 1:
        first = second
    canvas.colour_bar(figure, images[1], first, f"attention{scale}", up_to=second, lying=True)
    canvas.colour_bar(figure, images[2], third, "difference of attention", lying=True)
    return figure


@in_house_style
def attention_sheet(
    attention: np.ndarray,
    layers: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
    labels: Sequence[str] | None = None,
    *,
    title: str = "",
    width: float = WIDTH,
) -> Figure:
    """Attention maps of many heads, [L, H, S, S]: rows are layers, columns heads; in a map, row query, column key.

    layers, heads: their numbers; None: from 0. labels: [S], the tokens, written where there is room. width: of the
    figure, in inches.

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
    gutter, above = _room([labels or [""]], 0.0)
    cell = (width - 0.25 - gutter - 0.5) / len(heads)
    labelled = labels is not None and 0.93 * cell / size > LINE_HIGH
    figure, grid = grid_page(
        layers,
        heads,
        title=title,
        caption="In each map one row per query, one column per key, in the order of the text.",
        width=width,
        left=gutter if labelled else 0.0,
        above=above if labelled else 0.0,
        right=0.5,
    )
    for row, column in np.ndindex(grid.shape):
        axes = grid[row, column]
        image = axes.imshow(attention[row, column], cmap=ATTENTION, norm=norm, interpolation="nearest", aspect="auto")
        if labelled and row == 0:
            axes.xaxis.tick_top()
            axes.set_xticks(range(size), labels, rotation=90, fontsize=SMALL, color=KEY_TEXT)
        if labelled and column == 0:
            axes.set_yticks(range(size), labels, fontsize=SMALL, color=QUERY)
        axes.tick_params(length=0)
    canvas.colour_bar(figure, image, grid[-1, -1], f"attention{scale}", up_to=grid[0, -1])
    return figure


def _checked(values, labels):
    values = np.asarray(values)
    if values.shape != (len(labels), len(labels)):
        expected = [len(labels)] * 2
        raise ValueError(f"attention is {list(values.shape)}; expected {expected}, one row and one column per label")
    return values


def _norm(size):
    """How attention becomes colour, and how the colour bar says so."""
    return (PowerNorm(0.5, 0, 1), " (square-root scale)") if size > LONG else (Normalize(0, 1), "")


def _room(labels, least):
    """Inches for labels beside a map, and above it."""
    wide = max((canvas.wide(_short(name), SMALL) for names in labels for name in names), default=0.0)
    return max(wide + 0.05, least), wide + 0.14


def _step(inches, size):
    """Every how many tokens there is room for a label."""
    return max(1, int(np.ceil(LINE_HIGH * size / inches)))


def _some_labels(step):
    return f" 1 token in {step} is labelled." if step > 1 else ""


def _short(name):
    return name if len(name) <= 16 else name[:15] + "…"


def _numbers_fit(axes, size):
    wide, high = (axes.get_position().width, axes.get_position().height) * axes.figure.get_size_inches() / size
    return wide >= NUMBER_WIDE and high >= LINE_HIGH


def _draw_map(axes: Axes, values, labels, cmap, norm, rows: bool = True, numbers: bool = False):
    """One map with its labels, and its numbers where they fit. Returns the image, for a colour bar."""
    image = axes.imshow(values, cmap=cmap, norm=norm, interpolation="nearest", aspect="auto")
    box, size = axes.get_position(), len(labels)
    high = box.height * axes.figure.get_figheight() / size
    names = [_short(name) for name in labels]
    shown = range(0, size, _step(high * size, size))
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xticks(shown, [names[i] for i in shown], rotation=90, fontsize=SMALL, color=KEY_TEXT)
    axes.set_yticks(shown, [names[i] for i in shown] if rows else [""] * len(shown), fontsize=SMALL, color=QUERY)
    axes.tick_params(length=0)
    axes.set_xlabel("key", fontsize=SMALL, color=KEY_TEXT)
    if rows:
        axes.set_ylabel("query", fontsize=SMALL, color=QUERY)
    if numbers:
        for (i, j), value in np.ndenumerate(values):
            if abs(value) >= 0.005:
                axes.text(j, i, number(value), ha="center", va="center", fontsize=SMALL, color=ink_on(image, value))
    return image


def number(value: float) -> str:
    """0.73 -> .73, 1 -> 1, 0.997 -> 1.0, -0.5 -> −.50, 12.3 -> 12: so that it fits into its cell."""
    digits = 2 if abs(value) < 0.995 else 1 if abs(value) < 9.95 else 0
    text = f"{value:.{digits}f}"
    if digits == 2:
        text = text.replace("0.", ".", 1)
    elif value == round(value):
        text = text.removesuffix(".0")
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "−")


def ink_on(image, value: float) -> str:
    """Black or white, whichever can be read on the colour of this value."""
    red, green, blue, _ = image.cmap(image.norm(value))
    return INK if 0.3 * red + 0.59 * green + 0.11 * blue > 0.6 else "white"

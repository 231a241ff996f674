"""One number per head as a heatmap, and one small bar chart per head: attention by relative position."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from viz.figures import canvas
from viz.figures.grid import check_heads, grid_page
from viz.figures.maps import LINE_HIGH, NUMBER_WIDE, ink_on, number
from viz.figures.style import ATTENTION, DIFFERENCE, INK, KEY, NORMAL, SMALL, WIDTH, in_house_style
from viz.measures.habits import OFFSETS

PAGE_HIGH = 9.2  # inches for all maps together
OUTSTANDING = 2  # times the middle bar: what is named
NEIGHBOURS = 3  # offsets up to which a head's highest bar is named
LEAST_TOP = 0.1  # attention; bars that are all low shall look it


@in_house_style
def heatmap_figure(
    maps: np.ndarray | Mapping[str, np.ndarray | None],
    layers: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
    *,
    limits: Mapping[str, tuple[float, float]] | None = None,
    columns: int = 3,
    title: str = "",
    caption: str = "One row per layer, one column per head.",
    width: float = WIDTH,
) -> Figure:
    """One heatmap [L, H] per name, so many side by side: rows are layers, columns heads.

    maps: by name, or one; None leaves a place free, where so many columns fit.
    layers, heads: their numbers; None: from 0.
    limits: of colours, by name; else from 0 to the highest, or where there are values below 0, as far below as above.
    Maps side by side that have the same limits share a colour bar. width: of the figure, in inches.

    ValueError: maps that are not of as many layers and heads.
    """
    maps = {"": maps} if isinstance(maps, np.ndarray) else dict(maps)
    maps = {name: None if values is None else np.asarray(values) for name, values in maps.items()}
    if all(values is None for values in maps.values()):
        raise ValueError("maps is empty; expected at least one array [layers, heads] with its name")
    for name, values in maps.items():
        if values is not None:
            layers, heads = check_heads(f"map {name!r}", values.shape, layers, heads)
    limits = {name: (limits or {}).get(name) or _limits(values) for name, values in maps.items() if values is not None}
    fit = max(1, min(columns, len(maps), int(width / 1.6)))
    if fit < columns:  # places are left free where columns have a meaning
        maps = {name: values for name, values in maps.items() if values is not None}
    columns = fit
    rows = -(-len(maps) // columns)
    gap, above = 0.5, 0.36
    across = (width - 0.35 - 0.5 - gap * (columns - 1)) / columns
    most = PAGE_HIGH / rows - above - 0.3
    high = max(min(across * len(layers) / len(heads), most, 0.3 * len(layers)), 0.3)
    figure, grid = canvas.page(
        rows,
        columns,
        width=width,
        title=title,
        caption=caption,
        height=high,
        left=0.35,
        right=0.5,
        above=above,
        below=0.25,
        gaps=(gap, above + 0.28),
    )
    numbers = across / len(heads) >= NUMBER_WIDE and high / len(layers) >= LINE_HIGH
    names = list(maps)
    for place, axes in enumerate(grid.ravel()):
        name = names[place] if place < len(names) else None
        if name is None or maps[name] is None:
            axes.remove()
            continue
        values, (low, top) = maps[name], limits[name]
        cmap = DIFFERENCE if low < 0 else ATTENTION
        image = axes.imshow(values, cmap=cmap, vmin=low, vmax=top, aspect="auto", interpolation="nearest")
        axes.set_xticks(_some(heads, across, 0.14), [heads[i] for i in _some(heads, across, 0.14)])
        axes.set_yticks(_some(layers, high, 0.1), [layers[i] for i in _some(layers, high, 0.1)])
        axes.tick_params(length=0, pad=1.5)
        axes.set_xlabel("head", fontsize=SMALL, labelpad=1)
        if place % columns == 0:
            axes.set_ylabel("layer", fontsize=SMALL, labelpad=1)
        mean = f"mean {values.mean():z.2f}".replace("-", "−")
        heading = canvas.wrap(name, NORMAL, across + 0.4)
        axes.set_title(f"{heading}\n{mean}" if name else mean, fontsize=NORMAL, pad=3)
        if numbers:
            for (i, j), value in np.ndenumerate(values):
                axes.text(j, i, number(value), ha="center", va="center", fontsize=SMALL, color=ink_on(image, value))
        beside = names[place + 1] if (place + 1) % columns and place + 1 < len(names) else None
        if beside is None or limits.get(beside) != limits[name]:
            canvas.colour_bar(figure, image, axes)
    return figure


@in_house_style
def positions_figure(
    by_offset: np.ndarray,
    layers: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
    *,
    title: str = "",
    width: float = WIDTH,
) -> Figure:
    """Mean attention by relative position, [L, H, offsets] as `Habits.by_offset`, a small bar chart per head. The
    highest bar of the neighbours is named where it stands out; far places are those of few queries.

    layers, heads: their numbers; None: from 0. width: of the figure, in inches.
    """
    by_offset = np.asarray(by_offset)
    if by_offset.ndim != 3 or by_offset.shape[-1] != len(OFFSETS):
        raise ValueError(f"by_offset must be [layers, heads, {len(OFFSETS)}], not {list(by_offset.shape)}")
    layers, heads = check_heads("by_offset", by_offset.shape[:-1], layers, heads)
    top = max(float(by_offset.max()), LEAST_TOP)
    span = f"{signed(OFFSETS[0])} to {signed(OFFSETS[-1])}"
    caption = (
        f"Across: position of the key less that of the query, {span}; line: 0. Up: mean attention, as its square root, "
        f"to {top:.2f}. Named, and pink: the highest bar from {signed(-NEIGHBOURS)} to {signed(NEIGHBOURS)}, where "
        f"it is more than {OUTSTANDING} times the median bar."
    )
    figure, grid = grid_page(layers, heads, title=title, caption=caption, width=width, strip=0.12, ratio=0.8)
    near = np.flatnonzero(np.abs(OFFSETS) <= NEIGHBOURS)
    roomy = (width - 0.3) / len(heads) > 0.45
    for place, axes in np.ndenumerate(grid):
        values = np.sqrt(by_offset[place])
        best = near[by_offset[place][near].argmax()]
        axes.stairs(values, np.arange(len(OFFSETS) + 1) + OFFSETS[0] - 0.5, fill=True, color="#9aa5b1", lw=0)
        stands_out = by_offset[place][best] > OUTSTANDING * np.median(by_offset[place])
        axes.axvline(0, color=INK, lw=0.3, zorder=0)
        axes.set_xlim(OFFSETS[0] - 0.5, OFFSETS[-1] + 0.5)
        axes.set_ylim(0, 1.05 * np.sqrt(top))
        name = f"{signed(OFFSETS[best])}: {by_offset[place][best]:.2f}" if roomy else signed(OFFSETS[best])
        if stands_out:
            axes.bar(OFFSETS[best], values[best], width=1, color=KEY, lw=0)
            axes.set_title(name, fontsize=SMALL, pad=1.5)
    return figure


def signed(offset: int) -> str:
    return f"{offset:+d}".replace("-", "−") if offset else "0"


def _limits(values):
    """Of colours: from 0 up, or the same on both sides of 0."""
    most = float(np.abs(values).max()) or 1.0
    return (-most, most) if values.min() < 0 else (0.0, most)


def _some(names, inches, needed):
    """Places of the ticks for which there is room."""
    step = max(1, int(np.ceil(needed * len(names) / inches)))
    return range(0, len(names), step)

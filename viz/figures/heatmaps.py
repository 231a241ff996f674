"""One number per head as a heatmap; attention by relative position as a small bar chart per head."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from viz.figures import canvas
from viz.figures.attention_maps import LINE_HIGH, MINUS, NUMBER_WIDE, mark_negative, write_numbers
from viz.figures.grid import Grid, check_heads, grid_page
from viz.figures.style import ATTENTION, DIFFERENCE, INK, KEY, NORMAL, SMALL, WIDTH, in_house_style
from viz.measures.habits import OFFSETS

PAGE_HIGH = 9.2  # inches of all heatmaps together
OUTSTANDING = 2  # a bar this many times as high as the median is named
NEIGHBORS = 3  # the largest offset whose bar is named
TICKS, LEAST_FOR_TICKS = (0, 0.1, 0.5, 1), 0.35  # of attention; inches of a bar chart with ticks
LEAST_TOP = 0.1  # attention at the top of a bar chart, at least: low bars are to look low


@dataclass(frozen=True)
class Heatmap:
    """One number per head, [L, H], and the limits of its colors."""

    name: str
    values: np.ndarray
    limits: tuple[float, float]


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
    """One heatmap [L, H] per name: rows are layers, columns heads.

    maps: by name, or one; None leaves a place empty, where so many columns fit.
    layers, heads: their numbers; None: from 0.
    limits: of the colors, by name; else from 0 to the highest value, or symmetric about 0 if there are values below 0.
    Heatmaps side by side with the same limits share a colorbar.
    columns: heatmaps side by side, where there is room. width: of the figure, in inches.

    ValueError: maps that are not of as many layers and heads.
    """
    given = {"": maps} if isinstance(maps, np.ndarray) else dict(maps)
    found: list[Heatmap | None] = []
    for name, array in given.items():
        values = None if array is None else np.asarray(array)
        if values is not None:
            layers, heads = check_heads(f"map {name!r}", values.shape, layers, heads)
        chosen = (limits or {}).get(name)
        found.append(None if values is None else Heatmap(name, values, chosen or _limits(values)))
    if layers is None or heads is None or not any(found):
        raise ValueError("maps is empty; expected at least one array [layers, heads] with its name")
    fit = max(1, min(columns, len(found), int(width / 1.6)))
    if fit < columns:  # an empty place has a meaning only in the columns that were asked for
        found = [heatmap for heatmap in found if heatmap is not None]
    layout = _heatmap_layout(len(found), fit, len(layers), len(heads), width)
    if not _has_numbers(layout.panel, len(layers), len(heads)):
        caption += MINUS * any(heatmap is not None and (heatmap.values < 0).any() for heatmap in found)
    figure, panels = canvas.page(layout, title=title, caption=caption)
    for place, (axes, heatmap) in enumerate(zip(panels, found, strict=True)):
        if heatmap is None:
            axes.remove()
            continue
        image = _draw_heatmap(axes, heatmap, layers, heads, layout.panel)
        if place % fit == 0:
            axes.set_ylabel("layer", fontsize=SMALL, labelpad=1)
        beside = found[place + 1] if (place + 1) % fit and place + 1 < len(found) else None
        if beside is None or beside.limits != heatmap.limits:
            canvas.colorbar(image, axes)
    return figure


def _heatmap_layout(count: int, columns: int, layers: int, heads: int, width: float) -> canvas.Layout:
    gap, above = 0.6, 0.36  # for a color bar with its numbers
    wide = (width - 0.35 - gap * columns) / columns
    most = PAGE_HIGH / -(-count // columns) - above - 0.3
    high = max(min(wide * layers / heads, most, 0.3 * layers), 0.3)
    margins = (0.35, gap, above, 0.25)
    return canvas.Layout(count, columns, width, height=high, margins=margins, gaps=(gap, above + 0.28))


def _draw_heatmap(
    axes: Axes, heatmap: Heatmap, layers: Sequence[int], heads: Sequence[int], size: tuple[float, float]
) -> ScalarMappable:
    """One heatmap with its ticks, its mean and, where they fit, its numbers; size: of the panel in inches."""
    values, (low, top), (wide, high) = heatmap.values, heatmap.limits, size
    cmap = DIFFERENCE if low < 0 else ATTENTION
    image = axes.imshow(values, cmap=cmap, vmin=low, vmax=top, aspect="auto", interpolation="nearest")
    across, down = _some(heads, wide, 0.14), _some(layers, high, 0.1)
    axes.set_xticks(across, [str(heads[i]) for i in across])
    axes.set_yticks(down, [str(layers[i]) for i in down])
    axes.tick_params(length=0, pad=1.5)
    axes.set_xlabel("head", fontsize=SMALL, labelpad=1)
    mean = f"mean {values.mean():z.2f}".replace("-", "−")
    name = canvas.wrap(heatmap.name, NORMAL, wide + 0.4)
    axes.set_title(f"{name}\n{mean}" if name else mean, fontsize=NORMAL, pad=3)
    if _has_numbers(size, len(layers), len(heads)):
        write_numbers(axes, image, values)
    else:
        mark_negative(axes, image, values)
    return image


def _has_numbers(size: tuple[float, float], layers: int, heads: int) -> bool:
    """Whether numbers fit into the cells of a panel."""
    return size[0] / heads >= NUMBER_WIDE and size[1] / layers >= LINE_HIGH


@in_house_style
def positions_figure(
    by_offset: np.ndarray,
    layers: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
    *,
    title: str = "",
    width: float = WIDTH,
) -> Figure:
    """Mean attention by relative position, [L, H, offsets] as in `Habits.by_offset`, one small bar chart per head.

    The highest bar of the neighbors is named if it is much higher than the median. Bars far away are means of few
    queries.

    layers, heads: their numbers; None: from 0. width: of the figure, in inches.
    """
    by_offset = np.asarray(by_offset)
    if by_offset.ndim != 3 or by_offset.shape[-1] != len(OFFSETS):
        raise ValueError(f"by_offset must be [layers, heads, {len(OFFSETS)}], not {list(by_offset.shape)}")
    layers, heads = check_heads("by_offset", by_offset.shape[:-1], layers, heads)
    top = max(float(by_offset.max()), LEAST_TOP)
    span = f"{signed(OFFSETS[0])} to {signed(OFFSETS[-1])}"
    caption = (
        f"Across: position of the key minus that of the query, {span}; line: 0. Up: the mean attention, to {top:.2f}; "
        f"a bar is as long as its square root. Named and coloured: the highest bar from {signed(-NEIGHBORS)} to "
        f"{signed(NEIGHBORS)}, where it is more than {OUTSTANDING} times as high as the median bar."
    )
    grid = Grid(layers, heads, width, left=0.2, strip=0.12, ratio=0.8)
    figure, panels = grid_page(grid, title=title, caption=caption)
    near = np.flatnonzero(np.abs(OFFSETS) <= NEIGHBORS)
    roomy = (width - 0.3) / len(heads) > 0.45
    for place, axes in np.ndenumerate(panels):
        values = np.sqrt(by_offset[place])
        best = near[by_offset[place][near].argmax()]
        axes.stairs(values, np.arange(len(OFFSETS) + 1) + OFFSETS[0] - 0.5, fill=True, color="#9aa5b1", lw=0)
        stands_out = by_offset[place][best] > OUTSTANDING * np.median(by_offset[place])
        axes.axvline(0, color=INK, lw=0.3, zorder=0)
        axes.set_xlim(OFFSETS[0] - 0.5, OFFSETS[-1] + 0.5)
        axes.set_ylim(0, 1.05 * np.sqrt(top))
        if place[1] == 0 and canvas.size_of(axes)[1] > LEAST_FOR_TICKS:
            ticks = [tick for tick in TICKS if tick <= top]
            axes.set_yticks(np.sqrt(ticks), [f"{tick:g}" for tick in ticks])
        name = f"{signed(OFFSETS[best])}: {by_offset[place][best]:.2f}" if roomy else signed(OFFSETS[best])
        if stands_out:
            axes.bar(OFFSETS[best], values[best], width=1, color=KEY, lw=0)
            axes.set_title(name, fontsize=SMALL, pad=1.5)
    return figure


def signed(offset: int) -> str:
    return f"{offset:+d}".replace("-", "−") if offset else "0"


def _limits(values: np.ndarray) -> tuple[float, float]:
    """Limits of colors: from 0 up, or symmetric about 0."""
    most = float(np.abs(values).max()) or 1.0
    return (-most, most) if values.min() < 0 else (0.0, most)


def _some(names: Sequence[int], inches: float, needed: float) -> range:
    """The places of the ticks, each of which needs so many inches."""
    step = max(1, int(np.ceil(needed * len(names) / inches)))
    return range(0, len(names), step)

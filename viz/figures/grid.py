"""A grid of small panels, one per head: rows are layers, columns are heads."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from viz.figures import canvas
from viz.figures.style import NORMAL, SMALL, WIDTH

TALLEST = 1.7  # inches of a small panel
APART = 0.12  # inches between blocks of columns
HIGH = 9.4  # inches of all rows together, so that they fit a page


@dataclass(frozen=True)
class Grid:
    """One small panel per layer and head. All lengths are in inches.

    layers, heads: their numbers; heads of several blocks one block after another.
    width: of the page.
    left, right, above: margins around the grid and its names.
    strip: above each panel.
    ratio: height of a panel divided by its width.
    blocks: names of equal parts of the columns, which are set apart.
    """

    layers: Sequence[int]
    heads: Sequence[int]
    width: float = WIDTH
    left: float = 0.0
    right: float = 0.04
    above: float = 0.0
    strip: float = 0.0
    ratio: float = 1.0
    blocks: Sequence[str] = ()

    @property
    def gap(self) -> float:
        return 0.04 if len(self.heads) > 6 else 0.08

    @property
    def cell(self) -> float:
        """The width of a panel, less a share of the gaps."""
        right = self.right + APART * max(0, len(self.blocks) - 1)
        return (self.width - self.left - 0.25 - right) / len(self.heads) - self.gap

    @property
    def layout(self) -> canvas.Layout:
        left, right = self.left + 0.25, self.right + APART * max(0, len(self.blocks) - 1)
        above = self.above + self.strip + 0.16 + (0.16 if self.blocks else 0.0)
        high = min(self.ratio * self.cell, TALLEST, max(HIGH / len(self.layers) - self.gap - self.strip, 0.15))
        margins, gaps = (left, right, above, 0.08), (self.gap, self.gap + self.strip)
        count, columns = len(self.layers) * len(self.heads), len(self.heads)
        return canvas.Layout(count, columns, self.width, height=high, margins=margins, gaps=gaps)


def grid_page(
    grid: Grid, *, title: str = "", caption: str = "", keys: Sequence[Artist] = ()
) -> tuple[Figure, np.ndarray]:
    """A figure with the panels of a grid, [layers, heads], rows and columns named, without ticks."""
    figure, panels = canvas.page(grid.layout, title=title, caption=caption, keys=keys)
    for axes in panels:
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_linewidth(0.3)
    named = np.array(panels, object).reshape(len(grid.layers), len(grid.heads))
    _set_blocks_apart(figure, named, grid)
    _name_rows_and_columns(figure, named, grid)
    return figure, named


def _set_blocks_apart(figure: Figure, panels: np.ndarray, grid: Grid) -> None:
    per_block = len(grid.heads) // max(1, len(grid.blocks))
    for number in range(1, len(grid.blocks)):
        for axes in panels[:, number * per_block :].ravel():
            box = axes.get_position()
            axes.set_position((box.x0 + APART / grid.width, box.y0, box.width, box.height))
    for number, name in enumerate(grid.blocks):
        first, last = panels[0, number * per_block], panels[0, (number + 1) * per_block - 1]
        x = (first.get_position().x0 + last.get_position().x1) / 2
        y = first.get_position().y1 + (grid.above + grid.strip + 0.15) / figure.get_figheight()
        figure.text(x, y, name, ha="center", va="bottom", fontsize=NORMAL)


def _name_rows_and_columns(figure: Figure, panels: np.ndarray, grid: Grid) -> None:
    high = figure.get_figheight()
    for axes, head in zip(panels[0], grid.heads, strict=True):
        x, _ = axes.get_position().get_points().mean(axis=0)
        top = axes.get_position().y1 + (grid.above + grid.strip + 0.03) / high
        name = f"head {head}" if grid.cell > 0.4 else f"{head}"
        figure.text(x, top, name, ha="center", va="bottom", fontsize=SMALL)
    for axes, layer in zip(panels[:, 0], grid.layers, strict=True):
        _, y = axes.get_position().get_points().mean(axis=0)
        name = f"layer {layer}" if canvas.size_of(axes)[1] > 0.4 else f"{layer}"
        figure.text(0.04 / grid.width, y, name, ha="left", va="center", fontsize=SMALL, rotation=90)


def check_heads(
    name: str, shape: Sequence[int], layers: Sequence[int] | None, heads: Sequence[int] | None
) -> tuple[Sequence[int], Sequence[int]]:
    """The numbers of layers and heads, from 0 where they are not given.

    ValueError: not as many as in `shape`.
    """
    if len(shape) != 2:
        raise ValueError(f"{name} is of heads {list(shape)}; expected [layers, heads]")
    layers = range(shape[0]) if layers is None else layers
    heads = range(shape[1]) if heads is None else heads
    if tuple(shape) != (len(layers), len(heads)):
        expected = f"[{len(layers)}, {len(heads)}], as many as layers and heads"
        raise ValueError(f"{name} is of heads {list(shape)}; expected {expected}")
    return layers, heads

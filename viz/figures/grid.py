"""The page of small multiples: one small panel per head, rows are layers, columns heads."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from viz.figures import canvas
from viz.figures.style import NORMAL, SMALL, WIDTH

TALLEST = 1.7  # inches of a small panel
APART = 0.12  # inches between blocks of columns
HIGH = 9.4  # inches of all rows together, so that they fit a page


def grid_page(
    layers: Sequence[int],
    heads: Sequence[int],
    *,
    title: str,
    caption: str,
    keys: Sequence = (),
    width: float = WIDTH,
    left: float = 0.0,
    right: float = 0.04,
    above: float = 0.0,
    strip: float = 0.0,
    ratio: float = 1.0,
    blocks: Sequence[str] = (),
) -> tuple[Figure, np.ndarray]:
    """A page with a small panel for each layer and head, rows and columns named, without ticks. In inches.

    left, right, above: room beside the grid and over it; strip: over each panel. ratio: of height to width.
    blocks: what equal parts of the columns show, set apart and named.
    """
    gap = 0.04 if len(heads) > 6 else 0.08
    right += APART * max(0, len(blocks) - 1)
    named = 0.16 if blocks else 0.0
    cell = (width - left - 0.25 - right) / len(heads) - gap
    figure, grid = canvas.page(
        len(layers),
        len(heads),
        width=width,
        title=title,
        caption=caption,
        keys=keys,
        height=min(ratio * cell, TALLEST, max(HIGH / len(layers) - gap - strip, 0.15)),
        left=left + 0.25,
        right=right,
        above=above + strip + 0.16 + named,
        below=0.08,
        gaps=(gap, gap + strip),
    )
    per_block = len(heads) // max(1, len(blocks))
    for number in range(1, len(blocks)):
        for axes in grid[:, number * per_block :].ravel():
            box = axes.get_position()
            axes.set_position((box.x0 + APART / width, box.y0, box.width, box.height))
    for number, name in enumerate(blocks):
        first, last = grid[0, number * per_block], grid[0, (number + 1) * per_block - 1]
        x = (first.get_position().x0 + last.get_position().x1) / 2
        y = first.get_position().y1 + (above + strip + 0.15) / figure.get_figheight()
        figure.text(x, y, name, ha="center", va="bottom", fontsize=NORMAL)
    for (row, column), axes in np.ndenumerate(grid):
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_linewidth(0.3)
        x, y = axes.get_position().get_points().mean(axis=0)
        if row == 0:
            top = axes.get_position().y1 + (above + strip + 0.03) / figure.get_figheight()
            name = f"head {heads[column]}" if cell > 0.4 else f"{heads[column]}"
            figure.text(x, top, name, ha="center", va="bottom", fontsize=SMALL)
        if column == 0:
            name = f"layer {layers[row]}" if axes.get_position().height * figure.get_figheight() > 0.4 else layers[row]
            beside = 0.04 / width
            figure.text(beside, y, name, ha="left", va="center", fontsize=SMALL, rotation=90)
    return figure, grid


def check_heads(
    name: str, shape: Sequence[int], layers: Sequence[int] | None, heads: Sequence[int] | None
) -> tuple[Sequence[int], Sequence[int]]:
    """The numbers of layers and heads, from 0 where they are not given. ValueError: not as many as in `shape`."""
    if len(shape) != 2:
        raise ValueError(f"{name} is of heads {list(shape)}; expected [layers, heads]")
    layers = range(shape[0]) if layers is None else layers
    heads = range(shape[1]) if heads is None else heads
    if tuple(shape) != (len(layers), len(heads)):
        raise ValueError(
            f"{name} is of heads {list(shape)}; expected [{len(layers)}, {len(heads)}], as many as layers and heads"
        )
    return layers, heads

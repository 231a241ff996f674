"""Texts beside points that cover neither each other nor the points."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.text import Text

from viz.figures.style import SMALL


def place_labels(
    axes: Axes,
    points: np.ndarray,
    texts: Sequence[str],
    colors: Sequence[str],
    size: float = SMALL,
    *,
    among: np.ndarray | None = None,
    lines: np.ndarray | None = None,
) -> None:
    """Write a text beside each point [N, 2] such that texts cover neither each other nor points, and lines only where
    they must; a thin line leads back to the point where the text had to move away.

    among: points [M, 2] that are drawn too, but have no text. lines: [M, 2, 2], the ends of lines that are drawn.

    One text after another, each takes the cheapest of 16 directions at 6 distances: leaving the axes costs most, then
    overlaps with texts and points, then to lie nearer to another point than to its own, then lines, then distance.
    """
    renderer = axes.figure.canvas.get_renderer()
    pixel = axes.figure.dpi / 72
    dots = axes.transData.transform(points if among is None else np.concatenate([points, among]))
    frame = axes.get_window_extent(renderer).extents
    angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    reaches = np.array([5, 9, 15, 23, 34, 48]) * pixel
    obstacles = [np.concatenate([dots - 2.5 * pixel, dots + 2.5 * pixel], axis=-1)]
    along = dots[:0]
    if lines is not None and len(lines):
        along = _dotted(axes.transData.transform(lines.reshape(-1, 2)).reshape(-1, 2, 2), 4 * pixel)

    # the most crowded first: they have the fewest places to go
    apart = np.linalg.norm(dots[: len(points), None] - dots, axis=-1)
    for i in np.argsort(np.sort(apart, axis=-1)[:, : min(6, len(dots))].sum(axis=-1), kind="stable"):
        text = Text(0, 0, texts[i], fontsize=size)
        text.set_figure(axes.figure)
        extent = text.get_window_extent(renderer)
        half = np.array([extent.width, extent.height]) / 2 + np.array([1.5, 0.5]) * pixel
        # the nearest point of the text's box, not its middle, lies at `reach` from the dot
        middles = (dots[i] + reaches[:, None, None] * directions + half * np.sign(directions.round(6))).reshape(-1, 2)
        boxes = np.concatenate([middles - half, middles + half], axis=-1)
        taken = np.concatenate(obstacles)
        sides = np.minimum(boxes[:, None, 2:], taken[:, 2:]) - np.maximum(boxes[:, None, :2], taken[:, :2])
        overlap = np.maximum(sides, 0).prod(axis=-1).sum(axis=-1)
        crossed = ((boxes[:, None, :2] < along) & (along < boxes[:, None, 2:])).all(axis=-1).sum(axis=-1)
        beside = np.maximum(np.maximum(boxes[:, None, :2] - dots, dots - boxes[:, None, 2:]), 0)  # of each dot
        beside = np.linalg.norm(beside, axis=-1)
        own = beside[:, i].copy()
        beside[:, (dots == dots[i]).all(axis=-1)] = np.inf
        confused = np.maximum(own - beside.min(axis=-1, initial=np.inf), 0)
        outside = np.maximum(frame[:2] - boxes[:, :2], 0).sum(axis=-1) + np.maximum(boxes[:, 2:] - frame[2:], 0).sum(-1)
        cost = 10 * overlap + 1000 * outside + 3 * pixel * crossed + 2 * confused + np.repeat(reaches, len(directions))
        best = cost.argmin()
        obstacles.append(boxes[best : best + 1])
        axes.annotate(
            texts[i],
            points[i],
            xytext=axes.transData.inverted().transform(middles[best]),
            ha="center",
            va="center",
            fontsize=size,
            color=colors[i],
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colors[i], "lw": 0.3, "alpha": 0.7, "shrinkA": 0, "shrinkB": 1}
            if best >= 2 * len(directions) or confused[best] > 0
            else None,
            path_effects=[withStroke(linewidth=1.2, foreground="white", alpha=0.8)],
            zorder=6,
        )


def _dotted(lines, step):
    """Points [M, 2] on lines [..., 2, 2], `step` apart."""
    start, stop = lines[:, 0], lines[:, 1]
    counts = 2 + (np.linalg.norm(stop - start, axis=-1) / step).astype(int)
    return np.concatenate([np.linspace(*ends) for ends in zip(start, stop, counts, strict=True)])

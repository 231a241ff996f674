"""Labels beside points that cover neither each other nor the points."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.text import Text

from viz.figures.canvas import renderer_of
from viz.figures.style import SMALL

ANGLES = np.linspace(0, 2 * np.pi, 16, endpoint=False)
DIRECTIONS = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=-1)
REACHES = np.array([5, 9, 15, 23, 34, 48])  # distances of a label from its point, in pixels of 1/72 inch


def place_labels(
    axes: Axes,
    points: np.ndarray,
    texts: Sequence[str],
    colors: Sequence[str],
    *,
    among: np.ndarray | None = None,
    lines: np.ndarray | None = None,
    italic: Sequence[bool] | None = None,
    avoid: np.ndarray | None = None,
) -> None:
    """Write a text beside each point [N, 2]. A thin line leads back to the point if the text is far from it.

    Labels are placed one after another. Each takes the cheapest of 16 directions at 6 distances. The costs are, from
    high to low: leaving the axes, covering labels and points, lying nearer to another point than to its own, covering
    lines, distance.

    among: points [M, 2] that are drawn too, but have no text.
    lines: [M, 2, 2], the ends of lines that are drawn.
    italic: [N], which texts are in italics. avoid: [M, 4], boxes in pixels that have other texts.
    """
    renderer = renderer_of(axes.figure)
    pixel = axes.figure.dpi / 72
    dots = axes.transData.transform(points if among is None else np.concatenate([points, among]))
    along = dots[:0]
    if lines is not None and len(lines):
        along = _dotted(axes.transData.transform(lines.reshape(-1, 2)).reshape(-1, 2, 2), 4 * pixel)
    taken = np.concatenate([dots - 2.5 * pixel, dots + 2.5 * pixel], axis=-1)
    taken = taken if avoid is None else np.concatenate([taken, avoid])
    surroundings = _Surroundings(np.array(axes.get_window_extent(renderer).extents), pixel, dots, along)

    rim = withStroke(linewidth=1.2, foreground="white", alpha=0.8)
    # the most crowded first: they have the fewest free places
    apart = np.linalg.norm(dots[: len(points), None] - dots, axis=-1)
    for i in np.argsort(np.sort(apart, axis=-1)[:, : min(6, len(dots))].sum(axis=-1), kind="stable"):
        style = "italic" if italic is not None and italic[i] else "normal"
        text = Text(0, 0, texts[i], fontsize=SMALL, fontstyle=style)
        text.set_figure(axes.figure)
        extent = text.get_window_extent(renderer)
        half = np.array([extent.width, extent.height]) / 2 + np.array([1.5, 0.5]) * pixel
        # the nearest point of the text's box, not its middle, lies at `reach` from the dot
        steps = REACHES[:, None, None] * pixel * DIRECTIONS
        middles = (dots[i] + steps + half * np.sign(DIRECTIONS.round(6))).reshape(-1, 2)
        boxes = np.concatenate([middles - half, middles + half], axis=-1)
        cost, confused = surroundings.costs(boxes, i, taken)
        best = cost.argmin()
        taken = np.concatenate([taken, boxes[best : best + 1]])
        leader: dict[str, Any] | None = None
        if best >= 2 * len(DIRECTIONS) or confused[best] > 0:
            leader = {"arrowstyle": "-", "color": colors[i], "lw": 0.3, "alpha": 0.7, "shrinkA": 0, "shrinkB": 1}
        middle = tuple(axes.transData.inverted().transform(middles[best]))
        look: dict[str, Any] = {"fontsize": SMALL, "fontstyle": style, "color": colors[i]}
        look |= {"path_effects": [rim], "arrowprops": leader}
        axes.annotate(texts[i], points[i], middle, ha="center", va="center", annotation_clip=False, zorder=6, **look)


@dataclass(frozen=True)
class _Surroundings:
    """What labels must not cover, in pixels of the figure: the frame of the axes, dots, and points along lines."""

    frame: np.ndarray
    pixel: float
    dots: np.ndarray
    along: np.ndarray

    def costs(self, boxes: np.ndarray, i: int, taken: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The cost of each box [M, 4] for the label of dot i, and how much nearer another dot is; both [M].

        taken: [B, 4], boxes of dots and of labels.
        """
        dots, frame = self.dots, self.frame
        sides = np.minimum(boxes[:, None, 2:], taken[:, 2:]) - np.maximum(boxes[:, None, :2], taken[:, :2])
        overlap = np.maximum(sides, 0).prod(axis=-1).sum(axis=-1)
        crossed = ((boxes[:, None, :2] < self.along) & (self.along < boxes[:, None, 2:])).all(axis=-1).sum(axis=-1)
        beside = np.maximum(np.maximum(boxes[:, None, :2] - dots, dots - boxes[:, None, 2:]), 0)  # of each dot
        beside = np.linalg.norm(beside, axis=-1)
        own = beside[:, i].copy()
        beside[:, (dots == dots[i]).all(axis=-1)] = np.inf
        confused = np.maximum(own - beside.min(axis=-1, initial=np.inf), 0)
        outside = np.maximum(frame[:2] - boxes[:, :2], 0).sum(axis=-1) + np.maximum(boxes[:, 2:] - frame[2:], 0).sum(-1)
        far = np.repeat(REACHES * self.pixel, len(DIRECTIONS))
        return 10 * overlap + 1000 * outside + 3 * self.pixel * crossed + 2 * confused + far, confused


def _dotted(lines: np.ndarray, step: float) -> np.ndarray:
    """Points [M, 2] on lines [..., 2, 2], `step` apart."""
    start, stop = lines[:, 0], lines[:, 1]
    counts = 2 + (np.linalg.norm(stop - start, axis=-1) / step).astype(int)
    return np.concatenate([np.linspace(*ends) for ends in zip(start, stop, counts, strict=True)])

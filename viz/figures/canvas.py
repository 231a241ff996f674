"""Paper and pens: colours, axes with equal units, labels that do not collide, and saving."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.text import Text

from viz.figures.style import house_style, new_figure  # noqa: F401
from viz.files import whole_file

QUERY, KEY = "#3b8c2a", "#d6499a"  # of AttentionViz; to the colour-blind one is yellowish, the other bluish
QUERY_TEXT, KEY_TEXT = "#24591a", "#9c2168"
LINE, LINK = "#8a8f98", "#d7191c"
ATTENTION = "viridis"
DIFFERENCE = "PuOr"
FORMATS = ("png", "svg", "pdf")
UNDATED = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}


def save(figure: Figure, path: str | Path) -> Path:
    """Write a figure as png, svg or pdf, by the ending of `path`; parent folders are made.

    The file appears whole or not at all; see `viz.files.whole_file`. The same figure gives the same bytes.

    ValueError: another ending. OSError: the file cannot be written.
    """
    path = Path(path)
    ending = path.suffix.removeprefix(".").lower()
    if ending not in FORMATS:
        raise ValueError(f"{path}: pictures are written as {', '.join(FORMATS)}, not as {path.suffix or 'no ending'}")
    with whole_file(path) as beside, house_style():
        figure.savefig(beside, format=ending, metadata=UNDATED[ending])
    return path


def title(figure: Figure, text: str, fontsize: float, **where) -> None:
    """A title over the whole figure, in lines that fit it; `$` in a text is a dollar, not mathematics."""
    letters = int(72 * figure.get_figwidth() / (0.6 * fontsize))  # a letter is about 0.6 of its size wide
    figure.suptitle(textwrap.fill(text, letters), parse_math=False, fontsize=fontsize, **where)


def bar_beside(figure: Figure, axes: Axes, image, label: str = "", up_to: Axes | None = None) -> None:
    """A colour bar to the right of `axes`, as high as these or up to others, with a label; it takes 0.75 inches."""
    box, top, inch = axes.get_position(), (up_to or axes).get_position().y1, 1 / figure.get_figwidth()
    bar = figure.colorbar(image, cax=figure.add_axes((box.x1 + 0.15 * inch, box.y0, 0.12 * inch, top - box.y0)))
    bar.set_label(label, fontsize=8)
    bar.ax.tick_params(labelsize=7)


def equal_axes(axes: Axes, points: np.ndarray, margin: float = 0.12) -> None:
    """Limits around points [N, 2] such that one unit is as long across as up, whatever the shape of the axes."""
    low, high = points.min(axis=0), points.max(axis=0)
    box = axes.get_position()
    width, height = axes.figure.get_size_inches() * (box.width, box.height)
    unit = max((high[0] - low[0]) / width, (high[1] - low[1]) / height, 1e-6) * (1 + 2 * margin)
    x, y = (low + high) / 2
    axes.set_xlim(x - unit * width / 2, x + unit * width / 2)
    axes.set_ylim(y - unit * height / 2, y + unit * height / 2)
    axes.set_aspect("equal")


def place_labels(
    axes: Axes,
    points: np.ndarray,
    texts: Sequence[str],
    colors: Sequence[str],
    size: float = 8,
    *,
    among: np.ndarray | None = None,
    lines: np.ndarray | None = None,
) -> None:
    """Write a text beside each point [N, 2] such that texts cover neither each other nor points, and lines only where
    they must; a thin line leads back to the point where the text had to move away.

    among: points [M, 2] that are drawn too, but have no text. lines: [M, 2, 2], the ends of lines that are drawn.

    One text after another, each takes the cheapest of 16 directions at 6 distances: leaving the axes costs most, then
    overlaps with texts and points, then those with lines, then distance.
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
        text = Text(0, 0, texts[i], fontsize=size, parse_math=False)
        text.set_figure(axes.figure)
        extent = text.get_window_extent(renderer)
        half = np.array([extent.width, extent.height]) / 2 + 0.5 * pixel
        # the nearest point of the text's box, not its middle, lies at `reach` from the dot
        middles = (dots[i] + reaches[:, None, None] * directions + half * np.sign(directions.round(6))).reshape(-1, 2)
        boxes = np.concatenate([middles - half, middles + half], axis=-1)
        taken = np.concatenate(obstacles)
        sides = np.minimum(boxes[:, None, 2:], taken[:, 2:]) - np.maximum(boxes[:, None, :2], taken[:, :2])
        overlap = np.maximum(sides, 0).prod(axis=-1).sum(axis=-1)
        crossed = ((boxes[:, None, :2] < along) & (along < boxes[:, None, 2:])).all(axis=-1).sum(axis=-1)
        outside = np.maximum(frame[:2] - boxes[:, :2], 0).sum(axis=-1) + np.maximum(boxes[:, 2:] - frame[2:], 0).sum(-1)
        cost = 10 * overlap + 1000 * outside + 3 * pixel * crossed + np.repeat(reaches, len(directions))
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
            parse_math=False,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colors[i], "lw": 0.4, "alpha": 0.7, "shrinkA": 0, "shrinkB": 1}
            if best >= 2 * len(directions)
            else None,
            path_effects=[withStroke(linewidth=1.6, foreground="white", alpha=0.8)],
            zorder=6,
        )


def _dotted(lines, step):
    """Points [M, 2] on lines [..., 2, 2], `step` apart."""
    start, stop = lines[:, 0], lines[:, 1]
    counts = 2 + (np.linalg.norm(stop - start, axis=-1) / step).astype(int)
    return np.concatenate([np.linspace(*ends) for ends in zip(start, stop, counts, strict=True)])

"""The page of a figure: its panels, title, key and caption; axes, colorbars, saving."""

import functools
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, MaxNLocator

from viz.errors import InputError
from viz.figures.style import FAINT, INK, KEY, KEY_MARK, LARGE, NORMAL, QUERY, QUERY_MARK, SMALL, WIDTH, house_style
from viz.figures.style import new_figure as new_figure
from viz.files import whole_file

FORMATS = ("png", "svg", "pdf")
UNDATED = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
EDGE = 0.06  # inches of white around everything
LEADING = 1.3  # height of a line of text, as a multiple of its size
NARROWEST, WIDEST = 2.0, 20.0  # inches


@dataclass(frozen=True)
class Layout:
    """Panels in rows and columns on a page. All lengths are in inches.

    count: of panels; columns: of panels side by side.
    width: of the page; its height follows.
    ratio: height of a panel divided by its width, unless its height is given.
    margins: around all panels, left, right, above, below.
    gaps: between panels, across and down.
    projection: None or "3d".
    """

    count: int
    columns: int
    width: float = WIDTH
    ratio: float = 1.0
    height: float | None = None
    margins: tuple[float, float, float, float] = (0.4, 0.1, 0.2, 0.35)
    gaps: tuple[float, float] = (0.1, 0.1)
    projection: str | None = None

    @property
    def rows(self) -> int:
        return -(-self.count // self.columns)

    @property
    def panel(self) -> tuple[float, float]:
        """Width and height of a panel."""
        left, right, _, _ = self.margins
        wide = (self.width - left - right - self.gaps[0] * (self.columns - 1)) / self.columns
        return wide, wide * self.ratio if self.height is None else self.height


def page(
    layout: Layout, *, title: str = "", caption: str = "", keys: Sequence[Artist] = ()
) -> tuple[Figure, list[Axes]]:
    """A figure and its panels, row by row.

    title: above all panels. caption: below them, how to read the figure. keys: what the marks mean, above the caption.

    InputError: a width out of range, or too narrow for the panels.
    """
    width, (wide, high), (left, _, above, below) = layout.width, layout.panel, layout.margins
    if not NARROWEST <= width <= WIDEST:
        raise InputError(f"width must lie between {NARROWEST:g} and {WIDEST:g} inches, not {width}")
    if wide <= 0:
        columns = layout.columns
        raise InputError(f"a width of {width} inches has no room for {columns} panels side by side; expected more")
    title = wrap(title, LARGE, width - 2 * EDGE, most=3)
    caption = wrap(caption, SMALL, width - 2 * EDGE)
    for key in keys:
        key.set_label(wrap(str(key.get_label()), NORMAL, width - 0.5))
    columns_of_keys, lines_of_keys = _arrange([str(key.get_label()) for key in keys], width - 2 * EDGE)
    top = EDGE + _lines_high(title, LARGE) + above
    foot = _lines_high(caption, SMALL) + EDGE
    keys_high = lines_of_keys * NORMAL * 1.45 / 72 + (0.05 if keys else 0)
    bottom = below + keys_high + foot
    total = top + layout.rows * high + (layout.rows - 1) * layout.gaps[1] + bottom

    figure = new_figure(width, total)
    panels = []
    for number in range(layout.count):
        row, column = divmod(number, layout.columns)
        x = left + column * (wide + layout.gaps[0])
        y = total - top - row * (high + layout.gaps[1]) - high
        box = (x / width, y / total, wide / width, high / total)
        panels.append(figure.add_axes(box, projection=layout.projection))
    if title:
        at = {"x": EDGE / width, "y": 1 - EDGE / total, "ha": "left", "va": "top"}
        figure.suptitle(title, fontsize=LARGE, color=INK, linespacing=1.15, **at)
    if caption:
        figure.text(EDGE / width, EDGE / total, caption, fontsize=SMALL, color=FAINT, va="bottom", linespacing=1.15)
    if keys:
        _draw_keys(figure, keys, (EDGE / width, foot / total), columns_of_keys)
    return figure, panels


def _draw_keys(figure: Figure, keys: Sequence[Artist], corner: tuple[float, float], columns: int) -> None:
    spaces: dict[str, Any] = {"handlelength": 1.6, "handletextpad": 0.5, "columnspacing": 1.4, "labelspacing": 0.3}
    spaces |= {"borderpad": 0, "borderaxespad": 0, "frameon": False, "fontsize": NORMAL}
    figure.legend(handles=list(keys), loc="lower left", bbox_to_anchor=corner, ncols=columns, **spaces)


def heading(axes: Axes, name: str, note: str = "") -> None:
    """Write the name of a panel above it, and below the name a smaller note."""
    axes.set_title(name, fontsize=NORMAL, pad=4 + (note.count("\n") + 1) * SMALL * LEADING if note else 4)
    if note:
        where: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "annotation_clip": False}
        axes.annotate(note, (0.5, 1), (0, 3.5), ha="center", va="bottom", fontsize=SMALL, color=FAINT, **where)


def name_axes(axes: Axes, across: str, up: str, first: bool) -> None:
    """Write the names of both axes. Only the first panel of a row has a name and numbers of the vertical axis."""
    axes.set_xlabel(across, fontsize=SMALL)
    if first:
        axes.set_ylabel(up, fontsize=SMALL)
    else:
        axes.set_yticklabels([])


def columns_for(count: int, width: float, narrowest: float = 2.1) -> int:
    """The number of columns for so many panels: none is narrower than `narrowest`, and rows are equally long."""
    most = max(1, min(count, int(width / narrowest)))
    return -(-count // -(-count // most))


def query_and_key() -> list[Line2D]:
    """What the marks of queries and keys mean, for the key of a figure."""
    return [dot(QUERY, QUERY_MARK, "query"), dot(KEY, KEY_MARK, "key")]


def dot(color: Any, marker: str, label: str) -> Line2D:
    return Line2D([], [], color=color, marker=marker, ls="", ms=3.5, mew=0, label=label)


def wrap(text: str, size: float, width: float, most: int | None = None) -> str:
    """The text in lines of at most `width` inches, broken between words, or inside a word that is wider than a line.

    No line begins with "…".

    If there are more than `most` lines, the others are left out and the last one ends in "…".
    """
    lines: list[str] = []
    for paragraph in text.split("\n") if text else []:
        line = ""
        for word in re.split(" (?!…)", paragraph):
            longer = f"{line} {word}" if line else word
            if wide(longer, size) <= width:
                line = longer
                continue
            if line:
                lines.append(line)
            while wide(word, size) > width and len(word) > 1:
                fits = max(1, sum(wide(word[:n], size) <= width for n in range(1, len(word) + 1)))
                lines.append(word[:fits])
                word = word[fits:]
            line = word
        lines.append(line)
    if most is not None and len(lines) > most:
        last = lines[most - 1].split(" ")
        while len(last) > 1 and wide(" ".join(last) + " …", size) > width:
            last.pop()
        lines = [*lines[: most - 1], " ".join(last) + " …"]
    return "\n".join(lines)


def wrap_evenly(text: str, size: float, width: float) -> str:
    """The text in as few lines as `wrap` needs, but of nearly equal length."""
    result = []
    for paragraph in text.split("\n"):
        best = wrap(paragraph, size, width)
        for part in np.linspace(0.95, 0.5, 10):
            lines = wrap(paragraph, size, part * width)
            if lines.count("\n") > best.count("\n"):
                break
            best = lines
        result.append(best)
    return "\n".join(result)


@functools.lru_cache(4096)
def wide(text: str, size: float) -> float:
    """The width of a line of text in inches."""
    with house_style():
        line = Text(0, 0, text, fontsize=size)
        line.set_figure(_scratch())
        return float(line.get_window_extent(renderer_of(_scratch())).width / 72)


@functools.cache
def _scratch() -> Figure:
    figure = new_figure(1, 1)
    figure.set_dpi(72)
    return figure


def renderer_of(figure: Any) -> RendererBase:
    """The renderer of a figure made by `new_figure`, which has an Agg canvas."""
    renderer: RendererBase = figure.canvas.get_renderer()
    return renderer


def size_of(axes: Axes) -> np.ndarray:
    """Width and height of axes in inches."""
    figure: Any = axes.figure
    return np.array(figure.get_size_inches() * axes.get_position().size)


def _lines_high(text: str, size: float) -> float:
    return (text.count("\n") + 1) * size * LEADING / 72 + 0.04 if text else 0


def _arrange(labels: list[str], width: float) -> tuple[int, int]:
    """The number of columns in which keys with these labels fit into the fewest lines, and the number of lines.

    The lines are as even as possible.
    """
    widths = [wide(label, NORMAL) + (1.6 + 0.5 + 1.4) * NORMAL / 72 for label in labels]
    for lines in range(1, len(widths)):
        columns = -(-len(widths) // lines)
        high, more = divmod(len(widths), columns)
        starts = np.cumsum([0] + [high + (column < more) for column in range(columns)])
        if sum(max(widths[a:b]) for a, b in itertools.pairwise(starts)) <= width:
            return columns, high + (more > 0)
    return 1, sum(label.count("\n") + 1 for label in labels)


def colorbar(
    image: ScalarMappable, of: Axes, label: str = "", *, up_to: Axes | None = None, horizontal: bool = False
) -> None:
    """A colorbar to the right of a panel, as high as it or up to another panel; or horizontal below it, as wide."""
    figure: Any = of.figure
    a, b = of.get_position(), (up_to or of).get_position()
    across, down = 1 / figure.get_figwidth(), 1 / figure.get_figheight()
    if horizontal:
        box = (a.x0, a.y0 - 0.1 * down, b.x1 - a.x0, 0.06 * down)
    else:
        box = (a.x1 + 0.07 * across, a.y0, 0.07 * across, b.y1 - a.y0)
    long = (b.x1 - a.x0) / across / 0.4 if horizontal else (b.y1 - a.y0) / down / 0.2
    ticks = MaxNLocator(int(np.clip(long, 2, 5)), steps=[1, 2, 5, 10])  # few, and short: the margin is small
    where = "horizontal" if horizontal else "vertical"
    bar = figure.colorbar(image, cax=figure.add_axes(box), orientation=where, ticks=ticks, format=_short_number)
    bar.set_label(label, fontsize=SMALL, labelpad=1.5)
    bar.ax.tick_params(labelsize=SMALL)
    bar.outline.set_linewidth(0.4)


@FuncFormatter
def _short_number(value: float, _: int) -> str:
    return f"{value:z.3g}".replace("-", "−")


def save(figure: Figure, path: str | Path) -> Path:
    """Write a figure as png, svg or pdf, by the ending of `path`. Parent folders are made.

    The file is written completely or not at all, see `viz.files.whole_file`. The same figure gives the same bytes.

    ValueError: another ending. OSError: the file cannot be written.
    """
    path = Path(path)
    ending = path.suffix.removeprefix(".").lower()
    if ending not in FORMATS:
        raise ValueError(f"{path}: pictures are written as {', '.join(FORMATS)}, not as {path.suffix or 'no ending'}")
    with whole_file(path) as beside, house_style():
        figure.savefig(beside, format=ending, metadata=UNDATED[ending])
    return path


def equal_axes(axes: Axes, points: np.ndarray, margin: float = 0.12) -> None:
    """Set limits around points [N, 2] such that one unit has the same length on both axes."""
    low, high = points.min(axis=0), points.max(axis=0)
    width, height = size_of(axes)
    unit = max((high[0] - low[0]) / width, (high[1] - low[1]) / height, 1e-6) * (1 + 2 * margin)
    x, y = (low + high) / 2
    axes.set_xlim(x - unit * width / 2, x + unit * width / 2)
    axes.set_ylim(y - unit * height / 2, y + unit * height / 2)
    axes.set_aspect("equal")

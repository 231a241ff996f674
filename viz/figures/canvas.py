"""Paper and pens: a page with panels, a title, keys and a line that says how to read it; axes, colour bars, saving."""

import functools
import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from viz.errors import InputError
from viz.figures.style import FAINT, INK, KEY, KEY_MARK, LARGE, NORMAL, QUERY, QUERY_MARK, SMALL, WIDTH, house_style
from viz.figures.style import new_figure as new_figure
from viz.files import whole_file

FORMATS = ("png", "svg", "pdf")
UNDATED = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
EDGE = 0.06  # inches of white around everything
LEADING = 1.3  # of a line of text, as a multiple of its size
NARROWEST, WIDEST = 2.0, 20.0  # inches


def page(
    rows: int,
    columns: int,
    *,
    width: float = WIDTH,
    title: str = "",
    caption: str = "",
    keys: Sequence[Artist] = (),
    ratio: float = 1.0,
    height: float | None = None,
    left: float = 0.4,
    right: float = 0.1,
    above: float = 0.2,
    below: float = 0.35,
    gaps: tuple[float, float] = (0.1, 0.1),
    projection: str | None = None,
) -> tuple[Figure, np.ndarray]:
    """A figure with a grid of panels, and the panels, [rows, columns]. All lengths in inches.

    width: of the figure; its height follows. title: over all; caption: under all, how to read it; keys: what the marks
    mean, above the caption. ratio: height of a panel per width, unless its height is given. left, right, above, below:
    room around the grid; gaps: between panels, across and down.

    ValueError: a width out of range.
    """
    if not NARROWEST <= width <= WIDEST:
        raise InputError(f"width must lie between {NARROWEST:g} and {WIDEST:g} inches, not {width}")
    panel = (width - left - right - gaps[0] * (columns - 1)) / columns
    if panel <= 0:
        raise InputError(f"a width of {width} inches has no room for {columns} panels side by side; expected more")
    height = panel * ratio if height is None else height
    titled = wrap(title, LARGE, width - 2 * EDGE, most=3)
    captioned = wrap(caption, SMALL, width - 2 * EDGE)
    for key in keys:
        key.set_label(wrap(key.get_label(), NORMAL, width - 0.5))
    columns_of_keys, lines_of_keys = _arrange([key.get_label() for key in keys], width - 2 * EDGE)
    top = EDGE + _lines_high(titled, LARGE) + above
    foot = _lines_high(captioned, SMALL) + EDGE
    keys_high = lines_of_keys * NORMAL * 1.45 / 72 + (0.05 if keys else 0)
    bottom = below + keys_high + foot
    total = top + rows * height + (rows - 1) * gaps[1] + bottom

    figure = new_figure(width, total)
    grid = np.empty((rows, columns), object)
    for row, column in np.ndindex(rows, columns):
        x, y = left + column * (panel + gaps[0]), total - top - row * (height + gaps[1]) - height
        box = (x / width, y / total, panel / width, height / total)
        grid[row, column] = figure.add_axes(box, projection=projection)
    if titled:
        at = {"x": EDGE / width, "y": 1 - EDGE / total, "ha": "left", "va": "top"}
        figure.suptitle(titled, fontsize=LARGE, color=INK, linespacing=1.15, **at)
    if captioned:
        figure.text(EDGE / width, EDGE / total, captioned, fontsize=SMALL, color=FAINT, va="bottom", linespacing=1.15)
    if keys:
        figure.legend(
            handles=list(keys),
            loc="lower left",
            bbox_to_anchor=(EDGE / width, foot / total),
            ncols=columns_of_keys,
            fontsize=NORMAL,
            frameon=False,
            handlelength=1.6,
            handletextpad=0.5,
            columnspacing=1.4,
            borderpad=0,
            borderaxespad=0,
            labelspacing=0.3,
        )
    return figure, grid


def heading(axes: Axes, name: str, note: str = "") -> None:
    """What stands over a panel: its name, and under it a smaller note."""
    axes.set_title(name, fontsize=NORMAL, pad=4 + (note.count("\n") + 1) * SMALL * LEADING if note else 4)
    if note:
        where = {"xycoords": "axes fraction", "textcoords": "offset points", "annotation_clip": False}
        axes.annotate(note, (0.5, 1), (0, 3.5), ha="center", va="bottom", fontsize=SMALL, color=FAINT, **where)


def columns_for(count: int, width: float, narrowest: float = 2.1) -> int:
    """How many panels stand side by side, none narrower than this, rows as equal as can be."""
    most = max(1, min(count, int(width / narrowest)))
    return -(-count // -(-count // most))


def query_and_key() -> list[Line2D]:
    """The keys for the marks of queries and keys."""
    return [dot(QUERY, QUERY_MARK, "query"), dot(KEY, KEY_MARK, "key")]


def dot(color, marker: str, label: str) -> Line2D:
    return Line2D([], [], color=color, marker=marker, ls="", ms=3.5, mew=0, label=label)


def says(text: str) -> Line2D:
    """A key without a mark."""
    return Line2D([], [], ls="", label=text)


def wrap(text: str, size: float, width: float, most: int | None = None) -> str:
    """The text in lines no wider than so many inches, broken between words, or within one that is wider than a line.
    No more than `most` lines: the last ends in "…" where there were more."""
    lines = []
    for paragraph in text.split("\n") if text else []:
        line = ""
        for word in paragraph.split(" "):
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
    """The text in as few lines, none much shorter than the others: no last line of one word."""
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
    """Inches that a line of text takes."""
    with house_style():
        line = Text(0, 0, text, fontsize=size)
        line.set_figure(_scratch())
        return line.get_window_extent(_scratch().canvas.get_renderer()).width / 72


@functools.cache
def _scratch():
    figure = new_figure(1, 1)
    figure.set_dpi(72)
    return figure


def _lines_high(text, size):
    return (text.count("\n") + 1) * size * LEADING / 72 + 0.04 if text else 0


def _arrange(labels, width):
    """In how many columns, and so lines, keys with these labels fit."""
    widths = [wide(label, NORMAL) + (1.6 + 0.5 + 1.4) * NORMAL / 72 for label in labels]
    for columns in range(len(widths), 1, -1):
        high, more = divmod(len(widths), columns)
        starts = np.cumsum([0] + [high + (column < more) for column in range(columns)])
        if sum(max(widths[a:b]) for a, b in itertools.pairwise(starts)) <= width:
            return columns, high + (more > 0)
    return 1, sum(label.count("\n") + 1 for label in labels)


def colour_bar(
    figure: Figure,
    image,
    of: Axes,
    label: str = "",
    *,
    up_to: Axes | None = None,
    lying: bool = False,
) -> None:
    """A colour bar to the right of a panel, as high as it or up to another; or lying under it, as wide."""
    a, b = of.get_position(), (up_to or of).get_position()
    across, down = 1 / figure.get_figwidth(), 1 / figure.get_figheight()
    if lying:
        box = (a.x0, a.y0 - 0.1 * down, b.x1 - a.x0, 0.06 * down)
    else:
        box = (a.x1 + 0.07 * across, a.y0, 0.07 * across, b.y1 - a.y0)
    bar = figure.colorbar(image, cax=figure.add_axes(box), orientation="horizontal" if lying else "vertical")
    bar.set_label(label, fontsize=SMALL, labelpad=1.5)
    bar.ax.tick_params(labelsize=SMALL)
    bar.outline.set_linewidth(0.4)


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

"""A tree of sums as a picture: every number is written, lines lead from sums to their parts, nothing collides."""

import itertools

import numpy as np
import pytest
from matplotlib.patches import Rectangle
from matplotlib.text import Text

import viz
from viz.errors import InputError

ROWS = [
    viz.Branch(0, "boat", 4.0, ("0.590", "")),
    viz.Branch(1, "head 3.2", 3.0, ("0.187", "")),
    viz.Branch(2, "“an unquestionable incomprehensibility” (2)", 3.5, ("0.2", "-0.88")),
    viz.Branch(2, "12 others", -0.5, ("", "")),
    viz.Branch(1, "biases", 1.0, ("", "")),
]
COLUMNS = ("guess without it", "attention")


def written(figure):
    return {text.get_text(): text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()}


@pytest.mark.parametrize("width", [3.7, 7, 12])
def test_every_number_is_written_and_nothing_collides(width):
    deep = [viz.Branch(depth, f"feed-forward {depth}", 1 / depth, ("", "0.5")) for depth in range(1, 12)]
    caption = "Each number is the sum of those below it. " * 4
    figure = viz.tree_figure([*ROWS, *deep], COLUMNS, unit="lead", title="a model", caption=caption, width=width)
    figure.draw_without_rendering()
    texts = written(figure)
    for said in ("boat", "+4.00", "−0.50", "0.590", "−0.88", "lead", "guess\nwithout it", "attention", "12 others"):
        assert said in texts, said
    boxes = [(said, text.get_window_extent()) for said, text in texts.items()]
    wide, high = figure.canvas.get_width_height()
    for said, box in boxes:
        assert box.x0 >= -1 and box.y0 >= -1 and box.x1 <= wide + 1 and box.y1 <= high + 1, said
    for (one, a), (other, b) in itertools.combinations(boxes, 2):
        assert not a.overlaps(b), (one, other)


def test_a_number_a_bar_and_a_line_say_the_same():
    figure = viz.tree_figure(ROWS, COLUMNS)
    (axes,) = figure.axes
    bars = [patch for patch in axes.patches if isinstance(patch, Rectangle) and abs(patch.get_height() - 0.55) < 1e-9]
    widths = np.array([bar.get_width() for bar in bars])
    np.testing.assert_allclose(widths / widths[0], [row.value / 4 for row in ROWS])
    lines = {(line.get_ydata()[0], line.get_ydata()[-1]): line for line in axes.lines if len(line.get_xdata()) == 3}
    parts = {1: 0, 2: 1, 3: 1, 4: 0}  # row -> the row that it is a part of
    assert {(round(start - 0.4), end) for start, end in lines} == {(whole, part) for part, whole in parts.items()}
    by_row = {end: line for (_, end), line in lines.items()}
    assert by_row[2].get_linewidth() > by_row[1].get_linewidth() > by_row[4].get_linewidth() > by_row[3].get_linewidth()
    assert by_row[3].get_color() == bars[3].get_facecolor() != by_row[1].get_color() == bars[1].get_facecolor()


def test_what_cannot_be_drawn_is_named():
    for rows in ([], ROWS[1:], [*ROWS, ROWS[0]]):
        with pytest.raises(InputError, match="the first, and no other, has depth 0"):
            viz.tree_figure(rows)
    with pytest.raises(InputError, match=r"width is 3 inches; expected at least 3\.6"):
        viz.tree_figure(ROWS, COLUMNS, width=3)

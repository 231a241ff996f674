"""What heads are made of, as maps of parts, and which head feeds which, as a graph."""

import numpy as np
import pytest
from matplotlib.patches import FancyArrowPatch
from matplotlib.text import Text

import viz
from viz import Arrow
from viz.errors import InputError

ARROWS = [
    Arrow((0, 1), (1, 0), "query", 0.1),
    Arrow((0, 1), (1, 0), "key", 0.3),
    Arrow((0, 1), (2, 1), "value", 0.2),
]


def texts(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def test_an_arrow_is_as_wide_as_its_share_and_looks_as_its_side(tmp_path):
    figure = viz.circuit_figure(ARROWS, range(3), range(2), title="tiny", caption="Each node is a head.")
    by_width = sorted(figure.findobj(FancyArrowPatch), key=lambda patch: patch.get_linewidth())
    assert len(by_width) == 3
    np.testing.assert_allclose(np.diff([patch.get_linewidth() for patch in by_width]), 0.6)
    assert len({patch.get_edgecolor() for patch in by_width}) == len({str(p.get_linestyle()) for p in by_width}) == 3
    query, value, key = by_width  # from the narrowest
    lines = {line.get_label(): line for line in figure.legends[0].get_lines()}
    for side, patch in (("query", query), ("key", key), ("value", value)):
        color = lines[f"feeds the {side}"].get_color()
        assert np.allclose(patch.get_edgecolor()[:3], viz.figures.style.matplotlib.colors.to_rgb(color))
    assert {"0.10", "0.30", "0.20", "tiny", "Each node is a head.", "0.1", "1.0", "2.1", "layer 2"} <= set(
        texts(figure)
    )
    assert viz.save(figure, tmp_path / "graph.pdf").stat().st_size > 1000


def test_a_pale_arrow_is_paler():
    figure = viz.circuit_figure([ARROWS[0], ARROWS[1]._replace(pale=True)], range(3), range(2))
    strong, pale = sorted(figure.findobj(FancyArrowPatch), key=lambda patch: patch.get_linewidth())
    assert pale.get_alpha() < 0.5 < strong.get_alpha()


def test_arrows_start_at_the_earlier_head_and_end_at_the_later():
    figure = viz.circuit_figure(ARROWS[:1], range(3), range(2))
    (axes,) = figure.axes
    (patch,) = axes.findobj(FancyArrowPatch)
    assert patch._posA_posB == [(1, 0), (0, 1)]  # head 1 of the lowest row, head 0 of the row above


def test_numbers_of_arrows_do_not_cover_each_other():
    many = [Arrow((0, i), (1, j), side, 0.1) for i in range(2) for j in range(2) for side in ("query", "key", "value")]
    figure = viz.circuit_figure(many, range(2), range(2))
    boxes = [text.get_window_extent() for text in figure.findobj(Text) if text.get_text() == "0.10"]
    assert len(boxes) == 12
    overlaps = [a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i]]
    assert sum(overlaps) == 0


@pytest.mark.parametrize(
    "arrow",
    [
        Arrow((0, 5), (1, 0), "key", 0.1),
        Arrow((1, 0), (1, 1), "key", 0.1),
        Arrow((1, 0), (0, 1), "key", 0.1),
        Arrow((0, 0), (1, 1), "score", 0.1),
    ],
)
def test_an_arrow_that_cannot_be_drawn_is_named(arrow):
    with pytest.raises(InputError, match="does not lead from a head to one of a later layer"):
        viz.circuit_figure([arrow], range(2), range(2))


def test_a_graph_without_arrows_shows_the_heads():
    assert {"0.0", "1.2"} <= set(texts(viz.circuit_figure([], range(2), range(3))))


def test_a_map_of_parts_has_each_number_in_its_cell():
    values = np.array([[5.2, np.nan], [0.4, -1.1]])
    grey = np.array([[False, False], [True, False]])
    names = ["position", "word"], ["position", "head 0.3"]
    checks = np.array([[0.28, np.nan], [0.9, 0.95]])
    figure = viz.parts_figure(values, *names, checks=checks, grey=grey, caption="Grey: none.")
    axes, bar = figure.axes
    shown = {text.get_text(): text for text in axes.texts}
    assert set(shown) == {"5.2", ".40", "−1.1", ".28", ".90", ".95"}
    for number, below, place in (("5.2", ".28", (0, 0)), (".40", ".90", (0, 1)), ("−1.1", ".95", (1, 1))):
        assert shown[number].xy == shown[below].xy == place
        assert shown[below].get_fontsize() < shown[number].get_fontsize()
        assert shown[number].get_window_extent().y0 > shown[below].get_window_extent().y0
    assert shown[".40"].get_color() == viz.figures.style.FAINT
    colored = axes.images[0].get_array()
    np.testing.assert_array_equal(np.ma.getmaskarray(np.ma.masked_invalid(colored)), [[False, True], [True, False]])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["position", "word"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["position", "head 0.3"]
    assert (axes.get_ylabel(), axes.get_xlabel(), bar.get_ylabel()) == ("part of the query", "part of the key", "score")
    assert "Grey: none." in texts(figure)


def test_a_grid_of_maps_shows_grey_apart():
    shares = np.full((2, 3, 2, 2), np.nan)
    shares[1, 2] = [[0.9, -0.2], [0.3, np.nan]]
    grey = np.zeros(shares.shape, bool)
    grey[1, 2, 1, 0] = True
    figure = viz.parts_grid_figure(shares, range(2), range(3), ["word", "biases"], grey=grey)
    pale, colored = figure.axes[5].images
    np.testing.assert_allclose(np.ma.filled(colored.get_array(), np.nan), [[0.9, -0.2], [np.nan, np.nan]])
    np.testing.assert_allclose(np.ma.filled(pale.get_array(), np.nan), [[np.nan, np.nan], [0.3, np.nan]])
    assert {"layer 1", "head 2", "share of the lead", "w", "b"} <= set(texts(figure))


def test_values_that_are_not_of_the_parts_are_named():
    with pytest.raises(InputError, match=r"values are \[1, 2\]; expected \[1, 1\]"):
        viz.parts_figure(np.zeros((1, 2)), ["word"], ["word"])
    with pytest.raises(InputError, match=r"shares are \[1, 1, 2, 2\]; expected \[1, 1, 1, 1\]"):
        viz.parts_grid_figure(np.zeros((1, 1, 2, 2)), [0], [0], ["word"], grey=np.zeros((1, 1, 2, 2), bool))

"""Every figure is drawn: it opens, has the size and the labels it should, and nothing in it collides."""

import dataclasses
import io
import itertools
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from fontTools.ttLib import TTFont
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from mpl_toolkits.mplot3d.art3d import Line3DCollection
from PIL import Image

import viz
from tests.viz.test_normalize import attention_of
from viz.figures import canvas, joint, style
from viz.figures.grid import Grid, grid_page
from viz.figures.label_placement import place_labels
from viz.geometry import scale
from viz.geometry.scale import closeness, near_distance
from viz.measures.correlation import correlation

GRIDS = [(4, 4), (3, 12)]
TOKENS = ["[CLS]", "it", "costs", "$5", "and", "$6", "_^{", "[SEP]"]


def heads(*shape, tokens=8, size=8):
    rng = np.random.default_rng(0)
    query, key = rng.normal(size=(2, *shape, tokens, size)).astype(np.float32)
    return query, key, attention_of(query, key, size)


def texts(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def drawn(figure):
    """The pixels, after checking that there are as many as the figure says."""
    image = Image.open(io.BytesIO(png(figure)))
    np.testing.assert_allclose(image.size, figure.get_size_inches() * 75, atol=1)
    pixels = np.asarray(image.convert("RGB"))
    assert pixels.std() > 5
    return pixels


def png(figure):
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=75)
    return file.getvalue()


@pytest.fixture(scope="module")
def panels():
    query, key, attention = heads()
    return [viz.normalize(query, key, method=method) for method in ("raw", "paper", "exact")], attention


@pytest.mark.parametrize("dims", [2, 3])
def test_joint_figure(dims):
    query, key, attention = heads()
    panels = [viz.normalize(query, key, method=m, components=dims) for m in ("raw", "paper", "exact")]
    lines = viz.choose_lines(attention)
    words = viz.find_words(TOKENS, [None, 0, 1, 2, 3, 4, 5, None])
    link = viz.link_words(words, "COSTS", "$5", attention)
    figure = viz.joint_figure(panels, TOKENS, [lines] * 3, link, title="costs $5 or $6", notes=["a", "b", "c"])
    drawn(figure)
    assert len(figure.axes) == 3
    for axes, panel, note in zip(figure.axes, panels, "abc", strict=True):
        assert axes.get_title() == panel.title
        share = panel.plane.explained_variance_ratio[0]
        of_what = " of variance" if dims == 2 else ""
        assert axes.get_xlabel() == f"component 1 ({share:.0%}{of_what})"
        labels = [text.get_text() for text in axes.texts]
        assert sorted(labels) == sorted([*2 * TOKENS, note])  # a label for each query and each key
    red = f"COSTS → $5, attention {attention[2, 3]:.2f}"
    for wanted in ("query", "key", "each query's most attended key", red, "costs $5 or $6", "attention 0.9"):
        assert wanted in texts(figure)


def test_the_plane_has_equal_units_and_the_lines_end_where_they_should(panels):
    ways, attention = panels
    lines = viz.choose_lines(attention, top=5)
    figure = viz.joint_figure(ways, TOKENS, [lines] * 3)
    for axes, way in zip(figure.axes, ways, strict=True):
        box = axes.get_window_extent()
        across, up = np.ptp(axes.get_xlim()) / box.width, np.ptp(axes.get_ylim()) / box.height
        assert across == pytest.approx(up, rel=1e-6)
        collection = next(c for c in axes.collections if isinstance(c, LineCollection))
        query, key = way.plane.project(way.query), way.plane.project(way.key)
        for segment, i, j in zip(collection.get_segments(), lines.query, lines.key, strict=True):
            np.testing.assert_allclose(segment, [query[i], key[j]])
        widths = collection.get_linewidths()
        assert (np.diff(widths) >= 0).all() and widths[-1] == pytest.approx(0.25 + 2.5 * attention.max())


def test_labels_do_not_collide():
    """Forty crowded points: no two texts overlap, none leaves the axes."""
    figure = canvas.new_figure(6, 6)
    axes = figure.add_axes((0.1, 0.1, 0.8, 0.8))
    points = np.random.default_rng(1).normal(size=(40, 2)) * [1, 0.6]
    canvas.equal_axes(axes, points)
    axes.scatter(*points.T)
    place_labels(axes, points, [f"word{i}" for i in range(40)], ["black"] * 40)
    figure.draw_without_rendering()
    # an annotation's own extent includes its leader line; the text alone is what must not be covered
    boxes = [Text.get_window_extent(text) for text in axes.texts]
    frame = axes.get_window_extent()
    for number, box in enumerate(boxes):
        assert frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
        assert not any(box.overlaps(other) for other in boxes[number + 1 :])


def test_labels_keep_off_lines_where_there_is_room():
    """A line runs through the place where a label goes first, to the right of its point."""
    figure = canvas.new_figure(4, 4)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-1, 1), ylim=(-1, 1))
    line = np.array([[[0, 0], [1, 0]]])
    place_labels(axes, line[0, :1], ["label"], ["black"], lines=line)
    place_labels(axes, line[0, :1], ["label"], ["black"])
    figure.draw_without_rendering()
    off, on = (Text.get_window_extent(text) for text in axes.texts)
    height = axes.transData.transform((0, 0))[1]
    assert on.y0 < height < on.y1 and not off.y0 < height < off.y1


def test_many_tokens_get_labels_at_the_strongest_lines_only():
    query, key, attention = heads(tokens=200)
    n = viz.normalize(query, key)
    figure = viz.joint_figure([n], [f"t{i}" for i in range(200)], [viz.choose_lines(attention)])
    order = np.argsort(attention.max(axis=-1))[::-1]
    keys = list(dict.fromkeys(attention[order].argmax(axis=-1)))
    for color, expected in ((style.QUERY, order[:20]), (style.KEY, keys[:20])):
        labels = [text.get_text() for text in figure.axes[0].texts if text.get_color() == color]
        assert sorted(labels) == sorted(f"t{i}" for i in expected)
    same = viz.joint_figure([n], ["the"] * 200, [viz.choose_lines(attention)])
    assert [text.get_text() for text in same.axes[0].texts] == ["the", "the"]  # one query, one key: no text twice


def test_distance_figure_says_what_it_shows(panels):
    ways, attention = panels
    link = viz.link_words(viz.find_words(TOKENS, range(8)), "costs", "$5", attention)
    figure = viz.distance_figure(ways, attention, link=link, title="model, layer 0, head 0")
    drawn(figure)
    for axes, way in zip(figure.axes, ways, strict=False):
        distance = np.linalg.norm(way.query[:, None] - way.key, axis=-1)
        points = axes.collections[0].get_offsets()
        assert len(points) == 64
        np.testing.assert_allclose(sorted(points[:, 0]), sorted(distance.ravel()), rtol=1e-5)
        r = np.corrcoef(distance.ravel(), (way.query @ way.key.T).ravel())[0, 1]
        weight = closeness(distance.ravel(), near_distance(distance.ravel()))
        weighted = correlation(distance.ravel(), (way.query @ way.key.T).ravel(), weight)
        close = (weight > 0).sum()
        attended = correlation(distance.ravel(), (way.query @ way.key.T).ravel(), np.ravel(attention))
        weights = f"weighted by attention {attended:.2f}, by closeness {weighted:.2f} ({close} close pairs)"
        said = f"r = {r:.2f}; {weights}".replace("-", "−")
        assert said in [text.get_text().replace("\n", " ") for text in axes.texts]
        for line, weights in zip(axes.lines, (np.ones_like(weight), weight), strict=True):
            slope, height = np.polyfit(
                *(x.ravel().astype(float) for x in (distance, way.query @ way.key.T)),
                1,
                w=np.sqrt(weights.astype(float)),
            )
            np.testing.assert_allclose(line.get_ydata(), slope * line.get_xdata() + height, rtol=1e-3, atol=1e-3)
        assert axes.get_ylim() == figure.axes[0].get_ylim()  # so that heights can be compared
        assert axes.get_xlabel() == "distance of query and key"
    assert {"attention", "least squares", "weighted by closeness", "costs → $5"} <= set(texts(figure))


def test_attention_figures(panels):
    _, attention = panels
    figure = viz.attention_figure([attention, attention[:4, :4]], [TOKENS, TOKENS[:4]], title="t")
    drawn(figure)
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == TOKENS
    assert [label.get_text() for label in figure.axes[1].get_yticklabels()] == TOKENS[:4]
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), attention)
    figure = viz.attention_pair_figure(attention, attention.T, TOKENS, names=["before", "after"])
    drawn(figure)
    np.testing.assert_allclose(figure.axes[2].images[0].get_array(), attention.T - attention)
    low, high = figure.axes[2].images[0].get_clim()
    assert low == -high


def test_search_figure_tells_flat_and_edge(panels):
    query, key, _ = heads(2, 3)
    searches = [viz.normalize(query, key, method="paper", distance=d).search for d in ("euclidean", "cosine")]
    figure = viz.search_figure(searches, title="t")
    drawn(figure)
    assert "of 6 heads 6 flat, 0 at the edge" in texts(figure)
    assert len(figure.axes[0].collections[0].get_segments()) == 6
    for tick, label in zip(figure.axes[0].get_xticks(), figure.axes[0].get_xticklabels(), strict=True):
        assert label.get_text() == f"{tick:g}"
    marks = {
        (x, y)
        for line in figure.axes[0].lines
        for x, y in zip(*line.get_data(), strict=True)
        if line.get_marker() in "o^x"
    }
    curves, best = searches[0].curve.reshape(6, -1), searches[0].best.ravel()
    for curve, c in zip(curves, best, strict=True):
        assert (c, curve[np.argmin(abs(searches[0].scales - c))]) in marks
    assert "flat, so nothing to choose: c = 1" in texts(figure)


@pytest.mark.parametrize("grid", GRIDS)
def test_sheets_at_every_size(grid):
    query, key, attention = heads(*grid)
    layers, columns = (range(size) for size in grid)
    n = viz.normalize(query, key, scale=1, scope="model")
    lines = {place: viz.choose_lines(attention[place]) for place in np.ndindex(grid)}
    habits = viz.habits(attention, TOKENS)
    found = viz.measure(n, attention)
    for figure in (
        viz.matrix_figure(n, layers, columns, lines, title="a title"),
        viz.attention_sheet(attention, layers, columns, title="a title"),
        viz.positions_figure(habits.by_offset, layers, columns, title="a title"),
    ):
        drawn(figure)
        assert len(figure.axes) >= grid[0] * grid[1]
        assert {"a title", "layer 0", f"layer {grid[0] - 1}", f"head {grid[1] - 1}"} <= set(texts(figure))
        widths = [axes.get_window_extent().width for axes in figure.axes[: grid[0] * grid[1]]]
        assert min(widths) / figure.dpi > 0.45  # inches: small, but not too small to see
    maps = {"nearest@1": found.plane.nearest1, "rank": found.plane.rank_correlation}
    figure = viz.heatmap_figure(maps, layers, columns, limits={"rank": (-1, 1)}, title="a title")
    drawn(figure)
    assert f"nearest@1\nmean {found.plane.nearest1.mean():.2f}" in texts(figure)
    assert len(figure.axes[0].texts) == (grid[0] * grid[1] if grid[1] <= 12 else 0)
    figure = viz.layers_figure(n, layers, title="a title")
    drawn(figure)
    assert {"layer", "query", "key"} <= set(texts(figure))
    bar = figure.axes[-1]
    assert [label.get_text() for label in bar.get_yticklabels()] == list(map(str, layers or range(grid[0])))
    tints = style.LAYERS(np.linspace(0, 1, 50))[:, :3]
    for other in (style.QUERY, style.KEY):  # a color that means query or key means no layer
        assert np.abs(tints - to_rgb(other)).max(axis=1).min() > 0.15


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_save_makes_folders_and_the_same_bytes_every_time(tmp_path, panels, ending):
    ways, attention = panels
    files = []
    for name in ("one", "other"):
        figure = viz.joint_figure(ways[:1], TOKENS, [viz.choose_lines(attention)], title="costs $5 and $6 日本")
        files.append(viz.save(figure, tmp_path / name / f"deep.{ending}"))
    one, other = (file.read_bytes() for file in files)
    assert one == other
    assert one.startswith({"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[ending])
    assert sorted(path.name for path in files[0].parent.iterdir()) == [f"deep.{ending}"]


def test_save_refuses_other_endings_and_leaves_nothing_half_written(tmp_path, monkeypatch):
    figure = canvas.new_figure(1, 1)
    for name in ("a.jpg", "a"):
        with pytest.raises(ValueError, match="png, svg, pdf"):
            viz.save(figure, tmp_path / name)
    (tmp_path / "old.png").write_bytes(b"old")
    monkeypatch.setattr(figure, "savefig", lambda *a, **k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        viz.save(figure, tmp_path / "old.png")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("old.png", b"old")]
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        viz.save(canvas.new_figure(1, 1), tmp_path / "file" / "a.png")


def test_matplotlib_waits_for_the_first_figure():
    code = "import sys, viz; assert 'matplotlib' not in sys.modules; viz.save; assert 'matplotlib' in sys.modules"
    code += "; assert not {'matplotlib.pyplot', 'minibert'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        viz.nothing  # noqa: B018


def test_all_public_names_and_folders_are_found_after_one_import():
    code = """
import minibert, viz
def public(module): return {name for name in dir(module) if not name.startswith("_")}
minibert.whatif; minibert.numerics.softmax
viz.geometry.normalize; viz.figures; viz.measures.measure; viz.explorer; viz.web
assert public(minibert) == set(minibert.__all__)
assert public(viz) == {*viz.__all__, *viz.SUBPACKAGES}
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_table_of_the_readme_names_everything_public():
    table = (Path(viz.__file__).parent / "README.md").read_text(encoding="utf-8").split("# Findings")[0]
    assert {name for name in viz.__all__ if f"`{name}`" not in table} == set()


def many(scope="head", components=2, **choices):
    query, key, attention = heads(2, 3)
    return viz.normalize(query, key, scale=1, scope=scope, components=components, **choices), attention


def test_a_matrix_says_the_share_of_the_two_components_that_it_draws():
    n, _ = many(components=3)
    figure = viz.matrix_figure(n, range(2), range(3))
    for axes, shares in zip(figure.axes, n.plane.explained_variance_ratio.reshape(6, 3), strict=True):
        assert f"{shares[:2].sum():.0%}" in axes.texts[0].get_text()


@pytest.mark.parametrize(("scope", "kinds"), [("head", 6), ("layer", 2), ("model", 1)])
def test_panels_that_show_one_plane_have_the_same_axes(scope, kinds):
    n, _ = many(scope)
    figure = viz.matrix_figure(n, range(2), range(3))
    limits = [np.round([axes.get_xlim(), axes.get_ylim()], 5) for axes in figure.axes[:6]]
    limits = [tuple(map(tuple, some.tolist())) for some in limits]
    assert len(set(limits)) == kinds
    if scope == "layer":
        assert limits[0] == limits[2] != limits[3] == limits[5]
    points = n.plane.project(n.query)[0, 0]
    (low, high), (left, right) = limits[0][1], limits[0][0]
    assert left < points[:, 0].min() and points[:, 0].max() < right
    assert low < points[:, 1].min() and points[:, 1].max() < high


def test_the_linked_pair_is_red_in_every_panel_of_a_matrix():
    n, attention = many()
    words = viz.find_words(TOKENS, [None, *range(6), None])
    link = viz.link_words(words, "costs", "$5", attention)
    figure = viz.matrix_figure(n, range(2), range(3), link=link)
    for axes, place in zip(figure.axes, np.ndindex(2, 3), strict=False):
        red = next(c for c in axes.collections if isinstance(c, LineCollection))
        assert matplotlib.colors.to_hex(red.get_colors()[0]) == style.LINK
        ends = [n.plane.project(n.query)[place][2], n.plane.project(n.key)[place][3]]
        np.testing.assert_allclose(red.get_segments()[0], ends, rtol=1e-5)
        assert red.get_linewidths()[0] == pytest.approx(0.3 + 1.2 * attention[place][2, 3])
    assert "costs → $5" in texts(figure)


def test_figures_say_what_does_not_fit():
    n, attention = many()
    lines = viz.choose_lines(attention[0, 0])
    for draw, says in (
        (lambda: viz.joint_figure([n], TOKENS, [lines]), r"of many heads, \[2, 3\]; choose one first, such as norm"),
        (lambda: viz.distance_figure([n], attention), "choose one first"),
        (lambda: viz.joint_figure([n[0, 0]], TOKENS[:5], [lines]), "one text per token, 8, not 5"),
        (lambda: viz.attention_figure([attention[0, 0]], [TOKENS[:5]]), "one row and one column per label"),
        (lambda: viz.attention_pair_figure(*attention[0, :2], TOKENS[:5], names="ab"), "one column per label"),
        (lambda: viz.layers_figure(n, range(2)), r"scope='model'"),
        (lambda: viz.layers_figure(many("model")[0], range(3)), "one row per layer"),
        (lambda: viz.matrix_figure(n, range(3), range(3)), r"expected \[3, 3\], as many as layers and heads"),
        (lambda: viz.heatmap_figure({"x": attention[:, :, 0, 0]}, range(3), range(3)), r"map 'x' is of heads \[2, 3\]"),
        (lambda: viz.heatmap_figure({}, range(3), range(3)), "maps is empty"),
        (lambda: viz.search_figure([n.search]), "nothing was searched"),
    ):
        with pytest.raises(ValueError, match=says):
            draw()


def test_a_label_does_not_look_like_a_point():
    query, key, attention = heads(tokens=4)
    figure = viz.joint_figure(viz.normalize(query, key), [".", "猫", "。", "..."], viz.choose_lines(attention))
    assert sorted(text.get_text() for text in figure.axes[0].texts) == sorted(["“.”", "猫", "“。”", "..."] * 2)


def test_colours_of_a_heatmap_follow_the_data():
    below = np.array([[-1.0, 2.0]])
    maps = {"below": below, "above": abs(below), "nothing": 0 * below, "tiny": below * 1e-4}
    figure = viz.heatmap_figure(maps, range(1), range(2))
    drawn(figure)
    limits = [axes.images[0].get_clim() for axes in figure.axes if axes.images]
    assert limits == [(-2, 2), (0, 2), (0, 1), (-2e-4, 2e-4)]
    said = [[text.get_text() for text in axes.texts] for axes in figure.axes if axes.images]
    assert said == [["−1", "2"], ["1", "2"], [".00", ".00"], [".00", ".00"]]
    shown = {0.99: ".99", 0.997: "1.0", 1.0: "1", 2.96: "3.0", 3.06: "3.1", 12.3: "12"}
    assert [viz.figures.attention_maps.number(value) for value in shown] == [*shown.values()]
    inks = [[matplotlib.colors.to_hex(text.get_color()) for text in axes.texts] for axes in figure.axes if axes.images]
    assert inks[1][1] == "#ffffff" and "#ffffff" not in inks[2]  # to be read on the colour below


def test_dollars_and_other_marks_stay_what_they_are():
    """Wherever a text comes from outside, `$` is a dollar: text that no mathematics could be draws all the same."""
    odd = [r"$\foo$", "$", r"$x_{$", "a$b$", "%", "\\", "^", "_"]
    query, key, attention = heads()
    n, lines = viz.normalize(query, key, method="paper"), viz.choose_lines(attention)
    lines = dataclasses.replace(lines, how=r"$\foo$ lines")
    name = r"$\foo$"
    grids, one = [np.stack([[attention]] * 2)], [range(2), range(1)]
    both = viz.normalize(*np.stack([query, key])[:, None, None].repeat(2, axis=1), method="paper", scope="model")
    for figure in (
        viz.joint_figure([n], odd, [lines], dataclasses.replace(lines), title=name, notes=[name]),
        viz.distance_figure([n], attention, link=lines, title=name),
        viz.attention_figure([attention], [odd], titles=[name], title=name),
        viz.attention_pair_figure(attention, attention, odd, names=[name, name], title=name),
        viz.search_figure([dataclasses.replace(n.search, objective=name)], title=name),
        viz.matrix_figure(both, *one, {(0, 0): lines, (1, 0): lines}, title=name),
        viz.heatmap_figure({name: np.ones((2, 1))}, *one, title=name),
        viz.attention_sheet(*grids, *one, title=name),
        viz.layers_figure(both, [name, "b"], title=name),
    ):
        drawn(figure)
        assert any(name in text for text in texts(figure))


@pytest.mark.skipif(os.name == "nt", reason="rights and links are those of POSIX")
def test_a_picture_has_the_rights_of_its_folder_a_link_stays_one_and_a_name_may_be_long(tmp_path):
    figure = canvas.new_figure(1, 1)
    for umask, rights in ((0o077, 0o600), (0o022, 0o644), (0o002, 0o664)):
        before = os.umask(umask)
        try:
            path = viz.save(figure, tmp_path / f"{umask}.png")
        finally:
            os.umask(before)
        assert path.stat().st_mode & 0o777 == rights
    path.chmod(0o640)
    assert viz.save(figure, path).stat().st_mode & 0o777 == 0o640
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "link.png"
    link.symlink_to(tmp_path / "elsewhere" / "real.png")
    for _ in range(2):  # to nothing, and to a file
        viz.save(figure, link)
        assert link.is_symlink() and (tmp_path / "elsewhere" / "real.png").read_bytes()[1:4] == b"PNG"
    long = tmp_path / ("x" * 251 + ".png")
    assert viz.save(figure, long).is_file()


SURROUNDINGS = """
import os, pathlib, sys, threading, warnings
folder = pathlib.Path(sys.argv[1])
import numpy as np
if sys.argv[2] == "odd":
    warnings.simplefilter("error")
    np.seterr(all="raise")
    os.environ["MPLBACKEND"] = "nonsense"
    (folder / "matplotlibrc").write_text("text.usetex: True\\nfont.family: Nothing\\nfigure.facecolor: red\\n"
        "axes.facecolor: black\\nlines.linewidth: 9\\nsavefig.bbox: tight\\nsavefig.dpi: 20\\naxes.grid: True\\n"
        "svg.fonttype: path\\npath.sketch: 1, 100, 2\\nxtick.bottom: False\\naxes.unicode_minus: False\\n")
    os.environ["MATPLOTLIBRC"] = str(folder / "matplotlibrc")
import viz
rng = np.random.default_rng(0)
q, k = rng.normal(size=(2, 2, 2, 6, 4)).astype(np.float32)
with np.errstate(all="ignore"), warnings.catch_warnings():
    warnings.simplefilter("ignore")
    a = np.exp(q @ k.mT / 2); a /= a.sum(axis=-1, keepdims=True)
    n = viz.normalize(q, k, method="paper", scope="model")
    lines = viz.choose_lines(a[0, 0])
tokens = list("abcdef")
figures = dict(
    joint=viz.joint_figure([n[0, 0]], tokens, [lines]),
    search=viz.search_figure([n.search]),
    matrix=viz.matrix_figure(n, range(2), range(2)),
    sheet=viz.attention_sheet(a, range(2), range(2)),
)
if sys.argv[2] == "odd":
    import matplotlib
    assert matplotlib.rcParams["figure.facecolor"] == "red" and os.environ["MPLBACKEND"] == "nonsense"
    assert np.geterr()["over"] == "raise" and matplotlib.rcParams["text.parse_math"]
for name, figure in figures.items():
    for ending in ("png", "svg", "pdf") if name == "joint" else ("png",):
        viz.save(figure, folder / f"{name}.{ending}")
"""


def test_the_surroundings_change_nothing(tmp_path):
    """A matplotlibrc, MPLBACKEND, warnings that are errors, NumPy's errors: the same files come out, byte by byte."""
    for kind in ("plain", "odd"):
        (tmp_path / kind).mkdir()
        subprocess.run([sys.executable, "-c", SURROUNDINGS, tmp_path / kind, kind], check=True)
    plain = sorted((tmp_path / "plain").iterdir())
    assert len(plain) == 6
    for path in plain:
        assert path.read_bytes() == (tmp_path / "odd" / path.name).read_bytes(), path.name


def test_what_no_font_has_is_said_once(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(style, "_REPORTED", set())
    odd = ["\U00012000", "\U00012001", "a\u0301", "\u200d"]  # cuneiform, which hardly anybody has installed
    figure = viz.attention_figure([np.eye(4)], [odd])
    for name in ("one", "other"):
        viz.save(figure, tmp_path / f"{name}.png")
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "\U00012000 \U00012001, so boxes are drawn" in said and "fonts-noto-core" in said
    monkeypatch.setattr(style, "fonts", lambda: ("DejaVu Sans",))
    style.report_missing_glyphs(["猫\U0001fae0"])
    said = capsys.readouterr().err
    assert "fonts-noto-cjk and fonts-symbola" in said and "coloured emoji cannot be drawn" in said


@pytest.mark.parametrize("text", ["مرحبا", "שלום", "नमस्ते", "café 猫 ไทย 한국어 Привет"])
@pytest.mark.parametrize("version", [(3, 9, 0), (3, 10, 3), (3, 11, 0)])
def test_what_an_old_matplotlib_writes_letter_by_letter_is_said_once(text, version, capsys, monkeypatch):
    monkeypatch.setattr(style, "_REPORTED", set())
    monkeypatch.setattr(style, "report_missing_glyphs", lambda texts: None)
    monkeypatch.setattr(style.matplotlib, "__version_info__", version)
    for _ in range(2):
        style.report_what_is_not_drawn(["a token", text])
    said = capsys.readouterr().err
    wrong = version < (3, 11) and "é" not in text
    assert said.count("\n") == wrong and ("pip install -U matplotlib" in said) == wrong


@pytest.mark.parametrize(
    ("text", "joined"), [("😀", False), ("👩‍👧", True), ("🇯🇵", True), ("👍🏽", True), ("1 ≤ 2", False)]
)
def test_emoji_that_are_not_joined_are_spoken_of(text, joined, capsys, monkeypatch):
    monkeypatch.setattr(style, "_REPORTED", set())
    monkeypatch.setattr(style, "report_missing_glyphs", lambda texts: None)
    style.report_what_is_not_drawn([text])
    assert ("part by part" in capsys.readouterr().err) == joined


def test_glyphs_of_other_scripts_come_from_fonts_that_are_installed():
    if len(style.fonts()) == 1:
        pytest.skip("no other font is installed")
    assert style.fonts()[0] == "DejaVu Sans"
    figure = canvas.new_figure(1, 1)
    with style.house_style():
        text = figure.text(0, 0, "x")
    assert text.get_fontfamily() == list(style.fonts())


@pytest.mark.skipif(sys.platform != "linux", reason="fonts are put into a folder of Linux")
def test_a_list_of_fonts_that_is_older_than_the_fonts_changes_nothing(tmp_path):
    """matplotlib keeps its list in a file: what was installed since is found, what is gone is not named."""

    def draw(settings: str) -> bytes:
        program = "import sys, numpy as np, viz; viz.save(viz.attention_figure(np.eye(1), ['猫']), sys.argv[1])"
        environment = os.environ | {"XDG_DATA_HOME": str(tmp_path), "MPLCONFIGDIR": str(tmp_path / settings)}
        subprocess.run([sys.executable, "-c", program, str(tmp_path / "cat.svg")], env=environment, check=True)
        return (tmp_path / "cat.svg").read_bytes()

    before = draw("old")
    font = TTFont(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"))
    for record in font["name"].names:
        record.string = "Unifont"
    (tmp_path / "fonts").mkdir()
    font.save(tmp_path / "fonts" / "unifont.ttf")
    with_font = draw("old")
    assert b"Unifont" in with_font and with_font == draw("new") == draw("old")
    (tmp_path / "fonts" / "unifont.ttf").unlink()
    assert draw("old") == before == draw("newest")


def test_a_notebook_shows_a_figure():
    n, _ = many()
    assert viz.matrix_figure(n, range(2), range(3))._repr_png_().startswith(b"\x89PNG")


def every_figure(layers, columns, tokens, width=style.WIDTH, sentences=1, names=None):
    """Every kind of picture, by name, of random vectors."""
    query, key, attention = heads(layers, columns, tokens=tokens)
    of = np.arange(tokens) * sentences // tokens
    blocks = [attention[..., of == s, :][..., of == s] for s in range(sentences)]
    blocks = [np.ascontiguousarray(block / block.sum(axis=-1, keepdims=True)) for block in blocks]
    names = names or [f"token{i}" for i in range(tokens)]
    together = viz.normalize(query, key, of, scale=1, scope="model", method="paper")
    ways = [viz.normalize(query[0, 0], key[0, 0], of, method=m, scale=1) for m in ("raw", "paper", "exact")]
    one = [block[0, 0] for block in blocks]
    lines = viz.choose_lines(one, of).strongest(100)
    first = [name for name, s in zip(names, of, strict=True) if s == 0]
    found = viz.measure(together, blocks, of)
    habits = viz.habits(blocks[0], first)
    grid = (range(layers), range(columns))
    curve = viz.normalize(query[:1, :1], key[:1, :1], of, method="paper").search
    title = "a model with a name · layer 0, head 0 · " + "“The unquestionable incomprehensibilities of a text …” " * 2
    rest = {"title": title, "width": width}
    maps = {f"a measure with a long name {i}": found.plane.nearest1 for i in range(7)}
    notes = {"notes": ["nearest@1: 100% here, 100% in full\nbrown → capybara: 11th nearest here, nearest in full"] * 3}
    return {
        "joint": viz.joint_figure(ways, names, lines, lines.strongest(1), sentences=of, **notes, **rest),
        "distances": viz.distance_figure(ways, one, of, lines.strongest(1), **rest),
        "attention": viz.attention_figure(one[:3], [first] * len(one[:3]), titles=["t"] * len(one[:3]), **rest),
        "pair": viz.attention_pair_figure(one[0], one[0].T, first, names=["before: a model", "after: one"], **rest),
        "search": viz.search_figure([curve] * 4, titles=["used:"] * 4, **rest),
        "matrix": viz.matrix_figure(together, *grid, {(0, 0): lines}, nearest=found.plane.nearest1, **rest),
        "both": viz.matrix_figure(
            [together] * 2, *grid, nearest=[found.plane.nearest1] * 2, titles=["raw", "exact"], **rest
        ),
        "sheet": viz.attention_sheet(blocks[0], *grid, first, **rest),
        "layers": viz.layers_figure(together, **rest),
        "heatmap": viz.heatmap_figure(maps, *grid, **rest),
        "positions": viz.positions_figure(habits.by_offset, *grid, **rest),
    }


SIZES = [
    {"layers": 2, "columns": 4, "tokens": 5, "width": 10},
    {"layers": 2, "columns": 12, "tokens": 99, "sentences": 3},
    {"layers": 2, "columns": 3, "tokens": 11, "width": 3.3},
]


@pytest.mark.parametrize("size", SIZES)
def test_every_picture_fits_its_page(size):
    """As wide as asked for, no text under 6 points, none beyond the edge, no two titles on one another, and under it a
    line that says how to read it."""
    for name, figure in every_figure(**size).items():
        figure.draw_without_rendering()
        assert figure.get_figwidth() == size.get("width", style.WIDTH), name
        width, height = figure.canvas.get_width_height()
        written = [text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()]
        for text in written:
            assert text.get_fontsize() >= 6, (name, text)
        for part in [*figure.axes, *figure.legends, *figure.texts]:
            box = part.get_tightbbox() if hasattr(part, "get_tightbbox") else part.get_window_extent()
            assert box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1, (name, part)
        captions = [text for text in figure.texts if text.get_color() == style.FAINT]
        assert captions and len(captions[-1].get_text()) > 30, name
        titles = [axes.title.get_window_extent() for axes in figure.axes if axes.get_title()]
        titles += [text.get_window_extent() for text in (figure._suptitle, captions[-1])]
        for number, box in enumerate(titles):
            assert not any(box.overlaps(other) for other in titles[number + 1 :]), name


@pytest.mark.parametrize("grid", [(12, 12), (24, 16)])
def test_as_many_heads_as_there_are_fit_a_page(grid):
    layers, columns = map(range, grid)
    figure, panels = grid_page(Grid(layers, columns, strip=0.12), title="t", caption="c " * 80)
    assert panels.shape == grid and figure.get_figheight() <= 11
    values = np.linspace(0, 1, grid[0] * grid[1]).reshape(grid)
    figure = viz.heatmap_figure({f"{i}": values for i in range(18)}, title="t")
    assert figure.get_figheight() <= 11


@pytest.mark.parametrize("grid", [(2, 3), (36, 2), (1, 24)])
def test_names_of_layers_and_heads_stand_beside_the_panels(grid):
    figure, panels = grid_page(Grid(*map(range, grid)))
    rows, columns = ([text for text in figure.texts if text.get_ha() == side] for side in ("left", "center"))
    assert (len(rows), len(columns)) == grid
    for row, name in enumerate(rows):
        box, panel = name.get_window_extent(), panels[row, 0].bbox
        assert box.x0 >= 0 and box.x1 <= panel.x0 and name.get_text().removeprefix("layer ") == str(row)
        assert box.y0 < (panel.y0 + panel.y1) / 2 < box.y1
    for column, name in enumerate(columns):
        box, panel = name.get_window_extent(), panels[0, column].bbox
        assert box.y0 >= panel.y1 and name.get_text().removeprefix("head ") == str(column)
        assert box.x0 < (panel.x0 + panel.x1) / 2 < box.x1
    for one, other in [*itertools.pairwise(rows), *itertools.pairwise(columns)]:
        assert not one.get_window_extent().overlaps(other.get_window_extent())


def test_a_width_that_makes_no_sense():
    for width in (0.5, 100):
        with pytest.raises(ValueError, match="between 2 and 20 inches"):
            viz.attention_figure(np.eye(2), ["a", "b"], width=width)


def test_one_array_and_its_tokens_will_do(panels):
    ways, attention = panels
    one, listed = (viz.attention_figure(*a) for a in ((attention, TOKENS), ([attention], [TOKENS])))
    assert png(one) == png(listed)
    lines = viz.choose_lines(attention)
    assert png(viz.joint_figure(ways[0], TOKENS, lines)) == png(viz.joint_figure([ways[0]], TOKENS, [lines]))
    assert viz.joint_figure(ways[0], TOKENS).axes
    assert png(viz.distance_figure(ways[0], attention)) == png(viz.distance_figure([ways[0]], [attention]))
    assert png(viz.search_figure(ways[1].search)) == png(viz.search_figure([ways[1].search]))
    assert viz.heatmap_figure(np.eye(3)).axes[0].images


def test_fonts_are_embedded_whole_and_text_stays_text(tmp_path, panels):
    ways, _ = panels
    figure = viz.joint_figure(ways, TOKENS, title="some words")
    pdf = viz.save(figure, tmp_path / "a.pdf").read_bytes()
    assert b"/Type0" in pdf and b"/Type3" not in pdf
    svg = viz.save(figure, tmp_path / "a.svg").read_text()
    assert ">some words</text>" in svg and "DejaVu Sans" in svg


def test_the_linked_pair_in_words():
    query, key, _ = heads(tokens=6)
    n = viz.normalize(query, key, [0, 0, 0, 1, 1, 1], method="raw")
    link = viz.Lines(np.array([3, 3]), np.array([4, 5]), np.array([0.1, 0.8]), "a → b")
    (said,) = viz.link_in_words(n, link, [0, 0, 0, 1, 1, 1])
    ranks = []
    for q, k in ((n.plane.project(n.query), n.plane.project(n.key)), (query, key)):
        ranks.append(1 + int(np.argsort(np.linalg.norm(k[3:] - q[3], axis=-1)).tolist().index(2)))
    here, full = ("nearest" if rank == 1 else f"{ {2: '2nd', 3: '3rd'}[rank] } nearest" for rank in ranks)
    assert said == f"a → b: {here} here" + (" and in full" if here == full else f", {full} in full")
    assert [joint.ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 102, 111)] == (
        ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "111th"]
    )


def test_sentences_are_told_apart():
    query, key, _ = heads(tokens=8)
    of = [0] * 5 + [1] * 3
    figure = viz.joint_figure(viz.normalize(query, key, of), TOKENS, sentences=of)
    labels = [text.get_text() for text in figure.axes[0].texts]
    assert "it₁" in labels and "[SEP]₂" in labels and {"first", "second sentence"} <= set(texts(figure))
    dots = [c for c in figure.axes[0].collections if len(c.get_offsets())]
    assert [len(c.get_offsets()) for c in dots] == [5, 3, 5, 3]
    assert [matplotlib.colors.to_hex(c.get_facecolor()[0]) for c in dots] == [
        style.QUERY,
        "#ffffff",
        style.KEY,
        "#ffffff",
    ]


def test_many_points_are_drawn_as_areas_that_hold_what_they_say():
    query, key, attention = heads(tokens=900)
    n = viz.normalize(query, key)
    figure = viz.joint_figure(n, ["x"] * 900, viz.choose_lines(attention, top=20))
    assert any("50%, 80%, 95% of the 900 queries" in text.replace("\n", " ") for text in texts(figure))
    areas = [c for c in figure.axes[0].collections if isinstance(c, matplotlib.contour.QuadContourSet)]
    points = n.plane.project(n.query)
    held = [sum(p.contains_points(points).sum() for p in area.get_paths()) / 900 for area in areas[:3]]
    np.testing.assert_allclose(held, [0.95, 0.8, 0.5], atol=0.06)


def test_of_the_neighbours_the_highest_bar_is_named():
    """Far places, where few queries reach, do not count, however high."""
    by_offset = np.full((1, 3, 21), 0.01)
    by_offset[0, 2, 10] = 0.018  # hardly more than the others
    by_offset[0, 0, 0], by_offset[0, 0, 9], by_offset[0, 1, 13] = 0.9, 0.5, 0.25
    figure = viz.positions_figure(by_offset)
    assert [axes.get_title() for axes in figure.axes] == ["−1: 0.50", "+3: 0.25", ""]
    stairs, bar = figure.axes[0].patches
    np.testing.assert_allclose(stairs.get_data().edges[[0, 9, -1]], [-10.5, -1.5, 10.5])
    assert bar.get_x() + bar.get_width() / 2 == -1 and bar.get_height() == pytest.approx(np.sqrt(0.5))
    (axes,) = viz.positions_figure(np.full((1, 1, 21), 0.01)).axes
    assert axes.get_ylim()[1] > 3 * axes.patches[0].get_data().values.max()  # little attention looks little
    with pytest.raises(ValueError, match=r"by_offset must be \[layers, heads, 21\]"):
        viz.positions_figure(by_offset[0])


def test_long_maps_show_the_square_root_and_say_so():
    rng = np.random.default_rng(0)
    for size, said in ((12, "attention"), (60, "attention (square-root scale)")):
        values = rng.dirichlet(np.ones(size), size=size)
        for figure in (
            viz.attention_figure(values, ["t"] * size),
            viz.attention_pair_figure(values, values, ["t"] * size),
            viz.attention_sheet(values[None, None].repeat(4, axis=1)),
        ):
            assert said in texts(figure)
            image = figure.axes[0].images[0]
            assert image.norm(0.25) == pytest.approx(0.25 if size == 12 else 0.5)


def test_labels_of_a_map_are_those_of_their_rows():
    figure = viz.attention_figure(np.eye(100), [str(i) for i in range(100)])
    axes = figure.axes[0]
    labels = [(tick, label.get_text()) for tick, label in zip(axes.get_yticks(), axes.get_yticklabels(), strict=True)]
    assert len(labels) >= 40 and all(str(tick) == text for tick, text in labels)
    assert any("1 token in 2 is labelled" in text for text in texts(figure))


def test_maps_side_by_side_share_a_colour_bar_where_they_can():
    maps = {name: np.eye(3) * k for name, k in (("a", 1), ("b", 1), ("c", 2))} | {"d": None, "e": np.eye(3)}
    figure = viz.heatmap_figure(maps)
    assert len([axes for axes in figure.axes if axes.images]) == 4
    maps_drawn = [axes.get_position() for axes in figure.axes if axes.images]
    bars = [axes.get_position() for axes in figure.axes[-3:]]
    for bar, of in zip(bars, (1, 2, 3), strict=True):  # beside b, for a and b; beside c; beside e
        assert 0 < bar.x0 - maps_drawn[of].x1 < 0.05 and bar.y0 == pytest.approx(maps_drawn[of].y0)


def test_the_matrix_writes_nearest_and_tints_by_it():
    n, _ = many()
    nearest = np.linspace(0, 1, 6).reshape(2, 3)
    figure = viz.matrix_figure(n, nearest=nearest)
    for axes, share in zip(figure.axes, nearest.ravel(), strict=True):
        assert axes.texts[0].get_text() == f"{share:.0%}"
    tints = [sum(axes.get_facecolor()[:3]) for axes in figure.axes]
    assert tints[0] == 3 and (np.diff(tints) < 0).all()


@pytest.mark.parametrize(("width", "sign"), [(7, "%"), (3, "")])
def test_small_panels_of_a_matrix_leave_out_the_percent_sign(width, sign):
    query, key, _ = heads(1, 12)
    figure = viz.matrix_figure(viz.normalize(query, key, scale=1), nearest=np.linspace(0, 1, 12)[None], width=width)
    written = [axes.texts[0].get_text() for axes in figure.axes[:12]]
    assert written == [f"{100 * share:.0f}{sign}" for share in np.linspace(0, 1, 12)]


def test_a_matrix_draws_every_second_of_many_tokens_in_the_colours_of_queries_and_keys():
    query, key, _ = heads(1, 2, tokens=500)
    n = viz.normalize(query, key, scale=1)
    for axes, head in zip(viz.matrix_figure(n).axes, range(2), strict=True):
        for dots, places, colour in zip(
            axes.collections, (n.query_drawn, n.key_drawn), (style.QUERY, style.KEY), strict=True
        ):
            np.testing.assert_allclose(dots.get_offsets(), places[0, head, ::2], rtol=1e-5)
            assert matplotlib.colors.to_hex(dots.get_facecolors()[0]) == matplotlib.colors.to_hex(colour)


def test_texts_wrap_between_words_and_end_in_dots_where_cut():
    with style.house_style():
        text = "the quick brown fox jumps over the lazy dog " * 3
        lines = canvas.wrap(text.strip(), 7, 1.0).split("\n")
        assert " ".join(lines) == text.strip() and all(canvas.wide(line, 7) <= 1.0 for line in lines)
        short = canvas.wrap(text, 7, 1.0, most=2).split("\n")
        assert len(short) == 2 and short[1].endswith(" …") and short[1].split()[0] in text.split()
        assert canvas.wide(short[1], 7) <= 1.0
        parts = canvas.wrap("x" * 60, 7, 1.0).split("\n")
        assert "".join(parts) == "x" * 60 and all(canvas.wide(part, 7) <= 1.0 for part in parts)
        assert canvas.wrap("", 7, 1.0) == canvas.wrap_evenly("", 7, 1.0) == ""
        room = canvas.wide("one line and a", 7) + 0.02
        uneven, even = (wrap("one line and a bit\nno more", 7, room) for wrap in (canvas.wrap, canvas.wrap_evenly))
        assert (uneven, even) == ("one line and a\nbit\nno more", "one line\nand a bit\nno more")


def test_pictures_are_drawn_from_threads_and_the_settings_of_others_stay():
    before = dict(matplotlib.rcParams)
    with ThreadPoolExecutor(4) as pool:
        figures = list(pool.map(lambda _: png(viz.heatmap_figure(np.eye(2))), range(8)))
    assert len(set(figures)) == 1 and dict(matplotlib.rcParams) == before


def test_red_lines_lie_over_grey_ones_in_space_too():
    query, key, attention = heads()
    n = viz.normalize(query, key, components=3)
    lines = viz.choose_lines(attention)
    figure = viz.joint_figure(n, TOKENS, lines, lines.strongest(1))
    (axes,) = figure.axes
    assert not axes.computed_zorder
    grey, red = (c for c in axes.collections if isinstance(c, Line3DCollection))
    assert red.get_zorder() > grey.get_zorder() and matplotlib.colors.to_hex(red.get_edgecolor()[0]) == style.LINK


def test_cells_of_few_tokens_stay_small():
    figure = viz.attention_figure(np.eye(3), ["a", "b", "c"])
    box = figure.axes[0].get_position()
    assert box.width * figure.get_figwidth() == pytest.approx(3 * 0.4) and figure.get_figheight() < 3
    assert [text.get_text() for text in figure.axes[0].texts] == ["1"] * 3


def test_a_plane_that_loses_attention_says_what_a_nat_is():
    query, key, attention = heads(tokens=6)
    n = viz.normalize(query, key, attention=attention, plane="unfold")
    figure = viz.joint_figure(n, TOKENS[:6])
    assert f"{n.plane.lost:.2f} nats lost" in figure.axes[0].get_title()
    said = " ".join(texts(figure)).replace("\n", " ")
    assert "Nats lost: how far the picture's own attention" in said and "no projection" in said


def test_of_many_pairs_those_with_attention_are_drawn_one_by_one():
    query, key, attention = heads(tokens=60)
    figure = viz.distance_figure(viz.normalize(query, key, method="raw"), attention)
    hexagons, dots = figure.axes[0].collections[:2]
    assert len(dots.get_offsets()) == (attention > 0.1).sum() < 3600
    assert dots.get_array().min() > 0.1 and hexagons.get_array().sum() > 0
    assert "a pair with attention above 0.1" in texts(figure)


def test_each_layer_keeps_its_colour_and_its_share_of_points():
    query, key, _ = heads(3, 2, tokens=900)
    n = viz.normalize(query, key, scale=1, scope="model")
    figure = viz.layers_figure(n, [4, 5, 6])
    dots = figure.axes[1].collections[0]
    step = -(-1800 // 1500)
    assert len(dots.get_offsets()) == 3 * 900 and any(f"1 point in {step} is drawn" in text for text in texts(figure))
    first = n.query_drawn[0].reshape(-1, 2)[::step]
    here = [np.abs(first - place).max(axis=1).min() < 1e-5 for place in np.asarray(dots.get_offsets())]
    tint = style.LAYERS(0.0)[:3]
    np.testing.assert_array_equal(here, (np.abs(dots.get_facecolors()[:, :3] - tint) < 1e-6).all(axis=1))


def test_points_lie_inside_their_axes_and_panels_have_the_numbers_of_their_heads():
    figure = canvas.new_figure(4, 2)
    axes = figure.add_axes((0.1, 0.1, 0.8, 0.8))
    for points in ([[0, 0], [1, 9]], [[0, 0], [50, 1]]):
        canvas.equal_axes(axes, np.array(points, float), margin=0.05)
        (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
        assert left < 0 and right > points[1][0] and low < 0 and high > points[1][1]
    n, _ = many()
    figure = viz.matrix_figure(n, [4, 7], [3, 5, 9])
    assert {"head 3", "head 5", "head 9", "layer 4", "layer 7"} <= set(texts(figure))


def test_two_matrices_side_by_side():
    n, _ = many(scope="head")
    other = viz.normalize(n.query, n.key, method="raw", components=3)
    shares = [np.linspace(0, 1, 6).reshape(2, 3), np.linspace(1, 0, 6).reshape(2, 3)]
    figure = viz.matrix_figure([other, n], nearest=shares, titles=["as they are", "moved"], title="t")
    drawn(figure)
    said = " ".join(texts(figure)).replace("\n", " ")
    assert "as they are" in said and "moved" in said
    assert "nearest in 3-D, of which two dimensions are drawn" in said and "nearest in the plane" in said
    grid = np.array(figure.axes, object).reshape(2, 6)
    for block, share, way in zip((grid[:, :3], grid[:, 3:]), shares, (other, n), strict=True):
        for place, axes in np.ndenumerate(block):
            assert axes.texts[0].get_text() == f"{share[place]:.0%}"
            np.testing.assert_allclose(axes.collections[0].get_offsets(), way.query_drawn[place][:, :2], rtol=1e-6)
    left, right = (axes.get_position() for axes in (grid[0, 2], grid[0, 3]))
    gap = grid[0, 1].get_position().x0 - grid[0, 0].get_position().x1
    assert right.x0 - left.x1 > gap + 0.01 and grid[0, 5].get_position().x1 <= 1
    with pytest.raises(ValueError, match="one for each of the 2"):
        viz.matrix_figure([other, n], nearest=shares[:1])


def test_arrows_lead_from_where_points_were(panels):
    ways, _ = panels
    figure = viz.joint_figure(ways[:2], TOKENS, common=True, arrows=True)
    assert not [c for c in figure.axes[0].collections if isinstance(c, matplotlib.quiver.Quiver)]
    arrows = [c for c in figure.axes[1].collections if isinstance(c, matplotlib.quiver.Quiver)]
    drawn_there = [(way.query_drawn, way.key_drawn) for way in ways[:2]]
    for arrow, old, new in zip(arrows, *drawn_there, strict=True):
        np.testing.assert_allclose(arrow.XY, old, rtol=1e-6)
        np.testing.assert_allclose(np.stack([arrow.U, arrow.V], axis=-1), new - old, rtol=1e-4, atol=1e-5)
    assert "Arrows:" in " ".join(texts(figure))


def test_a_label_nearer_to_another_point_has_a_line_back():
    figure = canvas.new_figure(2, 2)
    axes = figure.add_axes((0.1, 0.1, 0.8, 0.8))
    points = np.random.default_rng(3).normal(size=(30, 2))
    canvas.equal_axes(axes, points)
    place_labels(axes, points, [f"word{i}" for i in range(30)], ["black"] * 30)
    figure.draw_without_rendering()
    dots = axes.transData.transform(points)
    for text in axes.texts:
        number, box = int(text.get_text().removeprefix("word")), Text.get_window_extent(text)
        away = np.maximum(np.maximum([box.x0, box.y0] - dots, dots - [box.x1, box.y1]), 0)
        away = np.linalg.norm(away, axis=-1)
        if away[number] > away.min() + 3 * figure.dpi / 72:
            assert text.arrow_patch is not None, text
    assert any(text.arrow_patch is None for text in axes.texts)  # most lie beside their points


def test_three_long_maps_fit_a_page():
    maps = [np.eye(size) for size in (40, 14, 44)]
    figure = viz.attention_figure(maps, [[f"t{i}" for i in range(len(values))] for values in maps])
    assert figure.get_figheight() < 10.5 and figure.get_figwidth() == style.WIDTH


def test_places_left_free_are_closed_where_the_columns_do_not_fit():
    maps = {"a": np.eye(2), "b": None, "c": np.eye(2), "d": np.eye(2)}
    for width, wanted in ((7, [(0, 0), (0, 2), (0, 3)]), (3.4, [(0, 0), (0, 1), (1, 0)])):
        figure = viz.heatmap_figure(maps, columns=4, width=width)
        boxes = [axes.get_position() for axes in figure.axes if axes.images]
        rows = sorted({round(box.y0, 3) for box in boxes}, reverse=True)
        assert [rows.index(round(box.y0, 3)) for box in boxes] == [row for row, _ in wanted]


def test_of_many_layers_some_are_named_and_both_kinds_keep_their_marks():
    query, key, _ = heads(24, 2, tokens=3)
    figure = viz.layers_figure(viz.normalize(query, key, scale=1, scope="model"))
    named = [label.get_text() for label in figure.axes[-1].get_yticklabels()]
    assert len(named) == 8 and {"0", "23"} <= set(named)
    kinds = {len(c.get_paths()[0].vertices) for c in figure.axes[0].collections}
    assert len(kinds) == 2  # a circle has more corners than a diamond


def test_the_caption_of_a_search_has_the_rule_by_which_the_mark_was_chosen(panels):
    ways, _ = panels
    search = next(way.search for way in ways if way.search is not None)
    said = " ".join(texts(viz.search_figure([search]))).replace("\n", " ")
    assert (
        f"of the shares that are at most {scale.AS_GOOD:g} below the highest, the one whose c is nearest to 1" in said
    )


def test_equal_tokens_of_a_sentence_are_numbered_and_the_caption_says_so():
    query, key, attention = heads(tokens=5)
    n, lines = viz.normalize(query, key, method="raw"), viz.choose_lines(attention)
    said = " ".join(texts(viz.joint_figure(n, ["it", "is", "it", ".", "."], lines)))
    assert {"it₁", "it₂", "is", "“.”₁", "“.”₂"} <= set(said.split())
    assert "Equal tokens have numbers in the order of the text." in said.replace("\n", " ")
    said = " ".join(texts(viz.joint_figure(n, list("abcde"), lines)))
    assert "Equal tokens" not in said.replace("\n", " ")


def random_values(layers, columns):
    return np.random.default_rng(1).normal(size=(layers, columns)) / 3


def signed_figures(layers, columns, width):
    """Pictures of numbers with a sign."""
    values, parts = random_values(layers, columns), random_values(layers * columns, 9).reshape(layers, columns, 3, 3)
    pair = {"title": "t", "width": width}
    names, rest = [f"a part {i}" for i in range(columns)], {"title": "t", "caption": "c", "width": width}
    return {
        **{
            f"limit {top}": viz.heatmap_figure({"cost, in nats": values}, limits={"cost, in nats": (-top, top)}, **rest)
            for top in (1.23, 0.1, 0.0123, 1e-5)
        },
        **{
            f"pair {most}": viz.attention_pair_figure(np.eye(3), np.roll(np.eye(3), 1, 0) * most, list("abc"), **pair)
            for most in (0.5, 0.1)
        },
        "parts": viz.parts_figure(values, [f"a row {i}" for i in range(layers)], names, **rest),
        "grid": viz.parts_grid_figure(
            parts, range(layers), range(columns), ["word", "position", "head"], grey=parts < -0.4, **rest
        ),
        "terms": viz.terms_figure({f"a term {i}": float(x) for i, x in enumerate(values.flat)}, unit="score", **rest),
        "circuit": viz.circuit_figure([viz.Arrow((0, 0), (1, 1), "query", 0.3)], range(layers), range(columns), **rest),
        "tree": viz.tree_figure([viz.Branch(0, "door", 1.2), viz.Branch(1, "her", -0.7)], unit="lead", **rest),
    }


def joints_in_space(width):
    query, key, _ = heads(tokens=12)
    way = viz.normalize(query, key, method="paper", scale=1, components=3)
    return viz.joint_figure([way] * 3, [f"token{i}" for i in range(12)], title="t", width=width)


@pytest.mark.parametrize("size", [*SIZES, {"layers": 12, "columns": 12, "tokens": 20}])
def test_the_edges_of_every_picture_are_white(size):
    """Ink in the outermost pixels is the end of something that was cut off."""
    width = size.get("width", style.WIDTH)
    figures = every_figure(**size) | signed_figures(size["layers"], size["columns"], width)
    for name, figure in (figures | {"space": joints_in_space(width)}).items():
        pixels = np.asarray(Image.open(io.BytesIO(png(figure))).convert("L"))
        for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]):
            assert edge.min() > 250, name


def test_the_sign_of_a_cell_is_seen_without_colors():
    """A cell below 0 has a number with a minus or, where numbers do not fit, a minus; the caption says so."""
    for columns, width, numbers in ((4, 7, True), (24, 5, False)):
        values = random_values(6, columns)
        figure = viz.heatmap_figure({"cost": values}, title="t", width=width)
        axes = figure.axes[0]
        written = [text.get_text() for text in axes.texts]
        assert bool(written) == numbers and any("A minus: below 0." in text for text in texts(figure)) != numbers
        if numbers:
            assert [text.startswith("−") for text in written] == (values < 0).ravel().tolist()
            continue
        (minus,) = axes.collections
        low = values < -0.05 * np.abs(values).max()
        assert sorted(map(tuple, minus.get_offsets().astype(int).tolist())) == sorted(
            map(tuple, np.argwhere(low)[:, ::-1].tolist())
        )
    above = viz.heatmap_figure({"cost": np.abs(random_values(6, 24))}, title="t", width=5)
    assert not above.axes[0].collections or not len(above.axes[0].collections[0].get_offsets())
    before = np.eye(40) * 0.5 + 0.0125
    pair = viz.attention_pair_figure(before, before[::-1], [f"t{i}" for i in range(40)], title="t")
    (minus,) = pair.axes[2].collections
    assert {tuple(place) for place in minus.get_offsets().astype(int).tolist()} == {(i, i) for i in range(40)}
    assert any("with a minus where less" in text for text in texts(pair))


def test_names_of_keys_are_in_italics(panels):
    figure = viz.joint_figure(panels[0][0], TOKENS)
    labels = [text for text in figure.axes[0].texts if text.get_text() in TOKENS]
    assert len(labels) == 2 * len(TOKENS)
    for label in labels:
        assert (label.get_fontstyle() == "italic") == (label.get_color() == style.KEY)
    assert any("Names of keys are in italics" in " ".join(text.split()) for text in texts(figure))


def test_labels_in_space_keep_off_the_numbers_and_names_of_axes():
    figure = joints_in_space(style.WIDTH)
    figure.draw_without_rendering()
    for axes in figure.axes:
        named = [text for text in axes.texts if text.get_text().startswith("token")]
        labels = [Text.get_window_extent(text) for text in named]  # without the line back to the point
        assert len(labels) == 24
        for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
            for text in (axis.label, *axis.get_ticklabels()):
                box = text.get_window_extent().padded(-1)
                assert not text.get_text() or not any(box.overlaps(label) for label in labels), text


def test_no_line_begins_with_dots_and_keys_stand_in_even_lines():
    for width in np.linspace(0.8, 3, 40):
        assert not any(
            line.startswith("…") for line in canvas.wrap("tiny · “A long text that goes on …”", 8, width).split("\n")
        )
    labels = [
        "query",
        "key",
        "first",
        "second",
        "third sentence",
        "each query's most attended key",
        "attention 0.1",
        "attention 0.9",
    ]
    assert canvas._arrange(labels, 20) == (8, 1) and canvas._arrange(labels, 6.5) == (4, 2)
    assert canvas._arrange(labels, 2) == (1, 8) and canvas._arrange([], 2) == (1, 0)


def test_bars_by_position_have_ticks_at_the_roots_of_their_numbers():
    by_offset = np.full((2, 2, 21), 0.01)
    by_offset[0, 0, 11] = 0.9
    figure = viz.positions_figure(by_offset)
    axes = figure.axes[0]
    ticks = dict(zip((label.get_text() for label in axes.get_yticklabels()), axes.get_yticks(), strict=True))
    assert ticks == {"0": 0, "0.1": pytest.approx(0.1**0.5), "0.5": pytest.approx(0.5**0.5)}
    assert max(patch.get_height() for patch in axes.patches if hasattr(patch, "get_height")) == pytest.approx(0.9**0.5)
    assert not list(figure.axes[1].get_yticks())
    assert any("a bar is as long as its square root" in " ".join(text.split()) for text in texts(figure))


def test_a_narrow_joint_picture_fits_a_page(panels):
    assert viz.joint_figure(panels[0], TOKENS, title="t", width=3).get_figheight() < 9


def test_hexagons_say_how_many_pairs_they_are():
    query, key, attention = heads(tokens=60)
    figure = viz.distance_figure(viz.normalize(query, key, method="raw"), attention)
    (hexagons,) = [c for c in figure.axes[0].collections if type(c).__name__ == "PolyCollection"]
    low, high = hexagons.get_clim()
    assert low < 1 and high == 3600 // 20 and "pairs: 1 where palest, 180 or more where black" in texts(figure)

"""Directions that carry a property: those of a head that was made by hand, and the share of its scores."""

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.text import Text

import viz
from viz.errors import InputError
from viz.figures.properties import PropertyPanel, colors_of
from viz.figures.style import LAYERS
from viz.geometry.properties import PropertyPlane, centred, contrast, energy

SPANS = [slice(start, start + 6) for start in range(0, 240, 6)]


def planted(rng, noise=0.0):
    """Queries and keys of 40 sentences; two directions, which are turned, carry which of three words a token is."""
    words = rng.integers(3, size=SPANS[-1].stop)
    codes = np.stack([np.cos(2 * np.pi * words / 3), np.sin(2 * np.pi * words / 3)], axis=-1)
    query, key = (np.concatenate([3 * codes, noise * rng.normal(size=(len(words), 4))], axis=-1) for _ in range(2))
    turn, _ = np.linalg.qr(rng.normal(size=(6, 6)))
    labels = [centred((words[s] == words[s, None]).astype(float))[None] for s in SPANS]
    return query @ turn, key @ turn, labels, turn


def shared(query, key, plane):
    """The share of the scores that a plane carries, pair by pair."""
    score = [centred(query[s] @ key[s].T) for s in SPANS]
    into_q, into_k = (axes.T @ axes for axes in (plane.query_axes, plane.key_axes))
    carried = [centred(query[s] @ into_q @ into_k @ key[s].T) for s in SPANS]
    return sum((a * b).sum() for a, b in zip(score, carried, strict=True)) / sum((a**2).sum() for a in score)


def test_the_directions_of_a_planted_property_are_read_off_exactly():
    query, key, labels, turn = planted(np.random.default_rng(0))
    plane = PropertyPlane.of(contrast(query, key, labels, SPANS))[0,]
    for axes in (plane.query_axes, plane.key_axes):
        np.testing.assert_allclose(axes.T @ axes, turn[:2].T @ turn[:2], atol=1e-10)
    np.testing.assert_allclose(plane.share(energy(query, key, SPANS)), 1, atol=1e-10)


def test_beside_other_scores_the_share_is_that_of_the_pairs():
    query, key, labels, turn = planted(np.random.default_rng(1), noise=1.0)
    plane = PropertyPlane.of(contrast(query, key, labels, SPANS))[0,]
    np.testing.assert_allclose(plane.share(energy(query, key, SPANS)), shared(query, key, plane), rtol=1e-10)
    exact = shared(query, key, PropertyPlane(turn[:2], turn[:2]))
    assert 0.8 < exact < 0.99
    assert plane.share(energy(query, key, SPANS)) == pytest.approx(exact, abs=0.03)


def test_the_contrast_is_the_sum_over_pairs_of_each_head_and_property():
    rng = np.random.default_rng(2)
    spans, query, key = [slice(0, 3), slice(3, 5)], *rng.normal(size=(2, 4, 5, 6))
    labels = [centred(rng.normal(size=(2, 3, 3))), centred(rng.normal(size=(2, 2, 2)))]
    found = contrast(query, key, labels, spans)
    assert found.shape == (4, 2, 6, 6)
    for h, p in np.ndindex(4, 2):
        expected = sum(
            label[p, i, j] * np.outer(query[h, span][i], key[h, span][j])
            for label, span in zip(labels, spans, strict=True)
            for i, j in np.ndindex(label.shape[1:])
        )
        np.testing.assert_allclose(found[h, p], expected, atol=1e-12)


def test_in_the_plane_the_dot_product_is_what_the_directions_carry():
    rng = np.random.default_rng(3)
    query, key = rng.normal(size=(2, 7, 5))
    plane = PropertyPlane.of(rng.normal(size=(5, 5)))
    x, y = plane.draw(query, key)
    into_q, into_k = (axes.T @ axes for axes in (plane.query_axes, plane.key_axes))
    np.testing.assert_allclose(x @ y.T, query @ into_q @ into_k @ key.T, atol=1e-12)
    assert x.shape == y.shape == (7, 2)


def panel(**changed):
    rng = np.random.default_rng(4)
    about = {"title": "same word", "note": "share 0.50", "names": [], "sentence": slice(3, 6), "labels": list("abc")}
    arrays = {"query": rng.normal(size=(9, 2)), "key": rng.normal(size=(9, 2)), "kinds": np.arange(9.0)}
    return PropertyPanel(
        **about | arrays | {"pairs": np.array([[3, 4], [5, 3]]), "attention": np.array([0.2, 0.8])} | changed
    )


def test_a_panel_has_its_lines_labels_and_colors(tmp_path):
    figure = viz.property_figure([panel()], title="tiny", caption="How to read it.")
    (axes,) = figure.axes
    (lines,) = axes.findobj(lambda one: type(one) is LineCollection)
    np.testing.assert_allclose(lines.get_segments()[1], [panel().query[5], panel().key[3]])
    assert np.diff(lines.get_linewidths()) > 0
    texts = [text.get_text() for text in figure.findobj(Text) if text.get_text()]
    assert {"same word", "share 0.50", "direction 1 of the property", "place 0", "place 8", "tiny"} <= set(texts)
    assert [texts.count(letter) for letter in "abc"] == [2, 2, 2]
    assert viz.save(figure, tmp_path / "plane.pdf").stat().st_size > 1000


def test_colors_are_places_from_light_to_dark_or_kinds():
    np.testing.assert_allclose(colors_of(panel())[[0, 8]], [LAYERS(0.0), LAYERS(1.0)])
    kinds = colors_of(panel(kinds=np.array([0, 0, 1, np.nan]), names=["word", "special token"]))
    assert (kinds[0] == kinds[1]).all() and len({tuple(color) for color in kinds.tolist()}) == 3


def test_no_panel():
    with pytest.raises(InputError, match="there is no panel; expected one property at least"):
        viz.property_figure([])

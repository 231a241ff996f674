"""Queries and keys of all words of a vocabulary in the plane of one head; some of them with labels and lines."""

from collections.abc import Sequence

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from viz.errors import InputError
from viz.figures import canvas
from viz.figures.label_placement import place_labels
from viz.figures.style import INK, KEY, KEY_MARK, LINE, QUERY, QUERY_MARK, SMALL, WIDTH, in_house_style


@in_house_style
def vocabulary_figure(
    query: np.ndarray,
    key: np.ndarray,
    labels: Sequence[str],
    pairs: np.ndarray,
    *,
    title: str = "",
    caption: str = "",
    width: float = WIDTH,
) -> Figure:
    """All words as points, and lines from some queries to keys, whose ends have labels.

    query, key: [V, 2], places in the plane. labels: [V]. pairs: [M, 2], query and key among the V words.
    width: of the figure, in inches.

    InputError: not as many labels as words.
    """
    if not len(labels) == len(query) == len(key):
        raise InputError(f"there are {len(labels)} labels for {len(query)} queries and {len(key)} keys")
    layout = canvas.Layout(1, 1, width, 0.75, margins=(0.45, 0.08, 0.1, 0.4))
    figure, (axes,) = canvas.page(layout, title=title, caption=caption, keys=canvas.query_and_key())
    canvas.equal_axes(axes, np.concatenate([query, key]), margin=0.06)
    axes.axhline(0, color=INK, lw=0.3, zorder=0)
    axes.axvline(0, color=INK, lw=0.3, zorder=0)
    of_query, of_key = (np.unique(pairs[:, side]) for side in (0, 1))
    for points, mark, color, named in ((query, QUERY_MARK, QUERY, of_query), (key, KEY_MARK, KEY, of_key)):
        x, y = points.T
        axes.scatter(x, y, s=2, marker=mark, color=color, lw=0, alpha=0.2, zorder=1, rasterized=True)
        axes.scatter(x[named], y[named], s=14, marker=mark, color=color, edgecolors="white", lw=0.5, zorder=4)
    ends = np.stack([query[pairs[:, 0]], key[pairs[:, 1]]], axis=1)
    axes.add_collection(LineCollection(list(ends), colors=LINE, lw=0.5, alpha=0.7, zorder=3))
    places = np.concatenate([query[of_query], key[of_key]])
    names = [labels[i] for i in (*of_query, *of_key)]
    place_labels(axes, places, names, [QUERY] * len(of_query) + [KEY] * len(of_key), lines=ends)
    for name, number in (("x", 1), ("y", 2)):
        getattr(axes, f"set_{name}label")(f"direction {number} of the scores", fontsize=SMALL)
    return figure

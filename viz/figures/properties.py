"""The plane of a property: queries and keys of one head along the directions that carry it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba_array
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from viz.errors import InputError
from viz.figures import canvas
from viz.figures.joint import line_widths
from viz.figures.label_placement import place_labels
from viz.figures.style import FAINT, INK, KEY, KEY_MARK, LAYERS, LINE, QUERY, QUERY_MARK, SMALL, WIDTH, in_house_style
from viz.web.theme import theme

CATEGORIES = theme()["light"]["categories"]
MOST_LABELS = 24  # tokens


@dataclass(frozen=True)
class PropertyPanel:
    """One property. N tokens of all sentences; those of one sentence have labels.

    title, note: above the panel.
    query, key: [N, 2], places in the plane.
    kinds: [N], the number that gives a token its colour; NaN: none.
    names: what the numbers mean; without names they are places in the sentence, from light to dark.
    sentence: the tokens with labels; labels: their texts.
    pairs: [M, 2], query and key among the N tokens that have the property. attention: [M], the width of their lines.
    """

    title: str
    note: str
    query: np.ndarray
    key: np.ndarray
    kinds: np.ndarray
    names: Sequence[str]
    sentence: slice
    labels: Sequence[str]
    pairs: np.ndarray
    attention: np.ndarray


@in_house_style
def property_figure(
    panels: Sequence[PropertyPanel], *, title: str = "", caption: str = "", width: float = WIDTH
) -> Figure:
    """A panel per property. The dot product of a query and a key in it is what the plane carries of their score.

    width: of the figure, in inches.

    InputError: no panel.
    """
    if not panels:
        raise InputError("there is no panel; expected one property at least")
    columns = canvas.columns_for(len(panels), width, 2.8 if len(panels) <= 4 else 2.1)
    layout = canvas.Layout(len(panels), columns, width, margins=(0.4, 0.08, 0.42, 0.35), gaps=(0.4, 0.8))
    keys = [
        *canvas.query_and_key(),
        Line2D([], [], color=LINE, lw=float(line_widths(0.4)), label="line: attention 0.4"),
    ]
    places = [panel.kinds for panel in panels if not panel.names]
    if places:
        low, high = int(min(map(np.min, places))), int(max(map(np.max, places)))
        keys += [
            canvas.dot(LAYERS(share), "s", f"place {low + round(share * (high - low))}") for share in (0, 0.5, 1.0)
        ]
    figure, all_axes = canvas.page(layout, title=title, caption=caption, keys=keys)
    for axes, panel in zip(all_axes, panels, strict=True):
        _draw(axes, panel)
    return figure


def colors_of(panel: PropertyPanel) -> np.ndarray:
    """The colour of each token, [N, 4]."""
    kinds = np.asarray(panel.kinds, float)
    if panel.names:
        return to_rgba_array([FAINT if np.isnan(kind) else CATEGORIES[int(kind) % len(CATEGORIES)] for kind in kinds])
    low, high = np.nanmin(kinds), np.nanmax(kinds)
    return np.asarray(LAYERS((kinds - low) / max(high - low, 1)))


def _draw(axes: Axes, panel: PropertyPanel) -> None:
    colors, (start, stop) = colors_of(panel), (panel.sentence.start, panel.sentence.stop)
    canvas.equal_axes(axes, np.concatenate([panel.query, panel.key]), margin=0.06)
    axes.axhline(0, color=INK, lw=0.3, zorder=0)
    axes.axvline(0, color=INK, lw=0.3, zorder=0)
    ends = np.stack([panel.query[panel.pairs[:, 0]], panel.key[panel.pairs[:, 1]]], axis=1)
    axes.add_collection(LineCollection(list(ends), colors=LINE, alpha=0.7, zorder=2, lw=line_widths(panel.attention)))
    for points, mark, rim in ((panel.query, QUERY_MARK, QUERY), (panel.key, KEY_MARK, KEY)):
        x, y = points.T
        axes.scatter(x, y, s=3, marker=mark, c=colors, lw=0, alpha=0.35, zorder=1, rasterized=True)
        own = slice(start, stop)
        axes.scatter(x[own], y[own], s=14, marker=mark, c=colors[own], edgecolors=rim, linewidths=0.7, zorder=4)
    shown = list(range(start, stop))
    if len(shown) > MOST_LABELS:
        shown = sorted(set(panel.pairs.ravel().tolist()))[:MOST_LABELS]
    points = np.concatenate([panel.query[shown], panel.key[shown]])
    names = [panel.labels[i - start] for i in shown]
    place_labels(axes, points, names * 2, [QUERY] * len(shown) + [KEY] * len(shown), lines=ends)
    for name in "xy":
        number = "xy".index(name) + 1
        getattr(axes, f"set_{name}label")(f"direction {number} of the property", fontsize=SMALL)
    canvas.heading(axes, panel.title, panel.note)

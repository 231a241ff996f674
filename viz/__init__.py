"""Pictures of attention from queries and keys. Knows arrays, tokens and matplotlib; nothing of any model.

    n = viz.normalize(query, key, sentences, method="exact")     move queries to the keys they attend to
    viz.measure(n, attention, sentences).plane.nearest1          does it show in the plane?
    viz.save(viz.joint_figure([n], tokens, pairs), "joint.png")  look

Arrays have the shape [..., N, K]: N tokens, of all sentences, end to end; K head size; "..." any axes of heads, such as
[layers, heads]. matplotlib is imported when the first figure is made.
"""

import importlib
from typing import TYPE_CHECKING

from viz.figures.lines import Lines, choose_lines, link_words
from viz.figures.words import Words, find_words
from viz.geometry.normalize import Normalized, normalize
from viz.geometry.pca import Pca, pca
from viz.measures.habits import Habits, habits
from viz.measures.measure import Measures, RankedAttention, measure, measure_all
from viz.measures.shift import Shift, jensen_shannon, shift

LATER = {  # these need matplotlib, or are a chapter of their own: imported when first asked for
    "joint_figure": "viz.figures.joint",
    "link_in_words": "viz.figures.joint",
    "distance_figure": "viz.figures.distances",
    "attention_figure": "viz.figures.maps",
    "attention_pair_figure": "viz.figures.maps",
    "search_figure": "viz.figures.search",
    "matrix_figure": "viz.figures.matrix",
    "attention_sheet": "viz.figures.maps",
    "layers_figure": "viz.figures.matrix",
    "heatmap_figure": "viz.figures.heatmaps",
    "positions_figure": "viz.figures.heatmaps",
    "save": "viz.figures.canvas",
    "Sentence": "viz.explorer",
    "explore": "viz.explorer",
    "read_export": "viz.exported",
}

if TYPE_CHECKING:  # so that editors and type checkers know them too
    from viz.explorer import Sentence as Sentence
    from viz.explorer import explore as explore
    from viz.exported import read_export as read_export
    from viz.figures.canvas import save as save
    from viz.figures.distances import distance_figure as distance_figure
    from viz.figures.heatmaps import heatmap_figure as heatmap_figure
    from viz.figures.heatmaps import positions_figure as positions_figure
    from viz.figures.joint import joint_figure as joint_figure
    from viz.figures.joint import link_in_words as link_in_words
    from viz.figures.maps import attention_figure as attention_figure
    from viz.figures.maps import attention_pair_figure as attention_pair_figure
    from viz.figures.maps import attention_sheet as attention_sheet
    from viz.figures.matrix import layers_figure as layers_figure
    from viz.figures.matrix import matrix_figure as matrix_figure
    from viz.figures.search import search_figure as search_figure

__all__ = [
    "Habits",
    "Lines",
    "Measures",
    "Normalized",
    "Pca",
    "RankedAttention",
    "Shift",
    "Words",
    "choose_lines",
    "find_words",
    "habits",
    "jensen_shannon",
    "link_words",
    "measure",
    "measure_all",
    "normalize",
    "pca",
    "shift",
    *LATER,
]


def __getattr__(name):
    if name not in LATER:
        raise AttributeError(f"module 'viz' has no attribute {name!r}")
    if not LATER[name].startswith("viz.figures"):
        return getattr(importlib.import_module(LATER[name]), name)
    from viz.figures.style import house_style  # first, since it sees to it that matplotlib can be imported

    with house_style():
        return getattr(importlib.import_module(LATER[name]), name)

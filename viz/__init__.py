"""Pictures of attention from queries and keys. viz needs arrays, tokens and matplotlib, and imports no model.

    n = viz.normalize(query, key, sentences, method="exact")     # move queries and keys; attention stays the same
    viz.measure(n, attention, sentences).plane.nearest1          # how often is the most attended key the nearest?
    viz.save(viz.joint_figure([n], tokens, pairs), "joint.png")  # draw them

matplotlib is imported when the first figure is made. Letters name axes of arrays, in shapes such as [..., N, K] and at
the end of names such as query_GPNK:

    N  tokens of all sentences, end to end   S  tokens of one sentence, as keys   Q  queries of one sentence
    K  head size; K + 1 with method "exact"  C  dimensions of the plane, 2 or 3   L  layers   H  heads
    G  groups of heads that share a plane    P  heads of a group                  n  sentences of one length
    R  min(N, K) principal directions        X  scales that are tried             W  words   M  any number of points
    ...  any axes of heads, such as [layers, heads], or none

In equations q_i and k_j are one query and one key. A [C, K], a [C] and B [C, K], b [C] are the linear maps of queries
and keys into the plane: x_i = A q_i + a, y_j = B k_j + b. In singular value decompositions U S V^T, U, S and V are
the usual matrices. c is the scale, R also the radius of "exact", d0 the distance below which a pair counts as close.
"""

import importlib
from typing import TYPE_CHECKING, Any

from viz.figures.attention_lines import Lines, choose_lines, link_words
from viz.figures.whole_words import Words, find_words
from viz.geometry.normalize import Normalized, normalize
from viz.geometry.pca import Pca, pca
from viz.measures.habits import Habits, habits
from viz.measures.held import Held, held
from viz.measures.measure import Measures, RankedAttention, measure, measure_all
from viz.measures.parking import Parking, parking
from viz.measures.shift import Shift, jensen_shannon, shift

SUBPACKAGES = ("explorer", "figures", "geometry", "measures", "web")
FROM = {  # imported when first used, since they need matplotlib or are large
    "viz.explorer": ("Sentence", "explore"),
    "viz.export": ("read_export",),
    "viz.figures.attention_maps": ("attention_figure", "attention_pair_figure", "attention_sheet"),
    "viz.figures.canvas": ("save",),
    "viz.figures.circuits": ("Arrow", "circuit_figure", "parts_figure", "parts_grid_figure"),
    "viz.figures.distances": ("distance_figure",),
    "viz.figures.heatmaps": ("heatmap_figure", "positions_figure"),
    "viz.figures.joint": ("joint_figure", "link_in_words"),
    "viz.figures.matrix": ("layers_figure", "matrix_figure"),
    "viz.figures.parking": ("parking_figure",),
    "viz.figures.properties": ("PropertyPanel", "property_figure"),
    "viz.figures.scale_search": ("search_figure",),
    "viz.figures.terms": ("terms_figure",),
    "viz.figures.tree": ("Branch", "tree_figure"),
    "viz.figures.vocabulary": ("vocabulary_figure",),
}
LATER = {name: module for module, names in FROM.items() for name in names}

if TYPE_CHECKING:  # for editors and type checkers
    from viz.explorer import Sentence as Sentence
    from viz.explorer import explore as explore
    from viz.export import read_export as read_export
    from viz.figures.attention_maps import attention_figure as attention_figure
    from viz.figures.attention_maps import attention_pair_figure as attention_pair_figure
    from viz.figures.attention_maps import attention_sheet as attention_sheet
    from viz.figures.canvas import save as save
    from viz.figures.circuits import Arrow as Arrow
    from viz.figures.circuits import circuit_figure as circuit_figure
    from viz.figures.circuits import parts_figure as parts_figure
    from viz.figures.circuits import parts_grid_figure as parts_grid_figure
    from viz.figures.distances import distance_figure as distance_figure
    from viz.figures.heatmaps import heatmap_figure as heatmap_figure
    from viz.figures.heatmaps import positions_figure as positions_figure
    from viz.figures.joint import joint_figure as joint_figure
    from viz.figures.joint import link_in_words as link_in_words
    from viz.figures.matrix import layers_figure as layers_figure
    from viz.figures.matrix import matrix_figure as matrix_figure
    from viz.figures.parking import parking_figure as parking_figure
    from viz.figures.properties import PropertyPanel as PropertyPanel
    from viz.figures.properties import property_figure as property_figure
    from viz.figures.scale_search import search_figure as search_figure
    from viz.figures.terms import terms_figure as terms_figure
    from viz.figures.tree import Branch as Branch
    from viz.figures.tree import tree_figure as tree_figure
    from viz.figures.vocabulary import vocabulary_figure as vocabulary_figure

__distribution__ = "minibert-numpy"  # the command looks for this, since others have packages of our names

__all__ = [
    "Habits",
    "Held",
    "Lines",
    "Measures",
    "Normalized",
    "Parking",
    "Pca",
    "RankedAttention",
    "Shift",
    "Words",
    "choose_lines",
    "find_words",
    "habits",
    "held",
    "jensen_shannon",
    "link_words",
    "measure",
    "measure_all",
    "normalize",
    "parking",
    "pca",
    "shift",
    *LATER,
]


def __getattr__(name: str) -> Any:
    if name in SUBPACKAGES:
        return importlib.import_module(f"viz.{name}")
    if name not in LATER:
        raise AttributeError(f"module 'viz' has no attribute {name!r}")
    if not LATER[name].startswith("viz.figures"):
        return getattr(importlib.import_module(LATER[name]), name)
    from viz.figures.style import house_style  # first, since it makes sure that matplotlib can be imported

    with house_style():
        return getattr(importlib.import_module(LATER[name]), name)


def __dir__() -> list[str]:
    return sorted({*(name for name in globals() if name.startswith("__")), *SUBPACKAGES, *__all__})

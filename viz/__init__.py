"""Pictures of attention from queries and keys. Knows arrays, tokens and matplotlib; nothing of any model.

    n = viz.normalize(query, key, sentences, method="exact")     move queries to the keys they attend to
    viz.measure(n, attention, sentences).plane.nearest1          does it show in the plane?
    viz.save(viz.joint_figure([n], tokens, pairs), "joint.png")  look

Arrays have the shape [..., N, K]: N tokens, of all sentences, end to end; K head size; "..." any axes of heads, such as
[layers, heads]. matplotlib is imported when the first figure is made.
"""

import importlib

from viz.measure import Measures, measure
from viz.normalize import Normalized, normalize
from viz.pca import Pca, pca

LATER = {
    "explore": "viz.explorer",
}

__all__ = ["Measures", "Normalized", "Pca", "measure", "normalize", "pca", *LATER]


def __getattr__(name):
    if name not in LATER:
        raise AttributeError(f"module 'viz' has no attribute {name!r}")
    return getattr(importlib.import_module(LATER[name]), name)

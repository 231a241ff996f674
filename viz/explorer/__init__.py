"""The explorer: AttentionViz for your own sentences, as one HTML file that works offline.

    page = viz.explore(tokens, query, key)      in a notebook the page shows itself
    page.save("explorer.html")

The browser's part is in `page/`: small modules, each with one idea, put together by `assemble`. It imports the geometry
and the measures, and no figures.
"""

from viz.explorer.build import Explorer, explore
from viz.explorer.model import Live
from viz.explorer.sentence import Sentence
from viz.explorer.traces import trace_html

__all__ = ["Explorer", "Live", "Sentence", "explore", "trace_html"]

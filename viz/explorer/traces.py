"""How one sentence's attention shows itself in a notebook."""

from collections.abc import Sequence
from importlib.resources import files

import numpy as np

import viz.explorer.pack as pack
from viz.explorer.words import WORDS
from viz.web.assemble import assemble, framed

PAGE = files("viz.explorer") / "page"

MOST = 6_000_000  # bytes of attention in one notebook cell


def trace_html(tokens: Sequence[str], attentions: Sequence[np.ndarray | None]) -> str | None:
    """Tokens and an attention heatmap with a switch for layer and head, in an isolated frame.

    attentions: for each layer an array [heads, T, T]. None where a layer's was not kept, or where the maps are too many
    for one notebook cell: then a notebook falls back to the plain text.
    """
    kept = [attention for attention in attentions if attention is not None]
    if len(kept) < len(attentions) or 2 * sum(attention.size for attention in kept) > MOST:
        return None
    attention = np.stack(kept)
    layers, heads, size, _ = attention.shape
    maps = pack.unsigned(attention, 1)
    data = {"tokens": list(tokens), "layers": layers, "heads": heads, "attention": maps}
    page = assemble("trace.html", "trace.mjs", "trace.css", data, "attention", PAGE, words=WORDS.of())
    return framed(page, min(760, 160 + max(6, size) * 21), "attention of a trace")

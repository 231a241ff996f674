"""How one sentence's attention shows itself in a notebook."""

from collections.abc import Sequence

import numpy as np

from viz.explorer import pack
from viz.explorer.assemble import assemble, framed

MOST = 6_000_000  # bytes of attention in one notebook cell


def trace_html(tokens: Sequence[str], attentions: Sequence[np.ndarray]) -> str:
    """Tokens and an attention heatmap with a switch for layer and head, in an isolated frame.

    attentions: for each layer an array [heads, T, T]. Raises ValueError where T x T maps are too many for a cell.
    """
    attention = np.stack(attentions)
    layers, heads, size, _ = attention.shape
    if 2 * attention.size > MOST:
        raise ValueError(f"{layers} x {heads} maps of {size} x {size} tokens are too many for one notebook cell")
    data = {
        "tokens": list(tokens),
        "layers": layers,
        "heads": heads,
        "attention": pack.unsigned(attention, 1),
    }
    return framed(
        assemble("trace.html", "trace.mjs", "trace.css", data, "attention"), min(760, 150 + max(12, size) * 22)
    )

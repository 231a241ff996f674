"""Everything a forward pass computed, by name."""

from dataclasses import dataclass, field

import numpy as np

LAYER_FIELDS = ("query", "key", "value", "scores", "attention", "context")
TRACE_FIELDS = ("hidden_states", "pooled")
FIELDS = LAYER_FIELDS + TRACE_FIELDS
"""The names that `keep` knows."""


@dataclass(frozen=True, eq=False)
class LayerTrace:
    """What the attention of one layer computed for one sentence. What was not kept is None. All float32."""

    query: np.ndarray | None = None
    """[heads, tokens, head_size] what each token looks for"""
    key: np.ndarray | None = None
    """[heads, tokens, head_size] what each token offers"""
    value: np.ndarray | None = None
    """[heads, tokens, head_size] what each token gives to those who attend to it"""
    scores: np.ndarray | None = None
    """[heads, tokens, tokens] query . key / sqrt(head_size), before softmax; row: query, column: key"""
    attention: np.ndarray | None = None
    """[heads, tokens, tokens] softmax of the scores: each row sums to 1"""
    context: np.ndarray | None = None
    """[tokens, hidden] the attended values, heads side by side, before the output projection"""


@dataclass(frozen=True, eq=False)
class Trace:
    """One sentence's way through the model. What was not kept is None."""

    tokens: tuple[str, ...]
    """the pieces of the text, [CLS] and [SEP] among them"""
    words: tuple[tuple[int, int] | None, ...]
    """(sentence, word) each token is a piece of, both from 0; None for [CLS] and [SEP]"""
    token_type_ids: tuple[int, ...]
    """0 for the first sentence of a pair, 1 for the second"""
    layers: tuple[LayerTrace, ...] = field(repr=False)
    """one LayerTrace a layer"""
    roles: tuple[str | None, ...] = ()
    """what each special token is for: "cls", "sep", "mask", "pad", "unk", or "special"; None for a piece of the text"""
    hidden_states: tuple[np.ndarray, ...] | None = field(default=None, repr=False)
    """layers + 1 arrays [tokens, hidden]: 0 the embeddings, i the output of layer i"""
    pooled: np.ndarray | None = field(default=None, repr=False)
    """[hidden] the pooler's vector, or None where the checkpoint has no pooler"""

    def _repr_html_(self) -> str | None:
        """How a notebook shows a Trace: its tokens and a heatmap of attention; None, for text, where none was kept."""
        if not self.layers or any(layer.attention is None for layer in self.layers):
            return None
        from viz.explorer import trace_html

        return trace_html(self.tokens, [layer.attention for layer in self.layers])

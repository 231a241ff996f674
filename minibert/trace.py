"""Everything a forward pass computed, by name."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

LAYER_FIELDS = (
    "query",
    "key",
    "value",
    "scores",
    "attention",
    "context",
    "head_outputs",
    "attended",
    "inner",
)
TRACE_FIELDS = ("hidden_states", "pooled")
FIELDS = LAYER_FIELDS + TRACE_FIELDS
"""The names that `keep` knows."""


@dataclass(frozen=True, eq=False)
class LayerTrace:
    """What one layer computed for one sentence, in this order. All float32. What was not kept is None.

    query         [heads, tokens, head_size]  what each token looks for
    key           [heads, tokens, head_size]  what each token offers
    value         [heads, tokens, head_size]  what each token gives to those who attend to it
    scores        [heads, tokens, tokens]     query . key / sqrt(head_size), before softmax; row: query, column: key
    attention     [heads, tokens, tokens]     softmax of the scores: each row sums to 1
    context       [tokens, hidden]            the attended values, heads side by side, before the output projection
    head_outputs  [heads, tokens, hidden]     what each head adds to each token: its context through its part of the
                                              output projection (the bias of the projection belongs to no head). It
                                              costs a tenth of the time, and of long texts a third of the memory
    attended      [tokens, hidden]            the state between the halves: after attention, residual and layer norm
    inner         [tokens, intermediate]      the inner numbers of the feed-forward half, after the activation
    """

    query: np.ndarray | None = None
    key: np.ndarray | None = None
    value: np.ndarray | None = None
    scores: np.ndarray | None = None
    attention: np.ndarray | None = None
    context: np.ndarray | None = None
    head_outputs: np.ndarray | None = None
    attended: np.ndarray | None = None
    inner: np.ndarray | None = None

    def __post_init__(self) -> None:
        lock(getattr(self, name) for name in LAYER_FIELDS)


@dataclass(frozen=True, eq=False)
class Trace:
    """One sentence's way through the model. What was not kept is None; arrays are float32, and read-only.

    tokens          the pieces of the text, "##" where one continues a word; [CLS] stands before, [SEP] after each half
    words           (sentence, word) each token is a piece of, both from 0; None for special tokens
    token_type_ids  0 for the first sentence of a pair, 1 for the second
    layers          one LayerTrace per layer
    roles           what each special token is for: "cls", "sep", "mask", "pad", "unk", or "special"; None for a piece
                    of the text
    hidden_states   layers + 1 arrays [tokens, hidden]: 0 the embeddings, i the output of layer i - 1 (layers from 0)
    pooled          [hidden] the pooler's vector, or None where the checkpoint has no pooler

    A field of all layers as one array is `trace.stacked("attention")`: [layers, heads, tokens, tokens].
    """

    tokens: tuple[str, ...]
    words: tuple[tuple[int, int] | None, ...]
    token_type_ids: tuple[int, ...]
    layers: tuple[LayerTrace, ...] = field(repr=False)
    roles: tuple[str | None, ...] = ()
    hidden_states: tuple[np.ndarray, ...] | None = field(default=None, repr=False)
    pooled: np.ndarray | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        lock((*(self.hidden_states or ()), self.pooled))

    def stacked(self, name: str) -> np.ndarray:
        """One field of all layers as one array: `stacked("attention")` is [layers, heads, tokens, tokens].

        name: a field of LayerTrace, or "hidden_states". ValueError: not such a name, or it was not kept.
        """
        if name not in (*LAYER_FIELDS, "hidden_states"):
            raise ValueError(f"name is {name!r}; expected one of {', '.join((*LAYER_FIELDS, 'hidden_states'))}")
        arrays = self.hidden_states if name == "hidden_states" else [getattr(layer, name) for layer in self.layers]
        if arrays is None or any(array is None for array in arrays):
            raise ValueError(f"the trace holds no {name}: run the text with keep=({name!r},) or more")
        return np.stack(arrays)

    def to_rows(self, name: str = "attention") -> list[dict[str, object]]:
        """One field as rows with words and positions, `pandas.DataFrame(trace.to_rows("query"))`; see `export`."""
        from minibert.export.tables import rows_of

        return list(rows_of(self, name))

    def save(self, path: str | Path, name: str = "attention") -> None:
        """Write one field as rows to a .csv or .tsv file, or all that the trace holds to an .npz; see `export`."""
        from minibert.export.tables import save

        save(self, path, name)

    def holds(self, name: str) -> bool:
        """Whether the trace holds this field: of every layer, where it is one of a layer's."""
        if name in LAYER_FIELDS:
            return bool(self.layers) and all(getattr(layer, name) is not None for layer in self.layers)
        return getattr(self, name) is not None

    def _repr_html_(self) -> str | None:
        """How a notebook shows a Trace: its tokens and a heatmap of attention; None, for text, where none was kept."""
        if not self.layers or any(layer.attention is None for layer in self.layers):
            return None
        from viz.explorer import trace_html

        return trace_html(self.tokens, [layer.attention for layer in self.layers])


def lock(arrays: Iterable[np.ndarray | None]) -> None:
    """Make arrays read-only: a Trace says what was computed. To try other numbers, change a copy; see `Bert.resume`."""
    for array in arrays:
        if isinstance(array, np.ndarray):
            array.setflags(write=False)


def check_keep(keep: Iterable[str]) -> frozenset[str]:
    names = frozenset([keep] if isinstance(keep, str) else keep)
    if isinstance(keep, str) or not names <= set(FIELDS):
        shown = repr(keep) if isinstance(keep, str) else sorted(names, key=str)
        raise ValueError(f"keep is {shown}; expected a collection of names out of {', '.join(FIELDS)}")
    return names


def own(array: np.ndarray) -> np.ndarray:
    """The array, copied where it is a few rows of a batch's: a view would keep the whole batch in memory."""
    return array.copy() if array.base is not None and array.base.size > array.size else array

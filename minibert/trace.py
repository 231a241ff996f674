"""A Trace has the arrays of a forward pass, by name."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from minibert.attention import head_outputs
from minibert.checkpoint.config import BertConfig
from minibert.checkpoint.parameters import LayerWeights
from minibert.encoder import intermediate
from minibert.tokenizer.encoding import Encoding

LAYER_FIELDS = (
    "query",
    "key",
    "value",
    "scores",
    "attention",
    "context",
    "head_outputs",
    "attention_output",
    "intermediate",
)
TRACE_FIELDS = ("hidden_states", "pooled")
FIELDS = LAYER_FIELDS + TRACE_FIELDS
"""`keep` accepts these names."""

ON_REQUEST = ("head_outputs", "intermediate")
"""A Trace has these only if `keep` names them: both take extra work and much memory."""

DEFAULT = tuple(name for name in FIELDS if name not in ON_REQUEST)
"""A Trace has these if `keep` is not given."""


NOT_KEPT: Any = None
"""This replaces an array that was not kept. Its type lets a type checker treat every field as an array."""


@dataclass(frozen=True, eq=False, repr=False)
class LayerTrace:
    """These arrays were computed by one layer for one sentence, in this order. They are float32, or None if not kept.

    query             [heads, tokens, head_size]  what each token looks for
    key               [heads, tokens, head_size]  a label by which each token can be found
    value             [heads, tokens, head_size]  what each token gives to the tokens that attend to it
    scores            [heads, tokens, tokens]     query . key / sqrt(head_size), before softmax; row query, column key
    attention         [heads, tokens, tokens]     softmax of the scores: each row sums to 1
    context           [tokens, hidden]            weighted means of the values, heads side by side
    head_outputs      [heads, tokens, hidden]     what each head adds to each token; see `attention.head_outputs`
    attention_output  [tokens, hidden]            after the first half: output projection, residual and layer norm
    intermediate      [tokens, intermediate]      inside the second half, after the activation

    `head_outputs` and `intermediate` are there only if `keep` named them. They are
    computed for the Trace alone.
    """

    query: np.ndarray = NOT_KEPT
    key: np.ndarray = NOT_KEPT
    value: np.ndarray = NOT_KEPT
    scores: np.ndarray = NOT_KEPT
    attention: np.ndarray = NOT_KEPT
    context: np.ndarray = NOT_KEPT
    head_outputs: np.ndarray = NOT_KEPT
    attention_output: np.ndarray = NOT_KEPT
    intermediate: np.ndarray = NOT_KEPT

    def __post_init__(self) -> None:
        lock(getattr(self, name) for name in LAYER_FIELDS)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a copy or a pickle, whose arrays could be written to otherwise."""
        self.__dict__.update(state)
        self.__post_init__()

    def __repr__(self) -> str:
        kept = {name: getattr(self, name) for name in LAYER_FIELDS if getattr(self, name) is not None}
        return f"LayerTrace({', '.join(f'{name} {list(array.shape)}' for name, array in kept.items())})"


@dataclass(frozen=True, eq=False)
class Trace:
    """A Trace has the arrays that the model computed for one sentence: float32 and read-only, or None if not kept.

    tokens          the pieces of the text, "##" where one continues a word; [CLS] stands before, [SEP] after each half
    words           (sentence, word) each token is a piece of, both from 0; None for special tokens
    token_type_ids  0 for the first sentence of a pair, 1 for the second
    layers          one LayerTrace per layer
    roles           what each special token is for: "cls", "sep", "mask", "pad", "unk", or "special"; None for a piece
                    of the text
    input_ids       the ids of the tokens
    hidden_states   layers + 1 arrays [tokens, hidden]: 0 the embeddings, i the output of layer i - 1 (layers from 0)
    pooled          [hidden] the pooler's vector, or None where the checkpoint has no pooler

    `trace.stacked("attention")` returns a field of all layers as one array: [layers, heads, tokens, tokens].
    """

    tokens: tuple[str, ...]
    words: tuple[tuple[int, int] | None, ...]
    token_type_ids: tuple[int, ...]
    layers: tuple[LayerTrace, ...] = field(repr=False)
    roles: tuple[str | None, ...] = ()
    input_ids: tuple[int, ...] = ()
    hidden_states: tuple[np.ndarray, ...] = field(default=NOT_KEPT, repr=False)
    pooled: np.ndarray | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        lock((*(self.hidden_states or ()), self.pooled))

    __setstate__ = LayerTrace.__setstate__

    @classmethod
    def begin(cls, encoding: Encoding) -> "Trace":
        """Return the Trace of a sentence before the first layer, without arrays."""
        e = encoding
        return cls(e.tokens, e.words, e.token_type_ids, layers=(), roles=e.roles, input_ids=e.input_ids)

    def stacked(self, name: str) -> np.ndarray:
        """Return one field of all layers as one array: `stacked("attention")` is [layers, heads, tokens, tokens].

        name: a field of LayerTrace, or "hidden_states". ValueError: not such a name, or it was not kept.
        """
        if name not in (*LAYER_FIELDS, "hidden_states"):
            raise ValueError(f"name is {name!r}; expected one of {', '.join((*LAYER_FIELDS, 'hidden_states'))}")
        arrays = self.hidden_states if name == "hidden_states" else [getattr(layer, name) for layer in self.layers]
        if arrays is None or any(array is None for array in arrays):
            raise ValueError(f"the trace holds no {name}: run the text with keep=({name!r},) or more")
        return np.stack(arrays)

    def to_rows(self, name: str = "attention") -> list[dict[Any, Any]]:
        """Return one field as rows, each with its words and positions: `pandas.DataFrame(trace.to_rows("query"))`.

        scores, attention   layer, head, query, query_token, key, key_token, and the number under the field's name
        other fields        layer (not for pooled), head (where there is one), position, token, sentence, word, segment,
                            and the numbers of the vector under 0, 1, 2, ...

        position, query and key are positions of tokens. sentence and word count from 0 and are None for special tokens.
        For hidden_states, layer 0 is the embeddings and layer i is the output of layer i - 1.
        ValueError: the field was not kept, or there is no such field.
        """
        return list(self._rows(name))

    def _rows(self, name: str) -> Iterator[dict[Any, Any]]:
        if name == "pooled":
            if self.pooled is None:
                raise ValueError("the trace holds no pooled")
            yield dict(enumerate(self.pooled.tolist()))
            return
        array = self.stacked(name)
        if name in ("scores", "attention"):
            for layer, head, i, j in np.ndindex(array.shape):
                pair = {"query": i, "query_token": self.tokens[i], "key": j, "key_token": self.tokens[j]}
                yield {"layer": layer, "head": head, **pair, name: float(array[layer, head, i, j])}
            return
        for *where, i in np.ndindex(array.shape[:-1]):  # where: [layer, head], or [layer] alone
            sentence, word = self.words[i] or (None, None)
            token = {"position": i, "token": self.tokens[i], "sentence": sentence, "word": word}
            token["segment"] = self.token_type_ids[i]
            yield dict(zip(("layer", "head"), where, strict=False)) | token | dict(enumerate(array[*where, i].tolist()))

    def save(self, path: str | Path, name: str = "attention") -> None:
        """Write one field as rows to a .csv or .tsv file, or all that was kept to an .npz file.

        The .npz file has each field under its name, as `stacked` returns it. It also has tokens, token_type_ids,
        input_ids, roles ("" for a piece of the text), and words: [tokens, 2] with sentence and word, -1 for special
        tokens. `Trace.load` reads it.
        ValueError: another ending, or the field was not kept.
        """
        from viz.files import whole_file

        path = Path(path)
        if path.suffix not in (".csv", ".tsv", ".npz"):
            raise ValueError(f"{path} ends in {path.suffix!r}; expected .csv, .tsv or .npz")
        if path.suffix == ".npz":
            fields = [field for field in (*LAYER_FIELDS, "hidden_states") if self.holds(field)]
            arrays: dict[str, Any] = {field: self.stacked(field) for field in fields}
            if self.pooled is not None:
                arrays["pooled"] = self.pooled
            words = np.array([word or (-1, -1) for word in self.words])
            arrays |= {name: getattr(self, name) for name in ("tokens", "token_type_ids", "input_ids")}
            with whole_file(path) as beside, beside.open("wb") as file:
                np.savez(file, words=words, roles=[role or "" for role in self.roles], **arrays)
            return
        rows = self._rows(name)
        first = next(rows)
        with whole_file(path) as beside, beside.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, first, delimiter="\t" if path.suffix == ".tsv" else ",", lineterminator="\n")
            writer.writeheader()
            writer.writerow(first)
            writer.writerows(rows)

    @classmethod
    def load(cls, path: str | Path) -> "Trace":
        """Return the Trace that `save` wrote to an .npz file. ValueError: the file is not such a file."""
        from zipfile import BadZipFile  # only needed here

        try:
            with np.load(path) as saved:
                arrays = {name: saved[name] for name in saved}
            tokens, words = arrays["tokens"].tolist(), arrays["words"].tolist()
            encoding = {name: tuple(arrays[name].tolist()) for name in ("token_type_ids", "input_ids")}
            roles = tuple(role or None for role in arrays["roles"].tolist())
        except (BadZipFile, EOFError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} is not a file that Trace.save wrote ({error}); expected an .npz file") from None
        names, states = [name for name in LAYER_FIELDS if name in arrays], arrays.get("hidden_states")
        count = len(arrays[names[0]]) if names else 0 if states is None else len(states) - 1
        return cls(
            tokens=tuple(tokens),
            words=tuple(None if sentence < 0 else (sentence, word) for sentence, word in words),
            layers=tuple(LayerTrace(**{name: arrays[name][layer] for name in names}) for layer in range(count)),
            roles=roles,
            hidden_states=NOT_KEPT if states is None else tuple(states),
            pooled=arrays.get("pooled"),
            **encoding,
        )

    def holds(self, name: str) -> bool:
        """Return whether the trace has this field. If it is a field of a layer, every layer must have it."""
        if name in LAYER_FIELDS:
            return bool(self.layers) and all(getattr(layer, name) is not None for layer in self.layers)
        return getattr(self, name) is not None

    def _repr_html_(self) -> str | None:
        """Return the tokens and a heatmap of attention for a notebook, or None if attention was not kept."""
        if not self.layers or any(layer.attention is None for layer in self.layers):
            return None
        from viz.explorer import trace_html

        return trace_html(self.tokens, [layer.attention for layer in self.layers])


def lock(arrays: Iterable[np.ndarray | None]) -> None:
    """Make arrays read-only, since a Trace records what was computed. To try other numbers, see `Bert.resume`."""
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
    """Return the array, or a copy if it is a part of a larger one: a view would keep the larger one in memory."""
    return array.copy() if array.base is not None and array.base.size > array.size else array


class Recorder:
    """A Recorder collects the arrays of a forward pass that are in `keep`, for each sentence by itself.

    begun: a Trace per sentence, with the layers that are there already. sentences: the rows of each sentence.
    """

    def __init__(self, begun: Sequence[Trace], sentences: Sequence[slice], keep: frozenset[str]) -> None:
        self.begun, self.sentences, self.keep = begun, sentences, keep
        self.layers = [list(trace.layers) for trace in begun]
        self.states = [list(trace.hidden_states or ()) for trace in begun]

    def state(self, hidden_TD: np.ndarray) -> None:
        """Record the hidden states after the embeddings or a layer."""
        if "hidden_states" in self.keep:
            for states, rows in zip(self.states, self.sentences, strict=True):
                states.append(own(hidden_TD[rows]))

    def layer(self, parts: Sequence[dict[str, np.ndarray]]) -> None:
        """Record what one layer computed for each sentence."""
        for layers, part in zip(self.layers, parts, strict=True):
            kept = {name: own(part[name]) for name in LAYER_FIELDS if name in self.keep and name in part}
            layers.append(LayerTrace(**kept))

    def traces(self, pooled: Sequence[np.ndarray | None]) -> list[Trace]:
        """Return the finished Traces. pooled: a vector, or None, for each sentence."""
        states = [tuple(states) if "hidden_states" in self.keep else NOT_KEPT for states in self.states]
        return [
            replace(trace, layers=tuple(layers), hidden_states=state, pooled=vector)
            for trace, layers, state, vector in zip(self.begun, self.layers, states, pooled, strict=True)
        ]


def with_requested(parts: list[dict], weights: LayerWeights, config: BertConfig, keep: frozenset[str]) -> list[dict]:
    """Add `head_outputs` and `intermediate` to what a layer computed for each sentence, if they are in `keep`."""
    for part in parts:
        if "head_outputs" in keep:
            part["head_outputs"] = head_outputs(
                part["context"], weights.attention_output.weight, config.num_attention_heads
            )
        if "intermediate" in keep:
            part["intermediate"] = intermediate(part["attention_output"], weights, config)
    return parts

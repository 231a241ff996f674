"""What if one array of a forward pass were another? `resume` continues the run from there.

A Trace has every array of a run, and every step is a pure function of some of them. So the new trace shares with the
old one all that comes before the change, and only what depends on the change is computed:

    query, key -> scores -> attention, value -> context -> attention_output -> intermediate -> hidden_states

What comes before stays as it was. If attention is replaced, for example, the trace still has the old scores.
"""

import operator
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from minibert.attention import attend, head_outputs, merge_heads
from minibert.checkpoint.config import BertConfig
from minibert.checkpoint.parameters import LayerWeights
from minibert.embeddings import rows_of_sentences
from minibert.encoder import attention_output, encoder_layer, intermediate, output
from minibert.model import Bert
from minibert.numerics import layer_norm, softmax
from minibert.trace import FIELDS, LAYER_FIELDS, Recorder, Trace, with_requested

NEEDED = {
    "query": ("key", "value", "hidden_states"),
    "key": ("query", "value", "hidden_states"),
    "value": ("attention", "hidden_states"),
    "scores": ("value", "hidden_states"),
    "attention": ("value", "hidden_states"),
    "context": ("hidden_states",),
    "head_outputs": ("hidden_states",),
    "attention_output": (),
    "intermediate": ("attention_output",),
}
"""What else of a layer's trace is needed to go on from a changed field."""


def resume(bert: Bert, trace: Trace, *, layer: int | None = None, **changed: np.ndarray) -> Trace:
    """The trace that follows when one array of `trace`, a run of this `bert`, is replaced by another of its shape.

        bert.resume(trace, layer=1, attention=array)        an array of a layer's trace; layers count from 0
        bert.resume(trace, layer=2, hidden_states=array)    hidden_states[2]: what goes into layer 2
        bert.resume(trace, pooled=array)                    on which nothing depends

    For several changes, resume several times. The result has the fields that `trace` has. If the array equals the
    trace's own, the trace itself is returned. Changed `head_outputs` are added up, and the context stays as it was.
    ValueError: another shape, a layer that is not there, or a trace without a field that is needed.
    """
    if len(changed) != 1:
        raise ValueError(
            f"{len(changed)} arrays are changed ({', '.join(changed)}); expected one: resume again for each"
        )
    ((name, array),) = changed.items()
    return resume_each(bert, trace, layer, name, [array])[0]


def resume_each(bert: Bert, trace: Trace, layer: int | None, name: str, arrays: Sequence[np.ndarray]) -> list[Trace]:
    """`resume` for each of several arrays in place of the same one, computed together as a batch."""
    owned = field_of(bert, trace, layer, name)
    arrays = [checked(name, array, owned) for array in arrays]
    new = {i: array for i, array in enumerate(arrays) if not np.array_equal(array, owned)}
    if name == "pooled":
        followed = [replace(trace, pooled=array) for array in new.values()]
    else:
        followed = _follow(bert, trace, layer or 0, name, list(new.values())) if new else []
    changed = dict(zip(new, followed, strict=True))
    return [changed.get(i, trace) for i in range(len(arrays))]


def _follow(bert: Bert, trace: Trace, layer: int, name: str, arrays: Sequence[np.ndarray]) -> list[Trace]:
    """The traces that follow, one per array: from the changed layer on, they are the sentences of one batch."""
    keep = frozenset(field for field in FIELDS if trace.holds(field))
    sentences = rows_of_sentences([trace.tokens] * len(arrays))
    behind = layer if name == "hidden_states" else layer + 1  # the first state that changes
    begun = replace(
        trace, layers=trace.layers[:layer], hidden_states=trace.hidden_states and trace.hidden_states[:behind]
    )
    record = Recorder([begun] * len(arrays), sentences, keep)
    if name == "hidden_states":
        hidden_TD = np.concatenate(arrays)
    else:
        hidden_TD, parts = follow_in_layer(bert, trace, layer, name, arrays)
        record.layer(parts)
    record.state(hidden_TD)
    for weights in bert.weights.layers[behind:]:
        hidden_TD, parts = encoder_layer(hidden_TD, sentences, weights, bert.config)
        record.layer(with_requested(parts, weights, bert.config, keep))
        record.state(hidden_TD)
    return record.traces(bert.pooled(hidden_TD, sentences, keep))


def follow_in_layer(
    bert: Bert, trace: Trace, layer: int, name: str, arrays: Sequence[np.ndarray]
) -> tuple[np.ndarray, list[dict[str, np.ndarray]]]:
    """The states after the changed layer, end to end, and the fields of the layer for each array.

    Fields that do not follow from the changed one are the trace's own.
    """
    weights, config = bert.weights.layers[layer], bert.config
    fields = {field: getattr(trace.layers[layer], field) for field in LAYER_FIELDS if trace.holds(field)}
    fields |= {field: field_of(bert, trace, layer, field) for field in NEEDED[name]}
    parts = [fields | {name: array} for array in arrays]
    for part in parts:
        follow_in_attention(part, name)
        if name not in ("attention_output", "intermediate"):
            part["attention_output"] = follow_in_output(part, name, weights, config)
        if "head_outputs" in fields and name != "head_outputs":
            part["head_outputs"] = derived(bert, layer, "head_outputs", part["context"])
        if name != "intermediate":
            part["intermediate"] = intermediate(part["attention_output"], weights, config)
    states = [output(part["intermediate"], part["attention_output"], weights, config) for part in parts]
    return np.concatenate(states), parts


def follow_in_attention(part: dict[str, np.ndarray], changed: str) -> None:
    """Put into `part` what follows from its changed query, key, value, scores or attention, as far as the context."""
    if changed in ("query", "key"):
        part["scores"], part["attention"], context_HTK = attend(part["query"], part["key"], part["value"])
    elif changed in ("value", "scores", "attention"):
        if changed == "scores":
            part["attention"] = softmax(part["scores"])
        context_HTK = part["attention"] @ part["value"]
    else:
        return
    part["context"] = merge_heads(context_HTK)


def follow_in_output(
    part: dict[str, np.ndarray], changed: str, weights: LayerWeights, config: BertConfig
) -> np.ndarray:
    """The state between the halves: from the context, or from what the heads add where that is what was changed."""
    if changed != "head_outputs":
        return attention_output(part["context"], part["hidden_states"], weights, config)
    added_TD = part["head_outputs"].sum(axis=0) + weights.attention_output.bias
    return layer_norm(part["hidden_states"] + added_TD, *weights.attention_norm, config.layer_norm_eps)


def field_of(bert: Bert, trace: Trace, layer: int | None, name: str) -> np.ndarray:
    """The array of this name and layer. What a Trace has only on request is computed from what it has.

    ValueError: there is no such array, or the trace does not hold it.
    """
    if name not in FIELDS:
        raise ValueError(f"{name!r} is no array of a trace; expected one of {', '.join(FIELDS)}")
    count = bert.config.num_hidden_layers
    if len(trace.layers) != count:
        raise ValueError(f"the trace has {len(trace.layers)} layers, and this model {count}: it is another model's")
    place, last = -1 if layer is None else operator.index(layer), count if name == "hidden_states" else count - 1
    if name == "pooled" and layer is not None:
        raise ValueError(f"layer is {layer}; expected none, since pooled belongs to no layer")
    if name != "pooled" and not 0 <= place <= last:
        raise ValueError(f"layer is {layer}; expected 0 to {last} for {name}")
    source = DERIVED.get(name)
    if source and not trace.holds(name) and trace.holds(source):
        return derived(bert, place, name, getattr(trace.layers[place], source))
    if not trace.holds(name):
        raise ValueError(f"the trace holds no {name}, which it takes here: run the text with {name!r} in keep")
    if name == "hidden_states":
        return trace.hidden_states[place]
    array: np.ndarray = getattr(trace if name == "pooled" else trace.layers[place], name)
    return array


DERIVED = {"head_outputs": "context", "intermediate": "attention_output"}
"""What the fields that a Trace has only on request are computed from."""


def derived(bert: Bert, layer: int, name: str, source: np.ndarray) -> np.ndarray:
    """head_outputs from the context, or intermediate from attention_output."""
    weights, config = bert.weights.layers[layer], bert.config
    if name == "intermediate":
        return intermediate(source, weights, config)
    return head_outputs(source, weights.attention_output.weight, config.num_attention_heads)


def checked(name: str, array: np.ndarray, owned: np.ndarray) -> np.ndarray:
    """The array that takes the place of `owned`, as float32."""
    array = np.asarray(array)
    if array.shape != owned.shape:
        raise ValueError(f"{name} has shape {list(array.shape)}; expected {list(owned.shape)}")
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} is an array of {array.dtype}; expected numbers")
    return array.astype(np.float32)

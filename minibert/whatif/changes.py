"""What if one array of a forward pass were another? A run is resumed from there.

Every array of a run is in its Trace, and every step is a pure function of some of them. So all that comes before a
change is shared with the old trace, and only what follows from it is computed:

    query, key -> scores -> attention, value -> context -> attended -> inner -> hidden_states -> the next layer

What comes before is left as it was: where attention is replaced, the scores beside it are still the old ones.
"""

import operator
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from minibert.attention import attend, head_outputs, merge_heads
from minibert.checkpoint.config import BertConfig
from minibert.checkpoint.parameters import LayerWeights
from minibert.encoder import narrow, project_context, widen
from minibert.model import Bert
from minibert.numerics import layer_norm, softmax
from minibert.trace import FIELDS, LAYER_FIELDS, Trace, own

NEEDED = {
    "query": ("key", "value", "hidden_states"),
    "key": ("query", "value", "hidden_states"),
    "value": ("attention", "hidden_states"),
    "scores": ("value", "hidden_states"),
    "attention": ("value", "hidden_states"),
    "context": ("hidden_states",),
    "head_outputs": ("hidden_states",),
    "attended": (),
    "inner": ("attended",),
}
"""What else of a layer's trace it takes to go on from a changed field."""


def resume(bert: Bert, trace: Trace, *, layer: int | None = None, **changed: np.ndarray) -> Trace:
    """The trace that follows when one array of `trace`, a run of this `bert`, is replaced by another of its shape.

        bert.resume(trace, layer=1, attention=array)        an array of a layer's trace; layers count from 0
        bert.resume(trace, layer=2, hidden_states=array)    hidden_states[2]: what goes into layer 2
        bert.resume(trace, pooled=array)                    which nothing follows from

    Several changes are several resumes. The result holds what `trace` holds. Where the array is the trace's own, number
    by number, nothing changes, and the trace itself is returned.
    `head_outputs` are what is added up; the context, which they came from, stays as it was.
    ValueError: another shape, a layer that is not there, or a trace that lacks what it takes to go on.
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
        followed = _follow(bert, trace, layer, name, list(new.values())) if new else []
    changed = dict(zip(new, followed, strict=True))
    return [changed.get(i, trace) for i in range(len(arrays))]


def _follow(bert: Bert, trace: Trace, layer: int, name: str, arrays: Sequence[np.ndarray]) -> list[Trace]:
    """The traces that follow, one per array. From the end of its own layer on, they are the sentences of one batch."""
    keep = frozenset(field for field in FIELDS if trace.holds(field))
    states, count = trace.hidden_states, len(arrays)
    if name == "hidden_states":
        begun = replace(trace, layers=trace.layers[:layer], hidden_states=states[:layer], pooled=None)
        return bert._finish([begun] * count, np.concatenate(arrays), keep)

    weights, config = bert.weights.layers[layer], bert.config
    have = {field: field_of(bert, trace, layer, field) for field in NEEDED[name]}
    parts = [have | {name: array} for array in arrays]
    for part in parts:
        follow_in_attention(part, name)
        if name != "head_outputs" and "context" in part and "head_outputs" in keep:
            part["head_outputs"] = head_outputs(
                part["context"], weights.attention_output.weight, config.num_attention_heads
            )
    if name in ("attended", "inner"):
        attended_TD = np.concatenate([part["attended"] for part in parts])
    else:
        attended_TD = attended(parts, weights, config)
    inner_TF = np.concatenate(arrays) if name == "inner" else widen(attended_TD, weights, config)
    hidden_TD = narrow(inner_TF, attended_TD, weights, config)

    begun = []
    for part, attended_here, inner in zip(parts, np.split(attended_TD, count), np.split(inner_TF, count), strict=True):
        part.setdefault("attended", own(attended_here))
        part.setdefault("inner", own(inner))
        changed = {field: part[field] for field in LAYER_FIELDS if field in part and field in keep}
        layers = (*trace.layers[:layer], replace(trace.layers[layer], **changed))
        begun.append(replace(trace, layers=layers, hidden_states=states and states[: layer + 1], pooled=None))
    return bert._finish(begun, hidden_TD, keep)


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


def attended(parts: Sequence[dict[str, np.ndarray]], weights: LayerWeights, config: BertConfig) -> np.ndarray:
    """The state between the halves, of all parts end to end: from their contexts, or from what their heads add."""
    hidden_TD = np.concatenate([part["hidden_states"] for part in parts])
    if "context" in parts[0]:
        return project_context(np.concatenate([part["context"] for part in parts]), hidden_TD, weights, config)
    added_TD = np.concatenate([part["head_outputs"].sum(axis=0) for part in parts]) + weights.attention_output.bias
    return layer_norm(hidden_TD + added_TD, *weights.attention_norm, config.layer_norm_eps)


def field_of(bert: Bert, trace: Trace, layer: int | None, name: str) -> np.ndarray:
    """The array of this name and layer; ValueError where there is no such thing, or the trace does not hold it."""
    if name not in FIELDS:
        raise ValueError(f"{name!r} is no array of a trace; expected one of {', '.join(FIELDS)}")
    count = bert.config.num_hidden_layers
    if len(trace.layers) != count:
        raise ValueError(f"the trace has {len(trace.layers)} layers, and this model {count}: it is another model's")
    if name == "pooled":
        if layer is not None:
            raise ValueError(f"layer is {layer}; expected none, since pooled belongs to no layer")
    else:
        last = count if name == "hidden_states" else count - 1
        if layer is None or not 0 <= operator.index(layer) <= last:
            raise ValueError(f"layer is {layer}; expected 0 to {last} for {name}")
    if not trace.holds(name):
        raise ValueError(f"the trace holds no {name}, which it takes here: run the text with {name!r} in keep")
    if name == "hidden_states":
        return trace.hidden_states[layer]
    return trace.pooled if name == "pooled" else getattr(trace.layers[layer], name)


def checked(name: str, array: np.ndarray, owned: np.ndarray) -> np.ndarray:
    """The array that takes the place of `owned`, as float32."""
    array = np.asarray(array)
    if array.shape != owned.shape:
        raise ValueError(f"{name} has shape {list(array.shape)}; expected {list(owned.shape)}")
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} is an array of {array.dtype}; expected numbers")
    return array.astype(np.float32)

"""A resumed run is a run: what follows from a changed array is what `transformers` computes with the same change."""

import os
from contextlib import contextmanager
from unittest import mock

import numpy as np
import pytest
import torch
import transformers

import minibert
from minibert.trace import FIELDS, LAYER_FIELDS
from minibert.whatif import changes
from minibert.whatif.patching import patch, uniform
from tests.material import everything
from tests.reference.oracle import random_checkpoint, reference_model, reference_trace
from tests.test_bundled import MODELS

FIRST_SEED = int(os.environ["MINIBERT_SEED"])
SEEDS = range(FIRST_SEED, FIRST_SEED + 12)
KINDS = {"BertModel": transformers.BertModel, "BertForMaskedLM": transformers.BertForMaskedLM}
TEXT = "The old [MASK] is asleep."


@contextmanager
def changed_in(model: torch.nn.Module, layer: int | None, name: str, array: np.ndarray):
    """The model of `transformers` with a hook that puts this array in the place of what it computes."""
    bert, new = getattr(model, "bert", model), torch.from_numpy(array)[None]
    module = bert.encoder.layer[min(layer, len(bert.encoder.layer) - 1)]
    attention = module.attention.self

    def in_place(module, inputs, output, new=new):
        return (new, *output[1:]) if isinstance(output, tuple) else new

    if name in ("query", "key", "value"):
        merged = new.transpose(1, 2).flatten(2)
        hook = getattr(attention, name).register_forward_hook(lambda m, i, o: merged)
    elif name == "context":
        hook = module.attention.output.dense.register_forward_pre_hook(lambda m, i: (new, *i[1:]))
    elif name == "head_outputs":
        added = new.sum(1) + module.attention.output.dense.bias
        hook = module.attention.output.dense.register_forward_hook(lambda m, i, o: added)
    elif name == "attention_output":
        hook = module.attention.register_forward_hook(in_place)
    elif name == "intermediate":
        hook = module.intermediate.register_forward_hook(in_place)
    elif name == "hidden_states":
        before = bert.encoder.layer[layer - 1] if layer else bert.embeddings
        hook = before.register_forward_hook(in_place)
    else:  # scores and attention pass through no module, but through one softmax per layer
        softmax, calls = torch.nn.functional.softmax, []

        def counted(x, *args, **options):
            calls.append(x)
            here = len(calls) - 1 == layer
            if here and name == "attention":
                return new.clone()
            return softmax(new if here else x, *args, **options)

        with mock.patch.object(torch.nn.functional, "softmax", counted):
            yield
        assert len(calls) == len(bert.encoder.layer)
        return
    yield
    hook.remove()


def following(trace: minibert.Trace, layer: int, name: str) -> dict[str, np.ndarray]:
    """The arrays behind the change, as `reference_trace` names them, whose own computation knows no hooks."""
    found = {f"hidden_states.{i}": state for i, state in enumerate(trace.hidden_states) if i > layer}
    for i, part in enumerate(trace.layers):
        fields = LAYER_FIELDS if i > layer or (i == layer and name == "hidden_states") else ()
        if i == layer and name in LAYER_FIELDS:
            behind = LAYER_FIELDS[LAYER_FIELDS.index(name) + 1 :]
            skipped = {"query": ("key", "value"), "key": ("value",), "value": ("scores", "attention")}.get(name, ())
            fields = [field for field in behind if field not in skipped]
        found |= {f"layers.{i}.{field}": getattr(part, field) for field in fields}
    return found if trace.pooled is None else found | {"pooled": trace.pooled}


def check_against(bert, model, trace, encoding, layer, name, random):
    own = changes.field_of(bert, trace, layer, name)
    array = own + random.normal(size=own.shape, scale=0.3 * own.std()).astype(np.float32)
    if name == "attention":
        array = np.abs(array)
    with changed_in(model, layer, name, array):
        theirs = reference_trace(model, encoding)
    resumed = bert.resume(trace, layer=layer, **{name: array})
    for path, ours in following(resumed, layer, name).items():
        tolerance = 1e-4 if path.endswith("scores") else 1e-5
        excess = np.abs(ours - theirs[path]) / (1 + np.abs(theirs[path]))
        assert excess.max() <= tolerance, f"{name} of layer {layer} changed: {path} differs by {excess.max():.1e}"
    if bert.weights.masked_lm is not None:
        head = (bert.weights.masked_lm, bert.config.hidden_act, bert.config.layer_norm_eps)
        logits = minibert.heads.masked_lm_logits(resumed.hidden_states[-1], *head)
        np.testing.assert_allclose(logits, theirs["logits"], atol=1e-4, rtol=1e-5)
    np.testing.assert_array_equal(changes.field_of(bert, resumed, layer, name), array)


@pytest.mark.parametrize("which", ["tiny", "MiniLM"])
def test_a_change_is_what_a_hook_makes_of_transformers(which, minilm, minilm_folder):
    bert = minilm if which == "MiniLM" else minibert.load("tiny")
    kind = transformers.BertModel if which == "MiniLM" else transformers.BertForMaskedLM
    model = reference_model(minilm_folder if which == "MiniLM" else MODELS / "tiny", kind)
    encoding, random = bert.encode(TEXT), np.random.default_rng(0)
    (trace,) = everything(bert, encoding)
    for layer in range(bert.config.num_hidden_layers):
        for name in LAYER_FIELDS:
            check_against(bert, model, trace, encoding, layer, name, random)
    for layer in range(bert.config.num_hidden_layers + 1):
        check_against(bert, model, trace, encoding, layer, "hidden_states", random)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_change_in_random_configurations(tmp_path, seed):
    chosen = random_checkpoint(tmp_path, seed)
    bert, random = minibert.load(tmp_path), np.random.default_rng(seed)
    model = reference_model(tmp_path, KINDS.get(chosen["kind"], transformers.BertForPreTraining))
    if bert.weights.pooler is None:
        getattr(model, "bert", model).pooler = None
    if bert.weights.masked_lm is None and hasattr(model, "cls"):
        del model.cls
    for text in ["a", ("ab cd", "efg")] if bert.config.type_vocab_size == 2 else ["a", "ab cd"]:
        encoding = bert.encode(text)
        (trace,) = everything(bert, encoding)
        for name in (*LAYER_FIELDS, "hidden_states"):
            layer = int(random.integers(bert.config.num_hidden_layers + (name == "hidden_states")))
            check_against(bert, model, trace, encoding, layer, name, random)


def arrays_of(trace: minibert.Trace) -> list[np.ndarray]:
    found = [*trace.hidden_states, *([] if trace.pooled is None else [trace.pooled])]
    return [*found, *(getattr(layer, name) for layer in trace.layers for name in LAYER_FIELDS)]


@pytest.mark.parametrize("text", [TEXT, ("Who came?", "Nobody."), "No"])
def test_resuming_with_the_array_itself_changes_nothing_bit_for_bit(minilm, text):
    for bert in (minibert.load("tiny"), minilm):
        for trace in (everything(bert, text)[0], everything(bert, TEXT, text, "And so on.")[1]):
            for layer in range(bert.config.num_hidden_layers + 1):
                for name in LAYER_FIELDS if layer < bert.config.num_hidden_layers else ("hidden_states",):
                    array = changes.field_of(bert, trace, layer, name).copy()
                    resumed = bert.resume(trace, layer=layer, **{name: array})
                    for ours, before in zip(arrays_of(resumed), arrays_of(trace), strict=True):
                        np.testing.assert_array_equal(ours, before)


def test_what_is_computed_again_from_the_array_itself_is_the_same():
    bert = minibert.load("tiny")
    (trace,) = everything(bert, TEXT)
    for layer in range(4):
        for name in LAYER_FIELDS:
            array = changes.field_of(bert, trace, layer, name).copy()
            (again,) = changes._follow(bert, trace, layer, name, [array])
            for ours, before in zip(arrays_of(again), arrays_of(trace), strict=True):
                np.testing.assert_allclose(ours, before, atol=1e-5)


def test_what_lies_before_a_change_is_shared():
    bert = minibert.load("tiny")
    (trace,) = everything(bert, TEXT)
    resumed = bert.resume(trace, layer=2, attention=uniform(trace.layers[2].attention))
    assert resumed.layers[1] is trace.layers[1] and resumed.hidden_states[2] is trace.hidden_states[2]
    assert resumed.layers[2].query is trace.layers[2].query and resumed.layers[2].value is trace.layers[2].value
    assert not np.allclose(resumed.hidden_states[3], trace.hidden_states[3])
    assert not np.allclose(resumed.layers[3].query, trace.layers[3].query)
    resumed = bert.resume(trace, layer=1, intermediate=np.zeros_like(trace.layers[1].intermediate))
    assert resumed.layers[1].attention_output is trace.layers[1].attention_output


def test_a_resumed_trace_holds_what_the_trace_holds(minilm):
    for keep in (
        ("attention", "value", "hidden_states"),
        ("attention_output",),
        ("context", "hidden_states", "pooled"),
    ):
        (trace,) = minilm.batch([TEXT], keep=keep)
        array = getattr(trace.layers[1], keep[0])
        resumed = minilm.resume(trace, layer=1, **{keep[0]: array + 1})
        for name in FIELDS:
            assert resumed.holds(name) == (name in keep), name


def test_several_at_once_are_each_alone():
    bert = minibert.load("tiny")
    (trace,), random = everything(bert, TEXT), np.random.default_rng(0)
    for name in (*LAYER_FIELDS, "hidden_states"):
        own = changes.field_of(bert, trace, 1, name)
        arrays = [own + random.normal(size=own.shape).astype(np.float32), own, np.zeros_like(own)]
        for array, together in zip(arrays, changes.resume_each(bert, trace, 1, name, arrays), strict=True):
            alone = bert.resume(trace, layer=1, **{name: array})
            for ours, theirs in zip(arrays_of(together), arrays_of(alone), strict=True):
                np.testing.assert_allclose(ours, theirs, atol=2e-5 * max(1, np.abs(theirs).max()))


def test_the_pooled_vector_can_be_replaced(minilm):
    trace = minilm(TEXT)
    resumed = minilm.resume(trace, pooled=np.zeros(384))
    assert not resumed.pooled.any() and resumed.pooled.dtype == np.float32 and resumed.layers is trace.layers


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layer": 0, "attention": np.zeros((4, 3, 3))}, r"attention has shape \[4, 3, 3\]; expected \[4, 8, 8\]"),
        ({"layer": 4, "query": 0}, "layer is 4; expected 0 to 3 for query"),
        ({"layer": -1, "query": 0}, "layer is -1; expected 0 to 3"),
        ({"query": 0}, "layer is None; expected 0 to 3"),
        ({"layer": 5, "hidden_states": 0}, "layer is 5; expected 0 to 4 for hidden_states"),
        ({"layer": 1, "pooled": 0}, "layer is 1; expected none"),
        ({"layer": 0, "atention": 0}, "'atention' is no array of a trace; expected one of query, key"),
        ({"layer": 0}, "0 arrays are changed"),
        ({"layer": 0, "query": 0, "key": 0}, "2 arrays are changed .*; expected one"),
    ],
)
def test_a_change_that_cannot_be_made_is_named(change, message):
    bert = minibert.load("tiny")
    with pytest.raises(ValueError, match=message):
        bert.resume(bert(TEXT), **change)


def test_a_trace_that_lacks_something_or_is_another_models_is_named(minilm):
    bert = minibert.load("tiny")
    (trace,) = bert.batch([TEXT], keep=["attention"])
    with pytest.raises(ValueError, match="the trace holds no value"):
        bert.resume(trace, layer=0, attention=trace.layers[0].attention + 1)
    with pytest.raises(ValueError, match="6 layers, and this model 4"):
        bert.resume(minilm(TEXT), layer=0, attention=0)
    with pytest.raises(TypeError, match="expected numbers"):
        bert.resume(bert(TEXT), layer=0, query=np.full((4, 8, 64), "a"))


def test_a_patch_takes_only_what_is_named():
    bert = minibert.load("tiny")
    here, there = bert.batch(["The old man is asleep.", "The new cat was awake."])
    patched = patch(bert, here, there, "value", layer=1, heads=[2], tokens=[3])
    different = ~np.isclose(patched.layers[1].value, here.layers[1].value).all(axis=-1)
    assert np.argwhere(different).tolist() == [[2, 3]]
    np.testing.assert_array_equal(patched.layers[1].value[2, 3], there.layers[1].value[2, 3])
    whole = patch(bert, here, there, "hidden_states", layer=2)
    np.testing.assert_allclose(whole.hidden_states[-1], there.hidden_states[-1], atol=2e-5)
    half = patch(bert, here, there, "attention_output", layer=2, tokens=[0, 1])
    np.testing.assert_array_equal(half.layers[2].attention_output[:2], there.layers[2].attention_output[:2])
    np.testing.assert_array_equal(half.layers[2].attention_output[2:], here.layers[2].attention_output[2:])
    with pytest.raises(ValueError, match="equally many"):
        patch(bert, here, bert("No."), "value", layer=1)
    with pytest.raises(ValueError, match="has no axis of heads"):
        patch(bert, here, there, "context", layer=1, heads=[0])


def test_uniform_attention():
    attention = np.random.default_rng(0).dirichlet(np.ones(5), size=(2, 5)).astype(np.float32)
    np.testing.assert_allclose(uniform(attention), 0.2)


def test_a_trace_cannot_be_written_into():
    """A run changed in place would be taken for the old run, and resume would find nothing changed."""
    tiny, text = minibert.load("tiny"), "The cat sat on the mat."
    alone, first, second = everything(tiny, text, text, "Dogs bark.")
    context = alone.layers[0].context.copy()
    context[0] = 0
    for trace in (alone, first, second, tiny.resume(alone, layer=0, context=context)):
        arrays = [getattr(layer, name) for layer in trace.layers for name in LAYER_FIELDS]
        assert trace.pooled is None, "tiny has no pooler"
        for array in (*arrays, *trace.hidden_states):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 0

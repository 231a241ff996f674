"""Heads off, rollout, norms, value zeroing and the lens, against independent computations in torch."""

import numpy as np
import pytest
import torch
import transformers

import minibert
from minibert.whatif.attribution import parts_of_states
from minibert.whatif.changes import resume
from minibert.whatif.flow import mixing, moved, norms, rollout, value_zeroing
from minibert.whatif.heads import head_effects, mean_context
from minibert.whatif.lens import logit_lens, logit_parts
from tests.material import everything
from tests.reference.oracle import random_checkpoint, reference_model
from tests.test_bundled import MODELS

TEXTS = ["The old [MASK] is asleep.", ("Who came?", "Nobody did."), "[CLS]"]
MASKED = "The old [MASK] pushed his boat into the water."


@pytest.fixture(scope="module")
def tiny() -> minibert.Bert:
    return minibert.load("tiny")


@pytest.fixture(scope="module")
def theirs() -> torch.nn.Module:
    return reference_model(MODELS / "tiny", transformers.BertForMaskedLM)


def encoded(bert: minibert.Bert, text) -> minibert.Encoding:
    """The text as ids; "[CLS]" stands for a sentence of one token."""
    return minibert.Encoding.from_ids([2]) if text == "[CLS]" else bert.encode(text)


@torch.no_grad()
def run(model: torch.nn.Module, encoding: minibert.Encoding, **options):
    ids, types = torch.tensor([encoding.input_ids]), torch.tensor([encoding.token_type_ids])
    return model(ids, token_type_ids=types, **options)


def zero_columns(model: torch.nn.Module, heads) -> dict[int, torch.Tensor]:
    bert = getattr(model, "bert", model)
    size, before = bert.config.hidden_size // bert.config.num_attention_heads, {}
    for layer, head in heads:
        weight = bert.encoder.layer[layer].attention.output.dense.weight
        before.setdefault(layer, weight.detach().clone())
        weight.data[:, head * size : (head + 1) * size] = 0
    return before


@pytest.mark.parametrize("heads", [[(1, 2)], [(0, 0), (0, 3), (3, 1), (0, 0)], []])
def test_heads_off_is_transformers_with_their_columns_zero(tiny, theirs, heads):
    encoding = tiny.encode(MASKED)
    before = zero_columns(theirs, heads)
    expected = run(theirs, encoding).logits[0].numpy()
    for layer, weight in before.items():
        theirs.bert.encoder.layer[layer].attention.output.dense.weight.data = weight
    np.testing.assert_allclose(tiny.without_heads(heads).logits(encoding), expected, atol=1e-4, rtol=1e-5)
    whole = run(theirs, encoding).logits[0].numpy()
    np.testing.assert_allclose(tiny.logits(encoding), whole, atol=1e-4, rtol=1e-5)  # the model itself is as it was


def test_heads_off_in_random_configurations(tmp_path):
    random_checkpoint(tmp_path, seed=5, kind="BertModel")
    bert, model = minibert.load(tmp_path), reference_model(tmp_path, transformers.BertModel)
    heads = [(layer, 0) for layer in range(bert.config.num_hidden_layers)]
    zero_columns(model, heads)
    encoding = bert.encode("ab cd")
    expected = run(model, encoding).last_hidden_state[0].numpy()
    np.testing.assert_allclose(bert.without_heads(heads)(encoding).hidden_states[-1], expected, atol=1e-5, rtol=1e-5)


def test_a_head_replaced_by_its_mean_adds_the_same_to_every_token(tiny, sentences):
    texts = sentences[:4]
    contexts = [tiny(text).layers[1].context for text in texts]
    np.testing.assert_allclose(mean_context(tiny, texts)[1], np.concatenate(contexts).mean(axis=0), atol=1e-5)
    trace = tiny(MASKED)
    size = tiny.config.head_size
    context = trace.layers[1].context.copy()
    context[:, 2 * size : 3 * size] = np.concatenate(contexts).mean(axis=0)[2 * size : 3 * size]
    expected = resume(tiny, trace, layer=1, context=context).hidden_states[-1]
    ours = tiny.without_heads([(1, 2)], mean_over=texts)(MASKED).hidden_states[-1]
    np.testing.assert_allclose(ours, expected, atol=2e-5)
    with pytest.raises(ValueError, match="mean_over has no texts"):
        tiny.without_heads([(1, 2)], mean_over=[])


@pytest.mark.parametrize("head", [(4, 0), (0, 4), (-1, 0), (0, -1)])
def test_a_head_that_is_not_there_is_named(tiny, head):
    with pytest.raises(ValueError, match=rf"no head {head[0]}\.{head[1]}; this model has layers 0 to 3 of"):
        tiny.without_heads([head])


def test_effects_are_those_of_each_head_off_alone(tiny):
    effects = head_effects(tiny, MASKED)
    ((answer, before),) = tiny.fill_mask(MASKED, top=1)[0]
    assert effects.answer == answer and effects.before == pytest.approx(before, abs=1e-5)
    for layer, head in ((0, 0), (1, 2), (3, 3)):
        changed = tiny.without_heads([(layer, head)])
        after = dict(changed.fill_mask(MASKED, top=tiny.config.vocab_size)[0])[answer]
        assert effects.after[layer, head] == pytest.approx(after, abs=1e-5)
        assert effects.turned[layer, head] == changed.fill_mask(MASKED, top=1)[0][0][0]
        assert effects.cost[layer, head] == pytest.approx(np.log(before / after), abs=1e-3)


def test_effects_on_a_classifier():
    bert = minibert.load("tiny-sentiment")
    effects = head_effects(bert, "A warm, funny and moving film.")
    assert effects.answer == "positive"
    changed = dict(bert.without_heads([(3, 1)]).classify("A warm, funny and moving film."))
    assert effects.after[3, 1] == pytest.approx(changed["positive"], abs=1e-5)
    with pytest.raises(ValueError, match="no masked-language-model head"):
        head_effects(bert, "A [MASK] film.")
    with pytest.raises(ValueError, match=r"the text has no \[MASK\], and the model no classifier"):
        head_effects(minibert.load("tiny"), "A film.")


@pytest.mark.parametrize("text", TEXTS)
def test_rollout_is_that_of_the_paper(tiny, theirs, text):
    encoding = encoded(tiny, text)
    product = torch.eye(len(encoding))
    ours = rollout(tiny(encoding))
    for layer, attention in enumerate(run(theirs, encoding, output_attentions=True).attentions):
        mixed = attention[0].mean(0) + torch.eye(len(encoding))
        product = (mixed / mixed.sum(-1, keepdim=True)) @ product
        np.testing.assert_allclose(ours[layer], product, atol=1e-6)
    np.testing.assert_allclose(ours.sum(-1), 1, atol=1e-6)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("layer", [0, 3])
def test_norms_are_those_of_the_papers(tiny, theirs, text, layer):
    encoding = encoded(tiny, text)
    trace = tiny(encoding)
    output = run(theirs, encoding, output_attentions=True, output_hidden_states=True)
    module, hidden = theirs.bert.encoder.layer[layer].attention, output.hidden_states[layer][0]
    attention, heads, size = output.attentions[layer][0], tiny.config.num_attention_heads, tiny.config.head_size
    vectors = torch.zeros(heads, len(encoding), len(encoding), tiny.config.hidden_size)
    with torch.no_grad():
        for head in range(heads):
            columns = slice(head * size, (head + 1) * size)
            value = hidden @ module.self.value.weight[columns].T + module.self.value.bias[columns]
            transformed = value @ module.output.dense.weight[:, columns].T  # f(x) of the paper
            for t in range(len(encoding)):
                for s in range(len(encoding)):
                    vectors[head, t, s] = attention[head, t, s] * transformed[s]
        np.testing.assert_allclose(moved(tiny, trace, layer), vectors, atol=1e-5)
        np.testing.assert_allclose(norms(tiny, trace, layer), vectors.norm(dim=-1), atol=1e-5)
        summed = vectors.sum(0) + torch.eye(len(encoding))[..., None] * hidden
        norm, whole = module.output.LayerNorm, summed.sum(1) + module.output.dense.bias
        spread = (whole.var(-1, unbiased=False) + norm.eps).sqrt()
        pieces = (summed - summed.mean(-1, keepdim=True)) / spread[:, None, None] * norm.weight
        np.testing.assert_allclose(mixing(tiny, trace, layer), pieces.norm(dim=-1), atol=1e-5)
        bias = module.output.dense.bias
        rest = (bias - bias.mean()) / spread[:, None] * norm.weight + norm.bias
        np.testing.assert_allclose(pieces.sum(1) + rest, trace.layers[layer].attention_output, atol=1e-4)  # it is a sum


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("layer", [0, 2])
def test_value_zeroing_is_that_of_the_paper(tiny, theirs, text, layer):
    encoding = encoded(tiny, text)
    whole = run(theirs, encoding, output_hidden_states=True).hidden_states[layer + 1][0]
    module = theirs.bert.encoder.layer[layer].attention.self.value
    expected = torch.zeros(len(encoding), len(encoding))
    for s in range(len(encoding)):

        def zeroed(module, inputs, output, s=s):
            output = output.clone()
            output[:, s] = 0
            return output

        hook = module.register_forward_hook(zeroed)
        changed = run(theirs, encoding, output_hidden_states=True).hidden_states[layer + 1][0]
        hook.remove()
        expected[:, s] = 1 - torch.nn.functional.cosine_similarity(changed.double(), whole.double(), dim=-1)
    expected = expected / expected.sum(-1, keepdim=True)
    np.testing.assert_allclose(value_zeroing(tiny, tiny(encoding), layer), expected, atol=1e-4)


@pytest.mark.parametrize("text", TEXTS)
def test_the_lens_reads_every_layer_by_the_head(tiny, theirs, text):
    encoding = encoded(tiny, text)
    states = run(theirs, encoding, output_hidden_states=True).hidden_states
    token = len(encoding) - 1
    with torch.no_grad():
        expected = np.stack([theirs.cls.predictions(state[0, token]).numpy() for state in states])
    ours = logit_lens(tiny, tiny(encoding), token)
    np.testing.assert_allclose(ours, expected, atol=1e-4, rtol=1e-5)
    np.testing.assert_allclose(ours[-1], tiny.logits(encoding)[token], atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("text", TEXTS)
def test_the_parts_of_a_token_are_what_torch_finds_with_frozen_norms(tiny, theirs, text):
    encoding = encoded(tiny, text)
    (trace,), token = everything(tiny, encoding), len(encoding) - 1
    parts = parts_of_states(tiny, trace, 4)
    vectors = parts.vectors[:, token]
    np.testing.assert_allclose(vectors.sum(0), trace.hidden_states[-1][token], atol=2e-5)
    assert len(parts.names) == len(set(parts.names)) == len(vectors) == 3 + 4 * (4 + 1) + 1

    # what head 1.2 adds, carried to the end by the derivative of everything else with its spreads held fixed
    def frozen(norm, x):
        spread = (x.detach().var(-1, unbiased=False, keepdim=True) + norm.eps).sqrt()
        return (x - x.mean(-1, keepdim=True)) / spread * norm.weight + norm.bias

    added = torch.tensor(trace.layers[1].head_outputs[2, token]).requires_grad_()
    state = torch.tensor(trace.hidden_states[1][token])
    for layer in range(1, 4):
        module, part = theirs.bert.encoder.layer[layer], trace.layers[layer]
        others = torch.from_numpy(
            part.head_outputs[:, token].sum(0) - (part.head_outputs[2, token] if layer == 1 else 0)
        )
        found = others + (added if layer == 1 else 0) + module.attention.output.dense.bias
        state = frozen(module.attention.output.LayerNorm, state + found)
        state = frozen(module.output.LayerNorm, state + module.output.dense(torch.from_numpy(part.intermediate[token])))
    np.testing.assert_allclose(state.detach(), trace.hidden_states[-1][token], atol=2e-5)
    rows = [torch.autograd.grad(value, added, retain_graph=True)[0] for value in state]
    carried = torch.stack(rows) @ added.detach()
    np.testing.assert_allclose(vectors[parts.names.index("head 1.2")], carried, atol=2e-5)

    guess = 77
    names, values = logit_parts(tiny, trace, token, guess)
    with torch.no_grad():
        hidden = torch.from_numpy(trace.hidden_states[-1][token])
        without = theirs.cls.predictions(hidden - carried)[guess]
        expected = theirs.cls.predictions(hidden)[guess] - without
    assert names == parts.names
    assert values[names.index("head 1.2")] == pytest.approx(float(expected), abs=1e-4)


def test_a_model_without_a_masked_lm_head_has_no_lens(minilm):
    with pytest.raises(ValueError, match="no masked-language-model head"):
        logit_lens(minilm, minilm("No."), 0)


def test_a_trace_that_lacks_what_a_measure_takes_is_named(tiny):
    (trace,) = tiny.batch([MASKED], keep=["attention"])
    for measure in (norms, mixing, value_zeroing):
        with pytest.raises(ValueError, match=r"the trace holds no (value|hidden_states), which it takes here"):
            measure(tiny, trace, 0)
    with pytest.raises(ValueError, match="the trace holds no hidden_states"):
        logit_lens(tiny, trace, 0)
    with pytest.raises(ValueError, match="the trace holds no hidden_states"):
        logit_parts(tiny, trace, 0, 5)
    with pytest.raises(ValueError, match="layer is 4; expected 0 to 3"):
        norms(tiny, tiny(MASKED), 4)

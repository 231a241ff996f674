"""BERT's relatives against `transformers`: every array, every head, every form of checkpoint."""

import json
import random

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

import minibert
from minibert import CheckpointError
from minibert.checkpoint.families import FAMILIES, WHY_NOT
from tests.checkpoint.test_tokenizer import PAIRS, TEXTS, assert_same
from tests.reference.checkpoints import VOCABULARY, change_config, write_tokenizer, write_vocabulary

HEADS = {"Model": None, "ForMaskedLM": "logits", "ForSequenceClassification": "classify"}
NAMES = {"distilbert": "DistilBert", "ernie": "Ernie", "bert": "Bert"}
SENTENCES = ["the quick capybara sleeps", "a nap", ("the capybara sleeps.", "it is sleeping"), ("nap", "the nap, the")]


def shape(family: str, choose: random.Random) -> dict:
    """A configuration drawn at random, in the family's own words."""
    heads = choose.randint(1, 5)
    chosen = {
        "vocab_size": len(VOCABULARY) + choose.randint(0, 9),
        "hidden_size": heads * choose.choice([4, 8, 11, 16]),
        "num_hidden_layers": choose.randint(1, 4),
        "num_attention_heads": heads,
        "intermediate_size": choose.randint(5, 90),
        "max_position_embeddings": choose.randint(40, 90),
        "hidden_act": choose.choice(["gelu", "relu"]),
    }
    chosen = {FAMILIES[family].settings.get(name, name): value for name, value in chosen.items()}
    if family == "distilbert":
        return chosen | {"sinusoidal_pos_embds": choose.random() < 0.3}
    tasks = {"use_task_id": choose.random() < 0.5, "task_type_vocab_size": choose.randint(1, 4)}
    more = {"layer_norm_eps": choose.choice([1e-12, 1e-6, 1e-3]), "type_vocab_size": choose.choice([2, 2, 4])}
    return chosen | more | (tasks if family == "ernie" else {})


def write(folder, family: str, kind: str, seed: int = 0, **changes: object) -> torch.nn.Module:
    torch.manual_seed(seed)
    made = {**shape(family, random.Random(seed)), **changes}
    config = getattr(transformers, NAMES[family] + "Config")(**made)
    model = getattr(transformers, NAMES[family] + kind)._from_config(config, attn_implementation="eager").eval()
    for parameter in model.parameters():
        parameter.data.add_(torch.randn_like(parameter), alpha=0.05)
    model.save_pretrained(folder)
    write_tokenizer(folder)
    return model


@torch.no_grad()
def reference(model: torch.nn.Module, encoding: minibert.Encoding) -> dict[str, np.ndarray]:
    """Every array that the family has, under our names."""
    base, found, hooks = getattr(model, model.base_model_prefix, model), {}, []
    distil = model.config.model_type == "distilbert"
    for i, layer in enumerate(base.transformer.layer if distil else base.encoder.layer):
        inside = layer.attention if distil else layer.attention.self
        for role in ("query", "key", "value"):
            module = getattr(inside, {"query": "q_lin", "key": "k_lin", "value": "v_lin"}[role] if distil else role)
            hooks.append(module.register_forward_hook(keep(found, f"{i} {role}")))
        module = layer.attention.out_lin if distil else layer.attention.output.dense
        hooks.append(module.register_forward_hook(keep(found, f"{i} context", inputs=True)))
    given = {"input_ids": torch.tensor([encoding.input_ids])}
    given |= {} if distil else {"token_type_ids": torch.tensor([encoding.token_type_ids])}
    out = base(**given, output_hidden_states=True, output_attentions=True)
    for hook in hooks:
        hook.remove()
    found |= {f"hidden {i}": state[0] for i, state in enumerate(out.hidden_states)}
    for i, attention in enumerate(out.attentions):
        found[f"{i} attention"] = attention[0]
        for role in ("query", "key", "value"):
            found[f"{i} {role}"] = found[f"{i} {role}"].unflatten(-1, (attention.shape[1], -1)).transpose(0, 1)
    if out.get("pooler_output") is not None:
        found["pooled"] = out.pooler_output[0]
    if hasattr(out := model(**given), "logits"):
        found["logits"] = out.logits[0]
    return {name: tensor.numpy() for name, tensor in found.items()}


def keep(found: dict, name: str, inputs: bool = False):
    return lambda module, given, output: found.update({name: given[0][0] if inputs else output[0]})


def arrays(bert: minibert.Bert, trace: minibert.Trace, kind: str) -> dict[str, np.ndarray]:
    """Ours, under the same names."""
    found = {f"hidden {i}": state for i, state in enumerate(trace.hidden_states)}
    for i, layer in enumerate(trace.layers):
        for name in ("query", "key", "value", "attention", "context"):
            found[f"{i} {name}"] = getattr(layer, name)
    return found if trace.pooled is None else found | {"pooled": trace.pooled}


def assert_equal(folder, model: torch.nn.Module, kind: str) -> None:
    """All intermediate arrays and the head, alone, together and as pairs."""
    bert = minibert.load(folder)
    assert bert.notes == {}
    encodings = [bert.encode(text) for text in SENTENCES]
    for encoding, together in zip(encodings, bert.batch(encodings), strict=True):
        expected = reference(model, encoding)
        logits = expected.pop("logits", None)
        for trace in (together, bert(encoding)):
            ours = arrays(bert, trace, kind)
            assert ours.keys() == expected.keys()
            for name, array in ours.items():
                np.testing.assert_allclose(array, expected[name], rtol=1e-5, atol=1e-5, err_msg=name)
        if kind == "ForMaskedLM":
            np.testing.assert_allclose(bert.logits(encoding), logits, rtol=1e-4, atol=1e-4)
        elif kind == "ForSequenceClassification":
            exponentials = np.exp(logits - logits.max())
            wanted = dict(zip(bert.config.labels, exponentials / exponentials.sum(), strict=True))
            for label, value in bert.classify(encoding):
                assert value == pytest.approx(wanted[label], abs=1e-5)


@pytest.mark.parametrize("seed", range(24))
@pytest.mark.parametrize("family", ["distilbert", "ernie"])
def test_random_configurations(family, seed, tmp_path):
    kind = list(HEADS)[seed % 3]
    labels = {"num_labels": 2 + seed % 4} if kind == "ForSequenceClassification" else {}
    assert_equal(tmp_path, write(tmp_path, family, kind, seed, **labels), kind)


def sharded(folder, model):
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="5KB")
    assert (folder / "model.safetensors.index.json").exists()


def half(folder, model):
    model.half().save_pretrained(folder)
    model.float()


def untied(folder, model):
    tensors = load_file(folder / "model.safetensors")
    name = "vocab_projector" if model.config.model_type == "distilbert" else "cls.predictions.decoder"
    tensors[f"{name}.weight"] = tensors[f"{model.base_model_prefix}.embeddings.word_embeddings.weight"].clone()
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def old_vocabulary(folder, model):
    (folder / "tokenizer.json").unlink()
    write_vocabulary(folder, tokenizer_class=f"{NAMES[model.config.model_type]}Tokenizer", do_lower_case=True)


FORMS = {"sharded": sharded, "half precision": half, "a decoder written out": untied, "vocab.txt": old_vocabulary}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("family", ["distilbert", "ernie"])
def test_every_form(family, form, tmp_path):
    model = write(tmp_path, family, "ForMaskedLM", seed=3)
    FORMS[form](tmp_path, model)
    assert_equal(tmp_path, model, "ForMaskedLM")


@pytest.mark.parametrize("family", ["distilbert", "ernie"])
def test_the_tokenizer(family, tmp_path):
    model = write(tmp_path, family, "ForMaskedLM")
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    bert = minibert.load(tmp_path)
    for text in TEXTS + PAIRS:
        assert_same(bert.tokenizer, theirs, text)
    given = theirs("the [MASK] sleeps", return_tensors="pt")
    with torch.no_grad():
        best = int(model(**given).logits[0, 2].argmax())
    assert bert.fill_mask("the [MASK] sleeps", top=1)[0][0][0] == bert.tokenizer.token(best)


@pytest.mark.parametrize("problem", [None, "multi_label_classification", "regression"])
def test_a_distilled_classifier_against_the_pipeline(problem, tmp_path):
    """The model that most people try first is one: distilbert-base-uncased-finetuned-sst-2-english."""
    write(tmp_path, "distilbert", "ForSequenceClassification", num_labels=1 if problem == "regression" else 3)
    change_config(tmp_path, problem_type=problem)
    pipeline = transformers.pipeline("text-classification", str(tmp_path), top_k=None, device="cpu")
    [expected] = pipeline(["the capybara sleeps"])
    found = dict(minibert.load(tmp_path).classify("the capybara sleeps"))
    assert found == {one["label"]: pytest.approx(one["score"], abs=1e-5) for one in expected}


def test_a_head_of_another_task_of_a_relative(tmp_path):
    write(tmp_path, "distilbert", "ForTokenClassification")
    assert "labels every token" in minibert.load(tmp_path).notes["classifier"]


WRONG = {
    "a missing tensor": "has no tensor 'distilbert.transformer.layer.0.attention.q_lin.weight'",
    "a tensor too many": "has the tensor 'distilbert.transformer.layer.0.attention.distances.weight', which the",
    "another size": "n_layers is 'two'; expected a whole number above 0",
    "heads that do not divide": "dim 7 is not a multiple of n_heads 2",
    "a bert's tensors": "has the tensor 'bert.embeddings.word_embeddings.weight', of another family",
}


@pytest.mark.parametrize("what", WRONG)
def test_messages_speak_in_the_names_of_the_family(what, tmp_path):
    write(tmp_path, "distilbert", "ForMaskedLM")
    tensors = load_file(tmp_path / "model.safetensors")
    if what == "a missing tensor":
        del tensors["distilbert.transformer.layer.0.attention.q_lin.weight"]
    elif what == "a tensor too many":
        tensors["distilbert.transformer.layer.0.attention.distances.weight"] = torch.ones(2)
    elif what == "a bert's tensors":
        tensors = {name.replace("distilbert.", "bert."): tensor for name, tensor in tensors.items()}
    else:
        change_config(tmp_path, **({"n_layers": "two"} if what == "another size" else {"dim": 7, "n_heads": 2}))
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError) as caught:
        minibert.load(tmp_path)
    assert WRONG[what] in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("family", WHY_NOT)
def test_others_are_refused_with_a_word_why(family, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": family}))
    with pytest.raises(CheckpointError) as caught:
        minibert.load(tmp_path)
    expected = f"model_type is '{family}'; expected 'bert' or 'distilbert' or 'ernie' ({WHY_NOT[family]})"
    assert expected in str(caught.value)


def test_bert_itself_passes_these_tests(tmp_path):
    assert_equal(tmp_path, write(tmp_path, "bert", "ForMaskedLM", seed=1), "ForMaskedLM")

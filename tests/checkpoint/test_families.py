"""BERT's relatives against `transformers`: every array, every head, every form of checkpoint."""

import collections
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
from minibert.whatif.replaced import replaced
from tests.reference.checkpoints import VOCABULARY, change_config, write_tokenizer, write_vocabulary
from tests.tokenizer.test_tokenizer import PAIRS, TEXTS, assert_same

NAMES = {
    "bert": "Bert",
    "distilbert": "DistilBert",
    "ernie": "Ernie",
    "roberta": "Roberta",
    "xlm-roberta": "XLMRoberta",
    "camembert": "Camembert",
    "electra": "Electra",
    "albert": "Albert",
}
RELATIVES = [family for family in NAMES if family != "bert"]
KINDS = ["Model", "ForMaskedLM", "ForSequenceClassification"]
SENTENCES = ["the quick capybara sleeps", "a nap", ("the capybara sleeps.", "it is sleeping"), ("nap", "the nap, the")]
WIDE = ("distilbert", "electra", "roberta", "xlm-roberta", "camembert")
"""Their classifiers have a layer of their own: what they call pooled is not what ours pools for the classifier."""


def shape(family: str, choose: random.Random, kind: str) -> dict:
    """A configuration drawn at random, in the family's own words."""
    heads = choose.randint(1, 5)
    acts = ["gelu"] if FAMILIES[family].masked_lm_act and kind == "ForMaskedLM" else ["gelu", "relu", "gelu_new"]
    chosen = {
        "vocab_size": len(VOCABULARY) + choose.randint(0, 9),
        "hidden_size": heads * choose.choice([4, 8, 11, 16]),
        "num_hidden_layers": choose.randint(1, 4),
        "num_attention_heads": heads,
        "intermediate_size": choose.randint(5, 90),
        "max_position_embeddings": choose.randint(40, 90),
        "hidden_act": choose.choice(acts),
        "layer_norm_eps": choose.choice([1e-12, 1e-6, 1e-3]),
        "type_vocab_size": choose.choice([2, 2, 4]),
    }
    if family == "distilbert":
        chosen |= {"sinusoidal_pos_embds": choose.random() < 0.3}
        del chosen["layer_norm_eps"], chosen["type_vocab_size"]
    elif family == "ernie":
        chosen |= {"use_task_id": choose.random() < 0.5, "task_type_vocab_size": choose.randint(1, 4)}
    elif family in ("electra", "albert"):
        chosen |= {"embedding_size": choose.choice([chosen["hidden_size"], 7, 16])}
        chosen |= {"num_hidden_groups": choose.randint(1, chosen["num_hidden_layers"])} if family == "albert" else {}
    elif family != "bert":
        chosen |= {"pad_token_id": choose.choice([0, 1, 1])}
    return {FAMILIES[family].settings.get(name, name): value for name, value in chosen.items()}


def write(folder, family: str, kind: str, seed: int = 0, **changes: object) -> torch.nn.Module:
    torch.manual_seed(seed)
    made = {**shape(family, random.Random(seed), kind), **changes}
    config = getattr(transformers, NAMES[family] + "Config")(**made)
    model = getattr(transformers, NAMES[family] + kind)._from_config(config, attn_implementation="eager").eval()
    for parameter in model.parameters():
        parameter.data.add_(torch.randn_like(parameter), alpha=0.05)
    model.save_pretrained(folder)
    write_tokenizer(folder)
    return model


def attentions(base: torch.nn.Module) -> list[tuple[list[torch.nn.Module], torch.nn.Module]]:
    """The modules of each attention that make query, key and value, and the one that takes the context."""
    kind = base.config.model_type
    if kind == "distilbert":
        inside = [layer.attention for layer in base.transformer.layer]
        return [([one.q_lin, one.k_lin, one.v_lin], one.out_lin) for one in inside]
    if kind == "albert":
        inside = [group.albert_layers[0].attention for group in base.encoder.albert_layer_groups]
        return [([one.query, one.key, one.value], one.dense) for one in inside]
    inside = [layer.attention for layer in base.encoder.layer]
    return [([one.self.query, one.self.key, one.self.value], one.output.dense) for one in inside]


@torch.no_grad()
def reference(model: torch.nn.Module, encoding: minibert.Encoding) -> dict[str, np.ndarray]:
    """Every array that the family has, under our names. What layers share is called once a layer, in their order."""
    base, calls, hooks = getattr(model, model.base_model_prefix, model), collections.defaultdict(list), []
    for parts, dense in attentions(base):
        for role, module in zip(("query", "key", "value"), parts, strict=True):
            hooks.append(module.register_forward_hook(lambda m, given, out, role=role: calls[role].append(out[0])))
        hooks.append(dense.register_forward_hook(lambda m, given, out: calls["context"].append(given[0][0])))
    given = {"input_ids": torch.tensor([encoding.input_ids])}
    if base.config.model_type != "distilbert":
        given["token_type_ids"] = torch.tensor([encoding.token_type_ids])
    out = base(**given, output_hidden_states=True, output_attentions=True)
    for hook in hooks:
        hook.remove()
    found = {f"{i} {name}": array for name in calls for i, array in enumerate(calls[name])}
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


def arrays(trace: minibert.Trace, own_pooler: bool) -> dict[str, np.ndarray]:
    """Ours, under the same names."""
    found = {f"hidden {i}": state for i, state in enumerate(trace.hidden_states)}
    for i, layer in enumerate(trace.layers):
        for name in ("query", "key", "value", "attention", "context"):
            found[f"{i} {name}"] = getattr(layer, name)
    return found if trace.pooled is None or own_pooler else found | {"pooled": trace.pooled}


def assert_equal(folder, model: torch.nn.Module, kind: str) -> None:
    """All intermediate arrays and the head, alone, together and as pairs."""
    bert = minibert.load(folder)
    assert list(bert.notes) == (["masked_lm"] if kind == "ForPreTraining" else [])  # where else to turn
    own_pooler = kind == "ForSequenceClassification" and bert.config.model_type in WIDE
    encodings = [bert.encode(text) for text in SENTENCES]
    for encoding, together in zip(encodings, bert.batch(encodings), strict=True):
        expected = reference(model, encoding)
        logits = expected.pop("logits", None)
        for trace in (together, bert(encoding)):
            ours = arrays(trace, own_pooler)
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
        elif kind == "ForPreTraining":
            probabilities = 1 / (1 + np.exp(-logits.astype(float)))
            np.testing.assert_allclose(replaced(bert, encoding), probabilities, atol=1e-5)


def every(families: list[str], count: int) -> list:
    """Each family with so many seeds: three of them always, the others in the long run."""
    return [
        pytest.param(family, seed, marks=[] if seed < 3 else pytest.mark.families)
        for family in families
        for seed in range(count)
    ]


@pytest.mark.parametrize(("family", "seed"), every(RELATIVES, 24))
def test_random_configurations(family, seed, tmp_path):
    kind = KINDS[seed % 3]
    labels = {"num_labels": 2 + seed % 4} if kind == "ForSequenceClassification" else {}
    assert_equal(tmp_path, write(tmp_path, family, kind, seed, **labels), kind)


@pytest.mark.parametrize(("family", "seed"), every(["electra"], 24))
def test_random_discriminators(family, seed, tmp_path):
    assert_equal(tmp_path, write(tmp_path, family, "ForPreTraining", seed), "ForPreTraining")


def sharded(folder, model):
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="5KB")
    assert (folder / "model.safetensors.index.json").exists()


def half(folder, model):
    model.half().save_pretrained(folder)
    model.float()


DECODERS = {"distilbert": "vocab_projector", "ernie": "cls.predictions.decoder", "electra": "generator_lm_head"}
DECODERS |= {"albert": "predictions.decoder"}


def untied(folder, model):
    tensors = load_file(folder / "model.safetensors")
    name = DECODERS.get(model.config.model_type, "lm_head.decoder")
    tensors[f"{name}.weight"] = tensors[f"{model.base_model_prefix}.embeddings.word_embeddings.weight"].clone()
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def buffers(folder, model):
    tensors = load_file(folder / "model.safetensors")
    tensors[f"{model.base_model_prefix}.embeddings.position_ids"] = torch.arange(64)[None]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def old_vocabulary(folder, model):
    (folder / "tokenizer.json").unlink()
    write_vocabulary(folder, tokenizer_class="BertTokenizer", do_lower_case=True)


FORMS = {
    "sharded": sharded,
    "half precision": half,
    "a decoder written out": untied,
    "buffers": buffers,
    "vocab.txt": old_vocabulary,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("family", RELATIVES)
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
    "another size": "n_layers is 'two'; expected a whole number, 1 or more",
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


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("used", [True, False, ...])
def test_the_table_of_tasks_is_used_where_the_config_says_so(used, stored, tmp_path):
    """The first row of a table that is there and used is added; `transformers` would make up one that is not there."""
    model = write(tmp_path, "ernie", "Model", use_task_id=stored)
    change_config(tmp_path, use_task_id=used)
    note = minibert.load(tmp_path).notes.get("embeddings", "")
    assert ("use_task_id in its config.json is true" in note) == (used is True and not stored)
    if note:
        change_config(tmp_path, use_task_id=False)
    else:
        model = transformers.ErnieModel.from_pretrained(tmp_path, attn_implementation="eager")
    assert_equal(tmp_path, model, "Model")


def test_the_switch_of_tasks_is_true_or_false(tmp_path):
    write(tmp_path, "ernie", "Model")
    change_config(tmp_path, use_task_id="no")
    with pytest.raises(CheckpointError, match="use_task_id is 'no'; expected true or false"):
        minibert.load(tmp_path)


def test_a_pair_for_a_model_of_one_segment(tmp_path):
    """RoBERTa's own tokenizer gives both sentences segment 0; one of WordPiece beside such a table does not."""
    write(tmp_path, "roberta", "Model", type_vocab_size=1)
    bert = minibert.load(tmp_path)
    expected = r"^the text is a pair of sentences, but this model has an embedding for the first sentence only \(type_v"
    with pytest.raises(minibert.UserError, match=expected):
        bert(("the nap", "a nap"))
    assert bert("the nap").token_type_ids == (0,) * 4
    with pytest.raises(minibert.UserError, match=r"^token_type_ids\[1\] is 1; expected 0 to 0"):
        bert(minibert.Encoding.from_ids([3, 7], [0, 1]))


def test_padding_in_a_text_is_refused(tmp_path):
    """`transformers` does not count it among the positions; here all tokens count."""
    write(tmp_path, "roberta", "Model", pad_token_id=7)
    bert = minibert.load(tmp_path)
    with pytest.raises(ValueError, match=r"input_ids\[1\] is 7, which is padding: roberta does not count it among"):
        bert(minibert.Encoding.from_ids([8, 7, 9]))


def test_positions_begin_after_the_padding(tmp_path):
    write(tmp_path, "roberta", "Model", pad_token_id=1, max_position_embeddings=40)
    bert = minibert.load(tmp_path)
    assert bert.config.max_position_embeddings == 38 == len(bert.weights.embeddings.position)
    with pytest.raises(ValueError, match="39 tokens, but this model has 38 positions"):
        bert(minibert.Encoding.from_ids([5] * 39))
    change_config(tmp_path, max_position_embeddings=2)
    with pytest.raises(
        CheckpointError, match="max_position_embeddings is 2; expected more than 2, since positions begi"
    ):
        minibert.load(tmp_path)


SETTINGS = {
    "no padding": ("roberta", {"pad_token_id": -1}, "pad_token_id is -1; expected a whole number, 0 or more"),
    "no groups": ("albert", {"num_hidden_groups": 0}, "num_hidden_groups is 0; expected a whole number, 1 or more"),
    "layers in a group": ("albert", {"inner_group_num": 2}, "inner_group_num is 2; expected 1"),
    "another width": ("electra", {"embedding_size": 5}, "but config.json needs"),
}


@pytest.mark.parametrize("what", SETTINGS)
def test_settings_of_the_relatives(what, tmp_path):
    family, changes, expected = SETTINGS[what]
    write(tmp_path, family, "Model", embedding_size=16) if family != "roberta" else write(tmp_path, family, "Model")
    change_config(tmp_path, **changes)
    with pytest.raises(CheckpointError) as caught:
        minibert.load(tmp_path)
    assert expected in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("family", ["roberta", "electra"])
def test_a_head_with_gelu_where_the_rest_has_another(family, tmp_path):
    write(tmp_path, family, "ForMaskedLM", hidden_act="relu")
    bert = minibert.load(tmp_path)
    assert "inside which this family has gelu in any case, but hidden_act is relu" in bert.notes["masked_lm"]
    assert bert("a nap").hidden_states[-1].shape[0] > 2


@pytest.mark.parametrize("family", WHY_NOT)
def test_others_are_refused_with_a_word_why(family, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": family}))
    with pytest.raises(CheckpointError) as caught:
        minibert.load(tmp_path)
    expected = f"model_type is '{family}'; expected {' or '.join(map(repr, NAMES))} ({WHY_NOT[family]})"
    assert expected in str(caught.value)


def test_bert_itself_passes_these_tests(tmp_path):
    assert_equal(tmp_path, write(tmp_path, "bert", "ForMaskedLM", seed=1), "ForMaskedLM")

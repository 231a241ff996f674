"""Hostile files: whatever is in them, a checkpoint loads with finite numbers, or is refused in a second and 200 MB."""

import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

import minibert
from minibert import CheckpointError
from minibert.checkpoint.config import BertConfig, read_config
from minibert.checkpoint.task import read_task
from minibert.checkpoint.tensors import find_tensors
from minibert.tokenizer.tokenizer import Tokenizer, read_tokenizer
from tests.checkpoint.test_families import write as write_relative
from tests.reference.checkpoints import (
    SHAPE,
    VOCABULARY,
    change_config,
    random_model,
    write_tokenizer,
    write_vocabulary,
)
from tests.tokenizer.test_relatives_tokenizers import give_tokenizer, write_japanese

SMALL = {"hidden_size": 6, "num_hidden_layers": 1, "intermediate_size": 4, "max_position_embeddings": 16}


RELATIVES = {
    "roberta": ("roberta", "ForMaskedLM", "RoBERTa, vocab.json and merges.txt"),
    "xlm-roberta": ("xlm-roberta", "ForSequenceClassification", "XLM-R"),
    "albert": ("albert", "ForMaskedLM", "ALBERT, converted"),
}


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory) -> Path:
    """Small checkpoints, with every kind of file that is read; and, outside them, one that must not be."""
    folder = tmp_path_factory.mktemp("fuzz")
    random_model(**SMALL).half().save_pretrained(folder / "single")
    write_tokenizer(folder / "single")
    random_model(**SMALL).save_pretrained(folder / "sharded", max_shard_size="4KB")
    write_vocabulary(folder / "sharded", do_lower_case=True, strip_accents=None, tokenizer_class="BertTokenizer")
    write(folder / "sharded" / "added_tokens.json", {"[unused0]": 1})
    write(folder / "sharded" / "special_tokens_map.json", {"additional_special_tokens": ["capybara"]})
    classes = {"id2label": {"0": "bad", "1": "good"}, "problem_type": "multi_label_classification"}
    random_model(transformers.BertForSequenceClassification, **SMALL, **classes).save_pretrained(folder / "classes")
    write_tokenizer(folder / "classes")
    cross = {"sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity"}}
    change_config(folder / "classes", **cross, num_labels=2)
    added = {str(len(VOCABULARY)): {"content": "<e1>", "special": True, "lstrip": True}, "1": {"content": "[unused0]"}}
    names = {"mask_token": "[MASK]", "cls_token": {"content": "[CLS]"}, "extra_special_tokens": ["<e1>"]}
    write(folder / "classes" / "tokenizer_config.json", {"added_tokens_decoder": added, **names})
    distil = {"dim": 6, "n_layers": 1, "n_heads": 3, "hidden_dim": 4, "max_position_embeddings": 16}
    relative = transformers.DistilBertConfig(vocab_size=len(VOCABULARY), **distil)
    transformers.DistilBertForSequenceClassification(relative).save_pretrained(folder / "distil")
    write_tokenizer(folder / "distil")
    for name, (family, kind, tokenizer) in RELATIVES.items():
        write_relative(folder / name, family, kind, 1, **SMALL, num_attention_heads=2, vocab_size=700, pad_token_id=1)
        give_tokenizer(folder / name, tokenizer)
    write_sentence_transformers(folder)
    write_relative(folder / "electra", "electra", "ForPreTraining", 1, **SMALL, num_attention_heads=2, embedding_size=4)
    save_file({"bert.embeddings.LayerNorm.weight": minibert.load(folder / "single").weights.embeddings.norm.weight},
              folder / "outside.safetensors")  # fmt: skip
    return folder


def write_sentence_transformers(folder: Path) -> None:
    """What sentence-transformers stores beside a BERT: in its newest form, and in that of its old releases."""
    for name, inside in (("vectors", "."), ("vectors of old", "0_Transformer")):
        to = folder / name
        random_model(transformers.BertModel, **SMALL).save_pretrained(to / inside)
        write_tokenizer(to / inside)
        kinds = ("Transformer", "Pooling", "Dense", "LayerNorm", "Normalize")
        paths = [inside.strip("."), *(f"{i}_{kind}" for i, kind in enumerate(kinds[1:], start=1))]
        modules = enumerate(zip(kinds, paths, strict=True))
        listed = [
            {"idx": i, "name": str(i), "path": p, "type": f"sentence_transformers.models.{k}"} for i, (k, p) in modules
        ]
        write(to / "modules.json", listed)
        prompts = {"prompts": {"query": "the quick: ", "passage": None}, "default_prompt_name": "query"}
        write(to / "config_sentence_transformers.json", prompts | {"truncate_dim": 4, "similarity_fn_name": "dot"})
        limits = {"max_seq_length": 16, "do_lower_case": True, "tokenizer_args": {"model_max_length": 200}}
        write(to / inside / "sentence_bert_config.json", limits)
        for path in paths[1:]:
            (to / path).mkdir()
        old = {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}
        new = {"embedding_dimension": 6, "pooling_mode": ["mean", "max"], "include_prompt": False}
        write(to / "1_Pooling" / "config.json", new if name == "vectors" else old)
        residual = name == "vectors"
        activation = "torch.nn.modules.activation.GELU"
        write(
            to / "2_Dense" / "config.json", {"use_residual": residual, "activation_function": activation, "bias": True}
        )
        tensors = {"linear.weight": np.ones((5, 12), np.float32), "linear.bias": np.ones(5, np.float32)}
        if residual:
            tensors["residual.weight"] = np.ones((5, 12), np.float32)
        save_file(tensors, to / "2_Dense" / "model.safetensors")
        write(to / "3_LayerNorm" / "config.json", {"dimension": 5})
        norm = {"norm.weight": np.ones(5, np.float16), "norm.bias": np.ones(5, np.float32)}
        save_file(norm, to / "3_LayerNorm" / "model.safetensors")
        write(to / "4_Normalize" / "config.json", {"module_input_name": "sentence_embedding"})


def run(folder: Path, seed: int, count: int) -> dict[str, int]:
    command = [sys.executable, "-m", "tests.reference.damage", folder, str(seed), str(count)]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert ran.returncode == 0, f"seed {seed}: exit {ran.returncode}\n{ran.stderr[-3000:]}"
    return json.loads(ran.stdout.splitlines()[-1])  # the tokenizers package prints a word of its own now and then


def test_a_few_hundred_damaged_files(checkpoints):
    counts = run(checkpoints, random.randrange(10**9), 400)
    assert sum(counts.values()) > 350


@pytest.mark.fuzz
@pytest.mark.parametrize("part", range(10))
def test_twenty_thousand_damaged_files(part, checkpoints):
    counts = run(checkpoints, random.randrange(10**9), 2100)
    print(counts)
    assert sum(counts.values()) >= 2000
    loaded = sum(count for kind, count in counts.items() if "loaded" in kind)
    assert 0.05 < loaded / sum(counts.values()) < 0.95, "damage that never, or always, matters is no test"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
CONFIG = {**SHAPE, "hidden_act": "gelu", "layer_norm_eps": 1e-12, "type_vocab_size": 2}
TASK = {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "a"}, "num_labels": 1}
TASK |= {"problem_type": None, "sentence_transformers": {"activation_fn": "Sigmoid"}}


def write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")


@settings(deadline=None)
@given(changes=st.dictionaries(st.sampled_from([*CONFIG, "model_type", "is_decoder"]), JSON, min_size=1, max_size=3))
def test_any_config(changes, checkpoints):
    path = checkpoints / "config.json"
    write(path, CONFIG | changes)
    try:
        config = read_config(path)
    except CheckpointError as error:
        assert str(error).startswith(str(path))
    else:
        for name, kind in BertConfig.__annotations__.items():
            assert name == "labels" or kind not in (int, float, str, bool) or type(getattr(config, name)) is kind
        assert config.head_size * config.num_attention_heads == config.hidden_size > 0


@settings(deadline=None)
@given(changes=st.dictionaries(st.sampled_from(list(TASK)), JSON | st.just(...), min_size=1, max_size=3))
def test_any_task(changes, checkpoints):
    path = checkpoints / "task.json"
    write(path, {name: value for name, value in (TASK | changes).items() if value is not ...})
    try:
        task = read_task(path)
    except CheckpointError as error:
        assert str(error).startswith(str(path)) and "\n" not in str(error)
    else:
        assert task is None or all(type(label) is str for label in task.labels)
        assert task is None or task.activation in ("softmax", "sigmoid", "identity")


SPECIAL_FILES = ("special_tokens_map.json", "tokenizer_config.json", "added_tokens.json")
SPECIAL_KEYS = ["mask_token", "cls_token", "sep_token", "pad_token", "unk_token", "bos_token", "added_tokens_decoder"]
SPECIAL_KEYS += ["additional_special_tokens", "extra_special_tokens", "tokenizer_class", "do_lower_case", "<e>"]
TOKEN = st.sampled_from(["[MASK]", "the", "<new>", ""]) | st.builds(lambda x: {"content": x}, st.text(max_size=3))


@settings(deadline=None)
@given(
    files=st.dictionaries(
        st.sampled_from(SPECIAL_FILES),
        st.dictionaries(st.sampled_from(SPECIAL_KEYS), TOKEN | st.lists(TOKEN) | JSON, max_size=4) | JSON,
    ),
    old=st.booleans(),
)
def test_any_special_tokens(files, old, checkpoints):
    folder = checkpoints / ("sharded" if old else "single")
    kept = {name: (folder / name).read_text() for name in SPECIAL_FILES if (folder / name).exists()}
    try:
        for name, content in files.items():
            write(folder / name, content)
        tokenizer = read_tokenizer(folder, SHAPE["vocab_size"])
        assert "\n" not in tokenizer.missing + tokenizer.note
        if not tokenizer.missing:
            assert set(tokenizer.roles.values()) <= {"cls", "sep", "mask", "pad", "unk", "special"}
            assert len(tokenizer.encode("the capybara").roles) >= 4
    finally:
        for name in SPECIAL_FILES:
            (folder / name).unlink(missing_ok=True)
        for name, content in kept.items():
            (folder / name).write_text(content)


@settings(deadline=None)
@given(weight_map=st.dictionaries(st.text(max_size=5), JSON | st.sampled_from(["..", "/x", "a/b", "b\\c"])) | JSON)
def test_any_index(weight_map, checkpoints):
    folder = checkpoints / "index"
    folder.mkdir(exist_ok=True)
    write(folder / "model.safetensors.index.json", {"weight_map": weight_map})
    try:
        assert find_tensors(folder) == {} == weight_map
    except CheckpointError as error:
        assert "\n" not in str(error)


MECAB = ["unidic_lite", "ipadic", None, "", "os", "mecab", "basic", "character", "wordpiece", "-d /etc", "../x"]
ASKED = ["mecab_kwargs", "word_tokenizer_type", "subword_tokenizer_type", "do_lower_case", "never_split", "unk_token"]
VALUE = st.sampled_from(MECAB) | JSON


@settings(deadline=None)
@given(
    choices=st.dictionaries(
        st.sampled_from(ASKED),
        VALUE | st.dictionaries(st.sampled_from(["mecab_dic", "mecab_option", "normalize_text"]), VALUE),
    )
)
def test_any_order_to_mecab(choices, checkpoints):
    folder = checkpoints / "japanese"
    folder.mkdir(exist_ok=True)
    write_japanese(folder, **choices)
    tokenizer = read_tokenizer(folder)
    assert "\n" not in tokenizer.missing + tokenizer.note
    try:
        assert tokenizer.encode(("東京の", "[MASK] ｶﾞ")).roles.count("mask") <= 1
    except CheckpointError as error:
        assert "\n" not in str(error)


PARTS = ["model", "normalizer", "pre_tokenizer", "post_processor", "added_tokens", "truncation", "padding", "version"]


@settings(deadline=None)
@given(changes=st.dictionaries(st.sampled_from(PARTS), JSON, min_size=1), model=st.dictionaries(st.sampled_from(
    ["vocab", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word", "type"]), JSON))  # fmt: skip
def test_any_tokenizer(changes, model, checkpoints):
    folder = checkpoints / "tokenizer"
    folder.mkdir(exist_ok=True)
    value = json.loads((checkpoints / "single" / "tokenizer.json").read_text(encoding="utf-8"))
    value["model"] |= model
    write(folder / "tokenizer.json", value | changes)
    tokenizer = read_tokenizer(folder, SHAPE["vocab_size"])
    assert isinstance(tokenizer, Tokenizer) and "\n" not in tokenizer.missing + tokenizer.note
    try:
        tokenizer.encode(("the capybara", "sleeping"))
    except CheckpointError as error:
        assert tokenizer.backend is None or "\n" not in str(error)

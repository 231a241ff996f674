"""The same tensors and outputs as `transformers` from every form of checkpoint; one line for every other."""

import json
import math
import re
import resource
import subprocess
import sys

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

import minibert
from minibert import CheckpointError, Encoding
from minibert.checkpoint.tensors import BITS, find_tensors, read_header
from minibert.heads import classify
from tests.reference.checkpoints import FORMS, SHAPE, change_config, rename_tensors, write_model, write_tokenizer

NAMES = {
    r"^embeddings\.(word|position|token_type)$": r"bert.embeddings.\1_embeddings.weight",
    r"^embeddings\.norm": "bert.embeddings.LayerNorm",
    r"^layers\.(\d+)\.attention\.": r"bert.encoder.layer.\1.attention.self.",
    r"^layers\.(\d+)\.attention_output": r"bert.encoder.layer.\1.attention.output.dense",
    r"^layers\.(\d+)\.attention_norm": r"bert.encoder.layer.\1.attention.output.LayerNorm",
    r"^layers\.(\d+)\.(intermediate|output)\.": r"bert.encoder.layer.\1.\2.dense.",
    r"^layers\.(\d+)\.output_norm": r"bert.encoder.layer.\1.output.LayerNorm",
    r"^pooler": "bert.pooler.dense",
    r"^masked_lm\.transform": "cls.predictions.transform.dense",
    r"^masked_lm\.norm": "cls.predictions.transform.LayerNorm",
    r"^masked_lm\.decoder$": "cls.predictions.decoder.weight",
    r"^masked_lm\.bias$": "cls.predictions.decoder.bias",
}


def name_in_transformers(name: str) -> str:
    for ours, theirs in NAMES.items():
        name = re.sub(ours, theirs, name)
    return name


def reference(folder) -> torch.nn.Module:
    """The class that wrote the folder, read by `transformers`."""
    kind = getattr(transformers, json.loads((folder / "config.json").read_text())["architectures"][0])
    extra = {} if "pooler" in "".join(all_names(folder)) or kind is not transformers.BertModel else NO_POOLER
    return kind.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32, **extra).eval()


NO_POOLER = {"add_pooling_layer": False}


def all_names(folder) -> list[str]:
    return [name for path in folder.glob("*.safetensors") for name in load_file(path)]


@pytest.mark.parametrize("form", FORMS)
def test_tensors_and_outputs_are_those_of_transformers(form, tmp_path):
    FORMS[form](tmp_path)
    ours = minibert.load(tmp_path)
    theirs = reference(tmp_path)
    state = theirs.state_dict()
    if isinstance(theirs, transformers.BertModel):
        state = {"bert." + name: tensor for name, tensor in state.items()}

    named = dict(ours.weights.named())
    for name, array in named.items():
        assert array.dtype == np.float32, name
        np.testing.assert_array_equal(array, state[name_in_transformers(name)].numpy(), err_msg=name)
    unused = set(state) - {name_in_transformers(name) for name in named}
    ignored = r"bert.embeddings.position_ids|cls.seq_relationship|qa_outputs|cls.predictions.bias"
    if not isinstance(theirs, transformers.BertForSequenceClassification):
        ignored += "|classifier"  # of tokens, or of answers: named so as well
    assert all(re.match(ignored, name) or name in named for name in unused), unused

    generator = np.random.default_rng(0)
    ids = generator.integers(SHAPE["vocab_size"], size=11).tolist()
    types = [0] * 5 + [ours.config.type_vocab_size - 1] * 6
    encoding = Encoding.from_ids(ids, types)
    trace = ours(encoding)
    given = {"input_ids": torch.tensor([ids]), "token_type_ids": torch.tensor([types])}
    with torch.no_grad():
        base = getattr(theirs, "bert", theirs)(**given, output_attentions=True)
        np.testing.assert_allclose(trace.hidden_states[-1], base.last_hidden_state[0], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(trace.layers[1].attention, base.attentions[1][0], rtol=1e-5, atol=1e-5)
        assert (trace.pooled is None) == (base.pooler_output is None)
        if trace.pooled is not None:
            np.testing.assert_allclose(trace.pooled, base.pooler_output[0], rtol=1e-5, atol=1e-5)
        if "MaskedLM" in type(theirs).__name__ or "PreTraining" in type(theirs).__name__:
            logits = theirs.cls.predictions(base.last_hidden_state)[0]
            np.testing.assert_allclose(ours.logits(encoding), logits, rtol=1e-4, atol=1e-4)
        else:
            assert ours.weights.masked_lm is None
        if isinstance(theirs, transformers.BertForSequenceClassification):
            logits = theirs(**given).logits[0]
            np.testing.assert_allclose(classify(trace.pooled, ours.weights.classifier), logits, rtol=1e-5, atol=1e-5)
            labels = tuple(theirs.config.id2label[number] for number in range(len(logits)))
            assert ours.config.labels == labels
            assert ours.classify(encoding)[0][0] == labels[int(logits.argmax())]


def test_a_tied_decoder_takes_no_memory(tmp_path):
    for form in ("masked-language-model head", "decoder beside its twin"):
        FORMS[form](tmp_path)
        weights = minibert.load(tmp_path).weights
        assert weights.masked_lm.decoder is weights.embeddings.word


def test_the_real_thing(minilm_folder, minilm):
    """all-MiniLM-L6-v2: bare names, a position buffer, a tokenizer.json that pads to 128."""
    theirs = transformers.BertModel.from_pretrained(minilm_folder).state_dict()
    for name, array in minilm.weights.named():
        np.testing.assert_array_equal(array, theirs[name_in_transformers(name).removeprefix("bert.")].numpy())
    assert len(minilm.tokenizer.encode("two words")) == 4


def test_without_the_heads_they_are_not_there(tmp_path):
    FORMS["bare, without pooler"](tmp_path)
    write_tokenizer(tmp_path)
    bert = minibert.load(tmp_path)
    assert bert("the capybara").pooled is None
    with pytest.raises(ValueError, match="no masked-language-model head"):
        bert.fill_mask("the [MASK]")
    with pytest.raises(ValueError, match="no sequence classifier"):
        bert.classify("the capybara")


# What cannot be loaded says why, in one line. `python -m pytest tests/test_weights.py -k messages -s` shows them all.


def tensors_changed(change):
    """Write a checkpoint whose tensors went through `change(dict)`."""

    def write(folder):
        write_model(folder)
        tensors = load_file(folder / "model.safetensors")
        change(tensors)
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "model.safetensors")

    return write


def config_changed(**changes):
    def write(folder):
        write_model(folder)
        change_config(folder, **changes)

    return write


def sharded(change):
    """Write a sharded checkpoint whose index went through `change(folder, index)`."""

    def write(folder):
        FORMS["sharded"](folder)
        path = folder / "model.safetensors.index.json"
        index = json.loads(path.read_text())
        change(folder, index)
        path.write_text(json.dumps(index))

    return write


def only_a_bin(folder, files=1):
    model = write_model(folder)
    (folder / "model.safetensors").unlink()
    tensors = list(model.state_dict().items())
    for i in range(files):
        name = f"pytorch_model-{i + 1:05}-of-{files:05}.bin" if files > 1 else "pytorch_model.bin"
        torch.save(dict(tensors[i::files]), folder / name)


def cut(folder, to):
    write_model(folder)
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:to])


LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "4d" * 32 + "\nsize 438000000\n"
QUERY = "bert.encoder.layer.1.attention.self.query.weight"
WORD = "bert.embeddings.word_embeddings.weight"


def set_value(name, value):
    return lambda tensors: tensors[name].view(-1).__setitem__(7, value)


REFUSED = {
    "mpnet": (config_changed(model_type="mpnet"), "model_type is 'mpnet'; expected 'bert'"),
    "a bert that says electra": (config_changed(model_type="electra"), "word_embeddings.weight', of another family"),
    "a bert that says distilbert": (config_changed(model_type="distilbert"), "dim is missing; expected a whole number"),
    "relative positions": (
        config_changed(position_embedding_type="relative_key"),
        "position_embedding_type is 'relative_key'; expected 'absolute'",
    ),
    "a decoder": (config_changed(is_decoder=True), "is_decoder is True; expected False"),
    "cross attention": (config_changed(add_cross_attention=True), "add_cross_attention is True; expected False"),
    "an unknown activation": (
        config_changed(hidden_act="swiglu"),
        "hidden_act is 'swiglu'; expected 'gelu' or 'gelu_new' or 'gelu_pytorch_tanh' or 'relu' or 'silu'",
    ),
    "only a pickle": (only_a_bin, "has only a pytorch_model.bin, and unpickling runs what is in it"),
    "no weights": (lambda folder: cut_away(folder, "model.safetensors"), "has no model.safetensors"),
    "no config": (
        lambda folder: cut_away(folder, "config.json"),
        "has no config.json: it is not a checkpoint of one model, but has model.safetensors",
    ),
    "roberta, by its architectures": (
        config_changed(model_type=..., architectures=["RobertaModel"]),
        "architectures is ['RobertaModel']; expected names of BERT's, such as ['BertModel'], where model_type is miss",
    ),
    "electra beside a bert": (
        config_changed(model_type=..., architectures=["BertModel", "ElectraForPreTraining"]),
        "architectures is ['BertModel', 'ElectraForPreTraining']; expected names of BERT's",
    ),
    "bert-generation": (
        config_changed(model_type=..., architectures=["BertGenerationEncoder"]),
        "architectures is ['BertGenerationEncoder']; expected names of BERT's",
    ),
    "an architecture without a name": (
        config_changed(model_type=..., architectures=[None]),
        "architectures is [None]; expected names of BERT's",
    ),
    "roberta, by its padding": (
        config_changed(model_type=..., architectures=..., pad_token_id=1),
        "pad_token_id is 1; expected 0, or a model_type beside it that says what this is",
    ),
    "roberta, by the names of its tensors": (
        lambda folder: (write_model(folder), rename_tensors(folder, {"bert.": "roberta."})),
        "has the tensor 'roberta.embeddings.word_embeddings.weight', of another family",
    ),
    "ernie, inside another model": (
        lambda folder: (write_model(folder), rename_tensors(folder, {"bert.": "model.ernie."})),
        "has the tensor 'model.ernie.embeddings.word_embeddings.weight', of another family",
    ),
    "heads that do not divide": (
        config_changed(num_attention_heads=5),
        "hidden_size 24 is not a multiple of num_attention_heads 5",
    ),
    "a missing tensor": (tensors_changed(lambda t: t.pop(QUERY)), f"has no tensor '{QUERY}'"),
    "a missing embedding": (tensors_changed(lambda t: t.pop(WORD)), "has 0 tensors named ...embeddings.word_emb"),
    "two models in one": (
        tensors_changed(lambda t: t.update({"other." + WORD: t[WORD].clone()})),
        "has 2 tensors named ...embeddings.word_emb",
    ),
    "a tensor of another architecture": (
        tensors_changed(
            lambda t: t.update({"bert.encoder.layer.0.attention.self.distance_embedding.weight": t[QUERY] + 1})
        ),
        "has the tensor 'bert.encoder.layer.0.attention.self.distance_embedding.weight', which the BERT of its",
    ),
    "more layers than configured": (
        config_changed(num_hidden_layers=1),
        "has the tensor 'bert.encoder.layer.1.attention.output.LayerNorm.bias', which the BERT of its",
    ),
    "fewer layers than configured": (config_changed(num_hidden_layers=3), "has no tensor 'bert.encoder.layer.2."),
    "a lie of a billion layers": (config_changed(num_hidden_layers=10**9), "has no tensor 'bert.encoder.layer.2."),
    "a lie of a vocabulary": (
        config_changed(vocab_size=10**12),
        f"'{WORD}' has shape [{SHAPE['vocab_size']}, 24], but config.json needs [1000000000000, 24]",
    ),
    "another hidden size": (
        config_changed(hidden_size=48),
        f"has shape [{SHAPE['vocab_size']}, 24], but config.json needs [{SHAPE['vocab_size']}, 48]",
    ),
    "integers": (
        tensors_changed(lambda t: t.update({QUERY: t[QUERY].int()})),
        f"'{QUERY}' is I32; expected one of F32",
    ),
    "not a number": (
        tensors_changed(set_value(QUERY, float("nan"))),
        f"'{QUERY}' has infinite values, or some that are no numbers",
    ),
    "infinite": (
        tensors_changed(set_value(QUERY, float("-inf"))),
        f"'{QUERY}' has infinite values, or some that are no numbers",
    ),
    "too large for float32": (
        tensors_changed(lambda t: t.update({QUERY: t[QUERY].double() * 1e40})),
        f"'{QUERY}' has infinite values, or some that are no numbers",
    ),
    "an empty file": (lambda folder: cut(folder, 0), "model.safetensors is broken or cut short"),
    "a cut header": (lambda folder: cut(folder, 100), "model.safetensors is broken or cut short"),
    "a cut file": (lambda folder: cut(folder, -5), "model.safetensors is broken or cut short"),
    "a missing shard": (
        sharded(lambda folder, index: (folder / index["weight_map"][WORD]).unlink()),
        ".safetensors', which is not there; get it where the folder came from",
    ),
    "a shard with a line end in its name": (
        sharded(lambda folder, index: index["weight_map"].update({WORD: "a\nb.safetensors"})),
        "names the file 'a\\nb.safetensors', which is not there",
    ),
    "a shard with a name too long for a file": (
        sharded(lambda folder, index: index["weight_map"].update({WORD: "9" * 9999 + ".safetensors"})),
        "9999..., which is not there",
    ),
    "a name with a line end": (
        tensors_changed(lambda t: (t.pop(WORD), t.update({"a\nb." + WORD.removeprefix("bert."): torch.ones(9, 24)}))),
        "'a\\nb.embeddings.word_embeddings.weight' has shape [9, 24]",
    ),
    "a shape of sixty axes": (
        tensors_changed(lambda t: t.update({QUERY: torch.ones([1] * 60)})),
        "has shape [1, 1, 1, 1, 1, 1,",
    ),
    "a pointer of git lfs": (
        lambda folder: (write_model(folder), (folder / "model.safetensors").write_text(LFS)),
        "model.safetensors is a pointer of git-lfs, not the file itself; run `git lfs pull` in the folder",
    ),
    "a shard outside": (
        sharded(lambda folder, index: index["weight_map"].update({WORD: "../model.safetensors"})),
        "names the file '../model.safetensors'; expected a .safetensors beside it, without a path",
    ),
    "a shard at an absolute path": (
        sharded(lambda folder, index: index["weight_map"].update({WORD: "/etc/passwd"})),
        "names the file '/etc/passwd'; expected a .safetensors beside it",
    ),
    "a shard above": (sharded(lambda folder, index: index["weight_map"].update({WORD: ".."})), "names the file '..'"),
    "a shard without a name": (
        sharded(lambda folder, index: index["weight_map"].update({WORD: ""})),
        "names the file ''",
    ),
    "a shard on another drive": (
        sharded(lambda folder, index: index["weight_map"].update({WORD: "C:\\model.safetensors"})),
        "names the file 'C:",
    ),
    "a shard without the tensor": (
        sharded(lambda folder, index: index["weight_map"].update({"bert.pooler": index["weight_map"][WORD]})),
        "lists 'bert.pooler' under model-0",
    ),
    "an index without a map": (sharded(lambda folder, index: index.pop("weight_map")), "weight_map is None; expected"),
    "an index of numbers": (
        sharded(lambda folder, index: index.update(weight_map={WORD: 3})),
        "weight_map is {'bert.embeddings.word_embeddings.weight': 3}; expected",
    ),
}


def cut_away(folder, name):
    write_model(folder)
    (folder / name).unlink()


def refusal(folder) -> str:
    with pytest.raises(CheckpointError) as caught:
        minibert.load(folder)
    return str(caught.value)


@pytest.mark.parametrize("what", REFUSED)
def test_messages(what, tmp_path):
    write, expected = REFUSED[what]
    write(tmp_path)
    message = refusal(tmp_path)
    shown = message.replace(str(tmp_path), "FOLDER")
    print(f"\n{what}:\n    {shown}")
    assert expected in message
    assert str(tmp_path) in message and "\n" not in message and len(shown) < 420


def test_a_folder_that_is_not_there(tmp_path):
    assert "is not a folder" in refusal(tmp_path / "nothing")
    (tmp_path / "file").touch()
    assert "is not a folder" in refusal(str(tmp_path / "file"))


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    write_model(tmp_path)
    monkeypatch.setattr("minibert.checkpoint.tensors.bytes_of", refuse)
    assert "model.safetensors cannot be read (Permission denied); check the file and its perm" in refusal(tmp_path)


def test_without_mmap_the_file_is_read(tmp_path, monkeypatch):
    """As in a browser."""
    write_model(tmp_path)
    mapped = dict(minibert.load(tmp_path).weights.named())
    monkeypatch.setitem(sys.modules, "mmap", None)
    for name, array in minibert.load(tmp_path).weights.named():
        np.testing.assert_array_equal(array, mapped[name])


HEADERS = st.recursive(
    st.integers(-1, 40) | st.sampled_from(["F32", "F16", "I8", "F4", "F32x", "BOOL"]) | st.none() | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["dtype", "shape", "data_offsets", "a"]), inner, max_size=4)
    ),
    max_leaves=5,
)
ENTRY = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["F32", "F16", "BF16", "I8", "I64", "F4", "F8_E4M3", "BOOL", "C64", "no"]),
        "shape": st.lists(st.integers(0, 4), max_size=3),
        "data_offsets": st.tuples(st.integers(0, 24), st.integers(0, 24)),
    }
)


@given(
    entries=st.dictionaries(st.sampled_from("abc"), ENTRY, max_size=3),
    odd=st.dictionaries(st.sampled_from("bc"), HEADERS, max_size=1) | HEADERS,
    follow=st.booleans(),
    size=st.integers(0, 30),
)
@settings(deadline=None, max_examples=500)
def test_what_safetensors_refuses_is_refused_and_what_it_takes_is_taken(entries, odd, follow, size, tmp_path_factory):
    if follow:  # most headers would have gaps
        size = 0
        for entry in entries.values():
            begin, size = size, size + BITS.get(entry["dtype"], 8) * math.prod(entry["shape"]) // 8
            entry["data_offsets"] = begin, size
    header = entries | odd if isinstance(odd, dict) else odd
    path = tmp_path_factory.mktemp("header") / "model.safetensors"
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(size))
    try:
        with safe_open(path, framework="numpy") as file:
            expected = sorted(file.keys())
    except SafetensorError:
        with pytest.raises(CheckpointError, match="is broken or cut short"):
            read_header(path)
    else:
        assert sorted(read_header(path)) == expected


@pytest.mark.parametrize("shape", [[-1], [1.5], [True], [2**63]])
def test_a_shape_that_is_no_whole_number(shape, tmp_path):
    header = json.dumps({"a": {"dtype": "F32", "shape": shape, "data_offsets": [0, 4]}}).encode()
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    with pytest.raises(CheckpointError, match="the shape or the place of 'a' is no whole number"):
        read_header(tmp_path / "model.safetensors")


def test_a_missing_shard_is_named(tmp_path):
    FORMS["sharded"](tmp_path)
    gone = sorted(tmp_path.glob("*.safetensors"))[1]
    gone.unlink()
    assert repr(gone.name) in refusal(tmp_path)


def test_weights_that_are_a_folder(tmp_path):
    write_model(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / "model.safetensors").mkdir()
    assert "model.safetensors is no file; get it" in refusal(tmp_path)


@pytest.mark.parametrize("files", [1, 3])
def test_the_conversion_we_recommend_works(files, tmp_path):
    """The command in the message makes a folder that loads and gives the same numbers."""
    only_a_bin(tmp_path, files)
    command = re.search(r'python -c "(.*)"', refusal(tmp_path))[1]
    subprocess.run([sys.executable, "-c", command], cwd=tmp_path, check=True)
    expected = {}
    for path in tmp_path.glob("*.bin"):
        expected |= torch.load(path, weights_only=True)
    for name, array in minibert.load(tmp_path).weights.named():
        np.testing.assert_array_equal(array, expected[name_in_transformers(name)].numpy())


def test_large_but_finite_values_load(tmp_path):
    """Their squares are not finite: the quick test must not be the last word."""
    tensors_changed(set_value(QUERY, 3e38))(tmp_path)
    assert minibert.load(tmp_path).weights.layers[1].attention.query.weight.max() == np.float32(3e38)


def test_gamma_is_renamed_only_at_the_end_of_a_layer_norm(tmp_path):
    write_model(tmp_path)
    rename_tensors(tmp_path, {"cls.seq_relationship.weight": "LayerNorm.gamma.seq", "pooler.dense": "pooler.gamma"})
    assert {"LayerNorm.gamma.seq", "bert.pooler.gamma.weight"} <= set(find_tensors(tmp_path))


def test_a_header_of_odd_length(tmp_path):
    """Older files end their header anywhere, and the tensors begin off the boundaries of float32."""
    write_model(tmp_path)
    expected = {name: array.copy() for name, array in minibert.load(tmp_path).weights.named()}
    path = tmp_path / "model.safetensors"
    content = path.read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    header = content[8:end].rstrip() + b" "
    header += b" " * (1 - len(header) % 2)
    path.write_bytes(len(header).to_bytes(8, "little") + header + content[end:])
    assert len(header) % 2
    for name, array in minibert.load(tmp_path).weights.named():
        assert array.flags.aligned
        np.testing.assert_array_equal(array, expected[name], err_msg=name)


def test_a_change_to_the_weights_stays_in_memory(tmp_path):
    """Arrays are the file itself, but only for reading."""
    write_model(tmp_path)
    before = (tmp_path / "model.safetensors").read_bytes()
    minibert.load(tmp_path).weights.pooler.weight[:] = 0
    assert (tmp_path / "model.safetensors").read_bytes() == before
    assert minibert.load(tmp_path).weights.pooler.weight.any()


MEASURE = """
import resource, sys
import minibert.checkpoint.weights
from pathlib import Path
from minibert.checkpoint.config import read_config
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
folder = Path(sys.argv[1])
weights = minibert.checkpoint.weights.read_weights(folder, read_config(folder / "config.json"))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize(("dtype", "times"), [(torch.float32, 1), (torch.float16, 3), (torch.bfloat16, 3)])
def test_memory_at_the_peak(dtype, times, tmp_path):
    """No more than 1.3 times the file, and for half precision its float32 twin, measured by the operating system."""
    shape = {"vocab_size": 20000, "hidden_size": 384, "num_hidden_layers": 6, "intermediate_size": 1536}
    model = transformers.BertForMaskedLM(transformers.BertConfig(**shape, num_attention_heads=6))
    model.to(dtype).save_pretrained(tmp_path)
    ran = subprocess.run([sys.executable, "-c", MEASURE, tmp_path], capture_output=True, text=True, check=True)
    unit = 1 if sys.platform == "darwin" else 1024
    size = (tmp_path / "model.safetensors").stat().st_size
    assert resource.getpagesize() and int(ran.stdout) * unit < 1.3 * times * size

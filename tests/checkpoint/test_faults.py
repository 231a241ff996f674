"""What is wrong with a part of a checkpoint costs that part; what is wrong with the encoder is refused."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

import minibert
from minibert import CheckpointError
from tests.reference.checkpoints import change_config, write_model, write_tokenizer, write_vocabulary

ENCODER = "bert.encoder.layer.0.output.dense.bias"


def tensors(change):
    def damage(folder):
        found = load_file(folder / "model.safetensors")
        change(found)
        save_file({name: tensor.contiguous() for name, tensor in found.items()}, folder / "model.safetensors")

    return damage


def config(**changes):
    return lambda folder: change_config(folder, **changes)


def text(name, content):
    return lambda folder: (folder / name).write_text(content)


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "4d" * 32 + "\nsize 1234\n"

FAULTS = {
    "no bias of the decoder": (tensors(lambda t: t.pop("cls.predictions.bias")), "masked_lm", "has no tensor 'cls"),
    "untied, but no decoder": (config(tie_word_embeddings=False), "masked_lm", "has no tensor 'cls.predictions.dec"),
    "a head that is not a number": (
        tensors(lambda t: t["cls.predictions.bias"].fill_(float("nan"))), "masked_lm", "has infinite values, or some"),
    "a head of another model": (
        tensors(lambda t: t.update({"cls.predictions.transform.dense.weight": torch.ones(7, 7)})),
        "masked_lm", "has shape [7, 7], but config.json needs [24, 24]"),
    "half a head": (
        tensors(lambda t: t.pop("cls.predictions.transform.dense.weight")), "masked_lm", "has no tensor 'cls.predict"),
    "a head of whole numbers": (
        tensors(lambda t: t.update({"cls.predictions.bias": t["cls.predictions.bias"].int()})), "masked_lm", "is I32"),
    "half a pooler": (tensors(lambda t: t.pop("bert.pooler.dense.bias")), "pooler", "has no tensor 'bert.pooler.dense"),
    "a pooler of another size": (
        tensors(lambda t: t.update({"bert.pooler.dense.weight": torch.ones(5, 24)})), "pooler", "has shape [5, 24]"),
    "a classifier without an axis": (
        tensors(lambda t: t.update({"classifier.weight": torch.ones(())})), "classifier", "tensors called classifier"),
    "no vocabulary": (text("tokenizer.json", "{}"), "tokenizer", "is not a tokenizer that works (KeyError: 'model')"),
    "a tokenizer that is cut": (text("tokenizer.json", '{"model": '), "tokenizer", "tokenizer.json is not JSON"),
    "a pointer for a tokenizer": (text("tokenizer.json", POINTER), "tokenizer", "run `git lfs pull` in the folder"),
    "a pointer beside a tokenizer": (text("tokenizer_config.json", POINTER), "tokenizer", "run `git lfs pull` in the"),
    "a tokenizer of bytes": (
        lambda f: (f / "tokenizer.json").write_bytes(b"\xff\xfe"), "tokenizer", "it is not UTF-8 text"),
    "a map of nothing": (text("special_tokens_map.json", "[]"), "tokenizer", "holds []; expected an object"),
}  # fmt: skip


@pytest.mark.parametrize("what", FAULTS)
def test_a_fault_costs_its_part_only(what, tmp_path):
    write_model(tmp_path)
    write_tokenizer(tmp_path)
    ids = minibert.Encoding.from_ids([3, 7, 4])
    sound = minibert.load(tmp_path)(ids)
    damage, part, expected = FAULTS[what]
    if "map" in what:
        (tmp_path / "tokenizer_config.json").unlink()
    damage(tmp_path)
    bert = minibert.load(tmp_path)
    trace = bert(ids)
    for i, state in enumerate(sound.hidden_states):
        np.testing.assert_array_equal(trace.hidden_states[i], state)
    np.testing.assert_array_equal(trace.layers[1].attention, sound.layers[1].attention)
    assert list(bert.notes) == [part] and expected in bert.notes[part] and "\n" not in bert.notes[part]
    ask = {"masked_lm": bert.logits, "classifier": bert.classify, "tokenizer": lambda _: bert("the nap")}
    if part == "pooler":
        assert trace.pooled is None
    else:
        with pytest.raises(ValueError) as caught:
            ask[part](ids)
        assert str(caught.value) == bert.notes[part]


@pytest.mark.parametrize("part", ["tokenizer", "masked_lm"])
def test_info_lists_what_is_wrong(part, tmp_path):
    write_model(tmp_path)
    write_tokenizer(tmp_path)
    damage, expected = {
        "tokenizer": (text("tokenizer.json", POINTER), "is a pointer of git-lfs"),
        "masked_lm": (tensors(lambda t: t.pop("cls.predictions.bias")), "has no tensor 'cls.predictions.bias'"),
    }[part]
    damage(tmp_path)
    ran = subprocess.run([sys.executable, "-m", "minibert", "info", tmp_path], capture_output=True, text=True)
    [line] = [line for line in ran.stdout.splitlines() if line.startswith(f"{part}: ")]
    assert ran.returncode == 0 and expected in line


@pytest.mark.parametrize("damage", [lambda t: t[ENCODER].fill_(float("nan")), lambda t: t.pop(ENCODER)])
def test_what_makes_the_encoder_doubtful_is_refused(damage, tmp_path):
    write_model(tmp_path)
    tensors(damage)(tmp_path)
    with pytest.raises(CheckpointError):
        minibert.load(tmp_path)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "model.safetensors.index.json"])
def test_a_pointer_of_git_lfs_in_the_place_of_what_is_needed(name, tmp_path):
    write_model(tmp_path)
    if "index" in name:
        (tmp_path / "model.safetensors").unlink()
    text(name, POINTER)(tmp_path)
    with pytest.raises(CheckpointError, match=f"{name}.? is a pointer of git-lfs|{name}: it is a pointer of git-lfs"):
        minibert.load(tmp_path)


def test_a_pointer_in_the_place_of_a_vocab_txt(tmp_path):
    write_model(tmp_path)
    write_vocabulary(tmp_path)
    text("vocab.txt", POINTER)(tmp_path)
    assert "vocab.txt: it is a pointer of git-lfs" in minibert.load(tmp_path).notes["tokenizer"]


AS_NOBODY = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
AS_NOBODY += ["--inh-caps=-dac_override,-dac_read_search"]


@pytest.mark.skipif(sys.platform != "linux", reason="permissions are those of Linux")
@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json", "."])
def test_what_may_not_be_read_is_not_called_missing(name, tmp_path):
    folder = tmp_path / "secret"
    write_model(folder)
    write_tokenizer(folder)
    (folder / name).chmod(0)
    prefix = AS_NOBODY if os.getuid() == 0 else []
    command = [*prefix, sys.executable, "-m", "minibert", "attention", "nap", "--layer", "0", "--model", folder]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    except FileNotFoundError:
        pytest.skip("setpriv is not installed")
    finally:
        (folder / name).chmod(0o700)
    [line] = ran.stderr.splitlines()
    print(line)
    assert ran.returncode == 2 and "Permission denied" in line and "No such file" not in line
    assert str(folder if name == "." else folder / name) in line


def test_a_link_to_nothing(tmp_path):
    """Caches of the hub are links, and what they lead to may have been removed."""
    write_model(tmp_path)
    (tmp_path / "config.json").rename(tmp_path / "gone")
    (tmp_path / "config.json").symlink_to(tmp_path / "blobs" / "gone")
    with pytest.raises(CheckpointError, match=r"config.json: it is a link to .*gone, where there is no file"):
        minibert.load(tmp_path)


LAYOUTS = {
    "an adapter": (["adapter_config.json", "adapter_model.safetensors"], "is an adapter (adapter_config.json)"),
    "one folder down": (
        ["0_Transformer/config.json", "0_Transformer/pytorch_model.bin", "1_Pooling/config.json"],
        "is no checkpoint itself; the one inside is 0_Transformer"),
    "one folder down, with a config": (
        ["config.json", "0_BERT/config.json", "0_BERT/model.safetensors"], "the one inside is 0_BERT"),
    "several inside": (
        ["b/config.json", "b/model.safetensors", "a/config.json", "a/model.safetensors"],
        "is no checkpoint itself; there are 2 inside (a, b): "),
    "a variant": (["config.json", "model.fp16.safetensors"], "has no model.safetensors, but model.fp16.safetensors"),
    "onnx": (["config.json", "onnx/model.onnx", "onnx/config.json"], "has weights for ONNX only (onnx/model.onnx)"),
    "gguf": (["bert-f16.gguf", "README.md"], "has weights for GGUF only (bert-f16.gguf)"),
    "tensorflow": (["config.json", "tf_model.h5"], "has weights for TensorFlow only (tf_model.h5)"),
    "flax": (["config.json", "flax_model.msgpack"], "has weights for Flax only"),
    "google's own files": (["bert_model.ckpt.index", "bert_config.json", "vocab.txt"], "TensorFlow only (bert_model."),
    "a pipeline of images": (["model_index.json", "unet/config.json"], "is a pipeline of several models"),
    "a tokenizer alone": (["tokenizer.json"], "it is not a checkpoint of one model, but has tokenizer.json; exp"),
    "an empty folder": ([], "is empty; expected config.json and model.safetensors, or the name of a model, see `minib"),
    "shards without their index": (
        ["config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"],
        "has a part of the weights (model-00001-of-00002.safetensors), but not model.safetensors.index.json, which li"),
    "shards of a variant": (
        ["config.json", "model.safetensors.index.fp16.json", "model.fp16-00001-of-00001.safetensors"],
        "has no model.safetensors.index.json, but model.safetensors.index.fp16.json: "),
    "two formats": (
        ["config.json", "onnx/model.onnx", "tf_model.h5"],
        "has weights for TensorFlow and ONNX only (tf_model.h5, onnx/model.onnx), and minibert reads model.safetensors:"
        " load it with transformers 4"),
    "lightning": (["config.json", "last.ckpt"], "has weights for PyTorch only (last.ckpt), and minibert reads model.s"),
    "torch": (["config.json", "model.pt"], "PyTorch only (model.pt), and minibert reads model.safetensors: where you"),
    "rust": (["config.json", "rust_model.ot"], "Rust only (rust_model.ot), and minibert reads model.safetensors: use"),
    "mlx": (["config.json", "weights.npz"], "has weights for MLX or NumPy only (weights.npz)"),
    "core ml": (
        ["config.json", "coreml/fill-mask/float32.mlpackage/Manifest.json"],
        "has weights for Core ML only (coreml/fill-mask/float32.mlpackage)"),
    "paddle": (["config.json", "model_state.pdparams"], "has weights for PaddlePaddle only (model_state.pdparams)"),
    "openvino": (["config.json", "openvino_model.xml", "openvino_model.bin"], "for OpenVINO only (openvino_model.bin"),
    "a saved model": (["config.json", "saved_model.pb"], "has weights for TensorFlow Serving only (saved_model.pb)"),
    "tflite": (["config.json", "model.tflite"], "has weights for TensorFlow Lite only (model.tflite)"),
    "of no known kind": (
        ["config.json", "model.bin", "vocab.txt"],
        "has no model.safetensors, the only weights that minibert reads (not model.bin); get it from where the rest"),
    "no weights": (
        ["config.json", "vocab.txt"], "has no model.safetensors, the only weights that minibert reads; get it from wh"),
    "a pickle": (["config.json", "pytorch_model.bin"], "has only a pytorch_model.bin, and unpickling runs what"),
}  # fmt: skip


def make(folder: Path, names: list[str]) -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_text("{}")
    if "config.json" in names:
        transformers.BertConfig().save_pretrained(folder)


def test_vectors_that_come_from_no_bert(tmp_path):
    make(tmp_path, ["model.safetensors", "tokenizer.json"])
    module = {"type": "sentence_transformers.models.StaticEmbedding", "path": "", "name": "0"}
    (tmp_path / "modules.json").write_text(json.dumps([module]))
    with pytest.raises(CheckpointError, match=r"makes its vectors by StaticEmbedding \(modules.json\), not by a BERT$"):
        minibert.load(tmp_path)


def test_an_adapter_beside_the_weights_is_told(tmp_path):
    write_model(tmp_path)
    assert "adapter" not in minibert.load(tmp_path).notes
    (tmp_path / "adapter_config.json").write_text("{}")
    assert "(adapter_config.json), which is not applied" in minibert.load(tmp_path).notes["adapter"]


@pytest.mark.parametrize("what", LAYOUTS)
def test_a_folder_that_is_no_plain_checkpoint(what, tmp_path):
    names, expected = LAYOUTS[what]
    make(tmp_path / "here", names)
    with pytest.raises(CheckpointError) as caught:
        minibert.load(tmp_path / "here")
    print(caught.value)
    assert expected in str(caught.value) and "\n" not in str(caught.value) and "hf download" not in str(caught.value)

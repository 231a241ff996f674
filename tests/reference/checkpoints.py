"""Checkpoints in every form that real ones have, written by `transformers` and bent from there."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file, save_file

SPECIAL = ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = ["the", "The", "quick", "capybara", "sleep", "sleeping", "##ing", "##s", "##bara", "nap", "Ärger", "arger"]
WORDS += ["caf", "##é", "##e", "straße", "strasse", "北", "京", "東"]
LETTERS = [*"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,!?'-[]ßéà日本"]
VOCABULARY = [*dict.fromkeys(SPECIAL + WORDS + LETTERS + ["##" + letter for letter in LETTERS])]

SHAPE = {
    "vocab_size": len(VOCABULARY),
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 40,
    "max_position_embeddings": 64,
}


def bert_config(**changes: object) -> transformers.BertConfig:
    return transformers.BertConfig(**{**SHAPE, **changes})


def random_model(kind: Callable = transformers.BertForPreTraining, seed: int = 0, **changes: object) -> torch.nn.Module:
    """A model with nothing in it zero or one by default: norms and biases are random, too."""
    torch.manual_seed(seed)
    model = kind(bert_config(**changes))
    for parameter in model.parameters():
        parameter.data.add_(torch.randn_like(parameter), alpha=0.05)
    return model.eval()


def write_tokenizer(folder: Path, lower_case: bool = True) -> None:
    """A tokenizer.json, as `transformers` writes it."""
    vocabulary = {token: number for number, token in enumerate(VOCABULARY)}
    transformers.BertTokenizer(vocab=vocabulary, do_lower_case=lower_case).save_pretrained(folder)


def write_vocabulary(folder: Path, **choices: object) -> None:
    """A vocab.txt, with choices in a tokenizer_config.json where there are any."""
    (folder / "vocab.txt").write_text("".join(token + "\n" for token in VOCABULARY), encoding="utf-8")
    if choices:
        (folder / "tokenizer_config.json").write_text(json.dumps(choices), encoding="utf-8")


def write_model(folder: Path, kind: Callable = transformers.BertForPreTraining, **changes: object) -> torch.nn.Module:
    model = random_model(kind, **changes)
    model.save_pretrained(folder)
    return model


def rename_tensors(folder: Path, names: Mapping[str, str]) -> None:
    """Replace these parts of tensor names in model.safetensors, in place."""
    tensors = load_file(folder / "model.safetensors")
    for old, new in names.items():
        tensors = {name.replace(old, new): tensor for name, tensor in tensors.items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def change_config(folder: Path, **changes: object) -> None:
    """Set settings of config.json; `...` takes one out."""
    path = folder / "config.json"
    settings = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({name: value for name, value in settings.items() if value is not ...}))


def gamma_and_beta(folder: Path) -> None:
    write_model(folder)
    rename_tensors(folder, {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"})


def decoder_bias(folder: Path) -> None:
    write_model(folder)
    rename_tensors(folder, {"cls.predictions.bias": "cls.predictions.decoder.bias"})


def with_buffers(folder: Path) -> None:
    write_model(folder)
    tensors = load_file(folder / "model.safetensors")
    tensors["bert.embeddings.position_ids"] = torch.arange(64)[None]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def decoder_beside_its_twin(folder: Path, difference: float = 0) -> None:
    write_model(folder)
    tensors = load_file(folder / "model.safetensors")
    tensors["cls.predictions.decoder.weight"] = tensors["bert.embeddings.word_embeddings.weight"] + difference
    tensors["cls.predictions.decoder.bias"] = tensors["cls.predictions.bias"] + difference
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


FORMS: dict[str, Callable[[Path], object]] = {
    "prefixed, with all heads of pre-training": write_model,
    "bare": lambda folder: write_model(folder, transformers.BertModel),
    "bare, without pooler": lambda folder: random_model(
        lambda config: transformers.BertModel(config, add_pooling_layer=False)
    ).save_pretrained(folder),
    "masked-language-model head": lambda folder: write_model(folder, transformers.BertForMaskedLM),
    "untied decoder": lambda folder: write_model(folder, transformers.BertForMaskedLM, tie_word_embeddings=False),
    "next-sentence head": lambda folder: write_model(folder, transformers.BertForNextSentencePrediction),
    "classifier of 2": lambda folder: write_model(folder, transformers.BertForSequenceClassification),
    "classifier of 3": lambda folder: write_model(
        folder, transformers.BertForSequenceClassification, id2label={0: "bad", 1: "so-so", 2: "good"}
    ),
    "token classifier": lambda folder: write_model(folder, transformers.BertForTokenClassification, num_labels=5),
    "question answering": lambda folder: write_model(folder, transformers.BertForQuestionAnswering),
    "multiple choice": lambda folder: write_model(folder, transformers.BertForMultipleChoice),
    "gamma and beta": gamma_and_beta,
    "bias of the decoder": decoder_bias,
    "buffers": with_buffers,
    "decoder beside its twin": decoder_beside_its_twin,
    "decoder of its own, though said to be tied": lambda folder: decoder_beside_its_twin(folder, difference=0.5),
    "sharded": lambda folder: random_model().save_pretrained(folder, max_shard_size="10KB"),
    "float16": lambda folder: random_model().half().save_pretrained(folder),
    "bfloat16": lambda folder: random_model().bfloat16().save_pretrained(folder),
    "bfloat16, sharded": lambda folder: random_model().bfloat16().save_pretrained(folder, max_shard_size="10KB"),
    "float64": lambda folder: random_model().double().save_pretrained(folder),
    "one segment": lambda folder: write_model(folder, type_vocab_size=1),
    "tanh gelu": lambda folder: write_model(folder, hidden_act="gelu_new"),
    "large eps": lambda folder: write_model(folder, layer_norm_eps=1e-3),
}
"""Each writes config.json and weights into a folder."""

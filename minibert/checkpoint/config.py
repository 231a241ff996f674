"""The configuration of a BERT, read from config.json. What minibert does not implement is refused."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from minibert.checkpoint.families import FAMILIES, WHY_NOT
from minibert.errors import CheckpointError
from minibert.files import abbreviate, read_json

HIDDEN_ACTS = ("gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "silu")
"""The names of `minibert.numerics.ACTIVATIONS`."""

SAME_ACTS = {"swish": "silu", "gelu_python": "gelu"}
SAME_ACTS |= dict.fromkeys(("gelu_fast", "gelu_accurate", "gelu_python_tanh"), "gelu_new")
"""Other names that `transformers` has for these: the functions are equal."""


@dataclass(frozen=True)
class BertConfig:
    """The shape of a BERT, in the names of config.json."""

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int
    type_vocab_size: int = 2
    hidden_act: str = "gelu"
    layer_norm_eps: float = 1e-12
    tie_word_embeddings: bool = True
    """is the decoder of the masked-LM head the table of word embeddings?"""
    labels: tuple[str, ...] = ()
    """the labels of a sequence classifier; empty where the checkpoint has none"""
    model_type: str = "bert"
    """the family; see `minibert.checkpoint.families`"""
    pooler_act: str = "tanh"
    """the activation of the pooler, or of the classifier's layer in its place"""
    embedding_size: int | None = None
    """the size of an embedding, in families where it may be smaller than hidden_size"""
    num_hidden_groups: int | None = None
    """groups of layers that share their weights, in the family that has them"""
    pad_token_id: int | None = None
    """the id of the padding, in families whose positions begin after it"""
    use_task_id: bool = False
    """is the first row of the table of tasks added to every token, in the family that may have one?"""
    activation: str = "softmax"
    """maps the classifier's logits to its scores: softmax, sigmoid or identity; see `minibert.checkpoint.task`"""

    @property
    def head_size(self) -> int:
        """K = hidden_size / num_attention_heads"""
        return self.hidden_size // self.num_attention_heads


@dataclass(frozen=True)
class Settings:
    """What a config.json says. CheckpointError from each check that fails."""

    path: Path
    values: dict[str, Any]

    def check(self, name: str, correct: bool, expected: str) -> None:
        if not correct:
            came = f"is {abbreviate(self.values[name])}" if name in self.values else "is missing"
            raise CheckpointError(f"{self.path}: {name} {came}; expected {expected}")

    def supported(self, name: str, default: object, *choices: object) -> None:
        expected = f"{' or '.join(map(repr, choices))}: {ONLY}"
        self.check(name, self.values.get(name, default) in choices, expected)

    def count(self, name: str, least: int, default: int | None = None) -> None:
        value = self.values.get(name, default)
        self.check(name, type(value) is int and value >= least, f"a whole number, {least} or more")


def read_config(path: Path) -> BertConfig:
    """Read a config.json. CheckpointError: it is not a BERT's, or minibert does not implement it."""
    settings = Settings(path, read_json(path))
    check_family(settings)
    family = FAMILIES[settings.values.get("model_type", "bert")]
    settings = Settings(path, {**family.defaults, **settings.values, **family.fixed})
    names = {name: family.settings.get(name, name) for name in BertConfig.__annotations__}
    only_some = {
        "embedding_size": bool(family.projection),
        "num_hidden_groups": family.shared,
        "pad_token_id": family.after_padding,
    }
    check_settings(settings, names, [name for name, has in only_some.items() if has])
    only_some["use_task_id"] = family.tasks
    others = {"labels", "activation", "pooler_act", *(name for name, has in only_some.items() if not has)}
    found = {name: settings.values[theirs] for name, theirs in names.items() if theirs in settings.values}
    config = BertConfig(**{name: value for name, value in found.items() if name not in others})
    config = replace(config, hidden_act=SAME_ACTS.get(config.hidden_act, config.hidden_act))
    if config.pad_token_id is not None:
        config = without_padding(settings, config, config.pad_token_id)
    if config.hidden_size % config.num_attention_heads:
        size, heads = (f"{names[x]} {abbreviate(getattr(config, x))}" for x in ("hidden_size", "num_attention_heads"))
        raise CheckpointError(f"{path}: {size} is not a multiple of {heads}")
    return config


def check_settings(settings: Settings, names: Mapping[str, str], of_family: list[str]) -> None:
    """CheckpointError for a setting that is no such thing, or that minibert does not implement.

    names: what the family calls the fields of BertConfig. of_family: the fields that only some families have.
    """
    settings.supported("position_embedding_type", "absolute", "absolute")
    settings.supported("is_decoder", False, False, None)
    settings.supported("add_cross_attention", False, False, None)
    settings.supported(names["hidden_act"], "gelu", *HIDDEN_ACTS, *SAME_ACTS)
    settings.supported("inner_group_num", 1, 1)
    for name, kind in BertConfig.__annotations__.items():
        if kind is int:
            settings.count(names[name], 1, getattr(BertConfig, name, None))
    for name in of_family:
        settings.count(name, int(name != "pad_token_id"))
    eps = settings.values.get("layer_norm_eps", BertConfig.layer_norm_eps)
    settings.check("layer_norm_eps", type(eps) in (int, float) and 0 < eps < 1, "a number between 0 and 1")
    for name in ("tie_word_embeddings", "use_task_id"):
        settings.check(name, type(settings.values.get(name, True)) is bool, "true or false")
    pruned, quantized = settings.values.get("pruned_heads"), settings.values.get("quantization_config")
    some = any(pruned.values()) if isinstance(pruned, dict) else pruned
    settings.check("pruned_heads", not some, PRUNED)
    settings.check("quantization_config", not quantized, QUANTIZED)


PRUNED = "no heads cut out: minibert computes all heads of every layer; use the model as it was before"
QUANTIZED = "none, since minibert reads weights that are not quantised: use the model from which this one was made"


def without_padding(settings: Settings, config: BertConfig, padding: int) -> BertConfig:
    """The config without the positions up to that of the padding, which no token has."""
    positions = config.max_position_embeddings - padding - 1
    least = f"more than {padding + 1}, since positions begin after pad_token_id {padding}"
    settings.check("max_position_embeddings", positions > 0, least)
    return replace(config, max_position_embeddings=positions)


ONLY = "minibert implements BERT as an encoder, with learned absolute positions, and nothing else"


def check_family(settings: Settings) -> None:
    """CheckpointError for what is not a BERT: other families share its tensor names, and would give wrong numbers.

    A file without a `model_type` names its `architectures`. A file without either is old: the `pad_token_id` of a BERT
    is then 0 (RoBERTa's is 1, and its positions begin after it).
    """
    values, kinds = settings.values, settings.values.get("architectures")
    if "model_type" in values:
        kind = values["model_type"] if isinstance(values["model_type"], str) else ""
        name, correct, expected = "model_type", kind in FAMILIES, " or ".join(map(repr, FAMILIES))
        expected += f" ({WHY_NOT[kind]})" if kind in WHY_NOT else ""
    elif kinds:
        correct = isinstance(kinds, list) and all(isinstance(kind, str) and BERT.match(kind) for kind in kinds)
        name, expected = "architectures", "names of BERT's, such as ['BertModel'], where model_type is missing"
    else:
        name, correct = "pad_token_id", values.get("pad_token_id") in (None, 0)
        expected = "0, or a model_type beside it that says what this is"
    settings.check(name, correct, f"{expected}: {ONLY}")


BERT = re.compile(r"Bert(Model|LMHeadModel|For(?!Generation)[A-Z]\w*)$")
"""BERT's own classes. (BertGenerationEncoder is another family.)"""

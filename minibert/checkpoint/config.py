"""The numbers that make a BERT: read from config.json, and refused where this code does not implement them."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from minibert.checkpoint.families import FAMILIES, WHY_NOT
from minibert.errors import CheckpointError
from minibert.files import abbreviate, read_json

HIDDEN_ACTS = ("gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "silu")
"""The names of `minibert.numerics.ACTIVATIONS`."""


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
    """the names of what a sequence classifier tells apart; empty where the checkpoint has none"""
    model_type: str = "bert"
    """the family; see `minibert.checkpoint.families`"""
    pooler_act: str = "tanh"
    """the activation of the pooler, or of the classifier's layer in its place"""
    embedding_size: int | None = None
    """numbers of an embedding, in families where that may be fewer than hidden_size"""
    num_hidden_groups: int | None = None
    """groups of layers that share their weights, in the family that has them"""
    pad_token_id: int | None = None
    """the id that positions do not count, in families where they begin after it"""
    activation: str = "softmax"
    """what makes the classifier's logits its answer: softmax, sigmoid or identity; see `minibert.checkpoint.task`"""

    @property
    def head_size(self) -> int:
        """K = hidden_size / num_attention_heads"""
        return self.hidden_size // self.num_attention_heads


def read_config(path: Path) -> BertConfig:
    """Read a config.json. Raises CheckpointError for what is not a BERT, or not one this code computes."""
    settings = read_json(path)

    def check(correct: bool, name: str, expected: str) -> None:
        if not correct:
            came = f"is {abbreviate(settings[name])}" if name in settings else "is missing"
            raise CheckpointError(f"{path}: {name} {came}; expected {expected}")

    def supported(name: str, default: object, choices: tuple) -> None:
        check(settings.get(name, default) in choices, name, f"{' or '.join(map(repr, choices))}: {ONLY}")

    check_family(path, settings)
    family = FAMILIES[settings.get("model_type", "bert")]
    names = {name: family.settings.get(name, name) for name in BertConfig.__annotations__}
    settings = {**family.defaults, **settings, **family.fixed}
    supported("position_embedding_type", "absolute", ("absolute",))
    supported("is_decoder", False, (False, None))
    supported("add_cross_attention", False, (False, None))
    supported(names["hidden_act"], "gelu", HIDDEN_ACTS)

    for name, kind in BertConfig.__annotations__.items():
        if kind is int:
            count = settings.get(names[name], getattr(BertConfig, name, None))
            check(type(count) is int and count > 0, names[name], "a whole number above 0")
    used = {
        "embedding_size": family.projection,
        "num_hidden_groups": family.shared,
        "pad_token_id": family.after_padding,
    }
    for name in [name for name in used if used[name]]:
        count, least = settings.get(name), int(name != "pad_token_id")
        check(type(count) is int and count >= least, name, f"a whole number, {least} or more")
    supported("inner_group_num", 1, (1,))
    eps = settings.get("layer_norm_eps", BertConfig.layer_norm_eps)
    check(type(eps) in (int, float) and 0 < eps < 1, "layer_norm_eps", "a number between 0 and 1")
    check(type(settings.get("tie_word_embeddings", True)) is bool, "tie_word_embeddings", "true or false")

    read = [name for name in names if name not in ("labels", "activation", "pooler_act") and used.get(name, True)]
    config = BertConfig(**{name: settings[names[name]] for name in read if names[name] in settings})
    if family.after_padding:
        config = replace(config, max_position_embeddings=config.max_position_embeddings - config.pad_token_id - 1)
        least = f"more than {config.pad_token_id + 1}, since positions begin after pad_token_id {config.pad_token_id}"
        check(config.max_position_embeddings > 0, "max_position_embeddings", least)
    if config.hidden_size % config.num_attention_heads:
        raise CheckpointError(
            f"{path}: {names['hidden_size']} {abbreviate(config.hidden_size)} is not a multiple of "
            f"{names['num_attention_heads']} {abbreviate(config.num_attention_heads)}"
        )
    return config


ONLY = "minibert implements BERT as an encoder, with learned absolute positions, and nothing else"


def check_family(path: Path, settings: dict) -> None:
    """CheckpointError for what is not a BERT: other families share its tensor names, and would give wrong numbers.

    Files without a `model_type` say it by their `architectures`; those without either are old, and a BERT's then has
    no `pad_token_id` other than 0 (RoBERTa's is 1, and its positions begin after it).
    """
    kinds = settings.get("architectures")
    if "model_type" in settings:
        kind = settings["model_type"] if isinstance(settings["model_type"], str) else ""
        name, correct, expected = "model_type", kind in FAMILIES, " or ".join(map(repr, FAMILIES))
        expected += f" ({WHY_NOT[kind]})" if kind in WHY_NOT else ""
    elif kinds:
        correct = isinstance(kinds, list) and all(isinstance(kind, str) and BERT.match(kind) for kind in kinds)
        name, expected = "architectures", "names of BERT's, such as ['BertModel'], where model_type is missing"
    else:
        name, correct = "pad_token_id", settings.get("pad_token_id") in (None, 0)
        expected = "0, or a model_type beside it that says what this is"
    if not correct:
        raise CheckpointError(f"{path}: {name} is {abbreviate(settings[name])}; expected {expected}: {ONLY}")


BERT = re.compile(r"Bert(Model|LMHeadModel|For(?!Generation)[A-Z]\w*)$")
"""BERT's own classes. (BertGenerationEncoder is another family.)"""

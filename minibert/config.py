"""The numbers that make a BERT: read from config.json, and refused where this code does not implement them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from minibert.numerics import ACTIVATIONS


class CheckpointError(ValueError):
    """Something is wrong with a checkpoint. The message says which file, what, and what to do."""


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
    labels: tuple[str, ...] = ("LABEL_0", "LABEL_1")

    @property
    def head_size(self) -> int:
        """K = hidden_size / num_attention_heads"""
        return self.hidden_size // self.num_attention_heads


def read_config(path: Path) -> BertConfig:
    """Read a config.json."""
    settings: Mapping = json.loads(path.read_text(encoding="utf-8"))
    names = [name for name in BertConfig.__dataclass_fields__ if name in settings]
    labels = settings.get("id2label") or {"0": "LABEL_0", "1": "LABEL_1"}
    config = BertConfig(
        **{name: settings[name] for name in names}, labels=tuple(labels[str(i)] for i in range(len(labels)))
    )
    if config.hidden_act not in ACTIVATIONS:
        raise CheckpointError(
            f"hidden_act {config.hidden_act!r} is not implemented; supported: {', '.join(ACTIVATIONS)}"
        )
    return config

"""A whole checkpoint: config, tokenizer and weights, from a bundled model, a folder or the hub."""

import dataclasses
from pathlib import Path

from minibert.checkpoint.config import BertConfig, read_config
from minibert.checkpoint.hub import find_model
from minibert.checkpoint.parameters import Weights
from minibert.checkpoint.tokenizer import Tokenizer, read_tokenizer
from minibert.checkpoint.weights import read_weights


def load_checkpoint(model: str | Path, revision: str | None = None) -> tuple[BertConfig, Tokenizer, Weights]:
    """Read a bundled model, a folder or a hub id; see `minibert.load`."""
    folder = find_model(model, revision)
    config = read_config(folder / "config.json")
    tokenizer = read_tokenizer(folder, config.vocab_size)
    weights = read_weights(folder, config)
    if weights.classifier is not None and not config.labels:
        labels = tuple(f"LABEL_{number}" for number in range(len(weights.classifier.bias)))
        config = dataclasses.replace(config, labels=labels)
    return config, tokenizer, weights

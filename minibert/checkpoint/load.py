"""A whole checkpoint: config, tokenizer and weights, from a bundled model, a folder or the hub."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from minibert.checkpoint.config import BertConfig, read_config
from minibert.checkpoint.families import FAMILIES
from minibert.checkpoint.parameters import Weights
from minibert.checkpoint.task import read_task
from minibert.checkpoint.weights import read_weights
from minibert.errors import CheckpointError
from minibert.files import is_there
from minibert.hub.find import find_model
from minibert.tokenizer.tokenizer import Tokenizer, read_tokenizer


class Checkpoint(NamedTuple):
    config: BertConfig
    tokenizer: Tokenizer
    weights: Weights
    notes: dict[str, str]
    """what is wrong with, or odd about, a part that the encoder can do without, by its name"""


def load_checkpoint(model: str | Path, revision: str | None = None) -> Checkpoint:
    """Read a bundled model, a folder or a hub id; see `minibert.load`.

    What is wrong with the encoder is a CheckpointError. What is wrong with another part costs that part only.
    """
    folder = find_model(model, revision)
    path = folder / "config.json"
    if not is_there(path) and not path.is_symlink():
        from minibert.hub.layout import check_listing, names_in

        check_listing(folder, names_in(folder))
    config = read_config(path)
    tokenizer = read_tokenizer(folder, config.vocab_size)
    try:
        task, why = read_task(path), ""
    except CheckpointError as error:
        task, why = None, str(error)
    weights, notes = read_weights(folder, config, task)
    if why:
        notes["classifier"] = why
    if tokenizer.missing or tokenizer.note:
        notes["tokenizer"] = tokenizer.missing or tokenizer.note
    if weights.classifier is not None:
        family = FAMILIES[config.model_type]
        pooler_act = family.pre_classifier_act if family.pre_classifier else "tanh"
        config = replace(config, labels=task.labels, activation=task.activation, pooler_act=pooler_act)
    return Checkpoint(config, tokenizer, weights, notes)

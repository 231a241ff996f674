"""A whole checkpoint: the config, the tokenizer and the weights of a folder."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from minibert.checkpoint.config import BertConfig, read_config
from minibert.checkpoint.families import FAMILIES
from minibert.checkpoint.parameters import Weights
from minibert.checkpoint.sentence_transformers import (
    SentenceModules,
    encoder_folder,
    read_modules,
    read_sentence_modules,
    refuse_other_models,
)
from minibert.checkpoint.task import read_task
from minibert.checkpoint.weights import read_weights
from minibert.errors import CheckpointError
from minibert.files import is_there
from minibert.tokenizer.tokenizer import Tokenizer, read_tokenizer


class Checkpoint(NamedTuple):
    config: BertConfig
    tokenizer: Tokenizer
    weights: Weights
    notes: dict[str, str]
    """what is wrong with, or odd about, a part that the encoder can do without, by its name"""
    sentence_modules: SentenceModules | None


def read_checkpoint(folder: Path) -> Checkpoint:
    """Read a folder; see `minibert.load`.

    CheckpointError: the encoder is faulty. A fault in another part costs that part only, and a note says what it is.
    """
    whole, folder = folder, encoder_folder(folder)
    path = folder / "config.json"
    if not is_there(path) and not path.is_symlink():
        from minibert.checkpoint.layout import check_listing, names_in  # a checkpoint does not need it

        refuse_other_models(folder, [kind for kind, _ in read_modules(folder)])
        check_listing(folder, names_in(folder))
    config = read_config(path)
    tokenizer = read_tokenizer(folder, config.vocab_size)
    task, notes = None, {}
    try:
        task = read_task(path)
    except CheckpointError as error:
        notes["classifier"] = str(error)
    weights, faults = read_weights(folder, config, task)
    notes = faults | notes
    if is_there(folder / "adapter_config.json"):
        notes["adapter"] = f"{folder} has an adapter beside the weights (adapter_config.json), which is not applied"
    if tokenizer.missing or tokenizer.note:
        notes["tokenizer"] = tokenizer.missing or tokenizer.note
    if task is not None and weights.classifier is not None:
        family = FAMILIES[config.model_type]
        pooler_act = family.pre_classifier_act if family.pre_classifier else "tanh"
        config = replace(config, labels=task.labels, activation=task.activation, pooler_act=pooler_act)
    try:
        sentence_modules = read_sentence_modules(whole, config.hidden_size)
    except CheckpointError as error:
        sentence_modules, notes["embed"] = None, str(error)
    return Checkpoint(config, tokenizer, weights, notes, sentence_modules)

"""Byte-level BPE from the older files of RoBERTa: vocab.json, the pieces with their ids, and merges.txt, one a line.

A text is cut into bytes, and then pairs are joined in the order of the list (Sennrich et al., 2016; on bytes: Radford
et al., 2019). No text is unknown. This module makes the settings that a tokenizer.json would have.
"""

from collections.abc import Mapping
from pathlib import Path

from minibert.files import read_json, read_text
from minibert.tokenizer.backend import kind_of
from minibert.tokenizer.special import (
    BERTS,
    described,
    ends,
    listed,
    names_of,
    relative,
    special_tokens,
    with_others,
)

NAMES = {"bos": "<s>", "eos": "</s>", "sep": "</s>", "cls": "<s>", "unk": "<unk>", "pad": "<pad>", "mask": "<mask>"}
"""The special tokens, unless the files beside have others."""


def frame_of_relatives(model: Mapping, choices: Mapping) -> dict | None:
    """The step that frames a text for RoBERTa, its relatives and ALBERT, where a tokenizer.json has none. Else None."""
    family = relative(choices)
    names = names_of(choices, BERTS if family == "Albert" else NAMES)
    vocab = model["vocab"]
    if not isinstance(vocab, Mapping):
        vocab = {piece: number for number, (piece, _) in enumerate(vocab)}
    if not family or not {names["cls"], names["sep"]} <= vocab.keys():
        return None
    if family == "Albert":
        return {"type": "BertProcessing", **ends(vocab, names)}
    prefix = bool(choices.get("add_prefix_space", False))
    trim = kind_of(model) == "BPE"
    return {"type": "RobertaProcessing", **ends(vocab, names), "add_prefix_space": prefix, "trim_offsets": trim}


def settings_of_merges(folder: Path, choices: Mapping) -> dict:
    """The settings that a tokenizer.json would have. ValueError: the vocabulary has no token to frame a text."""
    vocab, lines = read_json(folder / "vocab.json"), read_text(folder / "merges.txt").split("\n")
    lines = lines[1:] if lines[0].startswith("#version") else lines
    named: dict = {f"{role}_token": choices.get(f"{role}_token") or name for role, name in NAMES.items()}
    named["mask_token"] = {"lstrip": True} | described(named["mask_token"])  # it takes the space before it
    names = names_of(choices, NAMES)
    for role in ("sep", "cls"):
        if names[role] not in vocab:
            raise ValueError(f"vocab.json has no {names[role]}")
    prefix = {"add_prefix_space": bool(choices.get("add_prefix_space", False)), "trim_offsets": True}
    merges = [line.rstrip("\r") for line in lines if line.strip()]
    return {
        "model": {"type": "BPE", "vocab": vocab, "merges": merges},
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "use_regex": True, **prefix},
        "post_processor": {"type": "RobertaProcessing", **ends(vocab, names), **prefix},
        "added_tokens": with_others(listed(choices), special_tokens(dict(choices) | named)),
    }

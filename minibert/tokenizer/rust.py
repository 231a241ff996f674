"""From the settings of a tokenizer, which `backend.py` has checked, to a Tokenizer of the `tokenizers` package."""

import json
from collections.abc import Mapping

import tokenizers
from tokenizers import models


def build(settings: Mapping) -> tokenizers.Tokenizer:
    """The model is set apart from the JSON, and so is read far quicker."""
    empty = {"type": "WordPiece", "vocab": {}, "unk_token": "", "max_input_chars_per_word": 1}
    empty["continuing_subword_prefix"] = ""
    parts = ("normalizer", "pre_tokenizer", "post_processor")
    frame = {part: settings.get(part) for part in parts} | {"model": empty, "added_tokens": []}
    backend = tokenizers.Tokenizer.from_str(json.dumps(frame))
    backend.model = BUILD[settings["model"]["type"]](settings["model"])
    backend.add_tokens([added_token(token) for token in settings["added_tokens"]])
    return backend


def word_piece(model: Mapping) -> models.WordPiece:
    names = ("unk_token", "max_input_chars_per_word", "continuing_subword_prefix")
    return models.WordPiece(model["vocab"], **{name: model[name] for name in names})


def word_level(model: Mapping) -> models.WordLevel:
    return models.WordLevel(model["vocab"], model["unk_token"])


def bpe(model: Mapping) -> models.BPE:
    """Byte pair encoding: joins pairs, those that stand first among the merges first."""
    merges = [tuple(merge.split(" ") if isinstance(merge, str) else merge) for merge in model["merges"]]
    given = ["unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", "byte_fallback"]
    kept = {name: model[name] for name in [*given, "ignore_merges"] if model.get(name)}
    return models.BPE(vocab=model["vocab"], merges=merges, **kept)


def unigram(model: Mapping) -> models.Unigram:
    """Looks for the most probable pieces."""
    pieces = [(piece, float(score)) for piece, score in model["vocab"]]
    return models.Unigram(pieces, model["unk_id"], bool(model.get("byte_fallback")))


BUILD = {"WordPiece": word_piece, "BPE": bpe, "Unigram": unigram, "WordLevel": word_level}


def added_token(token: Mapping) -> tokenizers.AddedToken:
    """A token that is never cut into pieces, wherever it stands in a text."""
    return tokenizers.AddedToken(**{name: value for name, value in token.items() if name not in ("id", "__type")})

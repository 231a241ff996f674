"""From a checkpoint's files to a working WordPiece tokenizer. Nothing in them is believed that was not checked."""

import json
from collections.abc import Callable
from pathlib import Path

import tokenizers

from minibert.config import CheckpointError, abbreviate, read_json, read_text

STEPS = {
    "model": ("WordPiece",),
    "normalizer": ("BertNormalizer", "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Strip"),
    "pre_tokenizer": ("BertPreTokenizer", "Whitespace", "WhitespaceSplit", "Punctuation", "Digits"),
    "post_processor": ("BertProcessing", "TemplateProcessing"),
}
"""What a tokenizer.json may ask for. None of it can run for ever, as a regular expression from a stranger can."""

LONGEST_WORD = 1000
"""Characters. WordPiece tries every piece of a word: time grows with the square. Checkpoints have 100 or 200."""

ROLES = ("unk_token", "cls_token", "sep_token", "pad_token", "mask_token")


def from_settings(settings: dict) -> tuple[tokenizers.Tokenizer, set[int]]:
    """What a tokenizer.json describes, and the ids it can give."""
    model, added = settings["model"], settings.get("added_tokens") or []
    if "max_input_chars_per_word" in model:
        model.setdefault("type", "WordPiece")  # files of 2020 leave it out
    for kind, known in STEPS.items():
        part = settings.get(kind)
        is_sequence = part and part["type"] == "Sequence"
        for step in part.get("normalizers") or part["pretokenizers"] if is_sequence else [part]:
            if step and step["type"] not in known:
                raise NotImplementedError(f"the {kind} {abbreviate(step['type'])} is not one of {', '.join(known)}")

    vocab, unknown, longest = model["vocab"], model["unk_token"], model["max_input_chars_per_word"]
    if unknown not in vocab or longest > LONGEST_WORD:
        raise ValueError(
            f"unk_token {unknown} must be in the vocabulary, max_input_chars_per_word at most {LONGEST_WORD}"
        )
    frame = {kind: settings.get(kind) for kind in STEPS} | {"model": {**model, "vocab": {}}, "added_tokens": []}
    backend = tokenizers.Tokenizer.from_str(json.dumps(frame))
    prefix = model.get("continuing_subword_prefix", "##")
    backend.model = tokenizers.models.WordPiece(
        vocab, unk_token=unknown, max_input_chars_per_word=longest, continuing_subword_prefix=prefix
    )
    plain = [{name: value for name, value in token.items() if name != "id"} for token in added]
    backend.add_tokens([tokenizers.AddedToken(**token) for token in plain])
    if any(backend.token_to_id(token["content"]) != token["id"] for token in added):
        raise ValueError("the ids of added_tokens are not those that follow from the vocabulary")
    return backend, {*vocab.values(), *(token["id"] for token in added), *backend.encode("a", "a").ids}


def from_vocabulary(folder: Path) -> tuple[tokenizers.Tokenizer, set[int]]:
    """What a vocab.txt, one token a line, gives with the choices of tokenizer_config.json, and its ids."""
    if not (folder / "vocab.txt").is_file():
        raise NotImplementedError("there is neither tokenizer.json nor vocab.txt")
    files = [folder / name for name in ("config.json", "tokenizer_config.json") if (folder / name).is_file()]
    chosen = {name: value for file in files for name, value in read_json(file).items()}
    if chosen.get("tokenizer_class") not in (None, "BertTokenizer", "BertTokenizerFast"):
        raise NotImplementedError(f"tokenizer_class {abbreviate(chosen['tokenizer_class'])} needs a program of its own")
    tokens = read_text(folder / "vocab.txt").removesuffix("\n").split("\n")
    roles = {role: chosen.get(role) or f"[{role[:-6].upper()}]" for role in ROLES}
    names = {role: token["content"] if isinstance(token, dict) else token for role, token in roles.items()}
    for role in ROLES[:3]:
        if names[role] not in tokens:
            raise ValueError(f"it has no {names[role]}")
    backend = tokenizers.BertWordPieceTokenizer(
        {token: number for number, token in enumerate(tokens)},
        **names,
        handle_chinese_chars=chosen.get("tokenize_chinese_chars", True),
        strip_accents=chosen.get("strip_accents"),
        lowercase=chosen.get("do_lower_case", True),
    )
    return backend, {len(tokens) - 1, *backend.encode("a", "a").ids}


def attempt(what: object, function: Callable, *arguments: object):
    """function(*arguments), with whatever goes wrong in it as a CheckpointError about `what`."""
    try:
        return function(*arguments)
    except (CheckpointError, NotImplementedError, KeyboardInterrupt, MemoryError):
        raise
    except BaseException as error:  # the backend raises bare Exceptions, and Rust's panics are not even that
        problem = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise CheckpointError(f"{what} is not a tokenizer that works ({problem}); get the file again") from None

"""From a checkpoint's files to a working WordPiece tokenizer. Nothing in them is believed that was not checked.

A tokenizer.json says everything. Older checkpoints have a vocab.txt, one token a line, and choices in files beside it:
from these follows what a tokenizer.json would have said.
"""

import json
from collections.abc import Callable
from pathlib import Path

import tokenizers

from minibert.checkpoint.config import CheckpointError, abbreviate, read_json, read_text
from minibert.checkpoint.roles import find_roles

STEPS = {
    "model": ("WordPiece",),
    "normalizer": ("BertNormalizer", "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Strip"),
    "pre_tokenizer": ("BertPreTokenizer", "Whitespace", "WhitespaceSplit", "Punctuation", "Digits"),
    "post_processor": ("BertProcessing", "TemplateProcessing"),
}
"""What a tokenizer.json may ask for. None of it can run for ever, as a regular expression from a stranger can."""

LONGEST_WORD = 1000
"""Characters. WordPiece tries every piece of a word: time grows with the square. Checkpoints have 100 or 200."""

CHOICES = {
    "lowercase": "do_lower_case",
    "strip_accents": "strip_accents",
    "handle_chinese_chars": "tokenize_chinese_chars",
}
"""What the BertNormalizer of a tokenizer.json and a tokenizer_config.json call the same things."""

ROLES = ("unk_token", "cls_token", "sep_token", "pad_token", "mask_token")


def read_backend(path: Path) -> tuple[tokenizers.Tokenizer, set[int], dict[int, str]]:
    """The tokenizer that a tokenizer.json or a vocab.txt describes, the ids it can give, the roles of special ones."""
    choices = read_choices(path.parent)
    settings = read_json(path) if path.name == "tokenizer.json" else settings_of_vocabulary(path, choices)
    normalizer = settings.get("normalizer")
    if normalizer and normalizer["type"] == "BertNormalizer":  # as in `transformers`, what was chosen beside it wins
        for name, choice in CHOICES.items():
            chosen = choices.get(choice)
            if chosen is not None and not isinstance(chosen, bool):
                raise ValueError(f"{choice} beside it is {abbreviate(chosen)}; expected true or false")
            normalizer[name] = normalizer[name] if chosen is None else chosen
    backend, ids = build(settings)
    return backend, ids, find_roles(backend, choices)


def read_choices(folder: Path) -> dict:
    """What is said beside the vocabulary, in whichever file the years have put it."""

    def read(name: str) -> dict:
        return read_json(folder / name) if (folder / name).is_file() else {}

    added = {number: {"content": token} for token, number in read("added_tokens.json").items()}
    choices = {"tokenizer_class": read("config.json").get("tokenizer_class"), "added_tokens_decoder": added}
    return choices | read("special_tokens_map.json") | read("tokenizer_config.json")


def settings_of_vocabulary(path: Path, choices: dict) -> dict:
    """What a tokenizer.json would say in the place of a vocab.txt."""
    if not path.is_file():
        raise NotImplementedError("there is neither tokenizer.json nor vocab.txt")
    if choices["tokenizer_class"] not in (None, "BertTokenizer", "BertTokenizerFast"):
        raise NotImplementedError(
            f"tokenizer_class {abbreviate(choices['tokenizer_class'])} needs a program of its own"
        )
    vocab = {line.rstrip(): number for number, line in enumerate(read_text(path).rstrip().split("\n"))}

    def described(token: str | dict) -> dict:
        return token if isinstance(token, dict) else {"content": token}

    roles = [described(choices.get(role) or f"[{role[:-6].upper()}]") for role in ROLES]
    unknown, first, last = (role["content"] for role in roles[:3])
    for token in (unknown, first, last):
        if token not in vocab:
            raise ValueError(f"it has no {token}")
    added = {}  # never cut into pieces, wherever they stand in a text
    for token in [*roles, *map(described, choices.get("additional_special_tokens") or [])]:
        if token["content"] in vocab:
            added[token["content"]] = {"special": True} | token | {"id": vocab[token["content"]]}
    for number, token in choices["added_tokens_decoder"].items():
        added[token["content"]] = token | {"id": int(number)}
    return {
        "model": {
            "type": "WordPiece",
            "vocab": vocab,
            "unk_token": unknown,
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
        },
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "lowercase": True,
            "strip_accents": None,
            "handle_chinese_chars": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": [last, vocab[last]], "cls": [first, vocab[first]]},
        "added_tokens": sorted(added.values(), key=lambda token: token["id"]),
    }


def build(settings: dict) -> tuple[tokenizers.Tokenizer, set[int]]:
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
    prefix = model["continuing_subword_prefix"]
    backend.model = tokenizers.models.WordPiece(
        vocab, unk_token=unknown, max_input_chars_per_word=longest, continuing_subword_prefix=prefix
    )
    plain = [{name: value for name, value in token.items() if name not in ("id", "__type")} for token in added]
    backend.add_tokens([tokenizers.AddedToken(**token) for token in plain])
    if any(backend.token_to_id(token["content"]) != token["id"] for token in added):
        raise ValueError("the ids of added_tokens are not those that follow from the vocabulary")
    return backend, {*vocab.values(), *(token["id"] for token in added), *backend.encode("a", "a").ids}


def attempt(what: object, function: Callable, *arguments: object):
    """function(*arguments), with whatever goes wrong in it as a CheckpointError about `what`."""
    try:
        return function(*arguments)
    except (CheckpointError, NotImplementedError, KeyboardInterrupt, MemoryError):
        raise
    except BaseException as error:  # the backend raises bare Exceptions, and Rust's panics are not even that
        problem = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise CheckpointError(f"{what} is not a tokenizer that works ({problem}); get the file again") from None

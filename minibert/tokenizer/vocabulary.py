"""From a checkpoint's files to the settings of a tokenizer.

A tokenizer.json has all settings. An older checkpoint has a vocab.txt, one token per line (or the files of
`merges.py`), and choices in files beside it. From these this module makes the settings of a tokenizer.json.
"""

from collections.abc import Mapping
from pathlib import Path

from minibert.files import abbreviate, is_there, read_json, read_text
from minibert.tokenizer.backend import kind_of
from minibert.tokenizer.special import (
    BERTS,
    JAPANESE,
    complete,
    ends,
    listed,
    names_of,
    relative,
    special_tokens,
    with_others,
)

CHOICES = {
    "lowercase": "do_lower_case",
    "strip_accents": "strip_accents",
    "handle_chinese_chars": "tokenize_chinese_chars",
}
"""The names of a choice in the BertNormalizer of a tokenizer.json, and in a tokenizer_config.json."""

CONVERT = (
    'make one where transformers and sentencepiece are installed, with: python -c "import transformers as t; '
    "t.AutoTokenizer.from_pretrained('MODEL').save_pretrained('FOLDER')\", MODEL being this folder or hub id, "
    "and FOLDER that of its config.json"
)

SENTENCEPIECE = ("xlm-roberta", "camembert", "albert")
"""The families whose older checkpoints have a .model of sentencepiece in the place of a tokenizer.json.

minibert does not read it, and so does not fetch it from a hub.
"""


def read_settings(folder: Path, choices: Mapping) -> dict:
    """The settings in the tokenizer.json of a folder, or those that follow from its older files.

    The choices in the files beside it win, as in `transformers`. NotImplementedError: minibert has no such tokenizer.
    """
    if choices.get("split_special_tokens"):
        raise NotImplementedError("split_special_tokens is true, and here [MASK] in a text is never cut to pieces")
    if is_there(folder / "tokenizer.json") and choices["tokenizer_class"] != JAPANESE:
        settings = read_json(folder / "tokenizer.json")
        added, model = settings.get("added_tokens") or [], settings["model"]
        listed_beside = sorted(listed(choices), key=lambda token: token["id"])
        settings["added_tokens"] = with_others(added, listed_beside, special_tokens(choices))
        if isinstance(model["vocab"], dict):
            complete(model["vocab"], added, [model.get("unk_token")])
        around = settings.get("post_processor")
        if around is None and kind_of(settings["model"]) == "WordPiece":
            settings["post_processor"] = frame(settings["model"]["vocab"], choices)
        elif around is None or around["type"] == "ByteLevel":  # which puts nothing around a text
            from minibert.tokenizer.merges import frame_of_relatives

            settings["post_processor"] = frame_of_relatives(settings["model"], choices) or around
    elif is_there(folder / "vocab.txt"):
        settings = settings_of_vocabulary(folder / "vocab.txt", choices)
    elif is_there(folder / "vocab.json") and is_there(folder / "merges.txt"):
        from minibert.tokenizer.merges import settings_of_merges  # most models do not need it

        settings = settings_of_merges(folder, choices)
    elif (found := sorted(folder.glob("*.model"))) or choices.get("model_type") in SENTENCEPIECE:
        only = f", only {found[0].name}, of sentencepiece" if found else ""
        raise NotImplementedError(f"there is no tokenizer.json{only}; {CONVERT}")
    else:
        raise NotImplementedError("there is no tokenizer.json, no vocab.txt, and no vocab.json with merges.txt")
    normalizer = settings.get("normalizer")
    of_berts = choices["tokenizer_class"] in (*WORD_PIECE, JAPANESE) and not relative(choices)
    if normalizer and normalizer["type"] == "BertNormalizer" and of_berts:  # other classes look at none of them
        normalizer.update(choices_of_normalizer(choices))
    before = settings.get("pre_tokenizer")
    if before and before["type"] == "ByteLevel" and relative(choices) == "Roberta":
        before["add_prefix_space"] = bool(choices.get("add_prefix_space", False))
    return settings


def choices_of_normalizer(choices: Mapping) -> dict:
    """The choices about capitals, accents and Chinese characters in the files beside the vocabulary."""
    chosen = {name: choices[choice] for name, choice in CHOICES.items() if choices.get(choice) is not None}
    for name, value in chosen.items():
        if not isinstance(value, bool):
            raise ValueError(f"{CHOICES[name]} beside it is {abbreviate(value)}; expected true or false")
    return chosen


WORD_PIECE = (
    None,
    *(f"{family}Tokenizer{fast}" for family in (
        "Bert", "DistilBert", "Ernie", "Electra", "MobileBert", "ConvBert", "SqueezeBert", "LayoutLM", "Lxmert",
        "RetriBert", "Realm", "DPRContextEncoder", "DPRQuestionEncoder",
    ) for fast in ("", "Fast")),
)  # fmt: skip
"""The names of one tokenizer, for which a vocab.txt is enough."""


GENERIC = ("PreTrainedTokenizerFast", "TokenizersBackend")
"""Classes all of whose settings are in a tokenizer.json."""


def frame(vocab: Mapping, choices: Mapping) -> dict | None:
    """The step that puts [CLS] and [SEP] around a text. BERT's tokenizers have it where a tokenizer.json has none."""
    names = names_of(choices, BERTS)
    if choices["tokenizer_class"] not in WORD_PIECE or not {names["cls"], names["sep"]} <= vocab.keys():
        return None
    return {"type": "BertProcessing", **ends(vocab, names)}


def settings_of_vocabulary(path: Path, choices: Mapping) -> dict:
    """The settings that a tokenizer.json would have in the place of a vocab.txt."""
    japanese = choices["tokenizer_class"] == JAPANESE
    if japanese:
        from minibert.tokenizer.japanese import check_choices

        check_choices(choices)
    elif choices["tokenizer_class"] not in WORD_PIECE:
        kind = abbreviate(choices["tokenizer_class"])
        needs = "a tokenizer.json" if choices["tokenizer_class"] in GENERIC else "a program of its own"
        raise NotImplementedError(f"tokenizer_class {kind} needs {needs}")
    vocab = {line.rstrip(): number for number, line in enumerate(read_text(path).rstrip().split("\n"))}
    names = names_of(choices, BERTS)
    needed = ("unk", "sep", "cls")
    complete(vocab, listed(choices), [names[role] for role in needed])
    for role in needed:
        if names[role] not in vocab:
            raise ValueError(f"it has no {names[role]}")
    special = special_tokens({f"{role}_token": name for role, name in names.items() if name in vocab} | dict(choices))
    pieces = {"continuing_subword_prefix": "##", "max_input_chars_per_word": 100}
    flags = dict.fromkeys(("clean_text", "lowercase", "handle_chinese_chars"), True)
    normalizer = {"type": "BertNormalizer", "strip_accents": None, **flags}
    return {
        "model": {"type": "WordPiece", "vocab": vocab, "unk_token": names["unk"], **pieces},
        "normalizer": None if japanese else normalizer,  # words come as MeCab finds them
        "pre_tokenizer": None if japanese else {"type": "BertPreTokenizer"},
        "post_processor": frame(vocab, {**choices, "tokenizer_class": None}),
        "added_tokens": with_others(listed(choices), special),
    }

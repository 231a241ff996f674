"""Special tokens: which there are, and what each is for, as files beside the vocabulary say it under many names."""

from collections.abc import Mapping
from pathlib import Path

from minibert.files import abbreviate, is_there, read_json
from minibert.tokenizer.backend import Backend

ROLES = ("unk", "sep", "pad", "cls", "mask")
"""For a word outside the vocabulary, the end of a sentence, filling up, the start of a text, a blank."""

JAPANESE = "BertJapaneseTokenizer"
"""The tokenizer_class whose words MeCab finds; see `minibert.tokenizer.japanese`."""

SPECIAL = "special"
"""The role of every other special token: none of the five, and no piece of a text either."""


def read_choices(folder: Path) -> dict:
    """What is said beside the vocabulary, in whichever file the years have put it; read as `transformers` reads it.

    tokenizer_config.json says all, if it has an `added_tokens_decoder`; older ones are completed by two more files.
    """

    def read(name: str) -> dict:
        return read_json(folder / name) if is_there(folder / name) else {}

    config = read("config.json")
    choices = {name: config.get(name) for name in ("tokenizer_class", "model_type")} | read("tokenizer_config.json")
    if "added_tokens_decoder" not in choices:
        listed = choices.get("additional_special_tokens")
        choices |= read("special_tokens_map.json")
        special = {token["content"] for token in special_tokens(choices | {"additional_special_tokens": listed})}
        choices["added_tokens_decoder"] = {
            number: {"content": token, "special": token in special}
            for token, number in read("added_tokens.json").items()
        }
    return choices


def special_tokens(choices: Mapping) -> list[dict]:
    """All tokens that the files call special, those with a role of their own first."""
    named = [choices.get(f"{role}_token") for role in ("bos", "eos", *ROLES)]
    others = choices.get("extra_special_tokens") or choices.get("additional_special_tokens") or []
    if not isinstance(others, list | dict):
        raise ValueError(f"its additional special tokens are {abbreviate(others)}; expected a list")
    tokens = [*named, *(others.values() if isinstance(others, dict) else others)]
    return [described(token) for token in tokens if token]


def described(token: str | dict) -> dict:
    """A special token with its settings, which most files leave out."""
    return {"special": True} | (token if isinstance(token, dict) else {"content": token})


def find_roles(backend: Backend, choices: Mapping) -> dict[int, str]:
    """The role of each special token, by id: "unk", "sep", "pad", "cls", "mask", or "special" for any other.

    A name chosen in the files counts, otherwise the usual ones; and what the tokenizer itself puts before and behind
    every text is "cls" and "sep" in any case.
    """
    roles = {number: SPECIAL for number, token in backend.get_added_tokens_decoder().items() if token.special}
    named = [backend.token_to_id(token["content"]) for token in special_tokens(choices)]
    roles |= {number: SPECIAL for number in named if number is not None}
    for role in ROLES:
        chosen = choices.get(f"{role}_token")
        names = [described(chosen)["content"]] if chosen else []
        ids = [backend.token_to_id(name) for name in [*names, f"[{role.upper()}]", f"<{role}>"]]
        roles |= dict.fromkeys([number for number in ids if number is not None][:1], role)
    return roles | roles_of_frame(backend)


def roles_of_frame(backend: Backend) -> dict[int, str]:
    """What stands before a text is "cls", what stands behind one is "sep"."""
    framed = backend.encode("a", "a")
    text = [place for place, sentence in enumerate(framed.sequence_ids) if sentence is not None]
    start = text[0] if text else 1
    frame = [(place, number) for place, number in enumerate(framed.ids) if place not in text]
    return {number: "cls" if place < start else "sep" for place, number in reversed(frame)}

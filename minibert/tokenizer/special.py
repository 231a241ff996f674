"""The special tokens of a checkpoint and their roles. The files beside the vocabulary have many names for them."""

import itertools
from collections.abc import Container, Iterable, Mapping
from pathlib import Path

from minibert.files import abbreviate, is_there, read_json
from minibert.tokenizer.backend import Backend

ROLES = ("unk", "sep", "pad", "cls", "mask")
"""A word outside the vocabulary, the end of a sentence, padding, the start of a text, a blank."""

BERTS = {role: f"[{role.upper()}]" for role in ROLES}
"""The special tokens of BERT."""

JAPANESE = "BertJapaneseTokenizer"
"""The tokenizer_class whose words MeCab finds; see `minibert.tokenizer.japanese`."""

RELATIVES = {"roberta": "Roberta", "xlm-roberta": "XLMRoberta", "camembert": "Camembert", "albert": "Albert"}
"""The families whose mask token takes the space before it, and how the names of their tokenizers begin."""

SPECIAL = "special"
"""The role of every other special token: none of the five, and no piece of a text either."""


def read_choices(folder: Path) -> dict:
    """The choices in the files beside the vocabulary, read as `transformers` reads them.

    A tokenizer_config.json with an `added_tokens_decoder` has them all. An older one is completed by two more files.
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
    if choices.get("mask_token") and relative(choices):
        choices["mask_token"] = {"lstrip": True} | described(choices["mask_token"])
    return choices


def relative(choices: Mapping) -> str:
    """The value of RELATIVES of which the tokenizer is; "" for another."""
    name = choices["tokenizer_class"] or RELATIVES.get(choices.get("model_type") or "", "")
    name = str(name).removesuffix("Fast").removesuffix("Tokenizer")
    return name if name in RELATIVES.values() else ""


def special_tokens(choices: Mapping) -> list[dict]:
    """All special tokens of the files, those with a role first."""
    named = [choices.get(f"{role}_token") for role in ("bos", "eos", *ROLES)]
    usual = choices.get("extra_special_tokens") or choices.get("additional_special_tokens")
    for others in (usual or [], choices.get("model_specific_special_tokens") or []):
        if not isinstance(others, list | dict):
            raise ValueError(f"its additional special tokens are {abbreviate(others)}; expected a list")
        named += others.values() if isinstance(others, dict) else others
    return [described(token) for token in named if token]


def described(token: str | dict) -> dict:
    """A special token with its settings. Most files have only its text."""
    return {"special": True} | (token if isinstance(token, dict) else {"content": token})


def names_of(choices: Mapping, usual: Mapping[str, str]) -> dict[str, str]:
    """role -> token, for each of ROLES. usual: the tokens where the files name none."""
    return {role: described(choices.get(f"{role}_token") or usual[role])["content"] for role in ROLES}


def ends(vocab: Mapping[str, int], names: Mapping[str, str]) -> dict[str, list]:
    """The tokens before and after a text, with their ids, as a post_processor has them."""
    return {role: [names[role], vocab[names[role]]] for role in ("sep", "cls")}


def complete(vocab: dict[str, int], added: Iterable[Mapping], needed: Container[str]) -> None:
    """Put those tokens into a vocabulary that are needed there, and that the files have among the added tokens."""
    found = {token["content"]: token["id"] for token in added if token["content"] in needed and "id" in token}
    vocab |= {token: number for token, number in found.items() if vocab and token not in vocab}


def listed(choices: Mapping) -> list[dict]:
    """The added tokens of the files, with their ids."""
    return [described(token) | {"id": int(number)} for number, token in choices["added_tokens_decoder"].items()]


def with_others(added: list[dict], *others: list[dict]) -> list[dict]:
    """The added tokens by their ids; after them those of the other files that are not among them, each once."""
    found = {token["content"]: token for token in sorted(added, key=lambda token: token["id"])}
    for token in itertools.chain(*others):
        found.setdefault(token["content"], token)
    return list(found.values())


def find_roles(backend: Backend, choices: Mapping) -> dict[int, str]:
    """id -> role of each special token: "unk", "sep", "pad", "cls", "mask", or "special" for any other.

    The files may name a token for a role; otherwise it has the usual name. What the tokenizer puts before every text is
    "cls" in any case, and what it puts after it is "sep".
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
    """The tokens before a text are "cls", those after it "sep"."""
    framed = backend.encode("a", "a")
    text = [place for place, sentence in enumerate(framed.sequence_ids) if sentence is not None]
    start = text[0] if text else 1
    frame = [(place, number) for place, number in enumerate(framed.ids) if place not in text]
    return {number: "cls" if place < start else "sep" for place, number in reversed(frame)}

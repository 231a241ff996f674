"""Which tokens are special, and what for: the tokenizer's files say so, whatever the tokens are called."""

from collections.abc import Mapping

import tokenizers

ROLES = ("cls", "sep", "mask", "pad", "unk")
"""First token of a text, end of a sentence, blank, filler, and what stands for a word outside the vocabulary."""

SPECIAL = "special"
"""The role of every other special token: no piece of a text, and none of the five."""


def find_roles(backend: tokenizers.Tokenizer, choices: Mapping) -> dict[int, str]:
    """The role of each special token, by id: "cls", "sep", "mask", "pad", "unk", or "special" for any other.

    A name chosen in the files beside the vocabulary counts, then the usual ones; and what the tokenizer itself puts
    before and behind every text is "cls" and "sep" in any case.
    """
    roles = {number: SPECIAL for number, token in backend.get_added_tokens_decoder().items() if token.special}
    for role in ROLES:
        chosen = choices.get(f"{role}_token")
        names = [chosen.get("content") if isinstance(chosen, dict) else chosen, f"[{role.upper()}]", f"<{role}>"]
        ids = [backend.token_to_id(name) for name in names if isinstance(name, str)]
        known = [number for number in ids if number is not None]
        roles |= dict.fromkeys(known[:1], role)
    framed = backend.encode("a")
    in_text = [place for place, sentence in enumerate(framed.sequence_ids) if sentence is not None]
    for place, (number, sentence) in enumerate(zip(framed.ids, framed.sequence_ids, strict=True)):
        if sentence is None:
            roles[number] = "cls" if in_text and place < in_text[0] else "sep"
    return roles

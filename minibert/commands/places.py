"""Words of a text, as a user names them: by a word, by a piece of one, or by a position."""

from minibert.errors import UserError
from minibert.terminal import suggest
from minibert.trace import Trace


def place_of(trace: Trace, wish: str, option: str) -> int:
    """The position of a token, of the first piece of a word, or a position as a number."""
    if wish.isdecimal():
        if int(wish) < len(trace.tokens):
            return int(wish)
        raise UserError(f"{option} is {wish}; this text has positions 0 to {len(trace.tokens) - 1}")
    lower = [token.lower() for token in trace.tokens]
    found = [i for i, token in enumerate(lower) if token == wish.lower()] or whole_word(trace, wish.lower())
    if not found:
        hint = suggest(wish, trace.tokens) or f"expected one of {' '.join(trace.tokens)}"
        raise UserError(f"{option} is {wish!r}, which is not in the text; {hint}")
    if len(found) > 1:
        places = " or ".join(map(str, found))
        raise UserError(f"{option} is {wish!r}, which is there {len(found)} times; give its position: {places}")
    return found[0]


def whole_word(trace: Trace, wish: str) -> list[int]:
    """The first positions of a word that is cut into pieces."""
    firsts = [i for i, word in enumerate(trace.words) if word is not None and word not in trace.words[:i]]
    pieces = {i: [t for t, w in zip(trace.tokens, trace.words, strict=True) if w == trace.words[i]] for i in firsts}
    return [i for i, parts in pieces.items() if "".join(part.removeprefix("##") for part in parts).lower() == wish]

"""How a piece of a text looks to a reader, whatever sign its vocabulary has for a space before it.

    BERT       the cap ##y ##bara      "##": the piece goes on a word
    RoBERTa    Ġthe Ġcap y bara        "Ġ": a space; each letter stands for a byte of the text in UTF-8
    XLM-R      ▁the ▁cap y bara        "▁": a space

All are shown as BERT's are.
"""

SPACE = "▁"
"""The sign for a space in sentencepiece's vocabularies, and for one that stands alone in what is shown."""


def letters_of_bytes() -> dict[str, int]:
    """The letter that stands for each byte in a byte-level vocabulary, as GPT-2 has it.

    The printable ones of Latin-1 stand for themselves; the others are the letters from U+0100 on, in their order.
    """
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + place): byte for place, byte in enumerate(others)}


BYTES = letters_of_bytes()


def look(piece: str, sign: str, inside: bool | None = None) -> str:
    """A piece as a reader sees it; inside: whether it goes on a word, None where that is not known.

    Then letters without a sign are taken to go on a word. Half a character is shown as its bytes, \\xf0\\x9f.
    """
    if sign == "bytes" and all(letter in BYTES for letter in piece):
        piece = bytes(BYTES[letter] for letter in piece).decode("utf-8", "backslashreplace").replace(" ", SPACE)
    text = piece.removeprefix(SPACE)
    if inside is None:
        inside = text == piece and text[:1].isalnum()
    shown = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
    return ("##" if inside else "") + (shown or SPACE)

"""How a piece is shown to a reader. Vocabularies mark pieces in three ways, and all are shown in BERT's.

BERT       the cap ##y ##bara      "##": the piece continues a word
RoBERTa    Ġthe Ġcap y bara        "Ġ": a space; each letter stands for a byte of the text in UTF-8
XLM-R      ▁the ▁cap y bara        "▁": a space
"""

SPACE = "▁"
"""The sign for a space in the vocabularies of sentencepiece. A piece that is a space alone is shown so."""


def letters_of_bytes() -> dict[str, int]:
    """letter -> the byte that it stands for in a byte-level vocabulary, as in GPT-2.

    A printable character of Latin-1 stands for itself. The letters from U+0100 on stand for the other bytes, in order.
    """
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + place): byte for place, byte in enumerate(others)}


BYTES = letters_of_bytes()


def look(piece: str, sign: str, inside: bool | None = None) -> str:
    """A piece as a reader sees it. inside: does it continue a word? None where that is not known.

    Then letters without a sign count as continuing a word. Half a character is shown as its bytes, \\xf0\\x9f.
    """
    if sign == "bytes" and all(letter in BYTES for letter in piece):
        piece = bytes(BYTES[letter] for letter in piece).decode("utf-8", "backslashreplace").replace(" ", SPACE)
    text = piece.removeprefix(SPACE)
    if inside is None:
        inside = text == piece and text[:1].isalnum()
    shown = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
    return ("##" if inside else "") + (shown or SPACE)

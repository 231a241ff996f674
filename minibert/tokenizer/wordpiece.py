"""WordPiece: how a text becomes the pieces that BERT knows. To be read: `tokenizer.py` does the work.

    text --words--> "the unfolding" -> the, unfolding --wordpiece--> the, un, ##fold, ##ing

A vocabulary of whole words would never be large enough. One of pieces is: frequent words are a piece of their own, and
rare ones are put together of several. "##" marks a piece that goes on a word.
"""

import unicodedata
from collections.abc import Container

LONGEST = 100
"""letters; a longer word is unknown"""


def wordpiece(word: str, vocabulary: Container[str]) -> list[str]:
    """The pieces of a word, greedily: always the longest piece of the vocabulary that fits next.

    Where no piece fits, the whole word is ["[UNK]"].
    """
    pieces, start = [], 0
    while start < len(word):
        for end in range(len(word), start, -1):
            piece = ("##" if start else "") + word[start:end]
            if piece in vocabulary:
                break
        else:
            return ["[UNK]"]
        pieces.append(piece)
        start = end
    return pieces if len(word) <= LONGEST else ["[UNK]"]


def words(text: str) -> list[str]:
    """The words of a text: in small letters, without accents; punctuation and Chinese characters stand alone."""
    found = [""]
    for letter in unicodedata.normalize("NFD", text.lower()):
        kind = unicodedata.category(letter)
        if letter.isspace():
            found.append("")
        elif (
            kind.startswith("P") or (letter.isascii() and not letter.isalnum() and letter.isprintable()) or cjk(letter)
        ):
            found += [letter, ""]
        elif kind != "Mn" and not kind.startswith("C") and letter != "\ufffd":
            found[-1] += letter
    return [word for word in found if word]


def cjk(letter: str) -> bool:
    """Whether it is a Chinese character (also of Japanese): such languages put no spaces between words."""
    return any(first <= ord(letter) <= last for first, last in CJK)


CJK = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B920, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


def tokenize(text: str, vocabulary: Container[str]) -> list[str]:
    """The pieces of all words of a text."""
    return [piece for word in words(text) for piece in wordpiece(word, vocabulary)]

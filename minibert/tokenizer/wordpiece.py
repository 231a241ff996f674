"""WordPiece: how a text becomes the pieces that BERT knows.

    text --normalize--> small letters, no accents --split--> words --wordpiece--> pieces

    "The Unfolding" -> "the unfolding" -> the, unfolding -> the, un, ##fold, ##ing

A vocabulary of whole words would never be large enough. One of pieces is: a frequent word is one piece, and a rare word
is put together from several. "##" marks a piece that continues a word.
"""

from collections.abc import Container
from itertools import groupby

from minibert.tokenizer.categories import category, combining_class, decomposition, is_space


def tokenize(text: str, vocabulary: Container[str]) -> list[str]:
    """The pieces of all words of a text."""
    return [piece for word in words(text) for piece in wordpiece(word, vocabulary)]


def wordpiece(
    word: str, vocabulary: Container[str], unknown: str = "[UNK]", prefix: str = "##", longest: int = 100
) -> list[str]:
    """The pieces of a word, greedily: always the longest piece of the vocabulary that fits next.

    Where no piece fits, and where the word has more than `longest` letters, the whole word is ["[UNK]"].
    """
    if len(word) > longest:
        return [unknown]
    pieces, start = [], 0
    while start < len(word):
        for end in range(len(word), start, -1):
            piece = (prefix if start else "") + word[start:end]
            if piece in vocabulary:
                break
        else:
            return [unknown]
        pieces.append(piece)
        start = end
    return pieces


def words(text: str) -> list[str]:
    """The words of a text: in small letters, without accents; punctuation and Chinese characters stand alone."""
    return ["".join(letter for letter, _ in word) for word in split(normalize(text))]


Letter = tuple[str, int]
"""A letter of the normalized text, and the place in the text of the letter that it was made from."""


def normalize(
    text: str,
    clean_text: bool = True,
    handle_chinese_chars: bool = True,
    strip_accents: bool | None = None,
    lowercase: bool = True,
) -> list[Letter]:
    """The letters of a text as the vocabulary has them. A checkpoint chooses what is done, in these words.

    Accents go where capitals go, unless `strip_accents` says something else.
    """
    letters = [(letter, place) for place, letter in enumerate(text)]
    if clean_text:
        letters = [(" " if is_space(letter) else letter, place) for letter, place in letters if category(letter) != "C"]
    if handle_chinese_chars:
        letters = [(part, place) for letter, place in letters for part in (f" {letter} " if cjk(letter) else letter)]
    if lowercase if strip_accents is None else strip_accents:
        letters = [(letter, place) for letter, place in decompose(letters) if category(letter) != "Mn"]
    if lowercase:
        letters = [(small, place) for letter, place in letters for small in letter.lower()]
    return letters


def split(letters: list[Letter]) -> list[list[Letter]]:
    """Words end at a space, and a punctuation mark is a word of its own."""
    found: list[list[Letter]] = [[]]
    for letter, place in letters:
        if is_space(letter):
            found.append([])
        elif category(letter) == "P":
            found += [[(letter, place)], []]
        else:
            found[-1].append((letter, place))
    return [word for word in found if word]


def decompose(letters: list[Letter]) -> list[Letter]:
    """Each letter with accents as the letter, then its accents, in Unicode's order (NFD)."""
    parts = [(part, i == 0) for letter, _ in letters for i, part in enumerate(decomposition(letter))]
    found, i = [], -1
    for _, run in groupby(parts, lambda part: combining_class(part[0]) > 0):
        for part, is_first in sorted(run, key=lambda part: combining_class(part[0])):
            i += is_first  # so many letters have begun
            found.append((part, letters[i][1]))
    return found


def cjk(letter: str) -> bool:
    """Whether it is a Chinese character (also of Japanese): such languages put no spaces between words."""
    return letter >= "\u3400" and any(first <= ord(letter) <= last for first, last in CJK)


CJK = (
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B920, 0x2CEAF),
    (0x2F800, 0x2FA1F),
)

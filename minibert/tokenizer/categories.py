"""Which characters are punctuation, marks or controls, for the tokenizers of BERT's family.

The `tokenizers` package has the tables of Unicode 8 and 9. Python's tables are newer and change with its version. With
them a text with a newer character would fall into other pieces. So categories.json has the older ones, as ranges.
"""

import bisect
import functools
import json
import unicodedata
from pathlib import Path


@functools.lru_cache(10_000)
def category(letter: str) -> str:
    """Unicode's category of a character, where it matters here; otherwise "".

    "P": punctuation, and every sign of ASCII such as "+". "C": a control character, or U+FFFD.
    "Mn": a mark without a width of its own, such as an accent. "Mc": another mark that combines with a letter.
    "D": a character beyond U+FFFF that decomposes into several.
    """
    firsts, lasts, kinds = ranges()
    place = bisect.bisect_right(firsts, ord(letter)) - 1
    return kinds[place] if place >= 0 and ord(letter) <= lasts[place] else ""


@functools.cache
def ranges() -> tuple[list[int], list[int], list[str]]:
    """The first character of each range, in order, its last one, and its category."""
    tables = json.loads(Path(__file__).with_name("categories.json").read_text(encoding="utf-8"))
    rows = sorted((first, last, kind) for kind, table in tables.items() for first, last in table)
    return [first for first, _, _ in rows], [last for _, last, _ in rows], [kind for _, _, kind in rows]


def is_space(letter: str) -> bool:
    """Does a word end here? (Python counts four separators among the controls of ASCII as well.)"""
    return letter.isspace() and letter not in "\x1c\x1d\x1e\x1f"


def decomposition(letter: str) -> str:
    """A letter with accents as the letter and its accents, one after another (Unicode's form NFD)."""
    known = letter <= "\uffff" or category(letter) == "D"
    return unicodedata.normalize("NFD", letter) if known else letter


def combining_class(letter: str) -> int:
    """By which marks that follow each other are put in order; 0 for what is no such mark."""
    return unicodedata.combining(letter) if category(letter) in ("Mn", "Mc") else 0

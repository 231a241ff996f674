"""Japanese texts have no spaces between words. MeCab finds the words; WordPiece cuts them, or each letter is a token.

MeCab is a program with a dictionary; both come with `pip install 'minibert-numpy[ja]'`. A checkpoint chooses the
dictionary by its name, and how a word is cut. Paths and options for MeCab could name files, and are refused.
"""

import json
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module, metadata
from typing import Any, Literal

from minibert.files import abbreviate
from minibert.tokenizer import plain
from minibert.tokenizer.special import JAPANESE
from minibert.tokenizer.wordpiece import normalize, split

DICTIONARIES = ("unidic_lite", "ipadic", "unidic")
"""The packages of MeCab's dictionaries that a checkpoint may name. One that names none means the first."""

Stretch = tuple[str, int, int]
"""A stretch of a text, perhaps in other letters, and its place in the text: start, end."""


class JapaneseTokenizer(plain.PlainTokenizer):
    """The tokenizer of a checkpoint with BertJapaneseTokenizer. settings: of WordPiece, with its vocabulary."""

    def __init__(self, settings: Mapping[str, Any], choices: Mapping[str, Any]):
        super().__init__(settings)
        mecab = choices.get("mecab_kwargs") or {}
        self.choices_of_words = choices
        self.basic = choices.get("word_tokenizer_type", "basic") == "basic"
        self.dictionary = None if self.basic else mecab.get("mecab_dic", DICTIONARIES[0])
        self.lower, self.nfkc = choices.get("do_lower_case", False), mecab.get("normalize_text", True)
        self.single = choices.get("subword_tokenizer_type") == "character"
        self.surfaces = mecab_words(self.dictionary) if self.dictionary else str.split
        self.note = "" if mecab.get("mecab_dic") or self.basic else NO_DICTIONARY

    def __reduce__(self) -> tuple:
        """For copies and pickles: MeCab itself cannot be copied, and is made again."""
        return JapaneseTokenizer, (self.settings, self.choices_of_words)

    @property
    def kind(self) -> str:
        """What finds the words, with which dictionary, and what cuts them."""
        words = f"MeCab with {self.dictionary}" if self.dictionary else "words between spaces"
        return f"{words}, then {'single letters' if self.single else 'WordPiece'}"

    def to_str(self) -> str:
        """The settings, and what cuts the words: another dictionary, or another version of it, finds other words."""
        version = metadata.version(self.dictionary) if self.dictionary else None
        choices = {"dictionary": [self.dictionary, version], "lower": self.lower, "nfkc": self.nfkc}
        return json.dumps({**json.loads(super().to_str()), "words": choices | {"single_letters": self.single}})

    def words(self, letters: list[plain.Letter]) -> Iterator[plain.Word]:
        """The words that MeCab finds. Where NFKC changed the length of one, its letters have the place of the word."""
        text, before = plain.text_of(letters), letters[0][1]
        if self.basic:
            for word, places in basic_words(text, self.lower, self.single):
                yield word, [(before + start, before + end) for start, end in places]
            return
        for word, start, end in words_of(text, self.find, self.nfkc):
            word = word.lower() if self.lower else word
            word = unicodedata.normalize("NFKC", word) if self.single else word
            start, end = before + start, before + end
            same = len(word) == end - start
            yield word, [(at, at + 1) for at in range(start, end)] if same else [(start, end)] * len(word)

    def find(self, text: str) -> list[str]:
        """MeCab's words. A space in one is a letter where letters are cut, and for WordPiece the end of a word."""
        return [part for word in self.surfaces(text) for part in ([word] if self.single else word.split())]

    def pieces(self, word: str) -> list[tuple[str, int]]:
        """The pieces of WordPiece, or each letter by itself."""
        if not self.single:
            return super().pieces(word)
        return [(letter if letter in self.vocabulary else self.unknown, 1) for letter in word]


def basic_words(text: str, lower: bool, nfkc: bool) -> Iterator[plain.Word]:
    """The words of a text whose checkpoint needs no MeCab: as BERT's, but no Chinese character stands alone."""
    as_they_are = {"handle_chinese_chars": False, "lowercase": False}
    clean = normalize(text, **as_they_are)
    places = [
        (clean[start][1], clean[end - 1][1] + 1)
        for part, start, end in normalized(plain.text_of(clean), "NFC")
        for _ in part
    ]
    composed = unicodedata.normalize("NFC", plain.text_of(clean))
    if lower:  # all at once: a sigma at the end of a word has a form of its own
        places = [place for letter, place in zip(composed, places, strict=True) for _ in letter.lower()]
        composed = composed.lower()
    letters = normalize(composed, clean_text=False, strip_accents=lower, **as_they_are)
    for word in split(letters):
        written = plain.text_of(word)
        stretches = list(normalized(written)) if nfkc else [(part, i, i + 1) for i, part in enumerate(written)]
        ends = [(places[word[start][1]][0], places[word[end - 1][1]][1]) for _, start, end in stretches]
        yield (
            "".join(part for part, _, _ in stretches),
            [place for (part, _, _), place in zip(stretches, ends, strict=True) for _ in part],
        )


NO_DICTIONARY = f"its files name no dictionary of MeCab (mecab_dic): {DICTIONARIES[0]}, as in `transformers`"


def check_choices(choices: Mapping) -> None:
    """NotImplementedError: a checkpoint needs another program than MeCab, or has options for it."""
    mecab = choices.get("mecab_kwargs") or {}
    words = choices.get("word_tokenizer_type", "basic")
    pieces = choices.get("subword_tokenizer_type", "wordpiece")
    wanted = {
        "mecab_dic": (mecab.get("mecab_dic", DICTIONARIES[0]), DICTIONARIES),
        "mecab_option": (mecab.get("mecab_option") or "", ("",)),
        "word_tokenizer_type": (words, ("mecab", "basic")),
        "subword_tokenizer_type": (pieces, ("wordpiece", "character")),
        "do_word_tokenize": (choices.get("do_word_tokenize", True), (True,)),
        "do_subword_tokenize": (choices.get("do_subword_tokenize", True), (True,)),
    }
    for name, (value, possible) in wanted.items():
        if value not in possible:
            raise NotImplementedError(f"{name} is {abbreviate(value)}; expected {' or '.join(map(repr, possible))}")


def words_of(text: str, find: Callable[[str], list[str]], normal: bool) -> Iterator[Stretch]:
    """The words of a text, each with its place in it. normal: are they the words of its form NFKC?"""
    stretches = list(normalized(text)) if normal else [(letter, i, i + 1) for i, letter in enumerate(text)]
    starts = [start for part, start, _ in stretches for _ in part]
    ends = [end for part, _, end in stretches for _ in part]
    seen, at = "".join(part for part, _, _ in stretches), 0
    for word in find(seen):
        first = seen.index(word, at)
        at = first + len(word)
        yield word, starts[first], ends[at - 1]


def normalized(text: str, form: Literal["NFC", "NFKC"] = "NFKC") -> Iterator[Stretch]:
    """A text in this form of Unicode, in the shortest stretches whose form, put together, is that of the text.

    Yields (part, start, end).
    """
    start = 0
    for end in range(1, len(text) + 1):
        stretch, following = text[start:end], text[end : end + 1]
        part, after = (unicodedata.normalize(form, letters) for letters in (stretch, following))
        joined = unicodedata.normalize(form, stretch + following)
        if not unicodedata.combining(following or " ") and joined == part + after:
            yield part, start, end
            start = end


def mecab_words(dictionary: str) -> Callable[[str], list[str]]:
    """A function from a text to its words by this dictionary. NotImplementedError: a package is not installed."""
    try:
        import fugashi

        folder = import_module(dictionary).DICDIR
    except ModuleNotFoundError as error:
        install = "minibert-numpy[ja]" if dictionary != "unidic" else "minibert-numpy[ja] unidic"
        missing = f"{error.name} is not installed: pip install '{install}'"
        raise NotImplementedError(f"{JAPANESE} needs MeCab, and {missing}") from None
    tagger = fugashi.GenericTagger(f'-d "{folder}" -r "{folder}/mecabrc"')
    return lambda text: [word.surface for word in tagger(text)]

"""Japanese texts, which put no spaces between words: MeCab finds them, and WordPiece, or single letters, cut them.

MeCab is a program with a dictionary; both come with `pip install 'minibert-numpy[ja]'`. Of a checkpoint only names are
read: which dictionary, and how a word is cut. Paths and options for MeCab, which could name files, are refused.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import SimpleNamespace

import tokenizers

from minibert.files import abbreviate
from minibert.tokenizer.special import JAPANESE

DICTIONARIES = ("unidic_lite", "ipadic", "unidic")
"""The packages of MeCab's dictionaries that a checkpoint may name. One that names none means the first."""

Word = tuple[str, int, int]
"""A word as the vocabulary may have it, and its place in the text: start, end."""


@dataclass(frozen=True)
class Backend:
    """A tokenizer of the `tokenizers` package that is given words instead of a text; in all else it is that one."""

    inner: tokenizers.Tokenizer
    cut: Callable[[str], list[Word]]

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    def encode(self, *sentences: str) -> SimpleNamespace:
        """As the inner one's `encode`, with the words and places of the text."""
        words = [self.cut(sentence) for sentence in sentences]
        encoded = self.inner.encode(*([word for word, _, _ in one] for one in words), is_pretokenized=True)
        places = zip(encoded.sequence_ids, encoded.word_ids, encoded.offsets, strict=True)
        offsets = [(0, 0) if i is None or w is None else place(words[i][w], o) for i, w, o in places]
        same = {name: getattr(encoded, name) for name in ("ids", "type_ids", "sequence_ids", "word_ids")}
        return SimpleNamespace(**same, offsets=offsets)


def place(word: Word, within: tuple[int, int]) -> tuple[int, int]:
    """Where a piece of a word lies in the text; the whole word, where normalising has changed its length."""
    text, start, end = word
    return (start + within[0], start + within[1]) if len(text) == end - start else (start, end)


def check_choices(choices: Mapping) -> None:
    """NotImplementedError where a checkpoint asks for another program than MeCab, or tells it which files to read."""
    mecab = choices.get("mecab_kwargs") or {}
    words = choices.get("word_tokenizer_type", "basic")
    pieces = choices.get("subword_tokenizer_type", "wordpiece")
    wanted = {
        "mecab_dic": (mecab.get("mecab_dic", DICTIONARIES[0]), DICTIONARIES),
        "mecab_option": (mecab.get("mecab_option") or "", ("",)),
        "word_tokenizer_type": (words, ("mecab",)),
        "subword_tokenizer_type": (pieces, ("wordpiece", "character")),
        "do_word_tokenize": (choices.get("do_word_tokenize", True), (True,)),
        "do_subword_tokenize": (choices.get("do_subword_tokenize", True), (True,)),
    }
    for name, (value, possible) in wanted.items():
        if value not in possible:
            raise NotImplementedError(f"{name} is {abbreviate(value)}; expected {' or '.join(map(repr, possible))}")


def japanese_backend(inner: tokenizers.Tokenizer, choices: Mapping) -> Backend:
    """The backend that a checkpoint with BertJapaneseTokenizer describes. inner: WordPiece with its vocabulary."""
    mecab = choices.get("mecab_kwargs") or {}
    surfaces = mecab_words(mecab.get("mecab_dic", DICTIONARIES[0]))
    lower, normal = choices.get("do_lower_case", False), mecab.get("normalize_text", True)
    letters = choices.get("subword_tokenizer_type") == "character"
    if letters:
        inner.model.continuing_subword_prefix = ""
        inner.pre_tokenizer = tokenizers.pre_tokenizers.Split(tokenizers.Regex(r"[\s\S]"), "isolated")

    def find(text: str) -> list[str]:
        """MeCab's words. A space in one is a letter to those who cut letters, and to WordPiece the end of a word."""
        return [part for word in surfaces(text) for part in ([word] if letters else word.split())]

    added = sorted({token.content for token in inner.get_added_tokens_decoder().values()}, key=len, reverse=True)
    whole = re.compile("|".join(map(re.escape, added)))

    def cut(text: str) -> list[Word]:
        words, end = [], 0
        for match in [*whole.finditer(text), None]:  # special tokens are whole words, and MeCab does not see them
            start = match.start() if match else len(text)
            for word, first, last in words_of(text[end:start], find, normal):
                word = word.lower() if lower else word
                words.append((unicodedata.normalize("NFKC", word) if letters else word, end + first, end + last))
            if match:
                words.append((match[0], *match.span()))
                end = match.end()
        return words

    return Backend(inner, cut)


def kind_of_words(choices: Mapping) -> str:
    """What finds the words, with which dictionary, and what cuts them."""
    dictionary = (choices.get("mecab_kwargs") or {}).get("mecab_dic", DICTIONARIES[0])
    pieces = "single letters" if choices.get("subword_tokenizer_type") == "character" else "WordPiece"
    return f"MeCab with {dictionary}, then {pieces}"


def note_of_dictionary(choices: Mapping) -> str:
    """What is odd about a checkpoint that does not say which dictionary cuts its texts."""
    named = (choices.get("mecab_kwargs") or {}).get("mecab_dic")
    return (
        "" if named else f"its files name no dictionary of MeCab (mecab_dic): {DICTIONARIES[0]}, as in `transformers`"
    )


def words_of(text: str, find: Callable[[str], list[str]], normal: bool) -> Iterator[Word]:
    """The words of a text, which is made NFKC first if `normal`, each with its place in the text as it was."""
    stretches = list(normalized(text)) if normal else [(letter, i, i + 1) for i, letter in enumerate(text)]
    starts = [start for part, start, _ in stretches for _ in part]
    ends = [end for part, _, end in stretches for _ in part]
    seen, at = "".join(part for part, _, _ in stretches), 0
    for word in find(seen):
        first = seen.index(word, at)
        at = first + len(word)
        yield word, starts[first], ends[at - 1]


def normalized(text: str) -> Iterator[Word]:
    """NFKC of a text in the shortest stretches that give, one after another, that of the whole: (part, start, end)."""
    start = 0
    for end in range(1, len(text) + 1):
        stretch, following = text[start:end], text[end : end + 1]
        part = unicodedata.normalize("NFKC", stretch)
        joined = unicodedata.normalize("NFKC", stretch + following)
        if not unicodedata.combining(following or " ") and joined == part + unicodedata.normalize("NFKC", following):
            yield part, start, end
            start = end


def mecab_words(dictionary: str) -> Callable[[str], list[str]]:
    """What finds the words of a text, with this dictionary. NotImplementedError: what is to be installed."""
    try:
        import fugashi

        folder = import_module(dictionary).DICDIR
    except ModuleNotFoundError as error:
        install = "minibert-numpy[ja]" if dictionary != "unidic" else "minibert-numpy[ja] unidic"
        raise NotImplementedError(
            f"{JAPANESE} needs MeCab, and {error.name} is not installed: pip install '{install}'"
        ) from None
    tagger = fugashi.GenericTagger(f'-d "{folder}" -r "{folder}/mecabrc"')
    return lambda text: [word.surface for word in tagger(text)]

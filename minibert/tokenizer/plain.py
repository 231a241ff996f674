"""A WordPiece tokenizer in plain Python, for where the `tokenizers` package is not installed.

`wordpiece.py` cuts a text into pieces. This file adds the special tokens, the ids and the places in the text. The
results equal those of the package, and the methods have its names.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from minibert.tokenizer.wordpiece import Letter, normalize, split, wordpiece

NEEDED = "that needs the package tokenizers: pip install tokenizers"

PLAIN = {
    "model": ("WordPiece",),
    "normalizer": ("BertNormalizer", None),
    "pre_tokenizer": ("BertPreTokenizer", None),
    "post_processor": ("BertProcessing", "TemplateProcessing", None),
}
"""The steps of a tokenizer.json that this file does."""

NOTHING = {"clean_text": False, "handle_chinese_chars": False, "strip_accents": False, "lowercase": False}

Word = tuple[str, list[tuple[int, int]]]
"""A word as the vocabulary may have it; and for each of its letters the place in the text, (start, end)."""

Frame = list[tuple[int | list[int], int]]
"""What a text becomes: the number of a sentence, or the ids of tokens around it, each with its segment."""


class AddedToken(NamedTuple):
    """A token that is never cut into pieces, wherever it stands in a text."""

    content: str
    special: bool
    normalized: bool
    """is it looked for in the normalized text, and not in the text as it came?"""
    lstrip: bool
    """does it take the spaces before it?"""
    rstrip: bool
    """does it take the spaces after it?"""


class Encoded(NamedTuple):
    """What a text became: one entry per token. Words and sentences are None for the tokens around a text."""

    ids: list[int]
    type_ids: list[int]
    offsets: list[tuple[int, int]]
    word_ids: list[int | None]
    sequence_ids: list[int | None]


class PlainTokenizer:
    """The tokenizer that the settings of a tokenizer.json with WordPiece describe.

    NotImplementedError: they need the package. KeyError, TypeError, ValueError: they are broken.
    """

    def __init__(self, settings: Mapping[str, Any]):
        for kind, plain in PLAIN.items():
            if (step := (settings.get(kind) or {}).get("type")) not in plain:
                raise NotImplementedError(f"its {kind} is {step}, and {NEEDED}")
        model = settings["model"]
        self.settings = settings
        self.vocabulary: dict[str, int] = dict(model["vocab"])
        self.unknown, self.prefix = model["unk_token"], model["continuing_subword_prefix"]
        self.longest = model["max_input_chars_per_word"]
        if not all(type(number) is int and number >= 0 for number in self.vocabulary.values()):
            raise ValueError("an id of the vocabulary is not a whole number")
        normalizer = settings.get("normalizer") or NOTHING
        self.choices = {name: choice for name, choice in normalizer.items() if name != "type"}
        self.added, self.ids = add_tokens(settings["added_tokens"], self.vocabulary)
        written = [(self.normal(token) if token.normalized else token.content, token) for token in self.added]
        self.raw = Finder({piece: token for piece, token in written if not token.normalized})
        self.normalized = Finder({piece: token for piece, token in written if token.normalized})
        self.pieces_by_id = {number: piece for piece, number in self.vocabulary.items()}
        self.pieces_by_id |= {self.ids[token.content]: piece for piece, token in written}
        self.frames = frames(settings.get("post_processor"))

    def encode(self, sequence: str, pair: str | None = None) -> Encoded:
        """A sentence or a pair of sentences, with the tokens around it."""
        found = [list(self.tokens(text)) for text in (sequence, pair) if text is not None]
        rows: list[tuple[int, int, tuple[int, int], int | None, int | None]] = []
        for part, segment in self.frames[len(found) - 1]:
            if isinstance(part, int):
                rows += [(number, segment, place, word, part) for number, place, word in found[part]]
            else:
                rows += [(number, segment, (0, 0), None, None) for number in part]
        ids, segments, places, words, sentences = zip(*rows, strict=True) if rows else ((),) * 5
        return Encoded(list(ids), list(segments), list(places), list(words), list(sentences))

    def tokens(self, text: str) -> Iterator[tuple[int, tuple[int, int], int]]:
        """For each token of a sentence its id, its place, and the number of its word. An added token is a word."""
        for number, (places, pieces) in enumerate(self.words_and_added(text)):
            start = 0
            for piece, letters in pieces:
                yield self.ids[piece], (places[start][0], places[start + letters - 1][1]), number
                start += letters

    def words_and_added(self, text: str) -> Iterator[tuple[list[tuple[int, int]], list[tuple[str, int]]]]:
        """For each word and each added token of a sentence its places and its pieces."""
        for token, first, last in self.raw.find(text):
            if token:
                yield [(first, last)], [(token.content, 1)]
                continue
            letters = [(letter, first + place) for letter, place in normalize(text[first:last], **self.choices)]
            for inner, start, end in self.normalized.find(text_of(letters)):
                if inner:
                    yield [(letters[start][1], letters[end - 1][1] + 1)], [(inner.content, 1)]
                else:
                    yield from ((places, self.pieces(word)) for word, places in self.words(letters[start:end]))

    def words(self, letters: list[Letter]) -> Iterable[Word]:
        """The words of a text without added tokens."""
        found = split(letters) if self.settings.get("pre_tokenizer") else [letters]
        return [(text_of(word), [(place, place + 1) for _, place in word]) for word in found]

    def pieces(self, word: str) -> list[tuple[str, int]]:
        """The pieces of a word, and how many of its letters each has."""
        found = wordpiece(word, self.vocabulary, self.unknown, self.prefix, self.longest)
        if found == [self.unknown]:
            return [(self.unknown, len(word))]
        return [(piece, len(piece) - (len(self.prefix) if i else 0)) for i, piece in enumerate(found)]

    def normal(self, token: AddedToken) -> str:
        """An added token as it stands in a normalized text."""
        found = text_of(normalize(token.content, **self.choices))
        if not found:
            raise NotImplementedError(f"its token {token.content!r} is nothing when normalized, and {NEEDED}")
        return found

    def token_to_id(self, token: str) -> int | None:
        return self.ids.get(token)

    def id_to_token(self, number: int) -> str | None:
        return self.pieces_by_id.get(number)

    def get_vocab(self) -> dict[str, int]:
        """All tokens with their ids, added ones too."""
        return dict(self.ids)

    def get_vocab_size(self) -> int:
        return len(self.ids)

    def get_added_tokens_decoder(self) -> dict[int, AddedToken]:
        """The added tokens by their ids."""
        return {self.ids[token.content]: token for token in self.added}

    def to_str(self) -> str:
        """The settings, as a tokenizer.json has them."""
        added = [{"id": self.ids[token.content], **token._asdict(), "single_word": False} for token in self.added]
        return json.dumps({**self.settings, "added_tokens": added})


def text_of(letters: Iterable[Letter]) -> str:
    return "".join(letter for letter, _ in letters)


def add_tokens(
    described: Iterable[Mapping[str, Any]], vocabulary: Mapping[str, int]
) -> tuple[list[AddedToken], dict[str, int]]:
    """The added tokens, and all ids: one that the vocabulary does not have comes after all others."""
    added: dict[str, AddedToken] = {}
    ids, following = dict(vocabulary), len(vocabulary)
    for token in described:
        content, special = token["content"], token.get("special", False)
        if token.get("single_word"):
            raise NotImplementedError(f"its token {content!r} is only found as a whole word, and {NEEDED}")
        if not content:
            continue
        if content not in ids:
            ids[content] = following
        following = max(following, ids[content] + 1)
        choices = token.get("normalized", not special), token.get("lstrip", False), token.get("rstrip", False)
        added[content] = AddedToken(content, special, *choices)
    return list(added.values()), ids


class Finder:
    """Finds added tokens in a text: the first, and of several at one place the longest."""

    def __init__(self, tokens: Mapping[str, AddedToken]):
        self.tokens_as_written = tokens
        longest_first = sorted(tokens, key=len, reverse=True)
        self.pattern = re.compile("|".join(map(re.escape, longest_first)) or "(?!)")

    def find(self, text: str) -> Iterator[tuple[AddedToken | None, int, int]]:
        """The text from start to end in stretches (token, start, end); the token is None between added tokens."""
        done = 0
        for match in self.pattern.finditer(text):
            token, (start, end) = self.tokens_as_written[match[0]], match.span()
            if token.lstrip:
                start = max(done, len(text[:start].rstrip(SPACES)))
            if token.rstrip:
                end = len(text) - len(text[end:].lstrip(SPACES))
            if done < start:
                yield None, done, start
            yield token, start, end
            done = end
        if done < len(text):
            yield None, done, len(text)


SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
SPACES += "\u2028\u2029\u202f\u205f\u3000"


def frames(processor: Mapping[str, Any] | None) -> tuple[Frame, Frame]:
    """What a sentence becomes, and what a pair of sentences becomes."""
    if processor is None:
        return [(0, 0)], [(0, 0), (1, 1)]
    if processor["type"] == "BertProcessing":
        cls, sep = [processor["cls"][1]], [processor["sep"][1]]
        single: Frame = [(cls, 0), (0, 0), (sep, 0)]
        return single, [*single, (1, 1), (sep, 1)]
    tokens = processor["special_tokens"]

    def part(entry: Mapping[str, Any]) -> tuple[int | list[int], int]:
        if "Sequence" in entry:
            return "AB".index(entry["Sequence"]["id"]), entry["Sequence"]["type_id"]
        return tokens[entry["SpecialToken"]["id"]]["ids"], entry["SpecialToken"]["type_id"]

    return [part(entry) for entry in processor["single"]], [part(entry) for entry in processor["pair"]]

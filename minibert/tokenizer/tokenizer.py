"""From a text to the ids of its pieces: WordPiece, as the checkpoint's tokenizer.json or vocab.txt describes it.

    text --normalise--> no accents, no capitals --split--> words --WordPiece--> pieces --frame--> [CLS] pieces [SEP]

`vocabulary.py` reads the settings, and `backend.py` builds the backend that cuts the text. BERT's relatives have
byte-level BPE or Unigram in the place of WordPiece; `pieces.py` shows their pieces as BERT's are shown.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from minibert.errors import CheckpointError, UserError
from minibert.files import abbreviate
from minibert.tokenizer.backend import Backend, attempt, build_backend, kind_of, largest_id, moved_tokens, sign_of
from minibert.tokenizer.encoding import Encoding
from minibert.tokenizer.special import JAPANESE, find_roles, read_choices
from minibert.tokenizer.vocabulary import WORD_PIECE, read_settings

BLANKS = re.compile(r"\[ ?(?:mask|blank) ?\]|<mask>|_{2,}", re.IGNORECASE)
"""What people write for a blank."""


@dataclass(frozen=True)
class Tokenizer:
    """The tokenizer of a checkpoint. `backend` cuts texts; it is None where `missing` says why."""

    backend: Backend | None
    missing: str = ""
    roles: Mapping[int, str] = field(default_factory=dict, repr=False)
    """id -> role of each special token; see Encoding.roles"""
    note: str = field(default="", repr=False)
    """what is odd about a tokenizer that works; empty where nothing is"""
    kind: str = "WordPiece"
    """the algorithm that cuts words: WordPiece, BPE or Unigram; for Japanese, also the program that finds words"""
    sign: str = field(default="##", repr=False)
    """what the vocabulary puts before pieces; see `minibert.tokenizer.pieces`"""

    def encode(self, text: str | tuple[str, str]) -> Encoding:
        """The Encoding of a sentence, or of a (first, second) pair. UserError: the text has no word."""
        sentences = (text,) if isinstance(text, str) else text
        if not isinstance(sentences, tuple) or not all(isinstance(part, str) for part in sentences):
            raise TypeError(f"the text is {abbreviate(text)}; expected a str, or a (first, second) tuple of two")
        if len(sentences) not in (1, 2):
            raise ValueError(f"the text is a tuple of {len(sentences)}; expected a sentence or a (first, second) pair")
        try:
            "".join(sentences).encode()
        except UnicodeEncodeError as error:
            raise UserError(f"the text {abbreviate(text)} is not valid Unicode: {error.reason}") from None
        if self.backend is None:
            raise CheckpointError(self.missing)
        encoded = attempt("the tokenizer", self.backend.encode, *sentences)
        if all(sentence is None for sentence in encoded.sequence_ids):
            raise UserError(f"the text {abbreviate(text)} has no words; expected at least one")
        words = tuple(
            None if sentence is None or word is None else (sentence, word)
            for sentence, word in zip(encoded.sequence_ids, encoded.word_ids, strict=True)
        )
        ids = tuple(encoded.ids)
        inside = (word is not None and word == before for before, word in zip((None, *words), words, strict=False))
        tokens = tuple(map(self.token, ids, inside))
        return Encoding(tokens, ids, tuple(encoded.type_ids), words, text, tuple(encoded.offsets), self.roles_of(ids))

    def roles_of(self, ids: Sequence[int]) -> tuple[str | None, ...]:
        """The role of each id: see Encoding.roles."""
        return tuple(map(self.roles.get, ids))

    def token(self, number: int, inside: bool | None = None) -> str:
        """The token with this id, as a reader sees it. An id beyond the vocabulary is shown as its number in brackets.

        inside: does it continue a word? None where that is not known. (The vocabulary's form: `backend.id_to_token`.)
        """
        token = None if self.backend is None else self.backend.id_to_token(number)
        if token is None or self.sign == "##" or number in self.roles:
            return f"[{number}]" if token is None else token
        from minibert.tokenizer.pieces import look  # BERT's own tokens are shown as they are

        return look(token, self.sign, inside)

    @property
    def mask_id(self) -> int | None:
        """The id of the mask token, which is [MASK] in most vocabularies. None: there is no mask token."""
        return next((number for number, role in self.roles.items() if role == "mask"), None)

    def find_masks(self, encoding: Encoding) -> list[int]:
        """The places of the mask token in a text. UserError where there is none."""
        found = [index for index, role in enumerate(encoding.roles) if role == "mask"]
        if found:
            return found
        if self.mask_id is None:
            why = self.missing or "its files name none"
            raise UserError(f"the tokenizer has no mask token, so no blank can be filled: {why}")
        where = f'write it where a word is to be found: "The capybara is {self.token(self.mask_id)}."'
        raise UserError(f"{self.without_mask(encoding)}; {where}")

    def without_mask(self, encoding: Encoding) -> str:
        """ "the text has no [MASK]", and what it has in its place, such as [mask] or ___."""
        mask = "mask token" if self.mask_id is None else self.token(self.mask_id)
        other = self.other_blank(encoding)
        return f"the text has “{other}” but no {mask}" if other else f"the text has no {mask}"

    def other_blank(self, encoding: Encoding) -> str:
        """What looks like a blank in a text and is not this tokenizer's mask token, such as [mask] or ___, or ""."""
        texts = (encoding.text,) if isinstance(encoding.text, str) else encoding.text
        mask = None if self.mask_id is None else self.token(self.mask_id)
        found = (blank for text in texts for blank in BLANKS.findall(text))
        return next((blank for blank in found if blank != mask), "")


def read_tokenizer(folder: Path, vocab_size: int | None = None) -> Tokenizer:
    """The tokenizer of a folder. It raises nothing: a model whose tokenizer is broken still takes ids.

    `missing` says why a tokenizer does not work; `note` what is odd in one that works, such as ids beyond `vocab_size`.
    """
    names = ("tokenizer.json", "vocab.txt", "vocab.json")
    path = folder / next((name for name in names if (folder / name).exists()), names[0])
    try:
        return attempt(path, working_tokenizer, folder, vocab_size)
    except NotImplementedError as error:
        problem = f"{folder}: {error}"
    except CheckpointError as error:
        problem = str(error)
    return Tokenizer(None, f"{problem}; without a tokenizer, give ids, minibert.Encoding.from_ids([101])")


def working_tokenizer(folder: Path, vocab_size: int | None) -> Tokenizer:
    choices = read_choices(folder)
    settings = read_settings(folder, choices)
    kind, note = kind_of(settings["model"]), ""
    keeps_capitals = (settings.get("normalizer") or {}).get("lowercase") is False
    if keeps_capitals and choices.get("do_lower_case") is None and choices["tokenizer_class"] in WORD_PIECE:
        note = "tokenizer.json keeps capitals; `transformers` does not where tokenizer_config.json has no do_lower_case"
    if choices["tokenizer_class"] == JAPANESE:
        from minibert.tokenizer.japanese import JapaneseTokenizer  # most models do not need it

        japanese = JapaneseTokenizer(settings, choices)
        backend: Backend = japanese
        kind, note = japanese.kind, japanese.note
    else:
        backend = build_backend(settings)
    if None not in backend.encode("a").sequence_ids:
        note = "tokenizer.json adds no special tokens, such as [CLS] and [SEP], to a text"
    moved, largest = moved_tokens(backend, settings), largest_id(backend, settings)
    if moved:
        note = f"added tokens have other ids than the files give them, as in `transformers`: {'; '.join(moved[:3])}"
    if vocab_size is not None and largest >= vocab_size:
        note = f"it has ids up to {largest}, but the model has embeddings up to {vocab_size - 1} (vocab_size)"
    return Tokenizer(backend, roles=find_roles(backend, choices), note=note, kind=kind, sign=sign_of(settings))

"""From a text to the ids of its pieces: WordPiece, as the checkpoint's tokenizer.json or vocab.txt describes it.

    text --normalise--> no accents, no capitals --split--> words --WordPiece--> pieces --frame--> [CLS] pieces [SEP]

The work is done by the `tokenizers` package; `vocabulary.py` sets it up.
"""

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import tokenizers

from minibert.checkpoint.config import BertConfig, CheckpointError, abbreviate
from minibert.checkpoint.vocabulary import attempt, read_backend


@dataclass(frozen=True)
class Encoding:
    """A text as the model sees it. Fields of one entry a token."""

    tokens: tuple[str, ...]
    input_ids: tuple[int, ...]
    token_type_ids: tuple[int, ...]
    words: tuple[tuple[int, int] | None, ...]
    """(sentence, word) the token is a piece of, both from 0; None for [CLS] and [SEP]"""
    text: str | tuple[str, str]
    offsets: tuple[tuple[int, int], ...] = ()
    """(start, end) of the token in the text of its sentence; (0, 0) for [CLS] and [SEP]"""
    roles: tuple[str | None, ...] = ()
    """what a special token is for: "cls", "sep", "mask", "pad", "unk", or "special" for any other; None for a piece of
    the text. Empty for bare ids, until a model whose tokenizer knows them has read them"""

    def __len__(self) -> int:
        return len(self.input_ids)

    @classmethod
    def from_ids(cls, input_ids: Sequence[int], token_type_ids: Sequence[int] | None = None) -> "Encoding":
        """An Encoding of bare ids, for a model without a tokenizer. Segment 0 where `token_type_ids` is None.

        TypeError: an id is not a whole number (a float, or a row of a 2-D array).
        """
        ids = whole_numbers("input_ids", input_ids)
        types = (0,) * len(ids) if token_type_ids is None else whole_numbers("token_type_ids", token_type_ids)
        return cls(tuple(f"[{number}]" for number in ids), ids, types, (None,) * len(ids), "", ((0, 0),) * len(ids))


def whole_numbers(name: str, ids: Sequence[int]) -> tuple[int, ...]:
    try:
        return tuple(operator.index(token_id) for token_id in ids)
    except TypeError:
        expected = "expected one whole number per token, such as [101, 2023, 102]"
        raise TypeError(f"{name} is {' '.join(abbreviate(ids).split())}; {expected}") from None


def check_fit(encoding: Encoding, config: BertConfig) -> None:
    """ValueError where the Encoding asks for what this model has no position, segment or embedding for."""
    limits = (
        ("input_ids", encoding.input_ids, config.vocab_size, "vocab_size"),
        ("token_type_ids", encoding.token_type_ids, config.type_vocab_size, "type_vocab_size"),
    )
    for name, ids, size, setting in limits:
        for index, token_id in enumerate(ids):
            if not 0 <= token_id < size:
                raise ValueError(
                    f"{name}[{index}] is {token_id}; expected 0 to {size - 1} (this model's {setting} is {size})"
                )
    if not len(encoding):
        raise ValueError("the Encoding has no tokens; expected at least one")
    if len(encoding.token_type_ids) != len(encoding):
        raise ValueError(
            f"{len(encoding)} input_ids came with {len(encoding.token_type_ids)} token_type_ids; "
            "expected one token_type_id per token"
        )
    if len(encoding) > config.max_position_embeddings:
        raise ValueError(
            f"the text has {len(encoding)} tokens, but this model has {config.max_position_embeddings} "
            "positions (max_position_embeddings): shorten the text, or cut it into several"
        )


@dataclass(frozen=True)
class Tokenizer:
    """The checkpoint's tokenizer; `backend` is the one of the `tokenizers` package, None where `missing` says why."""

    backend: tokenizers.Tokenizer | None
    missing: str = ""
    roles: Mapping[int, str] = field(default_factory=dict, repr=False)
    """of each special token, by id; see Encoding.roles"""

    def encode(self, text: str | tuple[str, str]) -> Encoding:
        """The Encoding of a sentence, or of a (first, second) pair. ValueError for a text without a single word."""
        sentences = (text,) if isinstance(text, str) else text
        if not isinstance(sentences, tuple) or not all(isinstance(part, str) for part in sentences):
            raise TypeError(f"the text is {abbreviate(text)}; expected a str, or a (first, second) tuple of two")
        if len(sentences) not in (1, 2):
            raise ValueError(f"the text is a tuple of {len(sentences)}; expected a sentence or a (first, second) pair")
        try:
            "".join(sentences).encode()
        except UnicodeEncodeError as error:
            raise ValueError(f"the text {abbreviate(text)} is not valid Unicode: {error.reason}") from None
        if self.backend is None:
            raise CheckpointError(self.missing)
        encoded = attempt("the tokenizer", self.backend.encode, *sentences)
        if all(sentence is None for sentence in encoded.sequence_ids):
            raise ValueError(f"the text {abbreviate(text)} has no words; expected at least one")
        words = tuple(
            None if sentence is None or word is None else (sentence, word)
            for sentence, word in zip(encoded.sequence_ids, encoded.word_ids, strict=True)
        )
        tokens, ids, types = tuple(map(self.token, encoded.ids)), tuple(encoded.ids), tuple(encoded.type_ids)
        return Encoding(tokens, ids, types, words, text, tuple(encoded.offsets), self.roles_of(ids))

    def roles_of(self, ids: Sequence[int]) -> tuple[str | None, ...]:
        """The role of each id: see Encoding.roles."""
        return tuple(map(self.roles.get, ids))

    def token(self, number: int) -> str:
        """The token with this id; its number in brackets where the vocabulary stops short of it."""
        token = None if self.backend is None else self.backend.id_to_token(number)
        return f"[{number}]" if token is None else token

    @property
    def mask_id(self) -> int | None:
        """The id of the mask token, [MASK] in most vocabularies; None where there is none."""
        return next((number for number, role in self.roles.items() if role == "mask"), None)


def read_tokenizer(folder: Path, vocab_size: int | None = None) -> Tokenizer:
    """The tokenizer of a folder, without the padding and truncation that some leave switched on.

    A folder without one that we can run still loads: its model can be given ids, in an Encoding. A broken one, or one
    with an id that is not below `vocab_size`, is a CheckpointError.
    """
    path = folder / ("tokenizer.json" if (folder / "tokenizer.json").is_file() else "vocab.txt")
    try:
        backend, ids, roles = attempt(path, read_backend, path)
    except NotImplementedError as error:
        return Tokenizer(None, f"{folder}: {error}; it cannot encode text: give ids, minibert.Encoding.from_ids([101])")
    if vocab_size is not None and max(ids) >= vocab_size:
        raise CheckpointError(
            f"{path} has the id {max(ids)}, but vocab_size in config.json is {vocab_size}: they are of two checkpoints"
        )
    return Tokenizer(backend, roles=roles)

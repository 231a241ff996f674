"""From a text to the ids of its pieces: WordPiece, as the checkpoint's own tokenizer.json describes it."""

from dataclasses import dataclass
from pathlib import Path

import tokenizers


@dataclass(frozen=True)
class Encoding:
    """A text as the model sees it. Fields of one entry a token."""

    tokens: tuple[str, ...]
    input_ids: tuple[int, ...]
    token_type_ids: tuple[int, ...]
    words: tuple[tuple[int, int] | None, ...]
    """(sentence, word) the token is a piece of, both from 0; None for [CLS] and [SEP]"""
    text: str | tuple[str, str]

    def __len__(self) -> int:
        return len(self.input_ids)


@dataclass(frozen=True)
class Tokenizer:
    """The checkpoint's tokenizer; `backend` is the one of the `tokenizers` package."""

    backend: tokenizers.Tokenizer

    def encode(self, text: str | tuple[str, str]) -> Encoding:
        """The Encoding of a sentence, or of a (first, second) pair."""
        first, second = (text, None) if isinstance(text, str) else text
        encoded = self.backend.encode(first, second)
        words = tuple(
            None if sentence is None or word is None else (sentence, word)
            for sentence, word in zip(encoded.sequence_ids, encoded.word_ids, strict=True)
        )
        return Encoding(tuple(encoded.tokens), tuple(encoded.ids), tuple(encoded.type_ids), words, text)

    def token(self, number: int) -> str:
        """The token with this id."""
        return self.backend.id_to_token(number)

    @property
    def mask_id(self) -> int | None:
        """The id of [MASK], or None where the vocabulary has none."""
        return self.backend.token_to_id("[MASK]")


def read_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of a folder, with the padding and truncation some checkpoints leave switched on taken off."""
    backend = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    backend.no_padding()
    backend.no_truncation()
    return Tokenizer(backend)

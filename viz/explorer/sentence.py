"""What the page is made of: sentences, each with its queries and keys."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

PAIR = " ||| "
"""What stands between the two texts of a pair."""


@dataclass(eq=False)
class Sentence:
    """One sentence, with the queries and keys of all heads of all layers.

    tokens        [T] the tokens
    query, key    [layers, heads, T, head_size]
    value_length  [layers, heads, T] the length |v| of each value; None: the page has none
    moved_length  [layers, heads, T] the length |v W_O| of what each value adds to a state; None: not known
    words         [T] which word each token is a piece of, by any name; None for special tokens such as [CLS].
                  Where it is empty, each token is a word
    roles         [T] "cls", "sep" or another name for a special token; None for others. Where it is empty, a token in
                  brackets has the role it is named after
    segments      [T] 0 or 1 for the tokens of the first and of the second text of a pair; empty: all 0
    text          as it was written, both texts of a pair with PAIR between; None: not known
    spans         [T] where each token stands in its text: (start, end) in characters, each text of a pair by itself.
                  None for special tokens; empty: not known

    ValueError: the number of entries or a shape does not fit the tokens.
    """

    tokens: Sequence[str]
    query: np.ndarray
    key: np.ndarray
    value_length: np.ndarray | None = None
    words: Sequence[Hashable] = ()
    roles: Sequence[str | None] = ()
    segments: Sequence[int] = ()
    text: str | None = None
    spans: Sequence[tuple[int, int] | None] = ()
    moved_length: np.ndarray | None = None

    def __post_init__(self) -> None:
        count = len(self.tokens)
        self.words = self.words if len(self.words) else range(count)
        self.segments = self.segments if len(self.segments) else [0] * count
        for name in ("words", "roles", "segments", "spans"):
            entries = getattr(self, name)
            if len(entries) not in (0, count):
                raise ValueError(f"{name} has {len(entries)} entries; expected one for each of {count} tokens")
        for name in ("query", "key"):
            shape = getattr(self, name).shape
            if len(shape) != 4 or shape[2] != count or 0 in shape:
                raise ValueError(f"{name} must be [layers, heads, {count}, head_size], not {list(shape)}")
        if self.value_length is not None and self.value_length.shape != self.query.shape[:3]:
            expected, given = list(self.query.shape[:3]), list(self.value_length.shape)
            raise ValueError(f"value_length must be {expected}, not {given}")

    def spans_in_utf16(self) -> list[list[int] | None] | None:
        """The spans as JavaScript counts: a character beyond U+FFFF is two. None: they are not known."""
        if self.text is None or not self.spans:
            return None
        parts = self.text.split(PAIR, 1) if 1 in self.segments else [self.text]
        width = [np.concatenate([[0], np.cumsum([1 + (ord(letter) > 0xFFFF) for letter in part])]) for part in parts]
        return [
            None if span is None else [int(width[min(segment, len(parts) - 1)][end]) for end in span]
            for span, segment in zip(self.spans, self.segments, strict=True)
        ]


def check(sentences: Sequence[Sentence]) -> None:
    """ValueError: there are no sentences, or they are not of the same heads."""
    if not sentences:
        raise ValueError("there are no sentences to explore; give at least one")
    layers, heads, _, size = sentences[0].query.shape
    for i, sentence in enumerate(sentences):
        for name in ("query", "key"):
            shape = getattr(sentence, name).shape
            if shape != (layers, heads, len(sentence.tokens), size):
                expected = f"[{layers}, {heads}, {len(sentence.tokens)}, {size}], as those of the others"
                raise ValueError(f"{name} of sentence {i} must be {expected}, not {list(shape)}")
        for name in ("value_length", "moved_length"):
            if (getattr(sentence, name) is None) != (getattr(sentences[0], name) is None):
                raise ValueError(f"{name} of sentence {i}: expected one for every sentence, or for none")

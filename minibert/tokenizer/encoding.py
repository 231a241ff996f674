"""A text as the model sees it: tokens, their ids, and what is known about each."""

import operator
from collections.abc import Sequence
from dataclasses import dataclass

from minibert.files import abbreviate


@dataclass(frozen=True)
class Encoding:
    """A text as the model sees it. Fields of one entry per token."""

    tokens: tuple[str, ...]
    input_ids: tuple[int, ...]
    token_type_ids: tuple[int, ...]
    words: tuple[tuple[int, int] | None, ...]
    """(sentence, word) of the token, both from 0; None for a token that the tokenizer adds, such as [CLS]"""
    text: str | tuple[str, str]
    offsets: tuple[tuple[int, int], ...] = ()
    """(start, end) of the token in the text of its sentence; (0, 0) for a token that the tokenizer adds"""
    roles: tuple[str | None, ...] = ()
    """the role of a special token: "cls", "sep", "mask", "pad", "unk", or "special" for any other; None for a piece of
    the text. Empty for bare ids; `Bert.encode` fills it in."""

    def __len__(self) -> int:
        return len(self.input_ids)

    @classmethod
    def from_ids(cls, input_ids: Sequence[int], token_type_ids: Sequence[int] | None = None) -> "Encoding":
        """An Encoding of bare ids, for a model without a tokenizer. token_type_ids: None is segment 0 for all.

        TypeError: an id is not a whole number (a float, or a row of a 2-D array).
        """
        ids = whole_numbers("input_ids", input_ids)
        types = (0,) * len(ids) if token_type_ids is None else whole_numbers("token_type_ids", token_type_ids)
        return cls(tuple(f"[{number}]" for number in ids), ids, types, (None,) * len(ids), "", ((0, 0),) * len(ids))


def whole_numbers(name: str, ids: Sequence[int]) -> tuple[int, ...]:
    """The ids as Python's int. TypeError: one is not a whole number."""
    try:
        return tuple(operator.index(token_id) for token_id in ids)
    except TypeError:
        expected = "expected one whole number per token, such as [101, 2023, 102]"
        raise TypeError(f"{name} is {' '.join(abbreviate(ids).split())}; {expected}") from None

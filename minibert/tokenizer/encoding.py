"""A text as the model sees it: tokens, their ids, and what is known about each."""

import operator
from collections.abc import Sequence
from dataclasses import dataclass

from minibert.checkpoint.config import BertConfig
from minibert.files import abbreviate


@dataclass(frozen=True)
class Encoding:
    """A text as the model sees it. Fields of one entry per token."""

    tokens: tuple[str, ...]
    input_ids: tuple[int, ...]
    token_type_ids: tuple[int, ...]
    words: tuple[tuple[int, int] | None, ...]
    """(sentence, word) the token is a piece of, both from 0; None for what the tokenizer put in, such as [CLS]"""
    text: str | tuple[str, str]
    offsets: tuple[tuple[int, int], ...] = ()
    """(start, end) of the token in the text of its sentence; (0, 0) for what the tokenizer put in"""
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
    """ValueError where the model has no embedding, segment or position for a token."""
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
    if config.pad_token_id in encoding.input_ids:
        raise ValueError(
            f"input_ids[{encoding.input_ids.index(config.pad_token_id)}] is {config.pad_token_id}, which is padding: "
            f"{config.model_type} does not count it among the positions; leave it out"
        )
    check_range(encoding, "input_ids", config.vocab_size, "vocab_size")
    check_range(encoding, "token_type_ids", config.type_vocab_size, "type_vocab_size")


def check_range(encoding: Encoding, name: str, size: int, setting: str) -> None:
    """ValueError where an id is not one of `size` from 0 on."""
    for place, number in enumerate(getattr(encoding, name)):
        if not 0 <= number < size:
            message = f"{name}[{place}] is {number}; expected 0 to {size - 1} (this model's {setting} is {size})"
            if name == "input_ids" and encoding.text:
                message += f": it has no embedding for the token {encoding.tokens[place]!r}"
            raise ValueError(message)

"""What a model can take: its config bounds the tokens, the segments and the ids of an Encoding."""

from collections.abc import Iterable

from minibert.checkpoint.config import BertConfig
from minibert.errors import UserError
from minibert.tokenizer.encoding import Encoding


def check_fit(encoding: Encoding, config: BertConfig) -> None:
    """UserError where the model has no embedding, segment or position for a token."""
    if not len(encoding):
        raise UserError("the Encoding has no tokens; expected at least one")
    if len(encoding.token_type_ids) != len(encoding):
        given = f"{len(encoding)} input_ids came with {len(encoding.token_type_ids)} token_type_ids"
        raise UserError(f"{given}; expected one token_type_id per token")
    if len(encoding) > config.max_position_embeddings:
        positions = f"{config.max_position_embeddings} positions (max_position_embeddings)"
        advice = "shorten the text, or cut it into several"
        raise UserError(f"the text has {len(encoding)} tokens, but this model has {positions}: {advice}")
    if config.pad_token_id in encoding.input_ids:
        which = f"input_ids[{encoding.input_ids.index(config.pad_token_id)}] is {config.pad_token_id}"
        why = f"{config.model_type} does not count it among the positions"
        raise UserError(f"{which}, which is padding: {why}; leave it out")
    check_range(encoding, "input_ids", config.vocab_size, "vocab_size")
    if isinstance(encoding.text, tuple) and config.type_vocab_size == max(encoding.token_type_ids) == 1:
        why = "this model has an embedding for the first sentence only (type_vocab_size is 1)"
        raise UserError(f"the text is a pair of sentences, but {why}: give one sentence")
    check_range(encoding, "token_type_ids", config.type_vocab_size, "type_vocab_size")


def check_range(encoding: Encoding, name: str, size: int, setting: str) -> None:
    """UserError where an id is not one of `size` from 0 on."""
    for place, number in enumerate(getattr(encoding, name)):
        if not 0 <= number < size:
            message = f"{name}[{place}] is {number}; expected 0 to {size - 1} (this model's {setting} is {size})"
            if name == "input_ids" and encoding.text:
                message += f": it has no embedding for the token {encoding.tokens[place]!r}"
            raise UserError(message)


def check_texts(texts: Iterable) -> Iterable:
    """TypeError for one text where many are expected."""
    if isinstance(texts, str):
        raise TypeError("texts is a str, which would be run letter by letter; expected a list: [text]")
    return texts

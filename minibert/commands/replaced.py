"""Prints for each token the probability that it is not the original one. The model must be an ELECTRA with its
discriminator, such as google/electra-small-discriminator; no bundled model is one. Tokens of words with more than 0.5
are marked "replaced"; special tokens, such as [CLS], are never marked.
"""

import argparse
from collections.abc import Iterator

from minibert.commands.answers import print_answers, texts_of
from minibert.commands.arguments import add_json, add_model, add_text
from minibert.model import load
from minibert.terminal import columns, padded, printable, rounded
from minibert.tokenizer.encoding import Encoding
from minibert.whatif.replaced import replaced

Row = tuple[str, float, bool]
"""A token, its probability to be no original, and whether it is part of a word: [CLS] and [SEP] are not."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = __doc__
    add_text(parser)
    add_model(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """One line per token; those that are more likely replaced than not are marked."""
    texts = texts_of(args, "a sentence, such as 'The chef ate the meal.'")
    bert = load(args.model)

    def rows(encoding: Encoding) -> list[Row]:
        words = [word is not None for word in encoding.words]
        return list(zip(encoding.tokens, replaced(bert, encoding).tolist(), words, strict=True))

    print_answers(args, bert, texts, rows, show, as_json)


def show(rows: list[Row]) -> Iterator[str]:
    width = max(columns(printable(token)) for token, _, _ in rows)
    for token, probability, in_a_word in rows:
        mark = "replaced" if is_marked(probability, in_a_word) else ""
        yield f"{probability:6.3f}  {padded(printable(token), width)}  {mark}".rstrip()


def as_json(rows: list[Row]) -> dict[str, object]:
    """The numbers, and which tokens are marked."""
    return {
        "tokens": [
            {"token": token, "replaced": rounded(probability), "marked": is_marked(probability, in_a_word)}
            for token, probability, in_a_word in rows
        ]
    }


def is_marked(probability: float, in_a_word: bool) -> bool:
    return in_a_word and probability > 0.5

"""`minibert classify`: the labels that a fine-tuned classifier gives a text."""

import argparse
from collections.abc import Iterator

from minibert.checkpoint.task import meaning
from minibert.commands.answers import print_answers, texts_of
from minibert.commands.arguments import add_json, add_model, add_pair, add_text
from minibert.model import load
from minibert.terminal import rounded


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_text(parser)
    add_pair(parser)
    add_model(parser, default="tiny-sentiment")
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """One line per label, likeliest first; then what the numbers are."""
    texts = texts_of(args, "a sentence, or a pair: 'first ||| second'")
    bert = load(args.model)
    activation = bert.config.activation
    closing = meaning(activation, len(bert.config.labels))
    facts = {"activation": activation}
    print_answers(args, bert, texts, bert.classify, show, as_json, facts=facts, closing=closing)


def show(labels: list[tuple[str, float]]) -> Iterator[str]:
    return (f"{value:6.3f}  {label}" for label, value in labels)


def as_json(labels: list[tuple[str, float]]) -> dict[str, object]:
    return {"labels": [{"label": label, "score": rounded(value)} for label, value in labels]}

"""`minibert fill`: the likeliest words in the place of each [MASK]."""

import argparse
from collections.abc import Iterator

from minibert.commands.answers import print_answers, texts_of
from minibert.commands.arguments import add_json, add_model, add_text, at_least, heads, option
from minibert.model import load
from minibert.terminal import rounded

Masks = list[list[tuple[str, float]]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_text(parser, help='a text with [MASK] in it: "The capybara is [MASK]."')
    add_model(parser)
    option(parser, "--top", at_least(1), "N", "how many words to print per mask", 5)
    option(parser, "--without", heads, "L.H,...", "heads to switch off, such as 1.2,3.0 (default: none)")
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """One block per mask, likeliest words first."""
    texts = texts_of(args, 'a text with [MASK] in it: "The capybara is [MASK]."')
    bert = load(args.model)
    facts: dict[str, object] = {}
    if args.without:
        bert = bert.without_heads(args.without)
        facts["without"] = [f"{layer}.{head}" for layer, head in args.without]
    check = bert.tokenizer.find_masks
    print_answers(args, bert, texts, lambda e: bert.fill_mask(e, top=args.top), show, as_json, check=check, facts=facts)


def show(masks: Masks) -> Iterator[str]:
    for number, words in enumerate(masks):
        if number:
            yield ""
        yield from (f"{likely:6.3f}  {token}" for token, likely in words)


def as_json(masks: Masks) -> dict[str, object]:
    return {"masks": [[{"token": token, "probability": rounded(p)} for token, p in words] for words in masks]}

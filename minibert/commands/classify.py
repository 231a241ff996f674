"""`minibert classify`: what a fine-tuned classifier makes of a text."""

import argparse

from minibert.commands.arguments import add_json, add_model, add_text, check_source
from minibert.commands.output import model_name, print_json, rounded, text_line
from minibert.commands.sentences import Sentences
from minibert.model import load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_text(parser)
    add_model(parser, default="tiny-sentiment")
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """One line per label, likeliest first."""
    check_source(args, [] if args.text is None else [args.text])
    if args.text is None and args.file is None:
        raise ValueError("TEXT is missing; expected a sentence, or a pair: 'first ||| second'")
    bert = load(args.model)
    sentences = Sentences(bert, [args.text], args.file, args.skip_bad)
    found = []
    for encoding in sentences:
        labels = bert.classify(encoding)
        found.append(
            {
                "text": text_line(encoding.text),
                "labels": [{"label": label, "score": rounded(value)} for label, value in labels],
            }
        )
        if not args.json:
            heading = [text_line(encoding.text)] * (args.file is not None)
            print("\n".join([*heading, *(f"{value:6.3f}  {label}" for label, value in labels)]))
    if args.json:
        print_json({"model": model_name(bert), "sentences": found, "skipped": sentences.skipped})
    elif args.skip_bad:
        print(sentences.left_out)

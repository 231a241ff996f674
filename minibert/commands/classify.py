"""`minibert classify`: what a fine-tuned classifier makes of a text."""

import argparse

from minibert.checkpoint.task import meaning
from minibert.commands.arguments import add_json, add_model, add_text, check_source, sentence
from minibert.commands.output import print_json
from minibert.corpus.sentences import Sentences
from minibert.errors import UserError
from minibert.model import load
from minibert.terminal import model_name, printable, rounded, text_line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_text(parser)
    parser.add_argument(
        "--pair", type=sentence, metavar="TEXT", help="a second sentence: the same as 'first ||| second'"
    )
    add_model(parser, default="tiny-sentiment")
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """One line per label, likeliest first; then what the numbers are."""
    check_source(args, [text for text in (args.text, args.pair) if text is not None])
    if args.text is None and args.file is None:
        raise UserError("TEXT is missing; expected a sentence, or a pair: 'first ||| second'")
    bert = load(args.model)
    texts = [args.text if args.pair is None else f"{args.text} ||| {args.pair}"]
    sentences = Sentences(bert, texts, args.file, args.skip_bad, args.column)
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
            lines = [*heading, *(f"{value:6.3f}  {label}" for label, value in labels)]
            print("\n".join(map(printable, lines)))
    activation = bert.config.activation
    if args.json:
        facts = {"model": model_name(bert), "activation": activation}
        print_json(facts | {"sentences": found, "skipped": sentences.skipped})
        return
    print(meaning(activation, len(bert.config.labels)))
    if args.skip_bad:
        print(sentences.left_out)

"""`minibert fill`: what the model would write in the place of each [MASK]."""

import argparse

from minibert.commands.arguments import add_json, add_model, add_text, at_least, check_source, heads
from minibert.commands.output import print_json
from minibert.corpus.sentences import Sentences, at_line, encoded, left_out
from minibert.errors import UserError
from minibert.model import load
from minibert.terminal import model_name, printable, rounded, text_line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_text(parser, help='a text with [MASK] in it: "The capybara is [MASK]."')
    add_model(parser)
    parser.add_argument(
        "--top", type=at_least(1), default=5, metavar="N", help="how many words to suggest per mask (default: 5)"
    )
    parser.add_argument(
        "--without", type=heads, metavar="L.H,...", help="heads that are switched off, such as 1.2,3.0 (default: none)"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """One block per mask, likeliest words first."""
    check_source(args, [] if args.text is None else [args.text])
    if args.text is None and args.file is None:
        raise UserError('TEXT is missing; expected a text with [MASK] in it: "The capybara is [MASK]."')
    bert = load(args.model)
    if args.without:
        bert = bert.without_heads(args.without)
    sentences = Sentences(bert, [args.text], args.file, args.skip_bad, args.column)
    found, skipped = [], sentences.skipped
    for line, encoding in encoded(bert, sentences.corpus, args.skip_bad):
        text = text_line(encoding.text)
        try:
            found.append((text, bert.fill_mask(encoding, top=args.top)))
        except UserError as error:
            if not args.skip_bad:
                raise at_line(line, error) from None
            skipped += 1
    if args.json:
        print_json({"model": model_name(bert), "sentences": [as_json(*one) for one in found], "skipped": skipped})
        return
    for text, masks in found:
        if args.file is not None:
            print(printable(text))
        blocks = ["\n".join(f"{likely:6.3f}  {printable(token)}" for token, likely in words) for words in masks]
        print("\n\n".join(blocks))
    if args.skip_bad:
        print(left_out(skipped))


def as_json(text: str, masks: list[list[tuple[str, float]]]) -> dict:
    """Of each mask, its words, likeliest first."""
    return {"text": text, "masks": [[{"token": token, "probability": rounded(p)} for token, p in m] for m in masks]}

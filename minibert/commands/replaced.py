"""`minibert replaced`: which tokens a discriminator, as ELECTRA's are, takes for replaced."""

import argparse

from minibert.commands.arguments import add_json, add_model, add_text, check_source
from minibert.commands.output import print_json
from minibert.corpus.sentences import Sentences
from minibert.errors import UserError
from minibert.model import load
from minibert.terminal import columns, model_name, padded, rounded, text_line
from minibert.whatif.replaced import replaced


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Prints the probability of each token to be no original. A model that can say so is an ELECTRA with its "
        "discriminator, such as google/electra-small-discriminator; the bundled ones cannot."
    )
    add_text(parser)
    add_model(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """One line per token; those that are more likely replaced than not say so."""
    check_source(args, [] if args.text is None else [args.text])
    if args.text is None and args.file is None:
        raise UserError("TEXT is missing; expected a sentence, such as 'The chef ate the meal.'")
    bert = load(args.model)
    sentences = Sentences(bert, [args.text], args.file, args.skip_bad, args.column)
    found = []
    for encoding in sentences:
        rows = list(zip(encoding.tokens, replaced(bert, encoding).tolist(), encoding.words, strict=True))
        tokens = [{"token": token, "replaced": rounded(probability)} for token, probability, _ in rows]
        found.append({"text": text_line(encoding.text), "tokens": tokens})
        if not args.json:
            if args.file is not None:
                print(text_line(encoding.text))
            width = max(columns(token) for token, _, _ in rows)
            for token, probability, word in rows:
                mark = "replaced" if probability > 0.5 and word is not None else ""  # [CLS] and [SEP] are no words
                print(f"{probability:6.3f}  {padded(token, width)}  {mark}".rstrip())
    if args.json:
        print_json({"model": model_name(bert), "sentences": found, "skipped": sentences.skipped})
    elif args.skip_bad:
        print(sentences.left_out)

"""The command `minibert read`: the chapters' source and, at each line, the arrays it made of a sentence."""

import argparse

from minibert.commands import arguments as arg
from minibert.commands.output import address_of, check_page, print_doubts, write_page
from minibert.corpus.doubts import Doubts
from minibert.corpus.lines import Corpus
from minibert.corpus.sentences import Sentences
from minibert.model import load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    text = arg.with_default(arg.PAIR_HELP, arg.DEFAULT_TEXT)
    parser.add_argument("text", metavar="TEXT", nargs="?", default=arg.DEFAULT_TEXT, help=text)
    arg.add_model(parser)
    arg.add_page(parser, "read.html")
    link = "a page of `minibert explore` to link to, relative to --out (default: explorer.html, if it exists)"
    arg.option(parser, "--explorer", str, "FILE", link)
    arg.add_exercises(parser)


def run(args: argparse.Namespace) -> None:
    """Write the page; print its name, its size, and what is not in it."""
    out = check_page(args.out, "read.html")
    text = arg.one_text(args.text)
    explorer = address_of(args.explorer, out, "explorer.html")
    from minibert.read.build import read

    bert, own = load(args.model), None
    if args.exercises is not None:
        from minibert.exercises.own import assemble

        own = assemble(args.exercises, bert.name)
    (encoding,) = Sentences(bert, Corpus([text]))
    print_doubts(Doubts(bert).look([encoding]))
    page = read(bert, encoding, explorer=explorer, own=own)
    write_page(page, out, list(filter(None, (page.left_out, page.student))), show=args.open)

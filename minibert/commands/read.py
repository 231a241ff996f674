"""The command `minibert read`: the chapters' source and, at each line, the arrays it made of a sentence."""

import argparse
import webbrowser
from pathlib import Path

from minibert.commands.arguments import DEFAULT_TEXT, PAIR_HELP, add_model, new_path
from minibert.commands.output import check_page
from minibert.corpus.sentences import Sentences
from minibert.model import load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "text",
        metavar="TEXT",
        nargs="?",
        default=DEFAULT_TEXT,
        help=f"{PAIR_HELP} (default: {DEFAULT_TEXT})",
    )
    add_model(parser)
    parser.add_argument(
        "--out", type=new_path, default=Path("read.html"), help="the page, or a folder for it (default: read.html)"
    )
    parser.add_argument(
        "--explorer",
        metavar="FILE",
        help="a page of `minibert explore` to link to, relative to --out (default: explorer.html, if it exists)",
    )
    parser.add_argument(
        "--exercises", type=Path, metavar="DIR", help="run your own functions in place of the library's"
    )
    parser.add_argument("--open", action="store_true", help="open the page in the browser")


def run(args: argparse.Namespace) -> None:
    """Write the page; print its name, its size, and what is not in it."""
    out = check_page(args.out, "read.html")
    explorer = args.explorer
    if explorer is None:
        explorer = "explorer.html" if (out.parent / "explorer.html").is_file() else ""
    from minibert.read.build import read

    bert = load(args.model)
    page = read(bert, next(iter(Sentences(bert, [args.text]))), explorer=explorer, exercises=args.exercises)
    page.save(out)
    print(f"{out}  {out.stat().st_size / 1e6:.1f} MB: open it in any browser, with or without a network")
    for line in filter(None, (page.left_out, page.student)):
        print(line)
    if args.open:
        webbrowser.open(out.resolve().as_uri())

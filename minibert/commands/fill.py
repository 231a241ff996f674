"""`minibert fill`: what the model would write in the place of each [MASK]."""

import argparse

from minibert.commands.arguments import add_model
from minibert.model import load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", metavar="TEXT", help='a text with [MASK] in it: "The capybara is [MASK]."')
    add_model(parser)
    parser.add_argument("--top", type=int, default=5, help="how many words to suggest per mask (default: 5)")


def run(args: argparse.Namespace) -> None:
    for number, suggestions in enumerate(load(args.model).fill_mask(args.text, top=args.top)):
        if number:
            print()
        for token, probability in suggestions:
            print(f"{probability:6.3f}  {token}")

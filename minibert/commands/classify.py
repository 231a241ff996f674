"""`minibert classify`: what a fine-tuned classifier makes of a text."""

import argparse

from minibert.commands.arguments import add_model
from minibert.model import load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", metavar="TEXT", help="a sentence")
    add_model(parser, default="tiny-sentiment")


def run(args: argparse.Namespace) -> None:
    for label, probability in load(args.model).classify(args.text):
        print(f"{probability:6.3f}  {label}")

"""`minibert download`: fetch a model from the hub once, to work without a network from then on."""

import argparse
import os

from minibert.commands.arguments import new_path, not_empty, option
from minibert.errors import UserError
from minibert.files import check_writable
from minibert.hub import find as hub
from minibert.model import load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=not_empty, metavar="MODEL", help="a hub id such as google-bert/bert-base-uncased")
    parser.add_argument("--revision", metavar="NAME", help="a branch, tag or commit of it (default: main)")
    option(parser, "--to", new_path, "FOLDER", "also make this folder, to carry to another computer")


def run(args: argparse.Namespace) -> None:
    """Fetch, load as a trial, then copy."""
    if args.to:
        if args.to.exists():
            raise UserError(f"--to {args.to} is there already; name a folder that is not, or remove it")
        check_writable(args.to, "--to")
    folder = hub.download(args.model, args.revision)
    load(folder)
    if args.to:
        hub.copy_model(folder, args.to)
    name = args.model
    if args.to:  # with a separator, since a bare name may be that of a bundled model
        name = args.to if len(args.to.parts) > 1 else f".{os.sep}{args.to}"
    print(f"--model {name} now works without a network")

"""`minibert models`: the models that are here, bundled or cached from the hub."""

import argparse

from minibert.commands.arguments import add_json
from minibert.commands.output import print_json
from minibert.hub import find as hub


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """One line per model."""
    found = list(hub.list_models())
    if args.json:
        print_json([{"where": where, "name": name, "bytes": size, "note": note} for where, name, size, note in found])
        return
    for where, name, size, note in found:
        print(f"{where:8} {size / 1e6:8.1f} MB  {name}{note and f'  ({note})'}")

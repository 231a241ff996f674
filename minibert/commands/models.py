"""`minibert models`: the models that are here, bundled or cached from the hub."""

import argparse

from minibert.checkpoint import hub


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It takes none."""


def run(args: argparse.Namespace) -> None:
    for where, name, size, note in hub.list_models():
        print(f"{where:8} {size / 1e6:8.1f} MB  {name}{note and f'  ({note})'}")

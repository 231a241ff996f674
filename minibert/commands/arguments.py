"""Arguments that several commands share."""

import argparse
from pathlib import Path

DEFAULT_TEXT = "The brown capybara is sleeping now."


def add_model(parser: argparse.ArgumentParser, default: str = "tiny") -> None:
    parser.add_argument("--model", default=default, help=f"bundled name, folder or hub id (default: {default})")


def add_source(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    group = parser.add_argument_group("many sentences")
    group.add_argument("--file", type=Path, help="a text file, one sentence a line")
    group.add_argument("--skip-bad", action="store_true", help="leave out lines that cannot be used, and count them")
    group.add_argument("--points", type=int, default=1000, help="tokens sampled to fit and to draw (default: 1000)")
    group.add_argument("--seed", type=int, default=0, help="of what is drawn at random (default: 0)")
    return group


def add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for what is written (default: out)")
    parser.add_argument("--format", choices=("png", "svg", "pdf"), default="png", help="of the pictures (default: png)")

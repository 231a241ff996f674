"""Arguments that several commands share, so that each means the same everywhere."""

import argparse
import math
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from minibert.checkpoint.config import BertConfig
from minibert.corpus.scan import DEFAULT_POINTS
from minibert.errors import UserError
from minibert.terminal import counted, note

DEFAULT_TEXT = "The brown capybara is sleeping now."
Group = argparse._ActionsContainer
"""A parser, or a group of its options."""
Kind = Callable[[str], Any]
"""What reads the value of an option."""

MODEL_HELP = "bundled name, folder or hub id"
PAIR_HELP = "a sentence, or a pair: 'first ||| second'; - is standard input"


def option(group: Group, name: str, kind: Kind, metavar: str, help: str, default: object = None) -> None:
    """An option with a value, which `kind` reads. The help text ends with the default, if there is one."""
    group.add_argument(name, type=kind, metavar=metavar, default=default, help=with_default(help, default))


def choice(group: Group, name: str, choices: Sequence[str], help: str, default: str | None = None) -> None:
    """An option whose value is one of some words."""
    group.add_argument(name, choices=choices, default=default, help=with_default(help, default))


def with_default(help: str, default: object) -> str:
    return help if default is None else f"{help} (default: {default})"


def add_model(parser: argparse.ArgumentParser, default: str = "tiny") -> None:
    option(parser, "--model", not_empty, "MODEL", MODEL_HELP, default)


def add_text(parser: argparse.ArgumentParser, default: str | None = None, help: str = PAIR_HELP) -> None:
    """One TEXT, or many in a file."""
    parser.add_argument("text", metavar="TEXT", nargs="?", help=with_default(help, default))
    add_file(parser)


def add_pair(parser: argparse.ArgumentParser) -> None:
    option(parser, "--pair", sentence, "TEXT", "a second sentence: the same as 'first ||| second'")


def add_texts(parser: argparse.ArgumentParser, default: str) -> None:
    """TEXT ...; `add_file` or `add_source` adds what reads many."""
    parser.add_argument("texts", metavar="TEXT", nargs="*", default=[], help=with_default(PAIR_HELP, default))


def add_file(parser: Group) -> None:
    files = (
        "read the texts from a file, a folder or a pattern in quotes ('books/*.txt'), one sentence or pair per "
        "line; .txt, .jsonl, .csv, .tsv (also with .gz), .parquet; - is standard input"
    )
    option(parser, "--file", path, "FILE", files)
    columns = "the column with the text in .jsonl, .json, .csv, .tsv and .parquet (default: text)"
    option(parser, "--column", not_empty, "NAME", columns)
    parser.add_argument("--skip-bad", action="store_true", help="leave out lines that cannot be used, and count them")


def add_source(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """A file, and how much of it is fitted and drawn."""
    group = parser.add_argument_group("many sentences")
    add_file(group)
    points = f"how many tokens of the file are fitted and drawn (default: {DEFAULT_POINTS})"
    option(group, "--points", at_least(1), "N", points)
    option(group, "--seed", at_least(0), "N", "the seed of all random choices (default: 0)")
    return group


def add_cluster(group: argparse._ArgumentGroup) -> None:
    either = group.add_mutually_exclusive_group()
    processes = "share the work among N processes of this machine (needs Dask)"
    option(either, "--workers", at_least(1), "N", processes)
    option(either, "--scheduler", not_empty, "URL", "share it among the workers of a Dask cluster: tcp://host:8786")


def add_output(parser: argparse.ArgumentParser, default: str) -> None:
    option(parser, "--out", new_path, "FOLDER", f"the folder to write into (default: {default})")
    width = "the width of the printed pictures (default: 7, as wide as a page)"
    parser.add_argument("--width", type=at_least(2, float, most=20), metavar="INCHES", default=7.0, help=width)
    choice(parser, "--format", ("png", "svg", "pdf"), "picture format", "png")


def add_heads(parser: argparse.ArgumentParser, default: str) -> None:
    some = "one, several (1,3 or 1-3) or all"
    option(parser, "--layer", numbers, "L", f"layers: {some} (default: {default})")
    option(parser, "--head", numbers, "H", f"heads: {some} (default: as --layer)")


def add_page(parser: argparse.ArgumentParser, name: str) -> None:
    """The page that a command writes."""
    page = f"the page, or a folder for it (default: {name})"
    parser.add_argument("--out", type=new_path, default=Path(name), help=page)
    parser.add_argument("--open", action="store_true", help="open the page in the browser")


def add_exercises(parser: argparse.ArgumentParser) -> None:
    option(parser, "--exercises", Path, "DIR", "run your own functions in place of the library's")


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


# --- what an argument may be: these raise what argparse turns into one line ----------------------------------------


def not_empty(text: str, what: str = "a name") -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError(f"is empty; expected {what}")
    return text


def sentence(text: str) -> str:
    return not_empty(text, "a sentence")


def path(text: str) -> Path:
    """A path; ~ is the home folder, also after an =, where a shell does not replace it."""
    return Path(os.path.expanduser(not_empty(text)))


def new_path(text: str) -> Path:
    """The path of a file or folder to write."""
    if text == "-":
        raise argparse.ArgumentTypeError("is -; expected a name: files are not written to standard output")
    return path(text)


def at_least(least: float, kind: type = int, most: float = math.inf) -> Callable[[str], float]:
    """The type of a number from `least` to `most`."""
    what = "a whole number" if kind is int else "a number"
    which = f"{least:g} or more" if most == math.inf else f"{least:g} to {most:g}"

    def number(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"is {text!r}; expected {what}, {which}") from None
        if not least <= value <= most or value == math.inf:
            raise argparse.ArgumentTypeError(f"is {text}; expected {which}")
        return value

    return number


def numbers(text: str) -> str:
    """Layers or heads as typed; `choose` turns them into numbers once the model is loaded."""
    if text != "all" and not re.fullmatch(r"-?\d+(-\d+)?(,\d+(-\d+)?)*", text):
        raise argparse.ArgumentTypeError(f"is {text!r}; expected a number, several (1,3 or 1-3) or all")
    return text


def heads(text: str) -> list[tuple[int, int]]:
    """Heads, written LAYER.HEAD, with commas between."""
    if not re.fullmatch(r"\d+\.\d+(,\d+\.\d+)*", text):
        raise argparse.ArgumentTypeError(f"is {text!r}; expected heads as LAYER.HEAD, with commas between: 1.2,3.0")
    return [(int(layer), int(head)) for layer, head in (part.split(".") for part in text.split(","))]


def choose(args: argparse.Namespace, config: BertConfig) -> tuple[list[int], list[int]]:
    """The layers and the heads that --layer and --head choose."""
    layers = chosen("layer", args.layer, config.num_hidden_layers)
    return layers, chosen("head", args.head, config.num_attention_heads)


def chosen(kind: str, wish: str | None, count: int) -> list[int]:
    """The numbers of the layers or heads, out of `count`; None and "all" stand for all of them."""
    if wish is None or wish == "all":
        return list(range(count))
    found: set[int] = set()
    for part in wish.split(","):
        first, _, last = part.rpartition("-") if "-" in part[1:] else (part, "", part)
        low, high = int(first), int(last)
        if low > high:
            raise UserError(f"--{kind} is {wish}; {part} runs backwards: write {high}-{low}")
        if not (low >= 0 and high < count):
            raise UserError(f"--{kind} is {wish}; this model has {kind}s 0 to {count - 1}, or all")
        found |= set(range(low, high + 1))
    return sorted(found)


def source(args: argparse.Namespace) -> dict[str, Any]:
    """The file, what is drawn from it, and who works on it: arguments of `survey` and `compare`."""
    names = ("file", "column", "skip_bad", "workers", "scheduler")
    options = {"points": args.points or DEFAULT_POINTS, "seed": args.seed or 0}
    return {name: getattr(args, name) for name in names} | options


def refuse(args: argparse.Namespace, options: str, why: str) -> None:
    """Raises UserError where one of these options was given; `why` says when it has no effect."""
    for option in given(args, options):
        raise UserError(f"--{option} has no effect {why}; leave it out")


def given(args: argparse.Namespace, options: str) -> dict[str, object]:
    """The options that were given, with their values: those that differ from their defaults."""
    values = {option: getattr(args, option.replace("-", "_")) for option in options.split()}
    return {o: value for o, value in values.items() if value != args.parser.get_default(o.replace("-", "_"))}


def check_source(args: argparse.Namespace, texts: list[str], without_file: str = "") -> None:
    """Raises UserError for texts beside a file, or for options of a file without one. A text - is --file -."""
    if texts == ["-"] and args.file is None:
        args.file = Path(texts.pop())
    if len(texts) > 1 and not any(" " in text for text in texts) and all(text.isascii() for text in texts):
        note(f"these are {len(texts)} texts of one word each; a text with spaces needs quotation marks around it")
    if args.file is None:
        refuse(args, f"skip-bad column {without_file}", "without --file")
    elif texts and all(map(os.path.isfile, texts)):
        several = "with more files after it; put a pattern in quotes: --file 'books/*.txt'"
        raise UserError(f"--file is {args.file}, {several}")
    elif texts:
        raise UserError("sentences come either as TEXT or by --file, not both; leave one out")
    else:
        check_file(args.file)
        if args.column is not None:
            from minibert.corpus.lines import WITH_COLUMNS, files_of, kind_of  # only needed here

            if all(kind_of(file) not in WITH_COLUMNS for file in files_of(args.file)):
                refuse(args, "column", f"on {args.file}: lines of text have no columns")


def one_text(text: str) -> str:
    """The text; for "-" the one sentence in standard input. Raises UserError where there are several, or none."""
    if text != "-":
        return text
    from minibert.corpus.lines import Corpus  # only needed here

    check_file(Path(text))
    found = list(Corpus(path=Path(text)))
    if len(found) != 1 or found[0].fault:
        what = found[0].fault if len(found) == 1 else f"it has {counted(len(found), 'sentence')}"
        raise UserError(f"standard input: {what}; expected one sentence")
    return found[0].text


def check_file(path: Path) -> None:
    """Raises UserError where the file cannot be read; before a model is loaded."""
    if str(path) == "-":
        if sys.stdin is None or sys.stdin.isatty():
            raise UserError("- is standard input, and nothing comes in there; pipe sentences into minibert")
        return
    from minibert.corpus.lines import files_of  # only needed here

    try:
        for file in files_of(path):
            if not file.exists():
                raise UserError(f"--file {path} is not there; expected a text file with one sentence per line")
            if file.is_file():
                file.open("rb").close()
    except OSError as error:
        raise UserError(f"--file {path} cannot be read ({error.strerror}); expected a text file") from None

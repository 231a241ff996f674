"""The command line: what can be typed, and what is said where it is not understood.

Of the commands only the one that was asked for is imported: `minibert --help` is there at once.
"""

import argparse
import os
import re
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from minibert import __version__
from minibert.errors import UserError
from minibert.terminal import suggest

COMMANDS = {  # each has a module of its name beside this one
    "viz": "draw queries and keys in one space, and dot products",
    "attention": "print who attends to whom",
    "fill": "fill the [MASK]s of a text",
    "whatif": "switch every head off in turn, and show which of them the answer needs",
    "embed": "turn texts into vectors, and compare them",
    "classify": "say what a fine-tuned classifier makes of a text",
    "replaced": "say which tokens an ELECTRA takes for replaced",
    "compare": "show what fine-tuning moved, head by head",
    "explore": "write a page to explore in a browser",
    "read": "write a page of the code that runs, with a sentence's arrays beside every line",
    "exercises": "build BERT's attention piece by piece, and have it checked",
    "info": "print a model's configuration, tensors, parameters and size",
    "models": "list the models that are here: bundled, and cached from the hub",
    "download": "fetch a model from the hub, once, to work without a network",
}

OPTIONS = ("-h", "--help", "-V", "--version")

EPILOG = """
Start with one of these; nothing needs a network:

  minibert viz                                  draw queries and keys, in out/
  minibert attention "The cat sat on the mat."  who attends to whom
  minibert fill "The cat sat on the [MASK]."    what the model would write
  minibert exercises list                       build all of it yourself

MODEL is a bundled model (tiny, tiny-sentiment), a folder, or an id on the hub such as
google-bert/bert-base-uncased. Layers and heads count from 0. `minibert COMMAND --help` says more.
"""


class Parser(argparse.ArgumentParser):
    """argparse, but what is wrong is said in one line, and long options are not guessed from their first letters."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, allow_abbrev=False, formatter_class=Paragraphs, **kwargs)
        self.set_defaults(parser=self)

    def error(self, message: str) -> NoReturn:
        message = in_plain_words(message)
        raise UserError(message if message.endswith("?") else f"{message}; see `{self.prog} --help`")


class Paragraphs(argparse.HelpFormatter):
    """Paragraphs are wrapped at the width of the terminal; indented ones are examples."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        fill = super()._fill_text
        parts = text.strip("\n").split("\n\n")
        return "\n\n".join(
            examples(part, width) if "\n  " in f"\n{part}" else fill(part, width, indent) for part in parts
        )


def examples(text: str, width: int) -> str:
    """Lines of a command and what it does: the second below the first where both do not fit. Commands stay whole."""
    lines = []
    for line in text.split("\n"):
        both = re.fullmatch(r"(\s*\S.*?)\s{2,}(\S.*)", line)
        lines += [both[1], f"      {both[2]}"] if both and len(line) > width else [line]
    return "\n".join(lines)


def build_parser(command: str | None = None) -> Parser:
    """The parser of all commands. Only `command` gets its arguments, since the others need not be imported for it."""
    parser = Parser(
        prog="minibert",
        description="BERT in plain NumPy: look at every query, key, score and attention weight.",
        epilog=EPILOG,
    )
    parser.add_argument("-V", "--version", action="version", version=f"minibert {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, help in COMMANDS.items():
        sub = commands.add_parser(name, help=help, description=help[0].upper() + help[1:] + ".")
        if name == command:
            import_module("datetime")  # NumPy imports it from C, and takes a Ctrl-C meanwhile for a fault in itself
            module = import_module(f"minibert.commands.{name}")
            sub.set_defaults(run=module.run)
            module.add_arguments(sub)
    return parser


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """What was typed. ValueError where it is not understood, which says what may have been meant."""
    command, *rest = arguments or ["--help"]
    if command == "help":
        command, *rest = [*rest[:1], "--help"]
    if not command.startswith("-") and command not in COMMANDS:
        hint = (
            f"a text comes after a command: minibert attention {command!r}"
            if " " in command
            else "see `minibert --help`"
        )
        raise UserError(f"there is no command {command!r}; {suggest(command, COMMANDS) or hint}")
    if command.startswith("-") and command not in OPTIONS:
        hint = (
            suggest(command, OPTIONS, cutoff=0.8)
            or f"the command comes first, its options after it: minibert COMMAND {command}"
        )
        raise UserError(f"minibert has no option {command} of its own; {hint}")
    args, unknown = build_parser(command).parse_known_args([command, *rest])
    if unknown:
        args.parser.error(not_understood(unknown[0], args.parser))
    return args


def in_plain_words(message: str) -> str:
    """argparse's message, said as the rest of this program says such things."""
    for pattern, words in (
        (r"argument (?:-\w/)?(\S+): expected (?:one|at least one) argument", r"\1 needs a value after it"),
        (r"argument (\S+): invalid int value: '(.*)'", r"\1 is \2; expected a whole number"),
        (r"argument (\S+): invalid float value: '(.*)'", r"\1 is \2; expected a number"),
        (r"argument (\S+): not allowed with argument (\S+)", r"\1 and \2 exclude each other"),
        (r"argument -h/--help: ignored explicit argument .*", "options have two hyphens, or one and one letter"),
        (r"argument (\S+): ignored explicit argument .*", r"\1 takes no value"),
        (r"the following arguments are required: (.*)", r"\1 is missing"),
        (r"argument (\S+): (?!invalid choice)(.*)", r"\1 \2"),
    ):
        message = re.sub(f"^{pattern}$", words, message)
    if choice := re.match(r"argument (\S+): invalid choice: '?(.*?)'? \(choose from (.*?)\)", message):
        name, value, choices = choice[1], choice[2], choice[3].replace("'", "")
        meant = suggest(value, choices.split(", "))
        message = f"{name} is {value}; {meant or f'expected one of {choices}'}"
    return message


def not_understood(argument: str, parser: Parser) -> str:
    """What to say of an argument that nothing takes."""
    plain = [action.metavar for action in parser._actions if not action.option_strings]
    if not argument.startswith("-"):
        if os.path.isfile(argument) and "--file" in parser._option_string_actions:
            return f"{argument!r} is one file too many; put a pattern in quotes: --file 'books/*.txt'"
        hint = "; a text with spaces needs quotation marks around it" if "TEXT" in plain else ""
        return f"{argument!r} is one argument too many{hint}"
    name = argument.partition("=")[0]
    said = f"there is no option {name}"
    if name.lstrip("-").upper() in plain:
        return f"{said}; {name.lstrip('-').upper()} is given without it"
    known = [option for option in parser._option_string_actions if option not in OPTIONS]
    if meant := suggest(name, known):
        return f"{said}; {meant}"
    return said if re.fullmatch(r"--?[a-z][a-z-]*", name) else f"{said}; a text that begins with - comes after a --"

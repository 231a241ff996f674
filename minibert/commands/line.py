"""The command line: the commands, their parser, and its errors.

Only the command that runs is imported, so that `minibert --help` takes no time.
"""

import argparse
import os
import re
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

from minibert import __version__
from minibert.errors import UserError
from minibert.terminal import close_to, suggest

COMMANDS = {  # each has a module of its name beside this one
    "viz": "draw queries and keys in one space, and dot products",
    "attention": "print which tokens attend to which",
    "fill": "fill the [MASK]s of a text",
    "whatif": "switch every head off in turn, and show which heads the answer needs",
    "why": "explain a score: what wrote the query, and what wrote the key",
    "embed": "turn texts into vectors, and compare them",
    "classify": "print the labels that a fine-tuned classifier gives a text",
    "replaced": "print which tokens an ELECTRA takes for replaced",
    "compare": "show what fine-tuning moved, head by head",
    "explore": "write a page to explore in a browser",
    "read": "write a page of the code that runs, with a sentence's arrays beside every line",
    "exercises": "build BERT's attention piece by piece, and check it",
    "info": "print a model's configuration, tensors, parameters and size",
    "models": "list the bundled models and those in the cache of the hub",
    "download": "fetch a model from the hub, once, to work without a network",
}

OPTIONS = ("-h", "--help", "-V", "--version")

EPILOG = """
Start with one of these; nothing needs a network:

  minibert viz                                  draw queries and keys, in out/
  minibert attention "The cat sat on the mat."  print its attention
  minibert fill "The cat sat on the [MASK]."    print the likeliest words
  minibert exercises list                       build all of it yourself

MODEL is a bundled model (tiny, tiny-sentiment), a folder, or an id on the hub such as
google-bert/bert-base-uncased. Layers and heads count from 0. `minibert COMMAND --help` has more.

The exit status is 0 where all went well, 1 where `exercises check` found something not right yet, 2 where the input is
wrong, 70 for a fault of minibert, and 130 after Ctrl-C.
"""


REQUIRED = "the following arguments are required: "


class Parser(argparse.ArgumentParser):
    """An argparse parser whose errors are UserErrors, in one line; options are not guessed from their first letters."""

    def __init__(self, **options: Any):
        super().__init__(allow_abbrev=False, exit_on_error=False, formatter_class=Paragraphs, **options)
        self.set_defaults(parser=self)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """As argparse's, with options anywhere; the parser of a command words the errors in its own arguments."""
        try:
            return super().parse_known_args(args if self._subparsers else options_first(args, self), namespace)
        except argparse.ArgumentError as error:
            self.error(in_plain_words(error))

    def error(self, message: str) -> NoReturn:
        if message.startswith(REQUIRED):
            message = f"{message.removeprefix(REQUIRED)} is missing"
        raise UserError(message if message.endswith("?") else f"{message}; see `{self.prog} --help`")


def options_first(arguments: Sequence[str], parser: Parser) -> list[str]:
    """The same arguments, the options with their values before all others, and -- between.

    Where an option stands between others, argparse takes those that may be left out as left out before it.
    """

    def is_option(argument: str) -> bool:
        number = parser._negative_number_matcher.match(argument)
        return not number and bool(re.fullmatch(r"-[^\s=]+(=.*)?", argument, re.DOTALL))

    end = arguments.index("--") if "--" in arguments else len(arguments)
    rest = list(arguments[:end])
    options: list[str] = []
    others: list[str] = []
    while rest:
        argument = rest.pop(0)
        (options if is_option(argument) else others).append(argument)
        action = parser._option_string_actions.get(argument)
        if action is not None and action.nargs in (None, "?") and rest and not is_option(rest[0]):
            options.append(rest.pop(0))
    others += arguments[end + 1 :]
    return [*options, "--", *others] if others else options


class Paragraphs(argparse.HelpFormatter):
    """Wraps paragraphs at the width of the terminal; an indented paragraph is an example."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        fill = super()._fill_text
        parts = text.strip("\n").split("\n\n")
        return "\n\n".join(
            examples(part, width) if "\n  " in f"\n{part}" else fill(part, width, indent) for part in parts
        )


def examples(text: str, width: int) -> str:
    """Lines of a command and what it does; the second part stands below the first where both do not fit."""
    lines: list[str] = []
    for line in text.split("\n"):
        both = re.fullmatch(r"(\s*\S.*?)\s{2,}(\S.*)", line)
        lines += [both[1], f"      {both[2]}"] if both and len(line) > width else [line]
    return "\n".join(lines)


def build_parser(command: str | None = None) -> Parser:
    """The parser of all commands. Only `command` gets its arguments: the others are not imported."""
    description = "BERT in plain NumPy: look at every query, key, score and attention weight."
    parser = Parser(prog="minibert", description=description, epilog=EPILOG)
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
    """The arguments of a command. Raises UserError, with what may have been meant, where they are not understood."""
    command, *rest = arguments or ["--help"]
    if command == "help":
        command, *rest = [*rest[:1], "--help"]
    if not command.startswith("-") and command not in COMMANDS:
        text = f"a text comes after a command: minibert attention {command!r}"
        hint = text if " " in command else "see `minibert --help`"
        raise UserError(f"there is no command {command!r}; {suggest(command, COMMANDS) or hint}")
    if command.startswith("-") and command not in OPTIONS:
        order = f"the command comes first, its options after it: minibert COMMAND {command}"
        hint = suggest(command, OPTIONS, cutoff=0.8) or order
        raise UserError(f"minibert has no option {command} of its own; {hint}")
    args, unknown = build_parser(command).parse_known_args([command, *rest])
    for argument in unknown:
        if argument != "--":
            args.parser.error(not_understood(argument, args.parser))
    return args


def in_plain_words(error: argparse.ArgumentError) -> str:
    """argparse's error in the words of this program. Our own types (`arguments.py`) word theirs themselves."""
    name, message = (error.argument_name or "").rpartition("/")[2], error.message or ""
    fault, _, value = message.partition(": ")
    match fault.split():
        case ["expected", *_]:
            return f"{name} needs a value after it"
        case ["not", "allowed", "with", "argument", other]:
            return f"{name} and {other.rpartition('/')[2]} exclude each other"
        case ["ignored", "explicit", *_]:
            return "options have two hyphens, or one and one letter" if name == "--help" else f"{name} takes no value"
        case ["invalid", "choice"]:
            wrong, _, known = value.replace("'", "").removesuffix(")").partition(" (choose from ")
            return f"{name} is {wrong}; {suggest(wrong, known.split(', ')) or f'expected one of {known}'}"
        case ["invalid", kind, "value"]:
            return f"{name} is {value[1:-1]}; expected {'a whole number' if kind == 'int' else 'a number'}"
    return f"{name} {message}".strip()


def not_understood(argument: str, parser: Parser) -> str:
    """The message for an argument that nothing takes."""
    plain = [action.metavar for action in parser._actions if not action.option_strings]
    if not argument.startswith("-"):
        if os.path.isfile(argument) and "--file" in parser._option_string_actions:
            return f"{argument!r} is one file too many; put a pattern in quotes: --file 'books/*.txt'"
        in_marks = "TEXT" not in plain or " " in argument
        hint = "" if in_marks else "; a text with spaces needs quotation marks around it"
        return f"{argument!r} is one argument too many{hint}"
    name = argument.partition("=")[0]
    if name in parser._option_string_actions:
        return f"{name} stands after --, where options are texts; put it before --"
    said = f"there is no option {name}"
    if name.lstrip("-").upper() in plain:
        return f"{said}; {name.lstrip('-').upper()} is given without it"
    known = {option.lstrip("-"): option for option in parser._option_string_actions if option not in OPTIONS}
    if meant := close_to(name.lstrip("-"), known, cutoff=0.7):  # --without is not --width
        return f"{said}; did you mean {known[meant]}?"
    return said if re.fullmatch(r"--?[a-z][a-z-]*", name) else f"{said}; a text that begins with - comes after a --"

"""The command `minibert exercises`: a course in which you build BERT's attention piece by piece.

Read on in this order: exercise (what one is), draw (inputs), course/ (all of them), judge (what is wrong, and where),
transport, worker and runner (running a student's code safely apart), command. The teacher's page is README.md.
Importing this file is cheap; everything else is imported when a command runs.
"""

import argparse
from pathlib import Path

HERE = Path(__file__).parent


def sentences() -> list[str]:
    """The sentences over which the investigations measure."""
    return (HERE / "sentences.txt").read_text(encoding="utf-8").splitlines()


def blanks() -> list[tuple[str, str]]:
    """Sentences with one [MASK] each, and the word that stood there."""
    lines = (HERE / "blanks.txt").read_text(encoding="utf-8").splitlines()
    return [tuple(line.split("\t")) for line in lines]


def add_exercises_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions of `minibert exercises`, and their options."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action", required=True)

    def action(name: str, help: str) -> argparse.ArgumentParser:
        return actions.add_parser(name, help=help, description=help[0].upper() + help[1:] + ".")

    sub = action("list", "name the exercises; with DIR, say which are done")
    sub.add_argument("folder", metavar="DIR", nargs="?", help="your folder")

    sub = action("start", "put the exercises into DIR; files that are there already are left alone")
    sub.add_argument("folder", metavar="DIR", help="your folder; made if it is not there")

    sub = action("check", "say what is right, and what is wrong and where")
    sub.add_argument("folder", metavar="DIR", help="your folder")
    sub.add_argument("name", metavar="NAME", nargs="?", help="one exercise, by name or number (default: all)")
    how = sub.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="print a report for programs (see the teacher's page)")
    how.add_argument("--watch", action="store_true", help="check again whenever a file is saved; stop with Ctrl-C")
    sub.add_argument("--seed", type=int, default=0, help="draw other inputs (default: 0)")
    sub.add_argument("--time-limit", type=float, default=5.0, metavar="SECONDS", help="for each exercise (default: 5)")

    sub = action("hint", "give a hint")
    sub.add_argument("name", metavar="NAME", help="the exercise, by name or number")
    sub.add_argument("--more", action="store_true", help="almost the solution")

    sub = action("show", "print the library's own function, if you want to give up")
    sub.add_argument("name", metavar="NAME", help="the exercise, by name or number")
    sub.add_argument("--yes", action="store_true", help="do not ask")


def run_exercises(args: argparse.Namespace) -> None:
    """Run one action; `check` ends with exit status 1 unless all it checked is right."""
    from minibert.exercises import command

    command.run(args)

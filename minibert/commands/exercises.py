"""`minibert exercises`: the course, from the shell. What its actions do stands in `minibert/exercises/actions.py`."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
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


def run(args: argparse.Namespace) -> None:
    """Run one action; `check` ends with exit status 1 unless all it checked is right."""
    from minibert.exercises import actions  # the course imports viz, and takes a moment

    actions.run(args)

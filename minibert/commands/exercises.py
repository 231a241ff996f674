"""`minibert exercises`: the course, from the shell. `exercises/front/command.py` runs its actions."""

import argparse
from typing import Any

from minibert.commands.arguments import at_least, new_path, one_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions of `minibert exercises`, and their options."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action", required=True)

    def action(name: str, help: str, *also: str) -> argparse.ArgumentParser:
        made = actions.add_parser(name, help=help, description=help[0].upper() + help[1:] + ".", aliases=also)
        made.set_defaults(action=name)
        made.add_argument("--language", choices=("en", "ja"), help="English or Japanese (default: as the folder began)")
        return made

    def add_folder(parser: argparse.ArgumentParser, **options: Any) -> None:
        parser.add_argument("folder", metavar="DIR", **options)

    def add_limits(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--seed", type=at_least(0), default=0, metavar="N", help="draw other inputs (default: 0)")
        limit = at_least(0.01, float, most=100_000)
        parser.add_argument(
            "--time-limit", type=limit, default=5.0, metavar="SECONDS", help="for each exercise (default: 5)"
        )

    def add_word(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--word", help="the word of a teacher who has locked the solutions")

    sub = action("list", "list the exercises; with DIR, show which are done", "status")
    add_folder(sub, nargs="?", help="your folder")

    sub = action("start", "put the exercises into DIR; files that are there already stay as they are")
    add_folder(sub, help="your folder; the command makes it if it is not there")
    sub.add_argument("names", metavar="NAME", nargs="*", help="only these exercises, by name or number (default: all)")
    sub.add_argument("--notebook", action="store_true", help="as one Jupyter notebook")
    sub.add_argument("--lock", metavar="WORD", help="for teachers: `show` and `hint --more` need this word")

    sub = action("reset", "put an exercise back as it was handed out, and keep what you wrote beside it")
    add_folder(sub, help="your folder")
    sub.add_argument("name", metavar="NAME", help="the exercise, by name or number")

    sub = action("check", "check what you wrote: what is right, and what is wrong and where")
    add_folder(sub, help="your folder")
    sub.add_argument(
        "names", metavar="NAME", nargs="*", default=[], help="only these exercises, by name or number (default: all)"
    )
    how = sub.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="print a report for programs (see the teachers' page)")
    how.add_argument("--watch", action="store_true", help="check again whenever a file is saved, until Ctrl-C")
    sub.add_argument(
        "--html",
        type=new_path,
        metavar="FILE",
        help="write a page too, with pictures of expected and got",
    )
    add_limits(sub)

    sub = action("hint", "print a hint")
    add_folder(sub, nargs="?", help="your folder (default: this one, or the only one in it)")
    sub.add_argument("name", metavar="NAME", help="the exercise, by name or number")
    sub.add_argument("--more", action="store_true", help="almost the solution")
    add_word(sub)

    sub = action("show", "print a solution, and the code of the library")
    add_folder(sub, nargs="?", help="your folder (default: this one, or the only one in it)")
    sub.add_argument("name", metavar="NAME", help="the exercise, by name or number")
    sub.add_argument("--yes", action="store_true", help="without the question whether you give up")
    add_word(sub)

    sub = action("run", "run a BERT made of your own functions, and of the library's for the rest")
    add_folder(sub, help="your folder")
    sub.add_argument("text", metavar="TEXT", help='a text, perhaps with [MASK] in it: "The capybara is [MASK]."')
    sub.add_argument("--model", default="tiny", help="the weights: bundled name, folder or hub id (default: tiny)")
    add_limits(sub)

    sub = action("class", "for teachers: check the folders of a class, and list the most frequent mistakes")
    add_folder(sub, nargs="+", help="the students' folders, or one folder that contains them")
    sub.add_argument("--only", metavar="NAME,NAME", help="only these exercises (default: all that were handed out)")
    sub.add_argument("--weights", metavar="NAME=POINTS,...", help="points for an exercise (default: 1 for each)")
    sub.add_argument("--csv", type=new_path, metavar="FILE", help="write a table for a spreadsheet")
    sub.add_argument("--html", type=new_path, metavar="FILE", help="write one page: table, mistakes, every message")
    add_limits(sub)


def run(args: argparse.Namespace) -> None:
    """Run one action; `check` ends with exit status 1 unless all it checked is right."""
    from minibert.exercises.front import command  # only needed here: it imports viz

    if args.action == "run":
        args.text = one_text(args.text)
    command.run(args)

"""`check`: every report as it comes, as JSON or as a page; and `--watch`."""

import argparse
import ast
import html
import json
import math
import re
import sys
import time
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from minibert.errors import UserError
from minibert.exercises.course import EXERCISES
from minibert.exercises.course.exercise import Exercise
from minibert.exercises.front import progress
from minibert.exercises.front.cells import notebook_in
from minibert.exercises.front.saying import MARKS, PREDICTION, existing, quoted, say, write_whole
from minibert.exercises.judge.checker import Checker, find
from minibert.exercises.judge.report import Report
from minibert.exercises.language import t, tables
from minibert.speed.cores import one_thread

SCHEMA = 2
PRINTED_LINES = 20


def check(args: argparse.Namespace, notes: progress.Progress) -> None:
    folder = existing(args.folder)
    chosen = EXERCISES if args.name is None else (find(args.name),)
    check_numbers(args)
    if args.watch and notebook_in(folder):
        raise UserError("--watch looks at files; in a notebook, the last line of a cell checks it whenever it is run")
    if args.watch:
        watch(folder, chosen, args, notes)
        return
    with Checker(folder, args.seed, args.time_limit) as checker:
        if args.json:
            reports = [checker.check(exercise) for exercise in chosen]
            print(json.dumps(as_json(folder, args.seed, reports), indent=2))
        else:
            reports = print_reports(checker, started(checker.files, chosen), args.folder, notes)
    if args.html is not None:
        write_whole(args.html, as_page(reports))
        if not args.json:
            print(t("Written: {path}", path=quoted(args.html)))
    if any(report.status != "passed" for report in reports):
        sys.exit(1)


def check_numbers(args: argparse.Namespace) -> None:
    if args.seed < 0:
        raise UserError(f"--seed is {args.seed}; expected 0 or more")
    if not (math.isfinite(args.time_limit) and 0 < args.time_limit <= 100_000):
        raise UserError(f"--time-limit is {args.time_limit:g}; expected seconds, more than 0 and at most 100000")


def started(folder: Path, chosen: tuple[Exercise, ...]) -> tuple[Exercise, ...]:
    """Of all exercises those that are in the folder, where only some were handed out."""
    there = tuple(exercise for exercise in chosen if (folder / exercise.file).is_file())
    handed_out_whole = (folder / "test_exercises.py").is_file() or not there
    return chosen if len(chosen) == 1 or handed_out_whole else there


def as_json(folder: Path, seed: int, reports: list[Report]) -> dict:
    """The documented report; the fields of an exercise are those of `judge.Report`."""
    return {
        "schema": SCHEMA,
        "minibert": version("minibert"),
        "folder": str(folder),
        "seed": seed,
        "passed": sum(report.status == "passed" for report in reports),
        "total": len(reports),
        "exercises": [report.to_json() for report in reports],
    }


def print_reports(
    checker: Checker, chosen: Iterable[Exercise], folder: str, notes: progress.Progress, more: bool | None = None
) -> list[Report]:
    """Print each report as soon as it is there. One exercise on its own is told more about."""
    chosen, reports = list(chosen), []
    alone = len(chosen) == 1
    for exercise in chosen:
        report = checker.check(exercise)
        reports.append(report)
        print(f"{exercise.file[:2]}  {exercise.name:24} {t(MARKS[report.status])}", flush=True)
        half = report.status == "todo" and any(part["status"] == "passed" for part in report.parts)
        if report.status == "failed" or half or (alone and report.status != "passed"):
            say(report.message, "    ")
        if report.picture is not None:
            print_picture(report)
        if report.printed.strip() and (alone or report.status == "failed"):
            print_printed(report.printed)
        if report.status == "failed":
            say(t("A hint: minibert exercises hint {name}", name=exercise.name), "    ")
        if report.status == "passed":
            notes.note("right", exercise.name)
        else:
            notes.forget("right", exercise.name)
        if alone and report.status == "passed":
            predicted = prediction_in(checker.files / exercise.file)
            says = t("You predicted: {predicted}", predicted=predicted) if predicted else t("What did you predict?")
            say(says + ("\n" if predicted else " ") + answer_of(exercise), "    ")
            say(t("To compare with ours: minibert exercises show {name}", name=exercise.name), "    ")
            say_next(checker, folder, exercise, notes)
    if not alone:
        say_what_is_next(reports, folder, checker.notebook)
    return reports


def answer_of(exercise: Exercise) -> str:
    with one_thread():
        return t(exercise.answer) if isinstance(exercise.answer, str) else exercise.answer()


def prediction_in(path: Path) -> str:
    """What the student wrote below the question, on one line; "" if nothing."""
    try:
        text = ast.get_docstring(ast.parse(path.read_bytes())) or ""
    except (OSError, SyntaxError, ValueError):
        return ""
    for asked in (PREDICTION, tables()[PREDICTION]):
        _, found, written = text.partition(f"\n{asked}")
        if found:
            return " ".join(written.split())[:500]
    return ""


def say_what_is_next(reports: list[Report], folder: str, notebook: Path | None) -> None:
    left = [report for report in reports if report.status != "passed"]
    print("\n" + t("{done} of {count} are right", done=len(reports) - len(left), count=len(reports)), end="")
    if left:
        print(t("; next: {path}", path=place_of(left[0], folder, notebook)))
    else:
        print(t(". You have built it all."))
        print(t("Now run it: minibert exercises run {folder}", folder=quoted(folder)) + ' "The cat sat on the [MASK]."')
    if len(left) < len(reports):
        says = "What did you predict? The answer to a question: minibert exercises check {folder} NAME"
        print(t(says, folder=quoted(folder)))
    if any(report.status == "missing" for report in left):
        print(t("To put the missing files there: minibert exercises start {folder}", folder=quoted(folder)))


def print_picture(report: Report) -> None:
    from minibert.exercises.front.pictures import in_blocks

    for line in in_blocks(report.picture, getattr(sys.stdout, "encoding", None)):
        print(f"    {line}")


def print_printed(printed: str) -> None:
    lines = printed.strip("\n").splitlines()
    print("    " + t("It printed, on all inputs together:"))
    for line in lines[:PRINTED_LINES]:
        print(f"    | {line[:200]}")
    if len(lines) > PRINTED_LINES:
        print("    | " + t("... and {count} lines more", count=len(lines) - PRINTED_LINES))


def as_page(reports: list[Report]) -> str:
    """The reports as one HTML page, with pictures of what was expected and what came."""
    from minibert.exercises.front.pictures import in_colours, page

    pieces = []
    for report in reports:
        title = f"{report.file[:2]} {report.name}: {t(MARKS[report.status])}"
        pieces.append(f'<h2 class="{report.status}">{html.escape(title)}</h2>')
        if report.message:
            pieces.append(f"<pre>{html.escape(report.message)}</pre>")
        if report.picture is not None:
            pieces.append(in_colours(report.picture))
        if report.printed.strip():
            pieces.append(f"<pre>{html.escape(report.printed[:5000])}</pre>")
    right = sum(report.status == "passed" for report in reports)
    return page(t("{done} of {count} are right", done=right, count=len(reports)), "\n".join(pieces))


def watch(folder: Path, chosen: tuple[Exercise, ...], args: argparse.Namespace, notes: progress.Progress) -> None:
    """Check what was saved since the last look, until Ctrl-C. A saved helper file: the last exercise again."""
    seen: dict[str, int] = {}
    last: list[Exercise] = list(chosen) if len(chosen) == 1 else []
    print(t("Watching {folder}: save a file, and it is checked. Ctrl-C stops.", folder=args.folder), flush=True)
    files = {exercise.file: exercise for exercise in chosen}
    try:
        first = True
        while True:
            changed, helper = [], False
            for path in sorted(folder.glob("*.py")):
                try:
                    saved = path.stat().st_mtime_ns
                except OSError:  # some editors take the old file away before the new one is there
                    continue
                if seen.get(path.name, saved if first else None) != saved:
                    if path.name in files:
                        changed.append(files[path.name])
                    else:
                        helper = helper or not re.match(r"\d\d_", path.name)
                seen[path.name] = saved
            if first:
                changed = list(last)
            for exercise in changed or (last if helper else []):
                last = [exercise]
                with Checker(folder, args.seed, args.time_limit) as checker:
                    print_reports(checker, [exercise], args.folder, notes)
                    print(flush=True)
            first = False
            time.sleep(0.3)
    except KeyboardInterrupt:
        print("\n" + t("Stopped watching."))


def place_of(exercise: Exercise | Report, folder: str, notebook: Path | None) -> str:
    return (
        quoted(f"{folder}/{notebook.name}") + f" {exercise.name}" if notebook else quoted(f"{folder}/{exercise.file}")
    )


def say_next(checker: Checker, folder: str, done: Exercise, notes: progress.Progress) -> None:
    """The next exercise that is not right: the one after this, or the first that was left out."""
    left = [
        exercise
        for exercise in started(checker.files, EXERCISES)
        if exercise.name not in notes.right and exercise != done
    ]
    if left:
        later = [exercise for exercise in left if exercise.number > done.number]
        print("    " + t("Next: {path}", path=place_of((later or left)[0], folder, checker.notebook)))

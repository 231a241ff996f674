"""`check`: every report as it comes, as JSON or as a page; and `--watch`."""

import argparse
import ast
import html
import json
import re
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from minibert import __version__
from minibert.errors import UserError
from minibert.exercises.course import EXERCISES, find
from minibert.exercises.course.exercise import Exercise
from minibert.exercises.front import progress
from minibert.exercises.front.console import MARKS, PREDICTION, Console, existing, quoted, write_whole
from minibert.exercises.front.pictures import in_blocks, in_colors, page
from minibert.exercises.judge.cells import notebook_in
from minibert.exercises.judge.checker import Checker, started
from minibert.exercises.judge.report import Report
from minibert.exercises.text import LANGUAGES, Text, joined, t
from minibert.files import check_new_file
from minibert.speed.cores import one_thread

SCHEMA = 2
PRINTED_LINES = 20


def check(args: argparse.Namespace, notes: progress.Progress, out: Console) -> None:
    folder = existing(args.folder)
    chosen = tuple(dict.fromkeys(map(find, args.names))) or EXERCISES
    check_new_file(args.html, "--html")
    if args.watch and notebook_in(folder):
        raise UserError("--watch works only with files; in a notebook, each run of a cell checks what it defines")
    if args.watch:
        watch(folder, chosen, args, notes, out)
        return
    if not args.names:
        chosen = started(folder, chosen)
    with Checker(folder, args.seed, args.time_limit, out.language) as checker:
        if args.json:
            reports = [checker.check(exercise) for exercise in chosen]
            print(json.dumps(as_json(folder, args.seed, reports), indent=2))
        else:
            reports = print_reports(checker, chosen, args.folder, notes, out)
    if args.html is not None:
        write_whole(args.html, as_page(reports, out.language))
        if not args.json:
            out.print(t("Written: {path}", path=quoted(args.html)))
    if any(report.status != "passed" for report in reports):
        sys.exit(1)


def as_json(folder: Path, seed: int, reports: list[Report]) -> dict:
    """The documented report; the fields of an exercise are those of `Report`."""
    return {
        "schema": SCHEMA,
        "minibert": __version__,
        "folder": str(folder),
        "seed": seed,
        "passed": sum(report.status == "passed" for report in reports),
        "total": len(reports),
        "exercises": [report.to_json() for report in reports],
    }


def print_reports(
    checker: Checker, chosen: Iterable[Exercise], folder: str, notes: progress.Progress, out: Console
) -> list[Report]:
    """Print each report as soon as it is there, and what comes next."""
    chosen, reports = list(chosen), []
    alone = len(chosen) == 1
    for exercise in chosen:
        report = checker.check(exercise)
        reports.append(report)
        print_report(report, alone, out)
        if report.status == "passed":
            notes.note("right", exercise.name)
        else:
            notes.forget("right", exercise.name)
        if alone and report.status == "passed":
            print_answer(exercise, prediction_in(checker.files / exercise.file), out)
            print_next(checker, folder, exercise, notes, out)
    if not alone:
        print_what_is_next(reports, folder, checker, out)
    return reports


def print_report(report: Report, alone: bool, out: Console) -> None:
    """Print one report; `alone` if it is the only one, which adds what the file printed."""
    out.print(f"{report.file[:2]}  {report.name:24} {out.text(MARKS[report.status])}", flush=True)
    half = report.status == "todo" and any(part["status"] == "passed" for part in report.parts)
    if report.status == "failed" or half or (alone and report.status != "passed"):
        out.fold(report.message, "    ")
    if report.picture is not None:
        for line in in_blocks(report.picture, getattr(sys.stdout, "encoding", None), out.language):
            print(f"    {line}")
    if report.printed.strip() and (alone or report.status == "failed"):
        print_printed(report.printed, out)
    if report.status == "failed":
        out.fold(t("A hint: minibert exercises hint {name}", name=report.name), "    ")


def print_printed(printed: str, out: Console) -> None:
    lines = printed.strip("\n").splitlines()
    out.print(joined("", ["    ", t("Your file printed, on all inputs together:")]))
    for line in lines[:PRINTED_LINES]:
        print(f"    | {line[:200]}")
    if len(lines) > PRINTED_LINES:
        out.print(joined("", ["    | ", t("... and {count} lines more", count=len(lines) - PRINTED_LINES)]))


def print_answer(exercise: Exercise, predicted: str, out: Console) -> None:
    asked = t("You predicted: {predicted}", predicted=predicted) if predicted else t("What did you predict?")
    out.fold(joined("\n" if predicted else " ", [asked, answer_of(exercise)]), "    ")
    out.fold(t("To compare it with our solution: minibert exercises show {name}", name=exercise.name), "    ")


def answer_of(exercise: Exercise) -> Text:
    with one_thread():
        return t(exercise.answer) if isinstance(exercise.answer, str) else exercise.answer()


def prediction_in(path: Path) -> str:
    """What the student wrote below the question, on one line; "" if nothing."""
    try:
        text = ast.get_docstring(ast.parse(path.read_bytes())) or ""
    except (OSError, SyntaxError, ValueError):
        return ""
    for language in LANGUAGES:
        _, found, written = text.partition(f"\n{t(PREDICTION).to(language)}")
        if found:
            return " ".join(written.split())[:500]
    return ""


def print_what_is_next(reports: list[Report], folder: str, checker: Checker, out: Console) -> None:
    left = [report for report in reports if report.status != "passed"]
    out.print()
    out.print(t("{done} of {count} are right", done=len(reports) - len(left), count=len(reports)), end="")
    where = quoted(folder)
    if left:
        out.print(t("; next: {path}", path=place_of(left[0], folder, checker.notebook)))
    elif len(reports) < len(started(checker.folder, EXERCISES)):
        out.print(".")
    else:
        out.print(t(". You have written all of it."))
        out.print(t('Now run it: minibert exercises run {folder} "The cat sat on the [MASK]."', folder=where))
    if len(left) < len(reports):
        says = "What did you predict? This prints the answer to a question: minibert exercises check {folder} NAME"
        out.print(t(says, folder=where))
    if any(report.status == "missing" for report in left):
        out.print(t("This adds the missing files: minibert exercises start {folder}", folder=where))


def print_next(checker: Checker, folder: str, done: Exercise, notes: progress.Progress, out: Console) -> None:
    """The next exercise that is not right: the one after this, or the first that was left out."""
    there = started(checker.folder, EXERCISES)
    left = [exercise for exercise in there if exercise.name not in notes.right and exercise != done]
    if left:
        later = [exercise for exercise in left if exercise.number > done.number]
        path = place_of((later or left)[0], folder, checker.notebook)
        out.print(joined("", ["    ", t("Next: {path}", path=path)]))


def place_of(exercise: Exercise | Report, folder: str, notebook: Path | None) -> str:
    """Where an exercise is written: its file, or its notebook and its name."""
    if notebook is None:
        return quoted(f"{folder}/{exercise.file}")
    return quoted(f"{folder}/{notebook.name}") + f" {exercise.name}"


def as_page(reports: list[Report], language: str) -> str:
    """The reports as one HTML page, with pictures of what was expected and what came."""
    pieces = []
    for report in reports:
        title = f"{report.file[:2]} {report.name}: {MARKS[report.status].to(language)}"
        pieces.append(f'<h2 class="{report.status}">{html.escape(title)}</h2>')
        if report.message:
            pieces.append(f"<pre>{html.escape(report.message)}</pre>")
        if report.picture is not None:
            pieces.append(in_colors(report.picture, language))
        if report.printed.strip():
            pieces.append(f"<pre>{html.escape(report.printed[:5000])}</pre>")
    right = sum(report.status == "passed" for report in reports)
    title = t("{done} of {count} are right", done=right, count=len(reports)).to(language)
    return page(title, "\n".join(pieces), language)


# --- watch ----------------------------------------------------------------------------------------------------------


def watch(
    folder: Path, chosen: tuple[Exercise, ...], args: argparse.Namespace, notes: progress.Progress, out: Console
) -> None:
    """Check what was saved since the last look, until Ctrl-C. A saved helper file: the last exercise again."""
    out.print(
        t("Watching {folder}: each file is checked when you save it. Ctrl-C stops this.", folder=args.folder),
        flush=True,
    )
    files = {exercise.file: exercise for exercise in chosen}
    seen = saved_at(folder)
    last = list(chosen) if len(chosen) == 1 else []
    changed = last
    try:
        while True:
            for exercise in changed:
                last = [exercise]
                with Checker(folder, args.seed, args.time_limit, out.language) as checker:
                    print_reports(checker, [exercise], args.folder, notes, out)
                    print(flush=True)
            time.sleep(0.3)
            now = saved_at(folder)
            saved = [name for name, when in now.items() if seen.get(name) != when]
            seen |= now  # some editors take the old file away before the new one is there
            helper = any(name not in files and not re.match(r"\d\d_", name) for name in saved)
            changed = [files[name] for name in saved if name in files] or (last if helper else [])
    except KeyboardInterrupt:
        out.print()
        out.print(t("Stopped watching."))


def saved_at(folder: Path) -> dict[str, int]:
    """The files of Python in a folder, and when each was saved."""
    found = {}
    for path in sorted(folder.glob("*.py")):
        try:
            found[path.name] = path.stat().st_mtime_ns
        except OSError:  # it went while we looked
            continue
    return found

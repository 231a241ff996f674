"""The actions of `minibert exercises`: list, start, check, hint, show."""

import argparse
import inspect
import json
import sys
import textwrap
import time
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from minibert.exercises.checker import Checker, find
from minibert.exercises.course import EXERCISES
from minibert.exercises.exercise import STUBS, Exercise
from minibert.exercises.judge import Report
from minibert.speed.cores import one_thread

SCHEMA = 1
PRINTED_LINES = 20
MARKS = {"passed": "right", "failed": "not yet", "todo": "to do", "missing": "missing"}


def run(args: argparse.Namespace) -> None:
    match args.action:
        case "list":
            list_exercises(args.folder)
        case "start":
            start(Path(args.folder))
        case "check":
            check(args)
        case "hint":
            exercise = find(args.name)
            say(exercise.hints[1 if args.more else 0])
            if not args.more:
                print(f"\nStill stuck? minibert exercises hint {exercise.name} --more")
        case "show":
            show(find(args.name), args.yes)


def say(text: str, indent: str = "") -> None:
    """Print a text, its lines no longer than 100 characters."""
    for line in text.splitlines():
        print(textwrap.fill(line, 100, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False))


def list_exercises(folder: str | None) -> None:
    if folder is None:
        for exercise in EXERCISES:
            print(f"{exercise.file[:2]}  {exercise.name:24} {exercise.title}")
        print("\nminibert exercises start DIR puts them into a folder of yours")
        return
    with Checker(existing(folder)) as checker:
        done = 0
        for exercise in EXERCISES:
            status = checker.check(exercise).status
            done += status == "passed"
            print(f"{exercise.file[:2]}  {exercise.name:24} {MARKS[status]:8} {exercise.title}", flush=True)
    print(f"\n{done} of {len(EXERCISES)} are right")


def existing(folder: str) -> Path:
    if not Path(folder).is_dir():
        if folder in [exercise.name for exercise in EXERCISES]:
            raise ValueError(f"{folder} is an exercise; name your folder first: minibert exercises check DIR {folder}")
        if Path(folder).is_file():
            raise ValueError(f"{folder} is a file; name its folder, and then the exercise: check DIR NAME")
        raise ValueError(f"{folder} is not a folder; make it with: minibert exercises start {folder}")
    return Path(folder)


def start(folder: Path) -> None:
    """Copy the stubs; what is there already stays as it is."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; give the name of a folder")
    folder.mkdir(parents=True, exist_ok=True)
    made, kept = 0, 0
    for stub in sorted(STUBS.glob("*.py")):
        try:
            with open(folder / stub.name, "x", encoding="utf-8") as file:
                file.write(stub.read_text(encoding="utf-8"))
            made += 1
        except FileExistsError:
            kept += 1
    print(f"{made} files put into {folder}" + (f"; {kept} were there already and are untouched" if kept else ""))
    print(f"Open {folder / EXERCISES[0].file}, read, write, and then: minibert exercises check {folder} softmax")


# --- check ----------------------------------------------------------------------------------------------------------


def check(args: argparse.Namespace) -> None:
    folder = existing(args.folder)
    chosen = EXERCISES if args.name is None else (find(args.name),)
    if args.seed < 0:
        raise ValueError(f"--seed is {args.seed}; expected 0 or more")
    if not args.time_limit > 0:
        raise ValueError(f"--time-limit is {args.time_limit:g}; expected seconds, more than 0")
    if args.watch:
        watch(folder, chosen, args)
        return
    with Checker(folder, args.seed, args.time_limit) as checker:
        if args.json:
            reports = [checker.check(exercise) for exercise in chosen]
            print(json.dumps(as_json(folder, args.seed, reports), indent=2, ensure_ascii=False))
        else:
            reports = print_reports(checker, chosen, args.folder)
    if any(report.status != "passed" for report in reports):
        sys.exit(1)


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


def print_reports(checker: Checker, chosen: Iterable[Exercise], folder: str) -> list[Report]:
    """Print each report as soon as it is there. One exercise on its own is told more about."""
    chosen, reports = list(chosen), []
    alone = len(chosen) == 1
    for exercise in chosen:
        report = checker.check(exercise)
        reports.append(report)
        print(f"{exercise.file[:2]}  {exercise.name:24} {MARKS[report.status]}", flush=True)
        if report.status == "failed" or (alone and report.status != "passed"):
            say(report.message, "    ")
        if report.printed.strip() and (alone or report.status == "failed"):
            print_printed(report.printed)
        if report.status == "failed":
            say(f"A hint: minibert exercises hint {exercise.name}", "    ")
        if alone and report.status == "passed":
            with one_thread():
                answer = exercise.answer if isinstance(exercise.answer, str) else exercise.answer()
            say(f"What did you predict? {answer}", "    ")
    if not alone:
        left = [report for report in reports if report.status != "passed"]
        print(f"\n{len(reports) - len(left)} of {len(reports)} are right", end="")
        print(f"; next: {folder}/{left[0].file}" if left else ". You have built it all.")
        if len(left) < len(reports):
            print(f"What did you predict? The answer to a question: minibert exercises check {folder} NAME")
        if any(report.status == "missing" for report in left):
            print(f"To put the missing files there: minibert exercises start {folder}")
    return reports


def print_printed(printed: str) -> None:
    lines = printed.strip("\n").splitlines()
    print("    It printed:")
    for line in lines[:PRINTED_LINES]:
        print(f"    | {line[:200]}")
    if len(lines) > PRINTED_LINES:
        print(f"    | ... and {len(lines) - PRINTED_LINES} lines more")


def watch(folder: Path, chosen: Iterable[Exercise], args: argparse.Namespace) -> None:
    """Check what was saved since the last look, until Ctrl-C."""
    seen: dict[str, int] = {}
    print(f"Watching {args.folder}; Ctrl-C stops.", flush=True)
    try:
        while True:
            changed = []
            for exercise in chosen:
                try:
                    saved = (folder / exercise.file).stat().st_mtime_ns
                except FileNotFoundError:  # some editors take the old file away before the new one is there
                    continue
                if seen.get(exercise.file) not in (None, saved) or (exercise.file not in seen and len(chosen) == 1):
                    changed.append(exercise)
                seen[exercise.file] = saved
            for exercise in changed:
                with Checker(folder, args.seed, args.time_limit) as checker:
                    print_reports(checker, [exercise], args.folder)
                    print(flush=True)
            time.sleep(0.3)
    except KeyboardInterrupt:
        print("\nStopped watching.")


def show(exercise: Exercise, sure: bool) -> None:
    """Print the library's own code, once the student has said that they want it."""
    if not sure:
        print(
            f"This is the solution of {exercise.name}. Have you tried: minibert exercises hint {exercise.name} --more ?"
        )
        try:
            sure = input("Give up, and see it? [y/N] ").strip().lower() in ("y", "yes")
        except EOFError:
            print()
        if not sure:
            print("Good. It is worth the time.")
            return
    for function in exercise.shown:
        print(f"# {function.__module__}.{function.__qualname__}\n")
        print(inspect.getsource(function))

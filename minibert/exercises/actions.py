"""The actions of `minibert exercises`: list, start, reset, check, hint, show, run, class."""

import argparse
import html
import inspect
import json
import math
import os
import re
import sys
import textwrap
import time
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from minibert.exercises import language, progress
from minibert.exercises.checker import Checker, find
from minibert.exercises.course import EXERCISES
from minibert.exercises.exercise import STUBS, Exercise
from minibert.exercises.judge import Report
from minibert.exercises.language import t
from minibert.speed.cores import one_thread
from viz.files import whole_file

SCHEMA = 2
PRINTED_LINES = 20
MARKS = {"passed": "right", "failed": "not yet", "todo": "to do", "missing": "missing"}
STARS = {1: "*", 2: "**", 3: "***"}


def run(args: argparse.Namespace) -> None:
    if hasattr(sys.stdout, "reconfigure"):  # a terminal or a file that knows no emoji is no reason to say nothing
        sys.stdout.reconfigure(errors="backslashreplace")
    folders = getattr(args, "folder", None)
    folder = folders[0] if isinstance(folders, list) else folders
    notes = progress.nearest(folder)
    with language.use(args.language or (notes.language if notes.language in language.LANGUAGES else "en")):
        ACTIONS[args.action](args, notes)


def say(text: str, indent: str = "") -> None:
    """Print a text, its lines no longer than 100 columns."""
    for line in text.splitlines():
        width = 100 if line.isascii() else 56  # a Japanese character takes two columns
        print(textwrap.fill(line, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False))


def quoted(path: object) -> str:
    """A path as one types it."""
    return f'"{path}"' if re.search(r"\s|['&()]", str(path)) else str(path)


def write_whole(path: Path, text: str) -> None:
    """The file whole, or not at all."""
    with whole_file(path) as beside:
        beside.write_text(text, encoding="utf-8")


# --- list, start, reset ---------------------------------------------------------------------------------------------


def list_exercises(args: argparse.Namespace, notes: progress.Progress) -> None:
    if args.folder is None:
        for exercise in EXERCISES:
            about = f"{exercise.minutes:3} min {STARS[exercise.difficulty]:4}"
            print(f"{exercise.file[:2]}  {exercise.name:24} {about} {t(exercise.title)}")
        total = sum(exercise.minutes for exercise in EXERCISES) / 60
        print("\n" + t("About {hours} hours in all. One star is easy, three take thought.", hours=round(total)))
        print(t("minibert exercises start DIR puts them into a folder of yours"))
        return
    with Checker(existing(args.folder)) as checker:
        done = 0
        for exercise in EXERCISES:
            status = checker.check(exercise).status
            done += status == "passed"
            print(f"{exercise.file[:2]}  {exercise.name:24} {t(MARKS[status]):8} {t(exercise.title)}", flush=True)
    print("\n" + t("{done} of {count} are right", done=done, count=len(EXERCISES)))


def existing(folder: str) -> Path:
    if not Path(folder).is_dir():
        if folder in [exercise.name for exercise in EXERCISES]:
            raise ValueError(f"{folder} is an exercise; name your folder first: minibert exercises check DIR {folder}")
        if Path(folder).is_file():
            raise ValueError(f"{folder} is a file; name its folder, and then the exercise: check DIR NAME")
        raise ValueError(f"{folder} is not a folder; make it with: minibert exercises start {folder}")
    return Path(folder)


def stub(exercise: Exercise) -> str:
    """The file as it is handed out, its text in the chosen language."""
    text = (STUBS / exercise.file).read_text(encoding="utf-8")
    if language.chosen == "ja":
        from minibert.exercises.japanese import FILES

        explained = FILES.get(exercise.name)
        if explained:
            _, _, code = text.split('"""', 2)
            text = f'"""{explained}"""{code}'
    return text


def start(args: argparse.Namespace, notes: progress.Progress) -> None:
    """Copy the stubs; what is there already stays as it is."""
    folder = Path(args.folder)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; give the name of a folder")
    chosen = tuple(find(name) for name in args.names) or EXERCISES
    folder.mkdir(parents=True, exist_ok=True)
    texts = {exercise.file: stub(exercise) for exercise in chosen}
    if args.notebook:
        from minibert.exercises.notebook import notebook

        texts = {"exercises.ipynb": notebook(chosen, stub)}
    elif not args.names:
        texts["test_exercises.py"] = (STUBS / "test_exercises.py").read_text(encoding="utf-8")
    made, kept = 0, 0
    for name, text in texts.items():
        try:
            with open(folder / name, "x", encoding="utf-8", newline="\n") as file:
                file.write(text)
            made += 1
        except FileExistsError:
            kept += 1
    notes = progress.read(folder)
    notes.language = language.chosen
    if args.lock is not None:
        notes.lock = progress.hashed(args.lock)
    notes.save()
    kept_too = "; " + t("{kept} were there already and are untouched", kept=kept) if kept else ""
    print(t("{made} file(s) put into {folder}", made=made, folder=folder) + kept_too)
    if args.notebook:
        print(t("Open {path} in Jupyter; every cell says what to do.", path=quoted(folder / "exercises.ipynb")))
        return
    if "test_exercises.py" in texts:
        print(
            t("test_exercises.py lets `pytest` check them too, if you have it (pip install pytest); nobody needs it.")
        )
    first = chosen[0]
    print(
        t(
            "Open {path}, read, write, and then: minibert exercises check {folder} {name}",
            path=quoted(folder / first.file),
            folder=quoted(folder),
            name=first.name,
        )
    )


def reset(args: argparse.Namespace, notes: progress.Progress) -> None:
    """A file as it was handed out; what was written is kept beside it."""
    folder, exercise = existing(args.folder), find(args.name)
    path = folder / exercise.file
    if path.is_file():
        kept = next(
            path.with_name(f"{path.stem}.old{number or ''}")
            for number in range(1000)
            if not path.with_name(f"{path.stem}.old{number or ''}").exists()
        )
        os.replace(path, kept)
        print(t("What you had is kept in {path}", path=quoted(kept)))
    write_whole(path, stub(exercise))
    print(t("{path} is as it was handed out", path=quoted(path)))


# --- check ----------------------------------------------------------------------------------------------------------


def check(args: argparse.Namespace, notes: progress.Progress) -> None:
    folder = existing(args.folder)
    chosen = EXERCISES if args.name is None else (find(args.name),)
    check_numbers(args)
    if args.watch:
        watch(folder, chosen, args, notes)
        return
    with Checker(folder, args.seed, args.time_limit) as checker:
        if args.json:
            reports = [checker.check(exercise) for exercise in chosen]
            print(json.dumps(as_json(folder, args.seed, reports), indent=2))
        else:
            reports = print_reports(checker, started(folder, chosen), args.folder, notes)
    if args.html is not None:
        write_whole(args.html, as_page(reports))
        if not args.json:
            print(t("Written: {path}", path=quoted(args.html)))
    if any(report.status != "passed" for report in reports):
        sys.exit(1)


def check_numbers(args: argparse.Namespace) -> None:
    if args.seed < 0:
        raise ValueError(f"--seed is {args.seed}; expected 0 or more")
    if not (math.isfinite(args.time_limit) and 0 < args.time_limit <= 100_000):
        raise ValueError(f"--time-limit is {args.time_limit:g}; expected seconds, more than 0 and at most 100000")


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
            say(t("What did you predict?") + " " + answer_of(exercise), "    ")
            say(t("To compare with ours: minibert exercises show {name}", name=exercise.name), "    ")
    if not alone:
        say_what_is_next(reports, folder)
    return reports


def answer_of(exercise: Exercise) -> str:
    with one_thread():
        return t(exercise.answer) if isinstance(exercise.answer, str) else exercise.answer()


def say_what_is_next(reports: list[Report], folder: str) -> None:
    left = [report for report in reports if report.status != "passed"]
    print("\n" + t("{done} of {count} are right", done=len(reports) - len(left), count=len(reports)), end="")
    if left:
        print(t("; next: {path}", path=quoted(f"{folder}/{left[0].file}")))
    else:
        print(t(". You have built it all."))
        print(t("Now run it: minibert exercises run {folder}", folder=quoted(folder)) + ' "The cat sat on the [MASK]."')
    if len(left) < len(reports):
        says = "What did you predict? The answer to a question: minibert exercises check {folder} NAME"
        print(t(says, folder=quoted(folder)))
    if any(report.status == "missing" for report in left):
        print(t("To put the missing files there: minibert exercises start {folder}", folder=quoted(folder)))


def print_picture(report: Report) -> None:
    from minibert.exercises.pictures import in_blocks

    for line in in_blocks(report.picture, getattr(sys.stdout, "encoding", None)):
        print(f"    {line}")


def print_printed(printed: str) -> None:
    lines = printed.strip("\n").splitlines()
    print("    " + t("It printed:"))
    for line in lines[:PRINTED_LINES]:
        print(f"    | {line[:200]}")
    if len(lines) > PRINTED_LINES:
        print("    | " + t("... and {count} lines more", count=len(lines) - PRINTED_LINES))


def as_page(reports: list[Report]) -> str:
    """The reports as one HTML page, with pictures of what was expected and what came."""
    from minibert.exercises.pictures import in_colours, page

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
                    (report,) = print_reports(checker, [exercise], args.folder, notes)
                    if report.status == "passed" and len(chosen) > 1:
                        say_next(folder, chosen, exercise, notes)
                    print(flush=True)
            first = False
            time.sleep(0.3)
    except KeyboardInterrupt:
        print("\n" + t("Stopped watching."))


def say_next(folder: Path, chosen: tuple[Exercise, ...], done: Exercise, notes: progress.Progress) -> None:
    left = [exercise for exercise in started(folder, chosen) if exercise.name not in notes.right and exercise != done]
    if left:
        later = [exercise for exercise in left if exercise.number > done.number]
        print("    " + t("Next: {path}", path=quoted(folder / (later or left)[0].file)))


# --- hint, show -----------------------------------------------------------------------------------------------------


def hint(args: argparse.Namespace, notes: progress.Progress) -> None:
    exercise = find(args.name)
    if args.more:
        ask_for_the_word(args, notes, exercise)
    notes.note("hints", exercise.name)
    for part in exercise.parts:
        name = f"{part.name}: " if len(exercise.parts) > 1 else ""
        say(name + t(part.hints[1 if args.more else 0]))
    if not args.more:
        print("\n" + t("Still stuck? minibert exercises hint {name} --more", name=exercise.name))


def ask_for_the_word(args: argparse.Namespace, notes: progress.Progress, exercise: Exercise) -> None:
    """Raises ValueError where a teacher has locked the solutions, this one is not right yet, and the word is wrong."""
    if exercise.name not in notes.right and not notes.opens(args.word):
        raise ValueError(
            f"the solution of {exercise.name} is locked until it is right; your teacher knows the word: --word WORD"
        )


def show(args: argparse.Namespace, notes: progress.Progress) -> None:
    """Print our solution, and the library's own code, once the student has said that they want it."""
    exercise = find(args.name)
    ask_for_the_word(args, notes, exercise)
    right = exercise.name in notes.right
    if not args.yes and not right:
        print(t("This is the solution of {name}.", name=exercise.name), end=" ")
        print(t("Have you tried: minibert exercises hint {name} --more ?", name=exercise.name))
        try:
            sure = input(t("Give up, and see it? [y/N] ")).strip().lower() in ("y", "yes", "はい")
        except EOFError:
            print()
            sure = False
        if not sure:
            print(t("Good. It is worth the time."))
            return
    if not right:
        notes.note("solutions", exercise.name)
    print("# " + t("A solution of {name}", name=exercise.name) + "\n")
    print(solution_text(exercise))
    print("# " + t("And this is how the library does it") + "\n")
    for function in exercise.shown:
        plain = inspect.unwrap(function)
        print(f"# {plain.__module__}.{plain.__qualname__}\n")
        print(inspect.getsource(plain))


def solution_text(exercise: Exercise) -> str:
    """Our file, its sentence of why in the chosen language."""
    text = exercise.solution.read_text(encoding="utf-8")
    if language.chosen == "ja":
        _, why, code = text.split('"""', 2)
        text = f'"""{t(" ".join(why.split()))}"""{code}'
    return text


# --- run, class -----------------------------------------------------------------------------------------------------


def run_own(args: argparse.Namespace, notes: progress.Progress) -> None:
    """The student's own BERT on a text: what it guesses, where it looks, how far it is from the library's."""
    from minibert.exercises.running import tell

    existing(args.folder)
    check_numbers(args)
    with one_thread():
        tell(args.folder, args.text, args.model, args.time_limit)


def mark_class(args: argparse.Namespace, notes: progress.Progress) -> None:
    from huggingface_hub.utils import tqdm

    from minibert.exercises.classroom import as_csv, as_page, as_table, check_class, students_in

    check_numbers(args)
    chosen = tuple(find(name) for name in args.only.split(",")) if args.only else EXERCISES
    folders = students_in([Path(folder) for folder in args.folder])
    with tqdm(total=len(folders), unit="student", disable=None) as bar:
        students = check_class(folders, chosen, args.seed, args.time_limit, bar.update)
    print(as_table(students, chosen))
    for path, text_of in ((args.csv, as_csv), (args.html, as_page)):
        if path is not None:
            write_whole(path, text_of(students, chosen))
            print(t("Written: {path}", path=quoted(path)))


ACTIONS = {
    "list": list_exercises,
    "start": start,
    "reset": reset,
    "check": check,
    "hint": hint,
    "show": show,
    "run": run_own,
    "class": mark_class,
}

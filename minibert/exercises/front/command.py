"""The actions of `minibert exercises`: hint, show, run and class here, the rest in handing_out.py and checking.py."""

import argparse
import inspect
import math
from pathlib import Path

from minibert.errors import UserError
from minibert.exercises.course import find
from minibert.exercises.course.exercise import Exercise
from minibert.exercises.front import progress
from minibert.exercises.front.checking import check
from minibert.exercises.front.classroom import as_csv, as_page, as_table, check_class, handed_out, students_in
from minibert.exercises.front.console import Console, existing, quoted, write_whole
from minibert.exercises.front.handing_out import list_exercises, reset, start
from minibert.exercises.front.running import run_own
from minibert.exercises.text import CourseError, after, joined, t
from minibert.files import check_new_file
from minibert.speed.cores import one_thread
from minibert.terminal import progress as bar_of


def run(args: argparse.Namespace) -> None:
    """Run one action in the language that was chosen, or that of the folder."""
    folders = getattr(args, "folder", None)
    folder = folders[0] if isinstance(folders, list) else folders
    notes = progress.nearest(folder)
    out = Console(args.language or notes.language)
    try:
        if args.action in ("hint", "show") and folder is not None:
            existing(folder)
        ACTIONS[args.action](args, notes, out)
    except CourseError as error:
        raise UserError(error.text.to(out.language)) from None


# --- hint, show -----------------------------------------------------------------------------------------------------


def hint(args: argparse.Namespace, notes: progress.Progress, out: Console) -> None:
    exercise = find(args.name)
    if args.more:
        check_lock(args.word, notes, exercise)
    notes.note("hints", exercise.name)
    for part in exercise.parts:
        text = t(part.hints[1 if args.more else 0])
        out.fold(t("{name}: {hint}", name=part.name, hint=text) if len(exercise.parts) > 1 else text)
    if not args.more:
        out.print()
        out.print(t("Still stuck? minibert exercises hint {name} --more", name=exercise.name))


def check_lock(word: str | None, notes: progress.Progress, exercise: Exercise) -> None:
    """Raises CourseError where a teacher has locked the solutions, this one is not right yet, and the word is wrong."""
    if exercise.name not in notes.right and not notes.opens(word):
        says = "the solution of {name} is locked until it is right; your teacher knows the word: --word WORD"
        raise CourseError(t(says, name=exercise.name))


def show(args: argparse.Namespace, notes: progress.Progress, out: Console) -> None:
    """Print our solution and the library's own code, after asking the student."""
    exercise = find(args.name)
    check_lock(args.word, notes, exercise)
    right = exercise.name in notes.right
    if not right:
        if not args.yes and not gives_up(exercise, out):
            out.print(t("Good. It is worth the time."))
            return
        notes.note("solutions", exercise.name)
    out.print(joined("", ["# ", t("A solution of {name}", name=exercise.name)]))
    print()
    print(solution_text(exercise, out.language))
    out.print(joined("", ["# ", t("And this is the library's code")]))
    print()
    for function in exercise.shown:
        plain = inspect.unwrap(function)
        print(f"# {plain.__module__}.{plain.__qualname__}\n")
        print(inspect.getsource(plain))


def gives_up(exercise: Exercise, out: Console) -> bool:
    asked = t("Have you tried: minibert exercises hint {name} --more ?", name=exercise.name)
    out.print(after(t("This is the solution of {name}.", name=exercise.name), asked))
    try:
        return input(out.text(t("Give up, and see it? [y/N] "))).strip().lower() in ("y", "yes", "はい")
    except EOFError:
        print()
        raise UserError("standard input gives no answer; add --yes to see the solution without the question") from None


def solution_text(exercise: Exercise, language: str) -> str:
    """Our file, the sentence at its top in the language."""
    text = exercise.solution.read_text(encoding="utf-8")
    if language == "en":
        return text
    _, why, code = text.split('"""', 2)
    return f'"""{t(" ".join(why.split())).to(language)}"""{code}'


# --- run, class -----------------------------------------------------------------------------------------------------


def run_text(args: argparse.Namespace, notes: progress.Progress, out: Console) -> None:
    """The student's own BERT on a text."""
    existing(args.folder)
    with one_thread():
        run_own(args.folder, args.text, args.model, args.time_limit, out)


def mark_class(args: argparse.Namespace, notes: progress.Progress, out: Console) -> None:
    check_new_file(args.csv, "--csv")
    check_new_file(args.html, "--html")
    weights = weights_in(args.weights)
    folders = students_in([Path(folder) for folder in args.folder])
    chosen = tuple(find(name) for name in args.only.split(",")) if args.only else handed_out(folders)
    with bar_of(len(folders), "students") as bar:
        students = check_class(folders, chosen, args.seed, args.time_limit, bar.update, weights, out.language)
    print(as_table(students, chosen, out.language))
    for path, text_of in ((args.csv, as_csv), (args.html, as_page)):
        if path is not None:
            write_whole(path, text_of(students, chosen, out.language))
            out.print(t("Written: {path}", path=quoted(path)))


def weights_in(text: str | None) -> dict[str, float]:
    """The points of exercises, of "attention=3,18=2". Raises UserError if the points are no number."""
    weights = {}
    for item in filter(None, (text or "").split(",")):
        name, _, points = item.partition("=")
        try:
            weights[find(name.strip()).name] = float(points)
        except CourseError as error:
            raise CourseError(joined("", ["--weights: ", error.text])) from None
        except ValueError:
            raise UserError(f"--weights: {item!r} is no weight; expected NAME=POINTS") from None
    if any(not (math.isfinite(points) and points >= 0) for points in weights.values()):
        raise UserError(f"--weights is {text}; expected points of 0 or more")
    return weights


ACTIONS = {
    "list": list_exercises,
    "start": start,
    "reset": reset,
    "check": check,
    "hint": hint,
    "show": show,
    "run": run_text,
    "class": mark_class,
}

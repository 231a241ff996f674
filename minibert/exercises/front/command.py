"""The actions of `minibert exercises`: hint, show, run and class here, the rest in handing_out.py and checking.py."""

import argparse
import inspect
import math
import sys
from pathlib import Path

from minibert.errors import UserError
from minibert.exercises import language
from minibert.exercises.course import EXERCISES
from minibert.exercises.course.exercise import Exercise
from minibert.exercises.front import progress
from minibert.exercises.front.checking import check, check_numbers
from minibert.exercises.front.handing_out import list_exercises, reset, start
from minibert.exercises.front.saying import existing, quoted, say, write_whole
from minibert.exercises.judge.checker import find
from minibert.exercises.language import t
from minibert.speed.cores import one_thread


def run(args: argparse.Namespace) -> None:
    if hasattr(sys.stdout, "reconfigure"):  # a terminal or a file that knows no emoji is no reason to say nothing
        sys.stdout.reconfigure(errors="backslashreplace")
    folders = getattr(args, "folder", None)
    folder = folders[0] if isinstance(folders, list) else folders
    notes = progress.nearest(folder)
    with language.use(args.language or (notes.language if notes.language in language.LANGUAGES else "en")):
        if args.action in ("hint", "show") and folder is not None:
            existing(folder)
        ACTIONS[args.action](args, notes)


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
        raise UserError(
            t(
                "the solution of {name} is locked until it is right; your teacher knows the word: --word WORD",
                name=exercise.name,
            )
        )


def show(args: argparse.Namespace, notes: progress.Progress) -> None:
    """Print our solution, and the library's own code, once the student has said that they want it."""
    exercise = find(args.name)
    ask_for_the_word(args, notes, exercise)
    right = exercise.name in notes.right
    if not args.yes and not right:
        print(t("This is the solution of {name}.", name=exercise.name), end=language.sentence_gap())
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
    print("# " + t("And this is how the library does it; it is written for speed") + "\n")
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
    from minibert.exercises.front.running import tell

    existing(args.folder)
    check_numbers(args)
    with one_thread():
        tell(args.folder, args.text, args.model, args.time_limit)


def mark_class(args: argparse.Namespace, notes: progress.Progress) -> None:
    from huggingface_hub.utils import tqdm

    from minibert.exercises.front.classroom import as_csv, as_page, as_table, check_class, students_in

    check_numbers(args)
    chosen = tuple(find(name) for name in args.only.split(",")) if args.only else EXERCISES
    folders = students_in([Path(folder) for folder in args.folder])
    with tqdm(total=len(folders), unit="student", disable=None) as bar:
        students = check_class(folders, chosen, args.seed, args.time_limit, bar.update, weights_in(args.weights))
    print(as_table(students, chosen))
    for path, text_of in ((args.csv, as_csv), (args.html, as_page)):
        if path is not None:
            write_whole(path, text_of(students, chosen))
            print(t("Written: {path}", path=quoted(path)))


def weights_in(text: str | None) -> dict[str, float]:
    """The points of exercises, of "attention=3,18=2". Raises ValueError for what is no number of points."""
    weights = {}
    for item in (text or "").split(","):
        name, _, points = item.partition("=")
        try:
            if name:
                weights[find(name.strip()).name] = float(points)
        except ValueError as error:
            said = str(error) if "exercise" in str(error) else f"{item!r} is no weight; expected NAME=POINTS"
            raise UserError(f"--weights: {said}") from None
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
    "run": run_own,
    "class": mark_class,
}

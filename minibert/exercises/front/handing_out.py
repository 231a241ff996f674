"""`list`, `start` and `reset`: the exercises there are, and how they come into a student's folder."""

import argparse
import importlib.util
import os
import re
from pathlib import Path

from minibert.errors import UserError
from minibert.exercises.course import EXERCISES, find
from minibert.exercises.course.exercise import Exercise
from minibert.exercises.front import progress
from minibert.exercises.front.cells import notebook
from minibert.exercises.front.console import MARKS, PREDICTION, Console, existing, quoted, write_whole
from minibert.exercises.judge.cells import NAME, notebook_in
from minibert.exercises.judge.checker import Checker, started
from minibert.exercises.text import joined, t
from minibert.terminal import padded

INSTALL_JUPYTER = "python -m pip install jupyterlab"
TEST_FILE = Path(__file__).with_name("test_exercises.py")
STARS = {1: "*", 2: "**", 3: "***"}


def list_exercises(args: argparse.Namespace, notes: progress.Progress, out: Console) -> None:
    if args.folder is None:
        for exercise in EXERCISES:
            print_row(exercise, "", out)
        hours = round(sum(exercise.minutes for exercise in EXERCISES) / 60)
        out.print()
        out.print(
            t("It takes about {hours} hours in all. One star means easy, and three stars mean hard.", hours=hours)
        )
        out.print(t("minibert exercises start DIR puts them into your folder DIR"))
        return
    with Checker(existing(args.folder)) as checker:
        done, chosen = 0, started(checker.files, EXERCISES)
        for exercise in chosen:
            status = checker.check(exercise).status
            done += status == "passed"
            print_row(exercise, padded(out.text(MARKS[status]), 8) + " ", out)
    out.print()
    out.print(t("{done} of {count} are right", done=done, count=len(chosen)))


def print_row(exercise: Exercise, mark: str, out: Console) -> None:
    about = f"{exercise.minutes:3} min {STARS[exercise.difficulty]:4}"
    out.print(f"{exercise.file[:2]}  {exercise.name:24} {mark}{about} {out.text(t(exercise.title))}", flush=True)


IN_CODE = re.compile(r'(?<=""")[^"]+(?="""\n)|(?<=  # ).+|(?<=print\(")[^"]+(?="\))|(?<=print\(f")[^"]+(?="\))')
"""The words in the code of a file: docstrings, comments and what is printed"""


def stub(exercise: Exercise, language: str = "en") -> str:
    """The file as it is handed out, with a line for a prediction below its text."""
    before, explained, code = exercise.stub.read_text(encoding="utf-8").split('"""', 2)
    if language != "en":
        explained = (exercise.folder / f"stub.{language}.txt").read_text(encoding="utf-8")
        code = IN_CODE.sub(lambda words: t(words[0]).to(language), code)
    return f'{before}"""{explained}\n{t(PREDICTION).to(language)}\n"""{code}'


def start(args: argparse.Namespace, notes: progress.Progress, out: Console) -> None:
    """Copy the stubs; what is there already stays as it is."""
    folder = Path(args.folder)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file; give the name of a folder")
    chosen = tuple(find(name) for name in args.names) or EXERCISES
    folder.mkdir(parents=True, exist_ok=True)
    if args.notebook:
        if any((folder / exercise.file).is_file() for exercise in EXERCISES):
            raise UserError(f"{folder} contains the course as files; give another folder for the notebook")
        texts = {NAME: notebook(chosen, stub, out.language)}
    elif notebook_in(folder):
        raise UserError(f"{folder} contains the course as a notebook; give another folder for the files, or --notebook")
    else:
        texts = {exercise.file: stub(exercise, out.language) for exercise in chosen}
        if not args.names:
            texts[TEST_FILE.name] = TEST_FILE.read_text(encoding="utf-8")
    kept = put_into(folder, texts)
    notes = progress.read(folder)
    changed, notes.language = notes.language != out.language and kept > 0, out.language
    if args.lock is not None:
        notes.lock = progress.hashed(args.lock)
    notes.save()
    kept_too = t("; {kept} were there already and stay as they are", kept=kept) if kept else ""
    out.print(joined("", [t("files put into {folder}: {made}", made=len(texts) - kept, folder=folder), kept_too]))
    if changed:
        out.print(t("From now on, the course is in English here. Files that were there already stay as they are."))
    if args.notebook:
        print_notebook_start(folder, out)
        return
    if TEST_FILE.name in texts:
        says = "With test_exercises.py, `pytest` can check the files too (pip install pytest). You do not need it."
        out.fold(t(says))
    first, where = chosen[0], quoted(folder)
    says = "Open {path}, read, write, and then: minibert exercises check {folder} {name}"
    out.print(t(says, path=quoted(folder / first.file), folder=where, name=first.name))
    out.print(t("How far you are: minibert exercises list {folder}", folder=where))


def put_into(folder: Path, texts: dict[str, str]) -> int:
    """Write the files that are not there yet; how many were."""
    kept = 0
    for name, text in texts.items():
        try:
            with open(folder / name, "x", encoding="utf-8", newline="\n") as file:
                file.write(text)
        except FileExistsError:
            kept += 1
    return kept


def print_notebook_start(folder: Path, out: Console) -> None:
    out.print(t("Open it in your editor, or in Jupyter: {command}", command=f"jupyter lab {quoted(folder / NAME)}"))
    if importlib.util.find_spec("jupyterlab") is None and importlib.util.find_spec("notebook") is None:
        out.print(t("Jupyter is not installed beside minibert yet: {command}", command=INSTALL_JUPYTER))


def reset(args: argparse.Namespace, notes: progress.Progress, out: Console) -> None:
    """A file as it was handed out; what was written is kept beside it."""
    folder, exercise = existing(args.folder), find(args.name)
    if book := notebook_in(folder):
        raise UserError(
            f"{book} is a notebook, and an open Jupyter would overwrite it; this makes a new one to copy a cell from: "
            f"minibert exercises start OTHER {exercise.name} --notebook"
        )
    path = folder / exercise.file
    if path.is_file():
        names = (path.with_name(f"{path.stem}.old{number or ''}") for number in range(1000))
        kept = next(name for name in names if not name.exists())
        os.replace(path, kept)
        out.print(t("Your earlier file is kept as {path}", path=quoted(kept)))
    write_whole(path, stub(exercise, out.language))
    out.print(t("{path} is again as it was handed out", path=quoted(path)))

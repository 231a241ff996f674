"""`list`, `start` and `reset`: what there is, and how it comes into a student's folder."""

import argparse
import importlib.util
import os
import re
from pathlib import Path

from minibert.errors import UserError
from minibert.exercises import language
from minibert.exercises.course import EXERCISES
from minibert.exercises.course.exercise import Exercise
from minibert.exercises.front import progress
from minibert.exercises.front.cells import NAME, notebook, notebook_in
from minibert.exercises.front.checking import started
from minibert.exercises.front.pictures import wide
from minibert.exercises.front.saying import MARKS, PREDICTION, existing, quoted, say, write_whole
from minibert.exercises.judge.checker import Checker, find
from minibert.exercises.language import t

INSTALL_JUPYTER = "python -m pip install jupyterlab"
TEST_FILE = Path(__file__).with_name("test_exercises.py")
STARS = {1: "*", 2: "**", 3: "***"}


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
        done, chosen = 0, started(checker.files, EXERCISES)
        for exercise in chosen:
            status = checker.check(exercise).status
            done += status == "passed"
            mark = t(MARKS[status])
            mark += " " * (8 - wide(mark))
            about = f"{exercise.minutes:3} min {STARS[exercise.difficulty]:4}"
            print(f"{exercise.file[:2]}  {exercise.name:24} {mark} {about} {t(exercise.title)}", flush=True)
    print("\n" + t("{done} of {count} are right", done=done, count=len(chosen)))


IN_CODE = re.compile(r'(?<=""")[^"]+(?="""\n)|(?<=  # ).+|(?<=print\(")[^"]+(?="\))|(?<=print\(f")[^"]+(?="\))')
"""The words in the code of a file: docstrings, comments and what is printed"""


def stub(exercise: Exercise) -> str:
    """The file as it is handed out: its text in the chosen language, and below it room for a prediction."""
    before, explained, code = (exercise.stub).read_text(encoding="utf-8").split('"""', 2)
    if language.chosen == "ja":
        explained = (exercise.folder / "stub.ja.txt").read_text(encoding="utf-8")
        code = IN_CODE.sub(lambda words: t(words[0]), code)
    return f'{before}"""{explained}\n{t(PREDICTION)}\n"""{code}'


def start(args: argparse.Namespace, notes: progress.Progress) -> None:
    """Copy the stubs; what is there already stays as it is."""
    folder = Path(args.folder)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file; give the name of a folder")
    chosen = tuple(find(name) for name in args.names) or EXERCISES
    folder.mkdir(parents=True, exist_ok=True)
    texts = {exercise.file: stub(exercise) for exercise in chosen}
    if args.notebook:
        if any((folder / exercise.file).is_file() for exercise in EXERCISES):
            raise UserError(f"{folder} holds the course as files; name another folder for the notebook")
        texts = {NAME: notebook(chosen, stub)}
    elif notebook_in(folder):
        raise UserError(f"{folder} holds the course as a notebook; name another folder for the files, or --notebook")
    elif not args.names:
        texts["test_exercises.py"] = TEST_FILE.read_text(encoding="utf-8")
    made, kept = 0, 0
    for name, text in texts.items():
        try:
            with open(folder / name, "x", encoding="utf-8", newline="\n") as file:
                file.write(text)
            made += 1
        except FileExistsError:
            kept += 1
    notes = progress.read(folder)
    changed, notes.language = notes.language != language.chosen and bool(kept), language.chosen
    if args.lock is not None:
        notes.lock = progress.hashed(args.lock)
    notes.save()
    kept_too = "; " + t("{kept} were there already and are untouched", kept=kept) if kept else ""
    print(t("{made} file(s) put into {folder}", made=made, folder=folder) + kept_too)
    if changed:
        print(t("From now on the course speaks English here; the files that were there are as they were."))
    if args.notebook:
        print(t("Open it in your editor, or in Jupyter: {command}", command=f"jupyter lab {quoted(folder / NAME)}"))
        if importlib.util.find_spec("jupyterlab") is None and importlib.util.find_spec("notebook") is None:
            print(t("Jupyter is not installed beside minibert yet: {command}", command=INSTALL_JUPYTER))
        return
    if "test_exercises.py" in texts:
        say(t("test_exercises.py lets `pytest` check them too, if you have it (pip install pytest); nobody needs it."))
    first = chosen[0]
    print(
        t(
            "Open {path}, read, write, and then: minibert exercises check {folder} {name}",
            path=quoted(folder / first.file),
            folder=quoted(folder),
            name=first.name,
        )
    )
    print(t("How far you are: minibert exercises list {folder}", folder=quoted(folder)))


def reset(args: argparse.Namespace, notes: progress.Progress) -> None:
    """A file as it was handed out; what was written is kept beside it."""
    folder, exercise = existing(args.folder), find(args.name)
    if book := notebook_in(folder):
        raise UserError(
            f"{book} is a notebook, which an open Jupyter would write over; for a fresh cell to copy: "
            f"minibert exercises start OTHER {exercise.name} --notebook"
        )
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

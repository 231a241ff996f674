"""Check a folder of exercises: hand each file to the worker, and judge what comes back."""

import re
import time
from pathlib import Path

from minibert.exercises.course.exercise import Exercise
from minibert.exercises.judge.cells import exercises_in, notebook_in, unpacked
from minibert.exercises.judge.imports import imports_answer
from minibert.exercises.judge.key import answer_key
from minibert.exercises.judge.report import Report
from minibert.exercises.judge.runner import Worker
from minibert.exercises.judge.verdict import judge
from minibert.exercises.text import Text, joined, spoken, t
from minibert.speed.cores import one_thread

TIME_LIMIT = 5.0
"""seconds for one exercise"""


class Checker:
    """Checks exercises of one folder; keeps its worker between them. Use it in a `with` statement.

    `files` is the folder of the files: the folder itself, or another one with the contents of the folder's `notebook`.
    """

    def __init__(self, folder: Path, seed: int = 0, limit: float = TIME_LIMIT, language: str = "en"):
        self.folder, self.seed, self.limit, self.language = Path(folder).resolve(), seed, limit, language
        self.notebook = notebook_in(self.folder)
        self.files = unpacked(self.notebook) if self.notebook else self.folder
        self.worker = Worker(self.files)

    def __enter__(self) -> "Checker":
        return self

    def __exit__(self, *_) -> None:
        self.worker.stop()

    def check(self, exercise: Exercise) -> Report:
        begin = time.perf_counter()
        path = self.files / exercise.file
        if not path.is_file():
            message = not_there(path)
            if self.notebook:
                message = t("No cell of {notebook} defines {name}.", notebook=self.notebook.name, name=exercise.name)
            return Report(exercise.name, exercise.file, "missing", message.to(self.language))
        alone = not self.worker.is_running()
        verdict, printed = self.attempt(exercise)
        if verdict["status"] == "failed" and verdict["step"] != "time" and not alone:
            self.worker.stop()  # a file checked earlier may have changed something under this one: again, alone
            verdict, printed = self.attempt(exercise)
        return Report(
            exercise.name,
            exercise.file,
            **spoken(verdict, self.language),
            imports_it=imports_answer(path, exercise),
            printed=printed,
            seconds=time.perf_counter() - begin,
        )

    def attempt(self, exercise: Exercise) -> tuple[dict, str]:
        """The verdict, and what was printed."""
        answer = self.worker.ask(exercise.file, self.seed, self.limit)
        if answer.reply is not None:
            with one_thread():
                return judge(exercise, answer_key(exercise, self.seed), answer.reply), answer.printed
        return {"status": "failed", **without_reply(answer.failed, answer.status, self.limit)}, answer.printed


def not_there(path: Path) -> Text:
    """The message about a missing file, with the place of one like it, if there is one."""
    message = t("There is no {file} in the folder.", file=path.name)
    near = likely_files(path)
    return joined(" ", (message, t("Is {found} this file? Rename it, or move it.", found=near[0]))) if near else message


def likely_files(path: Path) -> list[str]:
    """Files that look like the missing one: one folder deeper, or under a name such as "05_split_heads (1).py"."""
    deeper = sorted(path.parent.glob(f"*/{path.name}")) + sorted(path.parent.glob(f"*/*/{path.name}"))
    plain = letters(path.stem)
    around = [file for pattern in ("*.py", "*/*.py", "*/*/*.py") for file in sorted(path.parent.glob(pattern))]
    named = [file for file in around if letters(file.stem) == plain and file != path]
    return list(dict.fromkeys(str(file.relative_to(path.parent)) for file in [*deeper, *named]))


def letters(stem: str) -> str:
    """A file's name without number, copy marks and punctuation: "splitheads" of "05_split_heads (1)"."""
    stem = re.sub(r"\(.*?\)|copy|kopie|コピー", "", stem.lower())
    return re.sub(r"[\W\d_]", "", stem)


def without_reply(failed: str | None, status: int | None, limit: float) -> dict:
    if failed == "time":
        return {
            "step": "time",
            "message": t(
                "It was stopped after {limit} seconds. Is there a loop that never ends? Or is there a loop with very "
                "many rounds, which NumPy can do at once? (If the machine is slow, use --time-limit {more}.)",
                limit=f"{limit:g}",
                more=f"{4 * limit:g}",
            ),
        }
    how = "" if status is None else t(" (exit status {status})", status=status)
    return {
        "step": "call",
        "message": t(
            "Python ended during the check{how}. The cause is a call of os._exit, a crash, or far too much memory.",
            how=how,
        ),
    }


WHOLE_COURSE = "test_exercises.py"
"""The file beside the exercises, if all of them were handed out"""


def started(folder: Path, chosen: tuple[Exercise, ...]) -> tuple[Exercise, ...]:
    """Those of the exercises that were handed out into this folder: all, or those that are there."""
    if book := notebook_in(folder):
        there = tuple(exercise for exercise in exercises_in(book) if exercise in chosen)
    else:
        there = tuple(exercise for exercise in chosen if (folder / exercise.file).is_file())
    return chosen if len(chosen) == 1 or (folder / WHOLE_COURSE).is_file() or not there else there

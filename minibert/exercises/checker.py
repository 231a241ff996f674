"""Check a folder of exercises: hand each file to the worker, and judge what comes back."""

import difflib
import time
from pathlib import Path

from minibert.exercises.course import EXERCISES
from minibert.exercises.exercise import Case, Exercise
from minibert.exercises.judge import Report, judge
from minibert.exercises.runner import Worker
from minibert.speed.cores import one_thread

TIME_LIMIT = 5.0
"""seconds for one exercise"""


class Checker:
    """Checks exercises of one folder; keeps its worker between them. Use it in a `with` statement."""

    def __init__(self, folder: Path, seed: int = 0, limit: float = TIME_LIMIT):
        self.folder, self.seed, self.limit = Path(folder).resolve(), seed, limit
        self.worker = Worker(self.folder)

    def __enter__(self) -> "Checker":
        return self

    def __exit__(self, *_) -> None:
        self.worker.stop()

    def check(self, exercise: Exercise) -> Report:
        begin = time.perf_counter()
        names = {"name": exercise.name, "file": exercise.file}
        if not (self.folder / exercise.file).is_file():
            return Report(**names, status="missing", message=f"There is no {exercise.file} in the folder.")
        alone = not self.worker.is_running()
        with one_thread():
            cases = exercise.cases(self.seed)
            verdict, printed = self.attempt(exercise, cases)
            if verdict["status"] == "failed" and verdict["step"] != "time" and not alone:
                self.worker.stop()  # a file checked earlier may have changed something under this one: again, alone
                verdict, printed = self.attempt(exercise, cases)
        return Report(**names, **verdict, printed=printed, seconds=time.perf_counter() - begin)

    def attempt(self, exercise: Exercise, cases: list[list[Case] | None]) -> tuple[dict, str]:
        """The verdict, and what was printed."""
        answer = self.worker.ask(exercise.file, self.seed, self.limit)
        if answer.reply is not None:
            return judge(exercise, cases, answer.reply), answer.printed
        return {"status": "failed", **without_reply(answer.failed, answer.status, self.limit)}, answer.printed


def without_reply(failed: str, status: int | None, limit: float) -> dict:
    if failed == "time":
        return {
            "step": "time",
            "message": f"It was stopped after {limit:g} seconds. Is there a loop that never ends? "
            f"(If it is the machine that is slow: --time-limit {4 * limit:g}.)",
        }
    how = "" if status is None else f" (exit status {status})"
    return {
        "step": "call",
        "message": f"Python ended in the middle of it{how}: a call of os._exit, a crash, or far too much memory.",
    }


def find(name: str) -> Exercise:
    """The exercise of this name, number or file name. Raises ValueError, which names one that is near."""
    plain = Path(name).name.removesuffix(".py")
    for exercise in EXERCISES:
        if plain in (exercise.name, exercise.file.removesuffix(".py")) or plain.lstrip("0") == str(exercise.number):
            return exercise
    near = difflib.get_close_matches(plain, [exercise.name for exercise in EXERCISES], 1)
    guess = f"did you mean {near[0]}?" if near else "`minibert exercises list` names them all"
    raise ValueError(f"there is no exercise {name!r}; {guess}")

"""What the cells of a notebook call: check, hint, show, ready and run.

A cell's functions run in the notebook's own process, after whatever other cells did. So this module does two things.
It judges the student's function, and not one of the library's with the same name, which another cell imported. And
where the function calls those of earlier exercises, it calls the library's, whatever these names are just now.
"""

import _thread
import ast
import functools
import html
import signal
import sys
import threading
import types
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from minibert.errors import UserError
from minibert.exercises.course import EXERCISES, find
from minibert.exercises.course.exercise import Exercise, Function
from minibert.exercises.front import command, progress
from minibert.exercises.front.cells import in_cells
from minibert.exercises.front.checking import answer_of
from minibert.exercises.front.console import Console
from minibert.exercises.front.pictures import in_blocks, in_colors
from minibert.exercises.front.running import print_run
from minibert.exercises.judge.attempt import attempt
from minibert.exercises.judge.cells import exercises_in, notebook_in
from minibert.exercises.judge.checker import TIME_LIMIT, without_reply
from minibert.exercises.judge.key import answer_key
from minibert.exercises.judge.report import Picture
from minibert.exercises.judge.transport import describe, rebuild
from minibert.exercises.judge.verdict import judge
from minibert.exercises.own import EXERCISE_OF, put_together, with_names
from minibert.exercises.text import CourseError, Text, joined, lines, spoken, t
from minibert.model import load
from minibert.speed.cores import one_thread

ANSWERS = {part.name: exercise.name for exercise in EXERCISES for part in exercise.parts}
"""The exercise of each function and finding"""

mine: dict[str, Callable] = {}
"""The functions that were right when they were last checked in this process"""


class Verdict:
    """The result of a check. It is true if all is right, and it is displayed once."""

    def __init__(self, right: bool, text: str, picture: Picture | None = None, language: str = "en"):
        self.right, self.text, self.picture, self.language = right, text, picture, language

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return f"<{self.text.splitlines()[0]}>"

    def _ipython_display_(self) -> None:
        """Nothing more: `shown` has printed it already, wherever in the cell the check was."""

    def shown(self) -> "Verdict":
        blocks: list[str] = []
        if self.picture is not None:
            blocks = in_blocks(self.picture, getattr(sys.stdout, "encoding", None), self.language)
        if self.picture is not None and in_a_kernel():
            from IPython.display import display

            told = f'<pre style="white-space: pre-wrap">{html.escape(self.text)}</pre>'
            page = f'<style>{STYLE}</style><div class="minibert">{told}{in_colors(self.picture, self.language)}</div>'
            display({"text/plain": "\n".join([self.text, *blocks]), "text/html": page}, raw=True)
        else:
            print("\n".join([self.text, *blocks]))
        return self


STYLE = """
.minibert .picture { display: flex; gap: 1.5rem; flex-wrap: wrap; } .minibert figure { margin: 0.5rem 0; }
.minibert table { border-collapse: collapse; }
.minibert td { width: 1.1rem; height: 1.1rem; padding: 0; border: 1px solid #fff; }
"""


def in_a_kernel() -> bool:
    """Whether somebody sees more than text."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def folder_notes() -> progress.Progress:
    """The notes of the folder in which the notebook lies."""
    return progress.nearest(None)


# --- check ----------------------------------------------------------------------------------------------------------


def check(
    name: str, *answers: object, seed: int = 0, language: str | None = None, time_limit: float = TIME_LIMIT
) -> Verdict:
    """Check an exercise in a cell of a notebook, as the command checks a file. The result is true if all is right.

    name: of the exercise. answers: its functions in the order of the file, then the (layer, head) found, if it asks for
    one; missing answers are to do. language: "en" or "ja"; None is the folder's.
    """
    notes = folder_notes()
    language = language or notes.language

    def shown(right: bool, text: Text | str, picture: Picture | None = None) -> Verdict:
        return Verdict(right, in_cells(spoken(text, language)), picture, language).shown()

    with one_thread():
        try:
            exercise = find(name) if isinstance(name, str) else None
        except CourseError as error:
            return shown(False, error.text)
        if exercise is None or (problem := misused(exercise, answers)):
            return shown(False, name_first(name) if exercise is None else problem)
        verdict = verdict_on(exercise, answers, seed, time_limit)
        remember(exercise, answers, verdict)
        if verdict["status"] == "passed":
            notes.note("right", exercise.name)
            said = lines(
                joined("", [f"{exercise.name}: ", t("right")]),
                joined(" ", [t("What did you predict?"), answer_of(exercise)]),
                what_is_next(exercise, notes),
            )
            return shown(True, said)
        notes.forget("right", exercise.name)
        said = joined("", [f"{exercise.name}: ", verdict["message"]])
        if verdict["status"] == "failed":
            said = lines(said, t("A hint: minibert exercises hint {name}", name=exercise.name))
        return shown(False, said, verdict.get("picture"))


def remember(exercise: Exercise, answers: tuple, verdict: dict) -> None:
    """Keep the functions that are right, for `ready` and `run`."""
    given = {part.name: answer for part, answer in zip(exercise.parts, answers, strict=False)}
    for part in verdict.get("parts", ()):
        mine.pop(part["name"], None)
        if part["status"] == "passed":
            mine[part["name"]] = given[part["name"]]


def name_first(name: object) -> Text:
    """How to call `check`, if its first argument was not the name of an exercise."""
    guess = getattr(name, "__name__", "softmax")
    return t("The name of the exercise comes first: {call}", call=how_to_ask(find_or_first(ANSWERS.get(guess, guess))))


def misused(exercise: Exercise, answers: tuple) -> Text | None:
    """What is wrong with the answers of a call, and how to call `check`; None if nothing is."""
    call = how_to_ask(exercise)
    if len(answers) > len(exercise.parts):
        return t("Expected one answer for each part, and got {count}: {call}", count=len(answers), call=call)
    if not answers:
        return t("Pass your function, too: {call}", call=call)
    for part, answer in zip(exercise.parts, answers, strict=False):
        if not isinstance(part, Function):
            if callable(answer):
                return t("{name} must be a (layer, head), but a function was passed: {call}", name=part.name, call=call)
            continue
        if not callable(answer):
            if isinstance(answer, tuple | type(None)) and len(exercise.parts) > 1:
                return t("The order must be: {call}", call=call)
            return t("The result of {name} was passed; pass {name} itself: {call}", name=part.name, call=call)
        if is_the_librarys(answer):
            return t(
                "{name} is the library's function here, because another cell imported it. Run the cell with your own "
                "function, with the check as its last line.",
                name=part.name,
            )
        other = getattr(answer, "__name__", "")
        if other != part.name and other in ANSWERS:
            return t("{other} was passed instead of {name}: {call}", other=other, name=part.name, call=call)
    return None


def how_to_ask(exercise: Exercise) -> str:
    return f'check("{exercise.name}", {", ".join(part.name for part in exercise.parts)})'


def find_or_first(name: str) -> Exercise:
    try:
        return find(name)
    except CourseError:
        return EXERCISES[0]


def is_the_librarys(answer: object) -> bool:
    while isinstance(answer, functools.partial):
        answer = answer.func
    return str(getattr(answer, "__module__", "")).split(".")[0] in ("minibert", "viz")


def verdict_on(exercise: Exercise, answers: tuple, seed: int, limit: float) -> dict:
    """The verdict of the judge on these answers, called in this process."""
    names: dict[str, object] = {}
    for i, part in enumerate(exercise.parts):
        if i < len(answers):
            names[part.name] = as_in_its_cell(answers[i], exercise)
        else:
            names[part.name] = not_yet if isinstance(part, Function) else None
    drawn = exercise.cases(seed)
    try:
        with no_longer_than(limit):
            results, values = attempt(exercise, drawn, names, None)
    except OutOfTime:
        return {"status": "failed", **without_reply("time", None, limit)}
    carried = []
    for value in values:
        arrays: list = []
        carried.append(rebuild(describe(value, arrays, 0), {str(i): array for i, array in enumerate(arrays)}))
    return judge(exercise, answer_key(exercise, seed), {"results": results, "values": carried})


def not_yet(*_):
    raise NotImplementedError


def as_in_its_cell(function: object, exercise: Exercise) -> object:
    """The function as it was just after its cell imported the functions of earlier exercises.

    Other cells may have given these names to functions of the student's, right or wrong.
    """
    if not isinstance(function, types.FunctionType):
        return function
    here = function.__code__.co_filename
    others = {}
    for name, value in imported_by_stub(exercise).items():
        now = function.__globals__.get(name)
        elsewhere = isinstance(now, types.FunctionType) and now.__code__.co_filename != here
        if name in ANSWERS and elsewhere and not is_the_librarys(now):
            others[name] = value
    return with_names(function, others)


def imported_by_stub(exercise: Exercise) -> dict[str, object]:
    tree = ast.parse((exercise.stub).read_bytes())
    imports: list[ast.stmt] = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    names: dict[str, object] = {}
    exec(compile(ast.Module(imports, []), exercise.file, "exec"), names)
    return names


class OutOfTime(KeyboardInterrupt):
    """The time limit stopped a cell."""


@contextmanager
def no_longer_than(seconds: float) -> Iterator[None]:
    """Raises OutOfTime if this takes longer. Like Ctrl-C, it waits for a single call of NumPy to end.

    It works even where Ctrl-C does not, as in a process in the background. Outside the main thread there is no limit.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    turn, rung, done = threading.Lock(), False, False

    def ring() -> None:
        nonlocal rung
        with turn:
            if not done:
                rung = True
                _thread.interrupt_main()

    timer = threading.Timer(seconds, ring)
    timer.daemon = True
    timer.start()
    try:
        try:
            yield
        finally:
            timer.cancel()
            with turn:
                done = True
            signal.signal(signal.SIGINT, before or signal.SIG_DFL)
    except KeyboardInterrupt:
        if rung:
            raise OutOfTime from None
        raise


def what_is_next(exercise: Exercise, notes: progress.Progress) -> Text:
    """How many are right, and which one comes after this; of those in the notebook, where it can be found."""
    compare = t("To compare it with our solution: minibert exercises show {name}", name=exercise.name)
    if notes.path is None:
        return compare
    path = notebook_in(notes.path.parent)
    there = EXERCISES if path is None else exercises_in(path)
    left = [e for e in there if e.name not in notes.right]
    done = t("{done} of {count} are right", done=len(there) - len(left), count=len(there))
    later = [e for e in left if e.number > exercise.number] or left
    then = t("; next: {path}", path=f"{later[0].number}. {later[0].name}") if later else "."
    return lines(compare, joined("", [done, then]))


# --- ready, hint, show, run -----------------------------------------------------------------------------------------


def ready(name: str, language: str | None = None) -> bool:
    """Whether the functions of an exercise were right when their cell was last run; prints what to do if not."""
    exercise = find(name)
    right = all(part.name in mine for part in exercise.parts if isinstance(part, Function))
    if not right:
        console(language).print(t("Run this again when {name} is right.", name=exercise.name))
    return right


def hint(name: str, more: bool = False, word: str | None = None, language: str | None = None) -> None:
    """Print a hint; with more=True almost the solution. word: the teacher's word, if the solutions are locked."""
    run_action(command.hint, console(language), name=name, more=more, word=word)


def show(name: str, yes: bool = False, word: str | None = None, language: str | None = None) -> None:
    """Print our solution and the library's code, after asking "give up?" (yes=True does not ask)."""
    run_action(command.show, console(language), name=name, yes=yes, word=word)


def console(language: str | None) -> Console:
    """A Console in this language, or in that of the folder, with the words for a notebook."""
    return Console(language or folder_notes().language, in_cells)


def run_action(action: Callable, out: Console, **arguments: object) -> None:
    """Run an action of the command; what is wrong with the arguments is printed."""
    try:
        action(Namespace(**arguments), folder_notes(), out)
    except CourseError as error:
        out.print(error.text)


def run(text: str, model: str = "tiny", language: str | None = None) -> None:
    """Run a BERT made of the functions that were right when their cells were last run, and the library's for the rest.

    Print which functions are the student's, the predictions, the attention, and the difference from the library.
    """
    with one_thread():
        try:
            library = load(model)
            encoding = library.encode(text)
        except UserError as error:
            print(error)
            return
        theirs = {name: {name: mine[name]} for name in EXERCISE_OF if name in mine}
        print_run(put_together(theirs, library), library, encoding, Console(language or folder_notes().language))

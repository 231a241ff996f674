"""The course as one notebook, and the checker in a cell: `minibert.exercises.check("softmax", softmax)`."""

import ast
import json
from pathlib import Path

from minibert.exercises.attempt import attempt
from minibert.exercises.checker import find
from minibert.exercises.exercise import Exercise
from minibert.exercises.judge import judge
from minibert.exercises.key import answer_key
from minibert.exercises.language import t
from minibert.exercises.transport import describe, rebuild
from minibert.speed.cores import one_thread


def verdict_on(exercise: Exercise, names: dict[str, object], seed: int) -> dict:
    """What the judge says of functions in this very process: no time limit, and no protection from endless loops."""
    results, values = attempt(exercise, exercise.cases(seed), names, Path("notebook"))
    carried = []
    for value in values:
        arrays: list = []
        carried.append(rebuild(describe(value, arrays, 0), {str(i): array for i, array in enumerate(arrays)}))
    return judge(exercise, answer_key(exercise, seed), {"results": results, "values": carried})


def check(name: str, *answers: object, seed: int = 0) -> bool:
    """Check an exercise in a cell of a notebook: print what the command would say, and return whether all is right.

    name: of the exercise. answers: its functions in the order of the file, then the (layer, head) found, if it asks for
    one; those left out are to do. Raises ValueError for a name that is not there, or for too many answers.
    """
    exercise = find(name)
    if len(answers) > len(exercise.parts):
        wanted = ", ".join(part.name for part in exercise.parts)
        raise ValueError(f"check({name!r}) was given {len(answers)} answers; expected {wanted}")
    names = {part.name: not_yet for part in exercise.parts}
    names |= {part.name: None for part in exercise.parts if part.name.isupper()}
    names |= {part.name: answer for part, answer in zip(exercise.parts, answers, strict=False)}
    with one_thread():
        verdict = verdict_on(exercise, names, seed)
        right = verdict["status"] == "passed"
        print(f"{exercise.name}: {t('right') if right else verdict['message']}")
        if right:
            answer = exercise.answer if isinstance(exercise.answer, str) else exercise.answer()
            print(t("What did you predict?"), t(answer))
    return right


def not_yet(*_):
    raise NotImplementedError


def notebook(exercises: tuple[Exercise, ...], text_of) -> str:
    """One notebook, as JSON: per exercise a text, a cell to write in, a cell that checks. text_of: exercise -> file."""
    cells = [cell("markdown", t("# Build BERT's attention\n\nRun each cell with Shift-Enter. Write, run, check."))]
    for exercise in exercises:
        text = text_of(exercise)
        tree = ast.parse(text)
        explained = ast.get_docstring(tree)
        title, _, rest = explained.partition("\n")
        code = text.split('"""', 2)[2].strip("\n").partition('\nif __name__ == "__main__":')
        cells.append(cell("markdown", f"## {title}\n\n```text\n{rest.strip()}\n```"))
        cells.append(cell("code", code[0].rstrip()))
        if code[1]:
            run = "\n".join(line[4:] for line in code[2].strip("\n").splitlines())
            cells.append(cell("code", f"# {t('Run this when the function is right.')}\n{run}"))
        names = ", ".join(part.name for part in exercise.parts)
        asked = f'from minibert.exercises import check\n\ncheck("{exercise.name}", {names})'
        cells.append(cell("code", asked))
    for number, made in enumerate(cells):
        made["id"] = f"cell-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    whole = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1, ensure_ascii=True) + "\n"


def cell(kind: str, text: str) -> dict:
    made = {"cell_type": kind, "metadata": {}, "source": text.splitlines(keepends=True)}
    return made | ({"execution_count": None, "outputs": []} if kind == "code" else {})

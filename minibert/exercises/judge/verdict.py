"""What is wrong with the results of a student's functions: at which step, and which known mistake it equals.

The steps, in order: import and call (raised.py), then those of compare.py. Of each part of an exercise the first step
that fails is reported.
"""

from functools import cache

import numpy as np

from minibert.exercises.course.exercise import Case, Exercise, Finding, Function, Mistake, kind_of
from minibert.exercises.judge.compare import first_problem, same_arrays, same_as
from minibert.exercises.judge.key import Key, PartKey
from minibert.exercises.judge.raised import on_call, on_import
from minibert.exercises.judge.report import failed
from minibert.exercises.text import after, joined, lines, t

AS_LARGE = 0.98
"""A finding is right if its measurement is this share of the largest: rounding must not decide"""


def judge(exercise: Exercise, key: Key, reply: dict) -> dict:
    """The fields of a Report that follow from the worker's reply."""
    if "error" in reply:
        return {"status": "failed", "step": "import", "message": on_import(reply["error"], exercise.file)}
    verdicts: list[dict] = []
    for part, part_key, results in zip(exercise.parts, key.parts, reply["results"], strict=True):
        verdict = None
        if isinstance(part, Finding):
            verdict = judge_finding(part, results[0], reply["values"])
        elif part_key is not None:
            verdict = judge_function(part_key, results, reply["values"])
        verdicts.append({"function": part.name, **(verdict or {"status": "passed", "message": ""})})
    return together(verdicts)


def together(verdicts: list[dict]) -> dict:
    """The verdicts on the parts as one: the first that failed leads, or else the first to do."""
    right = [verdict["function"] for verdict in verdicts if verdict["status"] == "passed"]
    wrong = [verdict for verdict in verdicts if verdict["status"] != "passed"]
    parts = tuple(
        {
            "name": verdict["function"],
            "status": verdict["status"],
            "step": verdict.get("step"),
            "mistake": verdict.get("mistake"),
            "cause": verdict.get("cause"),
            "message": verdict["message"],
        }
        for verdict in verdicts
    )
    if not wrong:
        return {"status": "passed", "message": "", "parts": parts}
    if any(not verdict.get("finding") for verdict in wrong):  # first the function, then what is read off it
        wrong = [verdict for verdict in wrong if not (verdict.get("finding") and verdict["status"] == "todo")]
    messages = [verdict["message"] for verdict in wrong]
    if right:
        praise = "{names} is right." if len(right) == 1 else "{names} are right."
        messages[0] = after(t(praise, names=joined(t(" and "), right)), messages[0])
    first = next((verdict for verdict in wrong if verdict["status"] == "failed"), wrong[0])
    lead = {name: value for name, value in first.items() if name not in ("finding", "cause")}
    return lead | {"message": lines(*messages), "parts": parts}


def judge_function(key: PartKey, results: list[dict], values: list[object]) -> dict | None:
    """The first thing wrong with a function, over all its cases; None where all is well."""
    function, cases = key.function, key.cases
    if results[0].get("missing"):
        says = t("The file does not define {name} any more. The checker calls it by that name.", name=function.name)
        return failed("import", says)
    returned = [values[result["value"]] if "value" in result else None for result in results]
    for i, (case, expected, result) in enumerate(zip(cases, key.expected, results[:-1], strict=True)):
        problem = got = None
        verdict = broken(result, function, case)
        if verdict is None:
            with np.errstate(all="ignore"):
                problem, got = first_problem(function, case, returned[i], expected)
        if verdict is None and problem is None:
            continue
        if state := keeps_state(key, results, returned, i):
            return state
        if problem is None:
            return verdict
        mistake = None if got is None or problem.mistake else recognise(key, returned, i)
        message = problem.message
        if mistake is not None:
            like = "A possible cause: {says}."
            if mistake.says.endswith("?"):
                like = "A possible cause: {says}"
            message = lines(message, t(like, says=t(mistake.says)))
        return failed(
            problem.step,
            message,
            case=case.about,
            where=problem.where,
            expected=problem.expected,
            got=problem.got,
            mistake=mistake.name if mistake else problem.mistake,
            cause=t(mistake.says) if mistake else None,
            picture=problem.picture,
        )
    return None


def broken(result: dict, function: Function, case: Case) -> dict | None:
    """The verdict on a call that raised something, or that changed what it was given."""
    if "error" in result:
        return on_call(result["error"], function, case)
    if "changed" in result:
        says = t(
            "{name} changes its argument {argument}. The caller may still need it, so work on a copy.",
            name=function.name,
            argument=result["changed"],
        )
        return failed("call", says, case=case.about, mistake="in-place")
    return None


def keeps_state(key: PartKey, results: list[dict], returned: list[object], failing: int) -> dict | None:
    """The verdict on a function that was right on the last case when it was called first, and wrong later: on the same
    case again, or on another one, where it returns its earlier result."""
    function, case, expected = key.function, key.cases[-1], key.expected[-1]

    def right(i: int) -> bool:
        if "value" not in results[i]:
            return False
        with np.errstate(all="ignore"):
            return first_problem(function, case, returned[i], expected)[0] is None

    if not right(-1):
        return None
    if right(-2):
        other = key.cases[failing]
        if not same_as(function, other, expected, returned[failing]):
            return None
        says = t(
            "{name} returns the result of its first call again, although it gets other arguments. It keeps something "
            "from one call to the next: a list or dict made outside the function, a `global`, or a cache. Make it "
            "inside the function.",
            name=function.name,
        )
        return failed("call", says, case=other.about, mistake="keeps-state")
    says = t(
        "{name} is right on the first call, but wrong on a second call with the same arguments. It keeps something "
        "from one call to the next. This can be a list or dict made outside the function, a `global`, or a default "
        "argument such as rows=[], which is made only once. Make it inside the function.",
        name=function.name,
    )
    return failed("call", says, case=case.about, mistake="keeps-state")


# --- recognising a mistake ------------------------------------------------------------------------------------------


def recognise(key: PartKey, returned: list[object], failing: int) -> Mistake | None:
    """The known mistake with exactly the student's numbers, in every case in which it can be recognised."""
    function = key.function
    for mistake, mistaken in zip(function.mistakes, key.mistaken, strict=True):
        tells = False
        for i, (case, expected, arrays, value) in enumerate(
            zip(key.cases, key.expected, mistaken, returned[:-1], strict=True)
        ):
            if arrays is None:  # the mistake cannot be made on this case
                continue
            if not same_as(function, case, arrays, value):
                tells = False
                break
            tells = tells or (i == failing and not same_arrays(function, arrays, expected))
        if tells:
            return mistake
    return None


# --- findings ---------------------------- ---------------------------------------------------------------------------


@cache
def measured(finding: Finding) -> np.ndarray:
    return finding.measure()


def judge_finding(finding: Finding, result: dict, values: list[object]) -> dict | None:
    verdict = about_finding(finding, result, values)
    return None if verdict is None else {**verdict, "finding": True}


def about_finding(finding: Finding, result: dict, values: list[object]) -> dict | None:
    if result.get("missing"):
        return failed("import", t("The file does not define {name} any more.", name=finding.name))
    value = values[result["value"]]
    if value is None:
        says = "Now run the file. Find the layer and head in its output, and write {name} = (layer, head)."
        return {"status": "todo", "message": t(says, name=finding.name)}
    table_LH = measured(finding)
    layers, heads = table_LH.shape
    form = t(
        "{name} must be (layer, head), with layers 0 to {layers} and heads 0 to {heads}",
        name=finding.name,
        layers=layers - 1,
        heads=heads - 1,
    )
    try:
        if not isinstance(value, tuple | list | np.ndarray):
            raise TypeError
        layer, head = (float(number) for number in value)
    except (TypeError, ValueError):
        return failed("type", t("{form}, but it is {got}.", form=form, got=kind_of(value)))
    if layer not in range(layers) or head not in range(heads):
        return failed("finding", t("{form}, but it is {got}.", form=form, got=f"({layer:g}, {head:g})"))
    layer, head = int(layer), int(head)
    if table_LH[layer, head] >= AS_LARGE * table_LH.max():
        return None
    above = int((table_LH > table_LH[layer, head]).sum())
    message = t(
        "{name} is {got}, but {what} is larger for other heads, {count} in all.",
        name=finding.name,
        got=f"({layer}, {head})",
        what=t(finding.what),
        count=above,
    )
    if head < layers and layer < heads and table_LH[head, layer] >= AS_LARGE * table_LH.max():
        swapped = t("It would be right with layer and head exchanged.")
        return failed("finding", lines(message, swapped), mistake="swapped")
    return failed("finding", message, got=f"({layer}, {head})")

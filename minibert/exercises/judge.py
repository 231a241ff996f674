"""What is wrong with what a student's function returned, at which step, and what mistake it looks like.

The steps, in order: import, call, type, shape, dtype, finite, invariant, values. The first that fails is reported.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from minibert.exercises.exercise import Case, Exercise, Finding, Function, Mistake, Output, Wrong
from minibert.exercises.transport import Other, kind_of

NEAR_RELATIVE = 1e-4
"""How far a number may be off as a share of itself, besides `Output.near`"""
AS_LARGE = 0.98
"""A finding is right if its measurement is this share of the largest: rounding must not decide"""


@dataclass(frozen=True)
class Report:
    """What the checker has to say about one exercise. `to_json` is the documented form."""

    name: str
    file: str
    status: str
    """passed, failed, todo (still a stub) or missing (no such file)"""
    message: str
    step: str | None = None
    """the step that failed: import, call, time, type, shape, dtype, finite, invariant, values or finding"""
    function: str | None = None
    case: str | None = None
    where: dict[str, int] | None = None
    """the first place that differs: {"head": 1, "query": 0, "key": 3}"""
    expected: str | None = None
    got: str | None = None
    mistake: str | None = None
    """the recognised mistake's name"""
    printed: str = ""
    seconds: float = 0.0

    def to_json(self) -> dict:
        return asdict(self) | {"seconds": round(self.seconds, 3)}


@dataclass(frozen=True)
class Problem:
    """The first step at which one call goes wrong."""

    step: str
    message: str
    where: dict[str, int] | None = None
    expected: str | None = None
    got: str | None = None


def judge(exercise: Exercise, cases: list[list[Case] | None], reply: dict) -> dict:
    """What to report about an exercise tried on these cases: the fields of a Report that follow from the reply."""
    if "error" in reply:
        return {"status": "failed", "step": "import", "message": on_import(reply["error"], exercise.file)}
    right: list[str] = []
    for part, part_cases, results in zip(exercise.parts, cases, reply["results"], strict=True):
        if isinstance(part, Finding):
            verdict = judge_finding(part, results[0], reply["values"])
        else:
            verdict = judge_function(part, part_cases, results, reply["values"])
        if verdict is not None:
            if right:
                verdict["message"] = (
                    f"{' and '.join(right)} {'is' if len(right) == 1 else 'are'} right. " + verdict["message"]
                )
            return {"function": part.name, **verdict}
        right.append(part.name)
    return {"status": "passed", "message": ""}


def judge_function(function: Function, cases: list[Case], results: list[dict], values: list[object]) -> dict | None:
    """The first thing wrong with a function, over all its cases; None where all is well."""
    if results[0].get("missing"):
        return failed("import", f"There is no {function.name} in the file any more; the checker calls it by that name.")
    returned = [values[result["value"]] if "value" in result else None for result in results]
    for i, (case, result) in enumerate(zip(cases, results, strict=True)):
        if "error" in result:
            return on_call(result["error"], function, case)
        expected = arrays_of(function, case.arguments, function.solution(*case.arguments))
        with np.errstate(all="ignore"):
            problem, got = first_problem(function, case, returned[i], expected)
        if problem is None:
            continue
        mistake = recognise(function, cases, results, returned, i) if got is not None else None
        message = problem.message
        if mistake is not None:
            message += f"\nThis is what comes out when {mistake.says}."
        return failed(
            problem.step,
            message,
            case=case.about,
            where=problem.where,
            expected=problem.expected,
            got=problem.got,
            mistake=mistake.name if mistake else None,
        )
    return None


def failed(step: str, message: str, **more) -> dict:
    return {"status": "failed", "step": step, "message": message, **more}


# --- the steps ------------------------------------------------------------------------------------------------------


def arrays_of(function: Function, arguments: tuple, value: object) -> tuple[object, ...]:
    """What is compared: one entry an output. Raises `Wrong` where it is not of that kind."""
    value = function.look(arguments, value)
    if len(function.outputs) == 1:
        return (value,)
    if not isinstance(value, tuple | list) or len(value) != len(function.outputs):
        names = ", ".join(output.name for output in function.outputs)
        raise Wrong(f"expected {len(function.outputs)} things, in this order: {names}; got {kind_of(value)}")
    return tuple(value)


def first_problem(
    function: Function, case: Case, value: object, expected: tuple
) -> tuple[Problem | None, tuple[np.ndarray, ...] | None]:
    """The first step that fails, and the arrays that were compared where there are any."""
    if value is None:
        return Problem("type", f"{function.name} returned None. Is there a `return` at its end?"), None
    if isinstance(value, Other) and value.description == "...":
        return Problem("type", f"{function.name} returned `...`. Replace it by your code."), None
    try:
        got = arrays_of(function, case.arguments, value)
        for output, part, want in zip(function.outputs, got, expected, strict=True):
            check_kind(output, part, want)
    except Wrong as error:
        return Problem("type", f"What {function.name} returned on {case.about} is of the wrong kind: {error}."), None
    got = tuple(np.asarray(part) for part in got)
    for check in (check_shape, check_dtype, check_finite):
        for output, part, want in zip(function.outputs, got, expected, strict=True):
            if problem := check(output, part, np.asarray(want), case):
                return problem, got
    for law in function.laws:
        if says := law(case.arguments, got):
            return Problem("invariant", f"On {case.about}: {says}."), got
    for output, part, want in zip(function.outputs, got, expected, strict=True):
        if problem := check_values(output, part, np.asarray(want), case):
            return problem, got
    return None, got


def check_kind(output: Output, got: object, expected: object) -> None:
    scalar = np.ndim(expected) == 0
    if isinstance(got, np.ndarray) or (scalar and isinstance(got, float)):
        return
    wanted = "a number" if scalar else f"a NumPy array of shape {list(np.shape(expected))}"
    raise Wrong(f"expected {output.name} to be {wanted}, got {kind_of(got)}")


def check_shape(output: Output, got: np.ndarray, expected: np.ndarray, case: Case) -> Problem | None:
    if got.shape == expected.shape:
        return None
    want, have = list(expected.shape), list(got.shape)
    axes = f" ({', '.join(axes_of(output, expected))})" if expected.ndim > 1 else ""
    return Problem(
        "shape",
        f"Shape of {output.name}, on {case.about}: expected {want}{axes}, got {have}.",
        expected=str(want),
        got=str(have),
    )


def axes_of(output: Output, array: np.ndarray) -> tuple[str, ...]:
    """The names of an array's axes; the last ones, where a function takes arrays of fewer axes too."""
    return output.axes[len(output.axes) - array.ndim :]


def check_dtype(output: Output, got: np.ndarray, expected: np.ndarray, case: Case) -> Problem | None:
    if got.dtype == np.float32 or (not output.float32 and got.dtype.kind == "f"):
        return None
    message = f"dtype of {output.name}: expected float32, got {got.dtype}."
    if got.dtype == np.float64:
        message += (
            " One float64 makes everything it meets float64: np.sqrt of an int, np.zeros without dtype, an array of "
            "Python numbers. math.sqrt gives a plain Python number, which leaves float32 alone."
        )
    return Problem("dtype", message, expected="float32", got=str(got.dtype))


def check_finite(output: Output, got: np.ndarray, expected: np.ndarray, case: Case) -> Problem | None:
    bad = ~np.isfinite(got) & np.isfinite(expected)
    if not bad.any():
        return None
    return difference(
        "finite",
        f"{output.name} is not finite",
        bad,
        output,
        got,
        expected,
        case,
        " (inf: a number too large for float32. nan: 0/0, or inf - inf, or the root of a negative number, which "
        "rounding alone can make.)",
    )


def check_values(output: Output, got: np.ndarray, expected: np.ndarray, case: Case) -> Problem | None:
    wrong = ~close(got, expected, output.near)
    if not wrong.any():
        return None
    note = ""
    with np.errstate(over="ignore"):
        factor = float(np.vdot(got, expected) / max(np.vdot(expected, expected), 1e-30))
    if wrong.size > 1 and close(got, factor * expected, output.near).all():
        note = f" Every number is {factor:.4g} times what is expected."
    return difference("values", f"Values of {output.name}", wrong, output, got, expected, case, note)


def close(got: np.ndarray, expected: np.ndarray, near: float) -> np.ndarray:
    largest = float(np.abs(expected[np.isfinite(expected)]).max(initial=0))
    return np.isclose(
        got.astype(np.float64), expected.astype(np.float64), rtol=NEAR_RELATIVE, atol=near * largest, equal_nan=True
    )


def difference(
    step: str,
    title: str,
    wrong: np.ndarray,
    output: Output,
    got: np.ndarray,
    expected: np.ndarray,
    case: Case,
    note: str,
) -> Problem:
    """A Problem that names the first place where `wrong` holds."""
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    where = dict(zip(axes_of(output, expected), first, strict=True))
    want, have = f"{expected[first]:.6g}", f"{got[first]:.6g}"
    message = f"{title}, on {case.about}: "
    if where:
        message += f"first wrong at {', '.join(f'{axis} {i}' for axis, i in where.items())}: "
    message += f"expected {want}, got {have}"
    if wrong.size > 1:
        count = int(wrong.sum())
        message += f" ({'all' if count == wrong.size else count} of {wrong.size} numbers are wrong"
        gap = np.abs(got - expected)[wrong]
        message += f", by up to {gap.max():.2g})" if np.isfinite(gap).all() else ")"
    return Problem(step, f"{message}.{note}", where, want, have)


# --- recognising a mistake ------------------------------------------------------------------------------------------


def recognise(
    function: Function, cases: list[Case], results: list[dict], returned: list[object], failing: int
) -> Mistake | None:
    """The known mistake that gives the student's very numbers in the failing case; of several, the one that gives them
    in most other cases too."""
    best, most = None, 0
    for mistake in function.mistakes:
        agrees = [
            "value" in result and same_as(mistake.function, function, case, value)
            for case, result, value in zip(cases, results, returned, strict=True)
        ]
        if agrees[failing] and sum(agrees) > most and not same_as(mistake.function, function, cases[failing], None):
            best, most = mistake, sum(agrees)
    return best


def same_as(does: Callable, function: Function, case: Case, value: object) -> bool:
    """Whether the mistake gives this value on this case; None stands for the right answer."""
    with np.errstate(all="ignore"):
        try:
            mistaken = arrays_of(function, case.arguments, does(*case.arguments))
            right = function.solution(*case.arguments) if value is None else value
            other = arrays_of(function, case.arguments, right)
        except (ValueError, IndexError):  # the mistake cannot be made on this case
            return False
        return all(
            np.shape(a) == np.shape(b) and bool(close(np.asarray(b), np.asarray(a), output.near).all())
            for output, a, b in zip(function.outputs, mistaken, other, strict=True)
        )


# --- findings, and code that does not run ---------------------------------------------------------------------------


def judge_finding(finding: Finding, result: dict, values: list[object]) -> dict | None:
    if result.get("missing"):
        return failed("import", f"There is no {finding.name} in the file any more.")
    value = values[result["value"]]
    if value is None:
        return {
            "status": "todo",
            "message": f"Now run the file, read off the head, and write it down as {finding.name} = (layer, head).",
        }
    table_LH = finding.measure()
    layers, heads = table_LH.shape
    form = f"{finding.name} must be (layer, head), with layers 0 to {layers - 1} and heads 0 to {heads - 1}"
    try:
        layer, head = (float(number) for number in value)
    except (TypeError, ValueError):
        return failed("type", f"{form}; it is {kind_of(value)}.")
    if layer not in range(layers) or head not in range(heads):
        return failed("finding", f"{form}; it is ({layer:g}, {head:g}).")
    layer, head = int(layer), int(head)
    if table_LH[layer, head] >= AS_LARGE * table_LH.max():
        return None
    above = int((table_LH > table_LH[layer, head]).sum())
    others = f"{above} other head{'s' if above > 1 else ''}"
    message = f"{finding.name} is ({layer}, {head}), but {finding.what} is larger for {others}."
    if head < layers and layer < heads and table_LH[head, layer] >= AS_LARGE * table_LH.max():
        return failed(
            "finding", message + "\nThis is what comes out when layer and head change places.", mistake="swapped"
        )
    return failed("finding", message, got=f"({layer}, {head})")


ADVICE = {
    ("broadcast", "matmul", "mismatch"): (
        "Two shapes do not fit; print them. A sum or mean needs keepdims=True to meet its array again; .mT exchanges "
        "the last two axes, .T reverses all of them."
    ),
    ("too many indices",): "A tuple is taken for row, column, ...; a list picks rows: table[list(ids)].",
    ("inhomogeneous",): (
        "Either rows of unequal length were to become one array: np.concatenate lays them end to end. Or a function "
        "that returns two things gave them under one name: hidden, parts = ..."
    ),
    ("0-dimensional", "only length-1", "only size-1"): (
        "What is in `math` works on one number; for whole arrays there is np.exp, np.sqrt and so on."
    ),
    ("'float' object cannot be interpreted",): "Sizes are whole numbers: divide them with //, since / makes a float.",
    ("MemoryError",): "The arrays of this exercise are small: did an axis slip in that multiplies them?",
}
"""What often lies behind an error, by words in it"""


def on_import(error: dict, file: str) -> str:
    if error["type"] == "SystemExit":
        return f"{file} leaves Python while it is imported (sys.exit{at(error)}). Take that call out."
    return f"{file} cannot be imported: {error['type']}: {error['message']}{at(error)}."


def on_call(error: dict, function: Function, case: Case) -> dict:
    kind, text = error["type"], error["message"]
    if kind == "NotImplementedError":
        return {"status": "todo", "message": f"{function.name} is not written yet."}
    if kind == "SystemExit":
        return failed("call", f"{function.name} leaves Python (sys.exit{at(error)}). Return the result instead.")
    if kind == "EOFError":
        return failed("call", f"{function.name} waits for input{at(error)}. All it needs is in its arguments.")
    if "read-only" in text:
        return failed(
            "call",
            f"{function.name} writes into an array it was given{at(error)}. Whoever called may still need it: make a "
            "new array (x = x - 1 makes one, x -= 1 does not).",
            case=case.about,
            mistake="in-place",
        )
    message = f"{function.name} raised {kind} on {case.about}: {text}{at(error)}."
    for words, advice in ADVICE.items():
        if any(word in f"{kind}: {text}" for word in words):
            message += f"\n{advice}"
            break
    return failed("call", message, case=case.about)


def at(error: dict) -> str:
    if error["line"] is None:
        return ""
    return f" at line {error['line']}" + (f", `{error['source']}`" if error["source"] else "")

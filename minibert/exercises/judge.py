"""What is wrong with what a student's functions returned, at which step, and what mistake it looks like.

The steps, in order: import, call, type, order, shape, dtype, finite, invariant, values. Of each part of an exercise the
first step that fails is reported.
"""

from dataclasses import asdict, dataclass
from functools import cache

import numpy as np

from minibert.exercises.exercise import Case, Exercise, Finding, Function, Mistake, Output, Wrong
from minibert.exercises.key import Key, PartKey, arrays_of
from minibert.exercises.language import t
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
    """the step that failed: import, call, time, type, order, shape, dtype, finite, invariant, values or finding"""
    function: str | None = None
    case: str | None = None
    where: dict[str, int] | None = None
    """the first place that differs: {"head": 1, "query": 0, "key": 3}"""
    expected: str | None = None
    got: str | None = None
    mistake: str | None = None
    """the recognised mistake's name"""
    parts: tuple[dict, ...] = ()
    """each function and finding on its own: name, status, step, mistake, message"""
    imports_it: bool = False
    """whether the file takes the library's own answer in place of one"""
    printed: str = ""
    seconds: float = 0.0
    picture: tuple[np.ndarray, np.ndarray] | None = None
    """expected and got, where a picture of them says something; not in `to_json`"""

    def to_json(self) -> dict:
        fields = asdict(self) | {"seconds": round(self.seconds, 3), "parts": list(self.parts)}
        del fields["picture"]
        return fields


@dataclass(frozen=True)
class Problem:
    """The first step at which one call goes wrong."""

    step: str
    message: str
    where: dict[str, int] | None = None
    expected: str | None = None
    got: str | None = None
    mistake: str | None = None
    picture: tuple[np.ndarray, np.ndarray] | None = None


def judge(exercise: Exercise, key: Key, reply: dict) -> dict:
    """What to report about an exercise: the fields of a Report that follow from the worker's reply."""
    if "error" in reply:
        return {"status": "failed", "step": "import", "message": on_import(reply["error"], exercise.file)}
    verdicts: list[dict] = []
    for part, part_key, results in zip(exercise.parts, key.parts, reply["results"], strict=True):
        if isinstance(part, Finding):
            verdict = judge_finding(part, results[0], reply["values"])
        else:
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
        praise = t("{names} is right.") if len(right) == 1 else t("{names} are right.")
        messages[0] = praise.format(names=t(" and ").join(right)) + " " + messages[0]
    first = next((verdict for verdict in wrong if verdict["status"] == "failed"), wrong[0])
    lead = {name: value for name, value in first.items() if name != "finding"}
    return lead | {"message": "\n".join(messages), "parts": parts}


def judge_function(key: PartKey, results: list[dict], values: list[object]) -> dict | None:
    """The first thing wrong with a function, over all its cases; None where all is well."""
    function, cases = key.function, key.cases
    if results[0].get("missing"):
        says = t("There is no {name} in the file any more; the checker calls it by that name.", name=function.name)
        return failed("import", says)
    returned = [values[result["value"]] if "value" in result else None for result in results]
    for i, (case, expected, result) in enumerate(zip(cases, key.expected, results[:-1], strict=True)):
        problem = broken(result, function, case)
        if problem is None:
            with np.errstate(all="ignore"):
                problem, got = first_problem(function, case, returned[i], expected)
        if problem is None:
            continue
        if state := keeps_state(key, results, returned):
            return state
        if isinstance(problem, dict):
            return problem
        mistake = None if got is None or problem.mistake else recognise(key, returned, i)
        message = problem.message
        if mistake is not None:
            like = t("These are the numbers that come out when, for example, {says}.", says=t(mistake.says))
            message += "\n" + like.replace("?.", "?")
        return failed(
            problem.step,
            message,
            case=case.about,
            where=problem.where,
            expected=problem.expected,
            got=problem.got,
            mistake=mistake.name if mistake else problem.mistake,
            picture=problem.picture,
        )
    return None


def broken(result: dict, function: Function, case: Case) -> dict | None:
    """The verdict on a call that raised something, or that changed what it was given."""
    if "error" in result:
        return on_call(result["error"], function, case)
    if "changed" in result:
        says = t(
            "{name} changes what it was given: {argument} is not what it was before the call. Whoever called may still "
            "need it: work on a copy.",
            name=function.name,
            argument=result["changed"],
        )
        return failed("call", says, case=case.about, mistake="in-place")
    return None


def keeps_state(key: PartKey, results: list[dict], returned: list[object]) -> dict | None:
    """The verdict on a function that was right on the last case when it was called first, and wrong later."""
    function, case, expected = key.function, key.cases[-1], key.expected[-1]

    def right(i: int) -> bool:
        if "value" not in results[i]:
            return False
        with np.errstate(all="ignore"):
            return first_problem(function, case, returned[i], expected)[0] is None

    if not right(-1) or right(-2):
        return None
    says = t(
        "{name} is right when it is called first, and wrong when it is called again with the same arguments. Something "
        "is kept from one call to the next: a list or dict made outside the function, a `global`, "
        "or a default argument "
        "such as rows=[], which is made only once. Make it inside the function.",
        name=function.name,
    )
    return failed("call", says, case=case.about, mistake="keeps-state")


def failed(step: str, message: str, **more) -> dict:
    return {"status": "failed", "step": step, "message": message, **more}


# --- the steps ------------------------------------------------------------------------------------------------------


def first_problem(
    function: Function, case: Case, value: object, expected: tuple
) -> tuple[Problem | None, tuple[np.ndarray, ...] | None]:
    """The first step that fails, and the arrays that were compared where there are any."""
    if value is None:
        return Problem("type", t("{name} returned None. Is there a `return` at its end?", name=function.name)), None
    if isinstance(value, Other) and value.description == "...":
        return Problem("type", t("{name} returned `...`. Replace it by your code.", name=function.name)), None
    try:
        got = arrays_of(function, case.arguments, value)
        if problem := check_order(function, got, expected, case):
            return problem, None
        for output, part, want in zip(function.outputs, got, expected, strict=True):
            check_kind(output, part, want)
    except Wrong as error:
        says = "What {name} returned on {case} is of the wrong kind: {error}."
        return Problem("type", t(says, name=function.name, case=case.about, error=error)), None
    got = tuple(np.asarray(part) for part in got)
    for check in (check_shape, check_dtype, check_finite):
        for output, part, want in zip(function.outputs, got, expected, strict=True):
            if problem := check(output, part, np.asarray(want), case):
                return problem, got
    for law in function.laws:
        if says := law(case.arguments, got):
            message = t("On {case}: {says}.", case=case.about, says=says)
            return Problem("invariant", message, picture=first_different(function, got, expected)), got
    for output, part, want in zip(function.outputs, got, expected, strict=True):
        if problem := check_values(output, part, np.asarray(want), case):
            return problem, got
    return None, got


def first_different(function: Function, got: tuple, expected: tuple) -> tuple[np.ndarray, np.ndarray] | None:
    for output, part, want in zip(function.outputs, got, expected, strict=True):
        if not close(part, np.asarray(want), output.near).all():
            return pictured(np.asarray(want), part)
    return None


def check_order(function: Function, got: tuple, expected: tuple, case: Case) -> Problem | None:
    """Right arrays in the wrong places are that, whatever else their numbers would break there."""
    names = [output.name for output in function.outputs]

    def same(i: int, j: int) -> bool:
        """Whether what stands at i is what is expected at j."""
        a, b = got[i], np.asarray(expected[j])
        if not isinstance(a, np.ndarray) or a.dtype.kind not in "fiu" or a.shape != b.shape:
            return False
        return bool(close(a, b, function.outputs[j].near).all())

    for i in range(len(got)):
        if same(i, i):
            continue
        for j in range(len(got)):
            if i != j and same(i, j) and not same(j, j):
                says = t(
                    "{name} returns its results in another order: what is expected is {names}, but what "
                    "stands in place "
                    "{place} is {found}, on {case}.",
                    name=function.name,
                    names=", ".join(names),
                    place=i + 1,
                    found=names[j],
                    case=case.about,
                )
                return Problem("order", says, expected=", ".join(names), mistake="order")
    return None


def check_kind(output: Output, got: object, expected: object) -> None:
    scalar = np.ndim(expected) == 0
    if scalar and (isinstance(got, float) or (isinstance(got, np.ndarray) and got.ndim == 0)):
        return
    if isinstance(got, np.ndarray) and not scalar:
        return
    wanted = t("a number") if scalar else t("a NumPy array of shape {shape}", shape=list(np.shape(expected)))
    came = kind_of(got)
    if isinstance(got, list | tuple) and any(isinstance(item, np.ndarray) for item in got):
        came += t(" (np.stack makes one array of arrays of one shape)")
    raise Wrong(t("expected {name} to be {wanted}, got {got}", name=output.name, wanted=wanted, got=came))


def check_shape(output: Output, got: np.ndarray, expected: np.ndarray, case: Case) -> Problem | None:
    if got.shape == expected.shape:
        return None
    want, have = list(expected.shape), list(got.shape)
    axes = f" ({', '.join(map(t, axes_of(output, expected)))})" if expected.ndim > 1 else ""
    return Problem(
        "shape",
        t(
            "Shape of {name}, on {case}: expected {want}{axes}, got {have}.",
            name=output.name,
            case=case.about,
            want=want,
            axes=axes,
            have=have,
        ),
        expected=str(want),
        got=str(have),
    )


def axes_of(output: Output, array: np.ndarray) -> tuple[str, ...]:
    """The names of an array's axes; the last ones, where a function takes arrays of fewer axes too."""
    return output.axes[len(output.axes) - array.ndim :]


def check_dtype(output: Output, got: np.ndarray, expected: np.ndarray, case: Case) -> Problem | None:
    """float32, as everything in the library is, or float64, which is right and takes twice the room."""
    if got.dtype in (np.float32, np.float64):
        return None
    message = t("dtype of {name}: expected float32 or float64, got {got}.", name=output.name, got=got.dtype)
    return Problem("dtype", message, expected="float32", got=str(got.dtype))


def check_finite(output: Output, got: np.ndarray, expected: np.ndarray, case: Case) -> Problem | None:
    bad = ~np.isfinite(got) & np.isfinite(expected)
    if not bad.any():
        return None
    note = " " + t(
        "(inf: a number too large for float32. nan: 0/0, or inf - inf, or the root of a negative "
        "number, which rounding "
        "alone can make.)"
    )
    return difference("finite", t("{name} is not finite", name=output.name), bad, output, got, expected, case, note)


def check_values(output: Output, got: np.ndarray, expected: np.ndarray, case: Case) -> Problem | None:
    wrong = ~close(got, expected, output.near)
    if not wrong.any():
        return None
    note = ""
    with np.errstate(over="ignore"):
        factor = float(np.vdot(got, expected) / max(np.vdot(expected, expected), 1e-30))
    if wrong.size > 1 and abs(factor) > 1e-6 and close(got, factor * expected, output.near).all():
        note = " " + t("Every number is {factor} times what is expected.", factor=f"{factor:.4g}")
    return difference("values", t("Values of {name}", name=output.name), wrong, output, got, expected, case, note)


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
    places = ", ".join(f"{t(axis)} {i}" for axis, i in where.items())
    message = t("{title}, on {case}: ", title=title, case=case.about)
    message += t("first wrong at {places}: ", places=places) if where else ""
    message += t("expected {want}, got {have}", want=want, have=have)
    if wrong.size > 1:
        gap = np.abs(got - expected)[wrong]
        count = int(wrong.sum())
        many = t("all") if count == wrong.size else count
        message += " " + (
            t(
                "({many} of {size} numbers are wrong, by up to {gap})",
                many=many,
                size=wrong.size,
                gap=f"{gap.max():.2g}",
            )
            if np.isfinite(gap).all()
            else t("({many} of {size} numbers are wrong)", many=many, size=wrong.size)
        )
    return Problem(
        step, t("{message}.", message=message) + note, where, want, have, picture=pictured(expected, got, first)
    )


def pictured(
    expected: np.ndarray, got: np.ndarray, first: tuple[int, ...] = ()
) -> tuple[np.ndarray, np.ndarray] | None:
    """The matrix in which the first wrong number stands, expected and got."""
    if expected.ndim < 2 or expected.shape != got.shape:
        return None
    outer = first[:-2] or (0,) * (expected.ndim - 2)
    return expected[outer], got[outer]


# --- recognising a mistake ------------------------------------------------------------------------------------------


def recognise(key: PartKey, returned: list[object], failing: int) -> Mistake | None:
    """The known mistake that gives the student's very numbers in every case on which it can be told at all."""
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


def same_as(function: Function, case: Case, arrays: tuple | None, value: object) -> bool:
    """Whether the value is these arrays."""
    if arrays is None or value is None:
        return False
    try:
        return same_arrays(function, arrays, arrays_of(function, case.arguments, value))
    except (Wrong, ValueError, IndexError):
        return False


def same_arrays(function: Function, one: tuple, other: tuple) -> bool:
    with np.errstate(all="ignore"):
        return all(
            np.shape(a) == np.shape(b) and bool(close(np.asarray(b), np.asarray(a), output.near).all())
            for output, a, b in zip(function.outputs, one, other, strict=True)
        )


# --- findings, and code that does not run ---------------------------------------------------------------------------


@cache
def measured(finding: Finding) -> np.ndarray:
    return finding.measure()


def judge_finding(finding: Finding, result: dict, values: list[object]) -> dict | None:
    verdict = about_finding(finding, result, values)
    return None if verdict is None else {**verdict, "finding": True}


def about_finding(finding: Finding, result: dict, values: list[object]) -> dict | None:
    if result.get("missing"):
        return failed("import", t("There is no {name} in the file any more.", name=finding.name))
    value = values[result["value"]]
    if value is None:
        says = "Now run the file, read off the head, and write it down as {name} = (layer, head)."
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
        return failed("type", t("{form}; it is {got}.", form=form, got=kind_of(value)))
    if layer not in range(layers) or head not in range(heads):
        return failed("finding", t("{form}; it is {got}.", form=form, got=f"({layer:g}, {head:g})"))
    layer, head = int(layer), int(head)
    if table_LH[layer, head] >= AS_LARGE * table_LH.max():
        return None
    above = int((table_LH > table_LH[layer, head]).sum())
    message = t(
        "{name} is {got}, but {what} is larger for {count} other head(s).",
        name=finding.name,
        got=f"({layer}, {head})",
        what=t(finding.what),
        count=above,
    )
    if head < layers and layer < heads and table_LH[head, layer] >= AS_LARGE * table_LH.max():
        swapped = t("It would be right if layer and head changed places.")
        return failed("finding", f"{message}\n{swapped}", mistake="swapped")
    return failed("finding", message, got=f"({layer}, {head})")


ADVICE = {
    ("'tuple' object has no attribute", "'list' object has no attribute", "tuple indices must be"): (
        "A function that returns two things gave both under one name: hidden, parts = encoder_layer(...) takes them "
        "apart. And a list of arrays is no array yet: np.stack or np.concatenate makes one."
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
    ("MemoryError",): (
        "The arrays of this exercise are small. Did an axis slip in that multiplies them, or does "
        "a list grow in a loop "
        "that never ends?"
    ),
    ("broadcast", "matmul", "mismatch"): (
        "Two shapes do not fit; print them. A sum or mean needs keepdims=True to meet its array again; .mT exchanges "
        "the last two axes, .T reverses all of them."
    ),
}
"""What often lies behind an error, by words in it"""


def on_import(error: dict, file: str) -> str:
    """Why a file cannot be imported, for the one who wrote it."""
    kind, text = error["type"], error["message"]
    if kind == "SystemExit":
        return t(
            "{file} leaves Python while it is imported (sys.exit{at}). Take that call out.", file=file, at=at(error)
        )
    if "null bytes" in text:
        return t("{file} is saved as UTF-16, as some editors do. Save it as UTF-8.", file=file)
    if "codec can't decode" in text or "Non-UTF-8" in text:
        return t("{file} is not saved as UTF-8, but in an older code page. Save it as UTF-8.", file=file)
    message = t(
        "{file} cannot be imported: {kind}: {text}{at}.", file=file, kind=kind, text=shortened(text), at=at(error)
    )
    if error.get("began"):
        message += " " + t("It is line {line} that called it: the function itself may be right.", line=error["began"])
    if kind == "SyntaxError" and "invalid decimal literal" in text and "import" in (error["source"] or ""):
        message += "\n" + t(
            "A name that begins with a digit cannot be imported in this way: "
            'importlib.import_module("01_softmax").softmax does it.'
        )
    if kind == "ImportError" and "cannot import name" in text:
        message += "\n" + t("A file of yours that has the name of a module of Python's is not found: rename it.")
    return message


def on_call(error: dict, function: Function, case: Case) -> dict:
    kind, text = error["type"], error["message"]
    if kind == "NotImplementedError":
        if error.get("stub", True):
            return {"status": "todo", "message": t("{name} is not written yet.", name=function.name)}
        says = "{name} still reaches the line `raise NotImplementedError` (line {line}). Take that line out."
        return failed("call", t(says, name=function.name, line=error["line"]), case=case.about)
    if kind == "SystemExit":
        says = "{name} leaves Python (sys.exit{at}). Return the result instead."
        return failed("call", t(says, name=function.name, at=at(error)))
    if kind == "EOFError":
        says = "{name} waits for input{at}. All it needs is in its arguments."
        return failed("call", t(says, name=function.name, at=at(error)))
    if "read-only" in text:
        says = t(
            "{name} writes into an array it was given{at}. Whoever called may still need it: make a new array "
            "(x = x - 1 makes one, x -= 1 does not).",
            name=function.name,
            at=at(error),
        )
        return failed("call", says, case=case.about, mistake="in-place")
    raised = f"{kind}: {shortened(text)}" if text else kind
    message = t(
        "{name} raised {raised}{at}, on {case}.", name=function.name, raised=raised, at=at(error), case=case.about
    )
    for words, advice in ADVICE.items():
        if any(word in f"{kind}: {text}" for word in words):
            shapes = "broadcast" in words and function.advice
            message += "\n" + t(function.advice if shapes else advice)
            break
    return failed("call", message, case=case.about)


def shortened(text: str) -> str:
    """The first lines of an error's text."""
    lines = text.strip().splitlines()
    return "\n".join(lines[:4])[:300] + (" ..." if len(lines) > 4 or len(text) > 300 else "")


def at(error: dict) -> str:
    if error["line"] is None:
        return ""
    where = t(" at line {line}", line=error["line"])
    return where + (f", `{error['source']}`" if error["source"] else "")

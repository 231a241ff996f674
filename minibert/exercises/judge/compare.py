"""The first step at which the result of a function fails: type, order, shape, dtype, finite, invariant, values."""

from typing import Any

import numpy as np

from minibert.exercises.course.exercise import Case, Function, Other, Output, Wrong, kind_of
from minibert.exercises.judge.key import arrays_of
from minibert.exercises.judge.report import Picture, Problem
from minibert.exercises.text import Text, after, joined, listed, t

NEAR_RELATIVE = 1e-4
"""How far a number may be off as a share of itself, besides `Output.near`"""


def first_problem(
    function: Function, case: Case, value: object, expected: tuple
) -> tuple[Problem | None, tuple[np.ndarray, ...] | None]:
    """The first step that fails, and the arrays that were compared where there are any."""
    if value is None:
        return Problem("type", t("{name} returned None. Does it end with a `return`?", name=function.name)), None
    if isinstance(value, Other) and value.description == "...":
        return Problem("type", t("{name} returned `...`. Replace it with your code.", name=function.name)), None
    try:
        returned = arrays_of(function, case.arguments, value)
        if problem := check_order(function, returned, expected, case):
            return problem, None
        for output, part, want in zip(function.outputs, returned, expected, strict=True):
            check_kind(output, part, want)
    except Wrong as error:
        says = "{name} returned a value of the wrong kind, on {case}: {error}."
        return Problem("type", t(says, name=function.name, case=case.about, error=error.text)), None
    got = tuple(np.asarray(part) for part in returned)
    wanted = tuple(np.asarray(want) for want in expected)
    for check in (check_shape, check_dtype, check_finite):
        for output, array, want in zip(function.outputs, got, wanted, strict=True):
            if problem := check(output, array, want, case):
                return problem, got
    for law in function.laws:
        if broken := law(case.arguments, got):
            message = t("On {case}: {says}.", case=case.about, says=broken)
            return Problem("invariant", message, picture=first_different(function, got, wanted)), got
    for output, array, want in zip(function.outputs, got, wanted, strict=True):
        if problem := check_values(output, array, want, case):
            return problem, got
    return None, got


def first_different(function: Function, got: tuple, expected: tuple) -> Picture | None:
    for output, part, want in zip(function.outputs, got, expected, strict=True):
        wrong = ~close(part, np.asarray(want), output.near)
        if wrong.any():
            return pictured(np.asarray(want), part, wrong)
    return None


def check_order(function: Function, got: tuple, expected: tuple, case: Case) -> Problem | None:
    """Find right arrays in the wrong places, before anything else that their numbers would break there."""
    names = [t(output.name) for output in function.outputs]

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
                    "{name} returns its results in the wrong order. Expected: {names}. But place {place} contains "
                    "{found}, on {case}.",
                    name=function.name,
                    names=joined(", ", names),
                    place=i + 1,
                    found=names[j],
                    case=case.about,
                )
                return Problem("order", says, expected=joined(", ", names), mistake="order")
    return None


def check_kind(output: Output, got: object, expected: Any) -> None:
    scalar = np.ndim(expected) == 0
    if scalar and (isinstance(got, float) or (isinstance(got, np.ndarray) and got.ndim == 0)):
        return
    if isinstance(got, np.ndarray) and not scalar:
        return
    wanted = t("a number") if scalar else t("a NumPy array of shape {shape}", shape=list(np.shape(expected)))
    came = kind_of(got)
    if isinstance(got, list | tuple) and all(isinstance(item, np.ndarray) for item in got):
        came = joined("", (came, made_into_one([item.shape for item in got], np.shape(expected))))
    raise Wrong(t("expected {name} to be {wanted}, got {got}", name=t(output.name), wanted=wanted, got=came))


def made_into_one(shapes: list[tuple[int, ...]], wanted: tuple[int, ...]) -> Text | str:
    """How arrays of these shapes become the one that is wanted, to go on after "got a list of 3"; "" if not at all."""
    if wanted in shapes:
        return t(" (return only array {i} of them)", i=shapes.index(wanted))
    if len(set(shapes)) == 1:
        return t(" (np.stack makes one array from arrays of equal shape)")
    if all(shape[1:] == wanted[1:] for shape in shapes):
        return t(" (np.concatenate puts them one below another)")
    return ""


def check_shape(output: Output, got: np.ndarray, expected: np.ndarray, case: Case) -> Problem | None:
    if got.shape == expected.shape:
        return None
    want, have = list(expected.shape), list(got.shape)
    axes = t(" ({axes})", axes=joined(", ", map(t, axes_of(output, expected)))) if expected.ndim > 1 else ""
    return Problem(
        "shape",
        t(
            "The shape of {name} is wrong, on {case}: expected {want}{axes}, got {have}.",
            name=t(output.name),
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
    """float32, as everything in the library is, or float64, which is right and takes twice the memory."""
    if got.dtype in (np.float32, np.float64):
        return None
    message = t(
        "The dtype of {name} is wrong: expected float32 or float64, got {got}.", name=t(output.name), got=got.dtype
    )
    return Problem("dtype", message, expected="float32", got=str(got.dtype))


def check_finite(output: Output, got: np.ndarray, expected: np.ndarray, case: Case) -> Problem | None:
    bad = ~np.isfinite(got) & np.isfinite(expected)
    if not bad.any():
        return None
    note = t(
        "(inf is a number too large for float32. nan comes from 0/0, inf/inf, inf - inf, 0 times inf, or the root of "
        "a negative number. Rounding alone can make a number negative.)"
    )
    return difference("finite", t("{name} is not finite", name=t(output.name)), bad, output, got, expected, case, note)


def check_values(output: Output, got: np.ndarray, expected: np.ndarray, case: Case) -> Problem | None:
    wrong = ~close(got, expected, output.near)
    if not wrong.any():
        return None
    note = None
    with np.errstate(over="ignore"):
        factor = float(np.vdot(got, expected) / max(np.vdot(expected, expected), 1e-30))
    if wrong.size > 1 and abs(factor) > 1e-6 and close(got, factor * expected, output.near).all():
        note = t("Every number is {factor} times the expected one.", factor=f"{factor:.4g}")
    return difference("values", t("{name} is wrong", name=t(output.name)), wrong, output, got, expected, case, note)


def close(got: np.ndarray, expected: np.ndarray, near: float) -> np.ndarray:
    largest = float(np.abs(expected[np.isfinite(expected)]).max(initial=0))
    return np.isclose(
        got.astype(np.float64), expected.astype(np.float64), rtol=NEAR_RELATIVE, atol=near * largest, equal_nan=True
    )


def difference(
    step: str,
    title: Text,
    wrong: np.ndarray,
    output: Output,
    got: np.ndarray,
    expected: np.ndarray,
    case: Case,
    note: Text | None,
) -> Problem:
    """A Problem that names the first place where `wrong` holds."""
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    where = dict(zip(axes_of(output, expected), first, strict=True))
    want, have = f"{expected[first]:.6g}", f"{got[first]:.6g}"
    pieces: list[Text | str] = [t("{title}, on {case}: ", title=title, case=case.about)]
    if where:
        places = listed(t("{axis} {i}", axis=t(axis), i=i) for axis, i in where.items())
        pieces.append(t("the first difference is at {places}: ", places=places))
    pieces.append(t("expected {want}, got {have}", want=want, have=have))
    if wrong.size > 1:
        gap = np.abs(got - expected)[wrong]
        count = int(wrong.sum())
        how_far = t(", by up to {gap}", gap=f"{gap.max():.2g}") if np.isfinite(gap).all() else ""
        if count == wrong.size:
            pieces += [" ", t("(all {size} numbers are wrong{how_far})", size=wrong.size, how_far=how_far)]
        else:
            says = "({many} of {size} numbers are wrong{how_far})"
            pieces += [" ", t(says, many=count, size=wrong.size, how_far=how_far)]
    message = t("{message}.", message=joined("", pieces))
    message = message if note is None else after(message, note)
    return Problem(step, message, where, want, have, picture=pictured(expected, got, wrong))


def pictured(expected: np.ndarray, got: np.ndarray, wrong: np.ndarray) -> Picture | None:
    """The matrix in which the first wrong number stands."""
    if expected.ndim < 2 or expected.shape != got.shape:
        return None
    matrix = tuple(np.argwhere(wrong)[0][:-2])
    return Picture(expected[matrix], got[matrix], wrong[matrix])


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

"""The recorder: what a function made, line by line, whatever way it made it."""

import importlib.util
import sys
import textwrap

import numpy as np
import pytest

from minibert.read.recorder import Ref, watching


@pytest.fixture
def module(tmp_path):
    """module(source) imports a file of this source and returns it."""

    def load(source):
        path = tmp_path / "watched.py"
        path.write_text("import numpy as np\n" + textwrap.dedent(source), encoding="utf-8")
        spec = importlib.util.spec_from_file_location("watched", path)
        made = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(made)
        return made

    return load


def lines(recording):
    """[(line, {name: numbers})] of all visits that made an array."""
    found = []
    for visit in recording.visits:
        made = {n: recording.arrays[x.number].numbers.tolist() for n, x in visit.made.items() if isinstance(x, Ref)}
        if made:
            found.append((visit.line, made))
    return found


def watch(module, name, *arguments):
    with watching({module.__file__}) as recording:
        getattr(module, name)(*arguments)
    return recording


def test_every_way_to_make_an_array_is_seen_at_its_line(module):
    made = module("""
        def f(x_T):
            a = x_T + 1
            b, (c, d) = a * 2, (a * 3, 4)
            a += 10
            a[0] = 0
            np.add(a, 1, out=b)
            e = (
                a
                + b
            )
            for row in np.array([[1.0], [2.0]]):
                g = row * 2
            if (h := a - 1) is not None:
                pass
            return e * 2, a
    """)
    recording = watch(made, "f", np.array([1.0, 2.0]))
    assert lines(recording) == [
        (4, {"a": [2, 3]}),
        (5, {"b": [4, 6], "c": [6, 9]}),
        (6, {"a": [12, 13]}),
        (7, {"a": [0, 13]}),
        (8, {"b": [1, 14]}),
        (9, {"e": [1, 27]}),
        (13, {"row": [1]}),
        (14, {"g": [2]}),
        (13, {"row": [2]}),
        (14, {"g": [4]}),
        (15, {"h": [-1, 12]}),
        (17, {"returned[0]": [2, 54]}),
    ]
    assert all(visit.end == i + 1 for i, visit in enumerate(recording.visits))  # nothing was called in between
    assert recording.calls[0].given["x_T"].number == 0
    assert recording.letters == {0: "T"}


def test_calls_know_the_line_that_called_them_even_through_what_is_not_watched(module):
    made = module("""
        def inner(x):
            return x * 2
        def outer(x):
            y = sorted([x], key=lambda z: inner(z).sum())[0]
            z = [inner(part) for part in (x, y)]
            return inner(z[0])
    """)
    recording = watch(made, "outer", np.ones(2))
    callers = [recording.visits[call.parent].line for call in recording.calls[1:]]
    assert [call.name for call in recording.calls] == ["outer", "inner", "inner", "inner", "inner"]
    assert callers == [6, 7, 7, 8]


def test_generators_come_back_as_the_call_they_were(module):
    made = module("""
        def numbers(x):
            for i in range(3):
                y = x * i
                yield y
        def f(x):
            total = 0
            for part in numbers(x):
                total = total + part
            return total
    """)
    recording = watch(made, "f", np.ones(1))
    assert [call.name for call in recording.calls] == ["f", "numbers"]
    assert [made["total"] for _, made in lines(recording) if "total" in made] == [[0], [1], [3]]


def test_in_place_changes_of_a_callee_are_seen_by_the_caller(module):
    made = module("""
        def fill(x):
            x += 1
        def f(x):
            y = x * 0
            fill(y)
            return y
    """)
    assert (7, {"y": [1, 1]}) in lines(watch(made, "f", np.ones(2)))


def test_large_arrays_from_outside_are_kept_in_part_and_what_lines_made_is_kept_whole(module):
    made = module("""
        def f(weight):
            y = weight * 2
            return y
    """)
    recording = watch(made, "f", np.arange(300 * 300.0).reshape(300, 300))
    weight, doubled = recording.arrays
    assert weight.given and weight.numbers.shape == (9, 300) and weight.step == 37 and weight.shape == (300, 300)
    assert weight.numbers[1, 0] == 37 * 300
    assert doubled.numbers.shape == (300, 300)


def test_a_tracer_that_was_there_before_is_there_again_also_after_an_error(module):
    made = module("""
        def f(x):
            raise ValueError("no")
    """)

    def before(frame, event, argument):
        return None

    outer = sys.gettrace()
    sys.settrace(before)
    try:
        with pytest.raises(ValueError), watching({made.__file__}):
            made.f(1)
        assert sys.gettrace() is before
    finally:
        sys.settrace(outer)

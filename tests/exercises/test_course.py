"""The exercises: stubs are to do, our solutions pass, every known mistake is caught and named, nothing cheap passes."""

import dataclasses
import doctest
import importlib
import inspect
import io
import re
import textwrap

import numpy as np
import pytest

import minibert
import viz
from minibert.exercises import blanks, sentences
from minibert.exercises.course import EXERCISES, find
from minibert.exercises.course.ex25_parked_attention.exercise import moved_lengths
from minibert.exercises.course.exercise import Finding, Function, twice
from minibert.exercises.course.shared import head_of
from minibert.exercises.draw import Draw, model
from minibert.exercises.judge import transport, worker
from minibert.exercises.judge.compare import close
from minibert.exercises.judge.imports import imports_answer
from minibert.exercises.judge.key import PartKey, answer_key, arrays_of
from minibert.exercises.judge.verdict import judge, judge_finding, judge_function
from minibert.exercises.text import spoken
from minibert.speed.cores import one_thread
from tests.exercises.handed_in import answers

SEEDS = (0, 2026)


@pytest.fixture(autouse=True, scope="module")
def one_thread_of_blas():
    """As in the checker and its worker."""
    with one_thread():
        yield


def mutants_of(exercise):
    """The student's mistakes kept in tests/exercises/mutants: (function, mistake, name in that file)."""
    module = importlib.import_module(f"tests.exercises.mutants.{exercise.name}")
    for name, _ in inspect.getmembers(module, inspect.isfunction):
        if "__" in name:
            function, mistake = name.split("__")[:2]
            yield function, mistake.replace("_", "-"), name


MUTANTS = [(exercise, *mutant) for exercise in EXERCISES for mutant in mutants_of(exercise)]
FUNCTIONS = [(exercise, part) for exercise in EXERCISES for part in exercise.parts if isinstance(part, Function)]


def verdict(folder, exercise, code, seed=0):
    """What the checker says about a file with this code; run here, the worker's process has tests of its own."""
    path = folder / exercise.file
    path.write_text(code, encoding="utf-8")
    message = worker.run({"exercise": exercise.file, "file": str(path), "seed": seed})
    return spoken(judge(exercise, answer_key(exercise, seed), transport.read_message(io.BytesIO(message))), "en")


def solved(exercise, *lines):
    """Our solution, and lines after it, which may change what it does."""
    return "\n".join([exercise.solution.read_text(encoding="utf-8").partition("\nif __name__")[0], *lines])


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_a_stub_is_to_do_and_says_so(tmp_path, exercise):
    report = verdict(tmp_path, exercise, (exercise.stub).read_text(encoding="utf-8"))
    assert report["status"] == "todo"
    functions = [part.name for part in exercise.parts if isinstance(part, Function)]
    assert report["message"].splitlines() == [f"{name} is not written yet." for name in functions]
    assert {part["status"] for part in report["parts"]} == {"todo"}


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
@pytest.mark.parametrize("seed", SEEDS)
def test_our_solution_passes(tmp_path, exercise, seed):
    report = verdict(tmp_path, exercise, exercise.solution.read_text(encoding="utf-8"), seed)
    assert (report["status"], report["message"]) == ("passed", "")


def test_every_solution_says_why_and_stands_alone():
    for exercise in EXERCISES:
        text = exercise.solution.read_text(encoding="utf-8")
        assert len(text.partition('"""')[2].partition('"""')[0]) > 60, exercise.file
        assert not imports_answer(exercise.solution, exercise), exercise.file


@pytest.mark.parametrize("seed", SEEDS)
def test_every_mistake_is_caught_and_named(tmp_path, seed):
    """With -s: what a student with each mistake reads, all together, for a teacher to judge the tone."""
    for exercise, function, mistake, mutant in MUTANTS:
        if seed != SEEDS[0] and exercise.name in (
            "encoder",
            "previous_token_head",
            "head_off",
            "fine_tuning",
            "patching",
            "why",
            "parked_attention",
        ):
            continue  # on models they take most of the time
        code = solved(exercise, f"from tests.exercises.mutants.{exercise.name} import {mutant} as {function}")
        report = verdict(tmp_path, exercise, code, seed)
        message = report["message"]
        print(f"\n{exercise.name}, {mistake}")
        for line in message.splitlines():
            print(textwrap.indent(textwrap.fill(line, 96), "    "))
        assert (report["status"], report["function"]) == ("failed", function), mutant
        assert report["mistake"] == mistake, mutant
        part = next(part for part in exercise.parts if part.name == function)
        if report["step"] == "order":
            continue
        assert any(known.says in message for known in part.mistakes if known.name == mistake), mutant
        assert "A possible cause: " in message, "equal numbers do not prove it"
        assert "Traceback" not in message
        assert len(message) < 900


def test_every_known_mistake_has_a_mutant():
    known = {(exercise.name, part.name, mistake.name) for exercise, part in FUNCTIONS for mistake in part.mistakes}
    named = {(exercise.name, function, mistake) for exercise, function, mistake, _ in MUTANTS}
    handed_in = {(exercise.name, mistake) for exercise in EXERCISES for _, mistake, _, _ in answers(exercise.name)}
    named |= {mistake for mistake in known if (mistake[0], mistake[2]) in handed_in}
    assert named == known | {("attention", "attend", "order")}  # told of every function that returns several things
    for exercise, part in FUNCTIONS:
        assert len({mistake.name for mistake in part.mistakes}) >= 3, (exercise.name, part.name)


@pytest.mark.parametrize(("exercise", "part"), FUNCTIONS, ids=lambda x: getattr(x, "name", None))
def test_no_two_mistakes_look_alike(exercise, part):
    """Where two mistakes with different names gave the same numbers, the message would be a guess."""
    cases = twice(part.cases, Draw(0))
    right = [part.solution(*case.arguments) for case in cases]
    wrong = [(mistake, [outcome(mistake.function, case) for case in cases]) for mistake in part.mistakes]
    for i, (mistake, values) in enumerate(wrong):
        assert not all(map(alike, [part] * len(cases), cases, values, right)), f"{mistake.name} is right"
        for other, others in wrong[:i]:
            if other.name != mistake.name:
                assert not all(map(alike, [part] * len(cases), cases, values, others)), (mistake.name, other.name)


def outcome(function, case):
    with np.errstate(all="ignore"):
        try:
            return function(*case.arguments)
        except (ValueError, IndexError):
            return None


def alike(part, case, one, other):
    if one is None or other is None:
        return one is other
    one, other = (arrays_of(part, case.arguments, value) for value in (one, other))
    return all(
        np.shape(a) == np.shape(b) and close(np.asarray(a), np.asarray(b), output.near).all()
        for output, a, b in zip(part.outputs, one, other, strict=True)
    )


@pytest.mark.parametrize(("exercise", "part"), FUNCTIONS, ids=lambda x: getattr(x, "name", None))
@pytest.mark.parametrize("cheat", ["constant", "nan", "input", "random"])
def test_cheap_answers_do_not_pass(tmp_path, exercise, part, cheat):
    """Right shape, right dtype, wrong everything else; or the arguments handed back, as many as there are results."""
    code = solved(
        exercise,
        textwrap.dedent(f"""
            import numpy as np
            right = {part.name}
            rng = np.random.default_rng(5)

            def of(value):
                if isinstance(value, np.ndarray):
                    new = {{"constant": np.full(value.shape, 0.5), "nan": np.full(value.shape, np.nan),
                            "random": rng.random(value.shape)}}[{cheat!r}]
                    return new.astype(value.dtype)
                if isinstance(value, float):
                    return float(of(np.array(value)))
                if isinstance(value, dict):
                    return {{name: of(item) for name, item in value.items()}}
                return type(value)(*map(of, value)) if hasattr(value, "_fields") else type(value)(map(of, value))

            def {part.name}(*arguments):
                given = arguments[0] if {len(part.outputs)} == 1 else arguments[: {len(part.outputs)}]
                return given if {cheat!r} == "input" else of(right(*arguments))
        """),
    )
    report = verdict(tmp_path, exercise, code)
    assert (report["status"], report["function"]) == ("failed", part.name), report


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_worked_examples_are_right(exercise):
    module = worker.load(exercise.stub)
    for part in exercise.parts:
        if isinstance(part, Function):
            setattr(module, part.name, part.solution)
    failures, examples = doctest.testmod(module)
    assert examples > 0
    assert failures == 0


def test_every_file_has_all_it_should():
    assert [exercise.number for exercise in EXERCISES] == list(range(1, 27))
    for exercise in EXERCISES:
        text = (exercise.stub).read_text(encoding="utf-8")
        assert text.startswith(f'"""{exercise.number}. ')
        for piece in ("Shapes", "Worked example", ">>> ", "Predict, before you"):
            assert piece in text, (exercise.file, piece)
        answer = exercise.answer if isinstance(exercise.answer, str) else exercise.answer()
        assert len(str(answer)) > 40
        assert all(len(hint) > 20 for part in exercise.parts for hint in part.hints)
        assert 1 <= exercise.difficulty <= 3
        assert 5 <= exercise.minutes <= 45
        assert all(inspect.getsource(function) for function in exercise.shown)


def test_sizes_of_an_input_are_all_different():
    for seed in range(50):
        heads, tokens, head_size, inner = Draw(seed).model_sizes()
        assert len({heads, tokens, head_size, heads * head_size, inner}) == 5
        assert len(set(Draw(seed).sizes(4))) == 4


def test_inputs_follow_the_seed():
    for _, part in FUNCTIONS:
        one, same, other = (
            arrays_of(part, case.arguments, part.solution(*case.arguments))
            for case in (part.cases(Draw(0))[0], part.cases(Draw(0))[0], part.cases(Draw(1))[0])
        )
        assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True)), part.name
        assert not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True)), part.name


def test_blanks_are_words_of_the_bundled_model():
    tokenizer = model("tiny").tokenizer
    for text, word in blanks():
        assert tokenizer.encode(text).tokens.count("[MASK]") == 1, text
        assert tokenizer.backend.token_to_id(word) is not None, word
    assert len(set(sentences())) == len(sentences()) >= 12


@pytest.mark.parametrize("exercise", [e for e in EXERCISES if isinstance(e.parts[-1], Finding)], ids=lambda e: e.name)
def test_findings_are_measured(tmp_path, exercise):
    """Right is the head with the largest measurement, whichever it is; all that are clearly smaller are wrong."""
    finding = exercise.parts[-1]
    table_LH = finding.measure()
    best = head_of(table_LH)
    worst = head_of(-table_LH)
    assert verdict(tmp_path, exercise, solved(exercise, f"{finding.name} = {best}"))["status"] == "passed"
    report = verdict(tmp_path, exercise, solved(exercise, f"{finding.name} = {worst}"))
    assert (report["status"], report["step"]) == ("failed", "finding")
    assert finding.what in report["message"]

    measured = dataclasses.replace(finding, measure=lambda: table_LH)
    for place in np.ndindex(table_LH.shape):
        right = table_LH[place] >= 0.98 * table_LH.max()
        assert (judge_finding(measured, {"value": 0}, [tuple(map(float, place))]) is None) == right
    for wrong in (
        "layer 0",
        3.0,
        (0.0, 1.0, 2.0),
        (0.0, 99.0),
        (-1.0, 0.0),
        (0.5, 1.0),
        [None, 1.0],
        (0.0, "a"),
        np.eye(2),
        "12",
        {1.0: 0.0, 2.0: 0.0},
    ):
        report = judge_finding(measured, {"value": 0}, [wrong])
        assert report["status"] == "failed"
        assert "(layer, head)" in str(report["message"])
    assert judge_finding(measured, {"value": 0}, [None])["status"] == "todo"


def test_a_finding_turned_round_is_recognised():
    table_LH = np.zeros((4, 4))
    table_LH[1, 3] = 1
    finding = Finding("BEST", lambda: table_LH, "it")
    assert judge_finding(finding, {"value": 0}, [(3.0, 1.0)])["mistake"] == "swapped"
    assert judge_finding(finding, {"value": 0}, [(3.0, 2.0)]).get("mistake") is None


@pytest.mark.parametrize(
    ("value", "step", "says"),
    [
        ("None", "type", "returned None. Does it end with a `return`"),
        ("...", "type", "returned `...`"),
        ("x.tolist()", "type", "got a list of"),
        ("'done'", "type", "got the text 'done'"),
        ("3", "type", "got the number 3"),
        ("{'softmax': x}", "type", "got a dict of 1"),
        ("(x, x)", "type", "got a tuple of 2"),
        ("softmax", "type", "got a value of type function"),
        ("(i for i in x)", "type", "got a value of type generator"),
        ("x.astype(object)", "type", "got an array of dtype object"),
        ("x.astype(str)", "type", "got an array of dtype <U"),
        ("right(x)[0]", "shape", "expected ["),
        ("right(x)[..., None]", "shape", "The shape of softmax is wrong"),
        ("np.zeros((10000, 10000), np.float32)", "type", "got an array of shape [10000, 10000]"),
        ("right(x).astype(np.float16)", "dtype", "expected float32 or float64, got float16"),
        ("right(x) > 0.5", "dtype", "expected float32 or float64, got bool"),
        ("np.ma.masked_array(x)", "type", "a masked array"),
        ("[right(x), right(x)]", "type", "return only array 0 of them"),
        ("list(right(x))", "type", "np.stack makes one array"),
        ("right(x) + np.inf", "finite", "softmax is not finite"),
        ("right(x) * np.float32(1.1)", "invariant", "sums to 1.1; every row must sum to 1"),
        ("right(x)[..., ::-1]", "values", "the first difference is at head 0, row 0, column 0: expected 0."),
    ],
)
def test_the_first_step_that_fails_is_reported(tmp_path, value, step, says):
    code = solved(EXERCISES[0], f"import numpy as np\nright = softmax\ndef softmax(x): return {value}")
    report = verdict(tmp_path, EXERCISES[0], code)
    assert (report["status"], report["step"]) == ("failed", step), report
    assert says in report["message"]


def test_the_place_is_named(tmp_path):
    """Layer, token and number: the first that differs."""
    exercise = next(e for e in EXERCISES if e.name == "encoder")
    code = solved(
        exercise,
        "right = hidden_states",
        "def hidden_states(e, w, c):",
        "    states = right(e, w, c)",
        "    states[2][5, 7] += 1",
        "    states[3][1, 0] += 1",
        "    return states",
    )
    report = verdict(tmp_path, exercise, code)
    assert report["where"] == {"layer": 2, "token": 5, "number": 7}
    expected, got = re.search(r"layer 2, token 5, number 7: expected (\S+), got (\S+)", report["message"]).groups()
    assert float(got) - float(expected) == pytest.approx(1, abs=1e-4)
    assert (report["expected"], report["got"]) == (expected, got)
    assert report["mistake"] is None


def test_rounding_under_a_root_does_not_decide():
    """sqrt(R^2 - |k|^2) of the longest key is 0 but for rounding, so every way to sum the squares must be right."""
    part = next(e for e in EXERCISES if e.name == "exact_embedding").parts[0]

    def embedded(query, key, c, squares):
        key = key - key.mean(axis=0)
        extra = np.sqrt(np.maximum(np.linalg.norm(key, axis=1).max() ** 2 - squares(key), 0))
        return np.column_stack([c * query, 0 * query[:, :1]]), np.column_stack([key, extra]) / np.float32(c)

    for squares in (
        lambda key: (key**2).sum(axis=1),
        lambda key: np.linalg.norm(key, axis=1) ** 2,
        lambda key: np.einsum("nk,nk->n", key, key),
    ):
        for seed in range(30):
            cases = twice(part.cases, Draw(seed))
            returned = [embedded(*case.arguments, squares) for case in (*cases, cases[-1])]
            results = [{"value": i} for i in range(len(returned))]
            assert judge_function(PartKey(part, cases), results, returned) is None, seed


def test_a_constant_factor_is_told(tmp_path):
    """Where no known mistake fits: sqrt of a fixed number, say, instead of K."""
    exercise = next(e for e in EXERCISES if e.name == "scores")
    for change, told in (("/ np.float32(3)", True), ("+ np.float32(3)", False)):
        lines = ("import numpy as np", "right = scores", f"def scores(q, k): return right(q, k) {change}")
        report = verdict(tmp_path, exercise, solved(exercise, *lines))
        assert (report["step"], report["mistake"]) == ("values", None)
        assert ("Every number is 0.3333 times the expected one." in report["message"]) == told
        assert ("times the expected one" in report["message"]) == told


def test_an_error_is_explained(tmp_path):
    """What often lies behind it, where its words give that away."""
    exercise = EXERCISES[0]
    for code, says in (
        ("np.zeros((2, 3)) + np.zeros(2)", "keepdims=True"),
        ("np.zeros((2, 3))[(0, 1, 2)]", "A list picks rows"),
        ("np.array([np.zeros(2), np.zeros(3)])", "np.concatenate puts them one below another"),
        ("math.exp(x)", "work on one number"),
        ("x.reshape(2 / 1, -1)", "Divide them with //"),
    ):
        report = verdict(tmp_path, exercise, f"import math\nimport numpy as np\ndef softmax(x): return {code}\n")
        assert report["step"] == "call"
        assert says in report["message"], code


def test_right_functions_before_a_wrong_one_are_praised(tmp_path):
    exercise = next(e for e in EXERCISES if e.name == "merge_and_residual")
    report = verdict(tmp_path, exercise, solved(exercise, "def attention_block(*_): raise NotImplementedError"))
    assert report["message"] == "merge_heads is right. attention_block is not written yet."


def test_what_the_course_measures_is_what_viz_measures():
    bert, texts = minibert.load("tiny"), sentences()[:4]
    (parked, moved, _), (_, _, flatness, _) = (find(name).parts for name in ("parked_attention", "how_flat"))
    parkings, helds = [], []
    for trace in bert.batch(texts):
        query, key, attention = (trace.stacked(name) for name in ("query", "key", "attention"))
        special = np.array([role is not None for role in trace.roles])
        parkings.append(viz.parking(attention, moved_lengths(bert, trace)[:, :, 0], special))
        helds.append(viz.held(query, key, query[..., :2], key[..., :2]))
    np.testing.assert_allclose(parked.solution(bert, texts), sum(parkings[1:], parkings[0]).parked, rtol=1e-5)
    np.testing.assert_allclose(moved.solution(bert, texts), sum(parkings[1:], parkings[0]).moved, rtol=1e-5)
    np.testing.assert_allclose(
        flatness.solution(bert, texts, 2), np.mean([one.bound(2) for one in helds], 0), rtol=1e-4
    )

"""The course as a notebook: its cells run in one process, in any order, and only what a student wrote is judged."""

import contextlib
import io
import json
import linecache
import re
import shutil
import signal
import sys
import types

import pytest

from minibert.exercises.course import EXERCISES
from minibert.exercises.front import cells, notebook, progress
from minibert.exercises.judge.cells import helpers_of, notebook_in
from minibert.exercises.own import EXERCISE_OF
from tests.exercises.test_command import WRONG, run

RIGHT = EXERCISES[0].solution.read_text(encoding="utf-8")
NAIVE = "import numpy as np\n\n\ndef softmax(x):\n    e = np.exp(x)\n    return e / e.sum()\n"
LOOPS = "def softmax(x):\n    while True:\n        pass\n"


class Kernel:
    """Runs cells as Jupyter does: one after another, in one namespace, each cell a file of its own to Python."""

    def __init__(self):
        self.names: dict = {"__name__": "__main__"}
        self.count = 0

    def __call__(self, code: str) -> str:
        """What a cell prints."""
        self.count += 1
        file = f"<cell {self.count}>"
        linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(code, file, "exec"), self.names)
        return printed.getvalue()


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(notebook, "mine", {})
    return Kernel()


def book_in(folder, capsys, *options) -> dict[str, str]:
    """The cells of a new notebook in this folder, by their ids."""
    assert run(capsys, "start", folder, *options, "--notebook")[0] == 0
    book = json.loads((folder / "exercises.ipynb").read_text(encoding="utf-8"))
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    found = {cell["id"]: "".join(cell["source"]) for cell in book["cells"]}
    assert len(found) == len(book["cells"])
    return found


def code_of(book: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in book.items() if name != "welcome" and not name.endswith("-text")}


def solved(cell: str, solution: str) -> str:
    """A cell with our solution in it, and its own last lines."""
    return solution.partition("\nif __name__")[0] + "\n\nfrom minibert" + cell.rpartition("\n\nfrom minibert")[2]


def put_into(folder, name: str, code: str) -> None:
    """Write into a notebook's cell, and save it."""
    path = folder / "exercises.ipynb"
    book = json.loads(path.read_text(encoding="utf-8"))
    (cell,) = (cell for cell in book["cells"] if cell["id"] == name)
    cell["source"] = code.splitlines(keepends=True)
    path.write_text(json.dumps(book), encoding="utf-8")


def test_nothing_unwritten_is_right_in_whatever_order_cells_are_run(tmp_path, capsys, kernel):
    """All of it as it was handed out, from top to bottom; then each check again, after all those imports."""
    code = code_of(book_in(tmp_path, capsys))
    said = {name: kernel(text) for name, text in code.items()}
    again = {name: kernel(text[text.rindex("check(") :]) for name, text in code.items() if "\ncheck(" in text}
    assert list(again) == [exercise.name for exercise in EXERCISES]
    for name in again:
        assert "is not written yet" in said[name]
        assert "is not written yet" in again[name] or "is the library's function here" in again[name]
    assert "is the library's function here" in again["softmax"]
    assert "Run this again when patching is right." in said["patching-run"]
    assert "0 of 13 functions are yours" in said["own"]
    assert progress.read(tmp_path).right == []


def test_the_whole_course_in_a_notebook(tmp_path, capsys, kernel):
    """Solutions in the cells: all are right, in any order; the measurements come out; the last cell is one's own."""
    code = code_of(book_in(tmp_path, capsys))
    for exercise in reversed(EXERCISES):
        code[exercise.name] = solved(code[exercise.name], exercise.solution.read_text(encoding="utf-8"))
        said = kernel(code[exercise.name])
        assert said.startswith(f"{exercise.name}: right\nWhat did you predict?"), said
        assert f'show("{exercise.name}")' in said
    assert sorted(progress.read(tmp_path).right) == sorted(exercise.name for exercise in EXERCISES)
    assert "26 of 26 are right." in said
    assert "rows are layers" in kernel(code["previous_token_head-run"])
    assert "You wrote every function of it" in kernel(code["tools"] + "\n" + code["own"])
    assert set(notebook.mine) > set(EXERCISE_OF)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_wrong_softmax_stays_wrong_and_spoils_nothing(tmp_path, capsys, kernel):
    code = code_of(book_in(tmp_path, capsys, "softmax", "attention"))
    attention = solved(code["attention"], EXERCISES[6].solution.read_text(encoding="utf-8"))
    check = '\nfrom minibert.exercises import check\ncheck("softmax", softmax)'
    assert "softmax: right" not in kernel(NAIVE + check)
    assert kernel(attention).startswith("attention: right")
    assert "is the library's function here" in kernel(check)
    assert "softmax: right" not in kernel(NAIVE + check)
    assert kernel('check("attention", attend)').startswith("attention: right")  # though softmax is the naive one now
    assert progress.read(tmp_path).right == ["attention"]


def test_a_message_says_what_the_command_says_and_names_the_line(tmp_path, capsys, kernel):
    (tmp_path / "01_softmax.py").write_text(WRONG)
    report = json.loads(run(capsys, "check", tmp_path, "softmax", "--json")[1])["exercises"][0]
    said = kernel(WRONG + '\nfrom minibert.exercises import check\nverdict = check("softmax", softmax)')
    assert report["message"] in said
    assert "expected" in said  # the picture
    assert 'A hint: hint("softmax")' in said
    assert not kernel.names["verdict"]
    said = kernel('def softmax(x):\n    x = x + 1\n    return x.sums()\n\ncheck("softmax", softmax)')
    assert "at line 3, `return x.sums()`" in said
    kernel("def deep(x):\n    return x.sums()")
    assert "line 2, `return deep(x)`" in kernel('def softmax(x):\n    return deep(x)\n\ncheck("softmax", softmax)')


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("check(softmax)", 'The name of the exercise comes first: check("softmax", softmax)'),
        ("check(1)", 'The name of the exercise comes first: check("softmax", softmax)'),
        ('check("softmaxx", softmax)', "did you mean softmax?"),
        ('check("softmax")', 'Pass your function, too: check("softmax", softmax)'),
        ('check("softmax", np.ones(3))', "pass softmax itself"),
        ('check("softmax", layer_norm)', "layer_norm was passed instead of softmax"),
        ('check("softmax", softmax, 1)', "Expected one answer for each part, and got 2"),
        ('check("patching", (1, 2), patch_heads)', 'The order must be: check("patching", patch_heads, CARRYING_HEAD)'),
        ('check("patching", patch_heads, patch_heads)', "CARRYING_HEAD must be a (layer, head)"),
        ('import minibert.numerics\ncheck("softmax", minibert.numerics.softmax)', "is the library's function here"),
        (
            'from functools import partial\nfrom minibert import numerics\ncheck("gelu", partial(numerics.gelu))',
            "is the library's function here",
        ),
    ],
)
def test_what_cannot_be_checked_is_told_in_a_line(kernel, code, says):
    kernel(RIGHT + "\nfrom minibert.exercises import check\ndef layer_norm(x): ...\ndef patch_heads(): ...")
    said = kernel(code)
    assert says in said
    assert said.count("\n") == 1


def test_parts_left_out_are_to_do(kernel):
    kernel("from minibert.exercises import check\ndef merge_heads(x): ...")
    said = kernel('check("merge_and_residual", merge_heads)')
    assert "merge_heads returned None" in said
    assert "attention_block is not written yet" in said


@pytest.mark.parametrize("handler", [signal.default_int_handler, signal.SIG_IGN])
def test_an_endless_loop_is_stopped(kernel, handler):
    before = signal.signal(signal.SIGINT, handler)
    try:
        said = kernel(LOOPS + '\nfrom minibert.exercises import check\ncheck("softmax", softmax, time_limit=0.2)')
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert "It was stopped after 0.2 seconds" in said
    assert "time_limit=0.8" in said


def test_ctrl_c_ends_a_check_at_once(kernel):
    """Also where the student's code catches every Exception. It is no verdict, and no later input is tried."""
    kernel("from minibert.exercises import check\ntimes = []")
    code = "def softmax(x):\n    times.append(1)\n    raise KeyboardInterrupt\n\ncheck('softmax', softmax)"
    with pytest.raises(KeyboardInterrupt):
        kernel(code)
    assert len(kernel.names["times"]) == 1


def test_a_japanese_notebook_answers_in_japanese(tmp_path, capsys, kernel):
    book = book_in(tmp_path, capsys, "--language", "ja")
    code = code_of(book)
    assert "softmax: softmax はまだ書かれていません。" in kernel(code["softmax"])
    assert "正解" in kernel(solved(code["softmax"], RIGHT))
    assert "もう一度実行してください" in kernel(code["patching-run"])
    assert "1" in kernel(code["tools"] + "\n" + code["own"])
    (tmp_path / progress.NAME).unlink()
    assert re.search("[ぁ-ん]", kernel(code["layer_norm"])), "without the folder's notes too"


def test_texts_speak_of_cells(tmp_path, capsys, kernel):
    for language in ("en", "ja"):
        book = book_in(tmp_path / language, capsys, "--language", language)
        for name, text in book.items():
            assert not re.search(r"python \d\d|\.py|this file|ファイルを実行", text.replace("\n", "")), name
    shown = kernel("from minibert.exercises import hint, show\nhint('previous_token_head')\nshow('softmax', yes=True)")
    assert "Run the cell below" in shown
    assert 'hint("previous_token_head", more=True)' in shown
    assert "A solution of softmax" in shown
    head = EXERCISES[16].solution.read_text(encoding="utf-8").partition("\nif __name__")[0]
    kernel(f"{head}\nfrom minibert.exercises import check")
    said = kernel('check("previous_token_head", previous_token_attention)')
    assert "previous_token_attention is right. Now run the cell below. Find the layer and head" in said


def test_a_text_is_markdown_that_leaves_formulas_alone():
    text = "Two * three,\n  and `a * b`.\n    e = x * y\n\nExample:\n\n>>> 2 * 3\n6\n\nEnd"
    assert cells.as_markdown(text) == (
        "Two \\* three,\n  and `a * b`.\n```text\n    e = x * y\n```\n\nExample:\n\n```python\n>>> 2 * 3\n6\n```\n\nEnd"
    )


# --- a folder with a notebook, and the commands ---------------------------------------------------------------------


def test_commands_read_the_cells_of_a_notebook(tmp_path, capsys):
    book_in(tmp_path, capsys, "softmax", "attention", "previous_token_head")
    cell = RIGHT + '\n\nfrom minibert.exercises import check\n\ncheck("softmax", softmax)\nprint("no")\n%timeit 1'
    put_into(tmp_path, "softmax", cell)
    status, out, _ = run(capsys, "check", tmp_path)
    assert (status, "1 of 3 are right; next:" in out, "exercises.ipynb attention" in out) == (1, True, True)
    assert "no" not in out.replace("not", "").split()
    assert run(capsys, "list", tmp_path)[1].endswith("1 of 3 are right\n")
    assert "1 of 13 functions are yours: softmax" in run(capsys, "run", tmp_path, "The cat sat.")[1]
    assert "No cell of exercises.ipynb defines gelu" in run(capsys, "check", tmp_path, "gelu")[1]
    put_into(tmp_path, "softmax", "def softmax(x):\n    return helps(x)(")
    assert "SyntaxError" in run(capsys, "check", tmp_path, "softmax")[1]
    put_into(tmp_path, "softmax", "def softmax(x):\n    return helps(x)")
    put_into(tmp_path, "previous_token_head-run", "import numpy as np\n\ndef helps(x):\n    return np.ones(x.sizes)")
    assert "`return np.ones(x.sizes)`" in run(capsys, "check", tmp_path, "softmax")[1]


def test_a_class_of_notebooks_is_marked(tmp_path, capsys):
    book_in(tmp_path / "ann", capsys, "softmax")
    put_into(tmp_path / "ann", "softmax", RIGHT)
    book_in(tmp_path / "bob", capsys, "softmax")
    shutil.move(tmp_path / "bob" / "exercises.ipynb", tmp_path / "bob" / "exercises (1).ipynb")
    out = run(capsys, "class", tmp_path, "--only", "softmax")[1]
    assert re.search(r"ann +\+ +1", out)
    assert re.search(r"bob +\. +0", out)


def test_what_a_notebook_is_not_made_for_is_told(tmp_path, capsys):
    book_in(tmp_path, capsys, "softmax")
    for line, says in (
        (("check", tmp_path, "--watch"), "--watch works only with files"),
        (("reset", tmp_path, "softmax"), "start OTHER softmax --notebook"),
        (("start", tmp_path), "contains the course as a notebook"),
    ):
        status, _, err = run(capsys, *line)
        assert (status, err.count("\n")) == (2, 1)
        assert says in err
    run(capsys, "start", tmp_path / "files", "softmax")
    status, _, err = run(capsys, "start", tmp_path / "files", "--notebook")
    assert (status, "contains the course as files" in err) == (2, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".course.json", "exercises.ipynb", "files"]
    (tmp_path / "exercises.ipynb").write_text("{broken")
    assert notebook_in(tmp_path) is None


def test_a_picture_is_shown_in_colours_where_there_is_a_kernel(monkeypatch, kernel):
    shown = []
    display = types.ModuleType("IPython.display")
    display.display = lambda data, raw: shown.append(data)
    ipython = types.ModuleType("IPython")
    ipython.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    kernel(WRONG + '\nfrom minibert.exercises import check\ncheck("softmax", softmax)')
    (data,) = shown
    assert "<table>" in data["text/html"]
    assert "expected" in data["text/plain"]


def test_a_cell_that_is_no_python_is_passed_over():
    for code in ("def (", "x = '\0'"):
        assert "import math" in helpers_of([code, "import math"], "", set())
    assert "import math" not in helpers_of(["import math"], "math = 1", set()), "the cell's own name counts"

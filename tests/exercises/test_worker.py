"""What students' files do to a checker, and what it says: one bad file never takes the next one down."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from minibert.exercises.course import exercise, find
from minibert.exercises.judge import transport
from minibert.exercises.judge.checker import Checker

GOOD = "from minibert.numerics import softmax\n"
LAYER_NORM = "from minibert.numerics import layer_norm\n"

posix = pytest.mark.skipif(os.name != "posix", reason="needs fork")

NAUGHTY = {
    "endless loop": ("def softmax(x):\n    while True: pass", "time", "never ends"),
    "endless loop at import": ("while True: pass", "time", "never ends"),
    "endless prints": ("def softmax(x):\n    while True: print('again' * 100)", "time", "never ends"),
    "sleep": ("import time\ndef softmax(x): time.sleep(1000)", "time", "never ends"),
    "loop that catches all": (
        "def softmax(x):\n    while True:\n        try: 1 / 0\n        except BaseException: pass",
        "time",
        "never ends",
    ),
    "sys.exit": ("import sys\ndef softmax(x): sys.exit(0)", "call", "ends Python (sys.exit at line 2"),
    "sys.exit at import": ("import sys\nsys.exit('bye')", "import", "ends Python during its import"),
    "os._exit": ("import os\ndef softmax(x): os._exit(3)", "call", "ended during the check (exit status 3)"),
    "abort": ("import os\ndef softmax(x): os.abort()", "call", "ended during the check"),
    "keyboard interrupt": ("def softmax(x): raise KeyboardInterrupt", "call", "raised KeyboardInterrupt"),
    "input": ("def softmax(x): return float(input('x? '))", "call", "waits for input at line 1"),
    "exception": ("def softmax(x):\n    return x.shap", "call", "AttributeError"),
    "exception without words": (
        "class Odd(BaseException):\n    def __str__(self): raise Odd\ndef softmax(x): raise Odd",
        "call",
        "raised Odd",
    ),
    "exception at import": ("import numpy as np\nnp.nothing", "import", "at line 2, `np.nothing`"),
    "syntax error": ("def softmax(x):\n    return np.exp(x", "import", "SyntaxError"),
    "not a text": ("\0\0", "import", "is saved as UTF-16"),
    "function renamed": ("def soft_max(x): return x", "import", "does not define softmax"),
    "no function": ("softmax = 3", "call", "not callable"),
    "other arguments": ("def softmax(): return 1", "call", "positional argument"),
    "in place": (
        "def softmax(x):\n    x -= x.max()\n    return x",
        "call",
        "changes one of its arguments in place at line 2",
    ),
    "in place, by out": (
        "import numpy as np\ndef softmax(x): return np.exp(x, out=x)",
        "call",
        "changes one of its arguments in place",
    ),
    "recursion": ("def softmax(x): return softmax(x)", "call", "RecursionError"),
    "missing keepdims": (
        "import numpy as np\ndef softmax(x): return np.exp(x) / np.exp(x).sum(axis=-1)",
        "call",
        "keepdims=True",
    ),
    "closes everything": ("import os\ndef softmax(x): os.closerange(0, 50)", "call", "ended during the check"),
    "itself in a list": ("def softmax(x):\n    l = []\n    l.append(l)\n    return l", "type", "got a list of 1"),
    "lying array": (
        "import numpy as np\nclass A(np.ndarray):\n    @property\n    def shape(self): raise ValueError('no')\n"
        "def softmax(x): return x.view(A)",
        None,
        "",
    ),
    "forged reply": (
        "import os\ndef softmax(x):\n    for fd in range(3, 20):\n        try: os.write(fd, b'\\0' * 64)\n"
        "        except OSError: pass\n    return x",
        None,
        "",
    ),
}


def put(folder, softmax, layer_norm=LAYER_NORM):
    (folder / "01_softmax.py").write_text(softmax, encoding="utf-8")
    (folder / "02_layer_norm.py").write_text(layer_norm, encoding="utf-8")
    return folder


@posix
@pytest.mark.parametrize("name", NAUGHTY)
def test_one_bad_file_is_told_apart_and_the_next_is_checked(tmp_path, name):
    code, step, says = NAUGHTY[name]
    with Checker(put(tmp_path, code), limit=3) as checker:
        report = checker.check(find("softmax"))
        following = checker.check(find("layer_norm"))
    assert report.status == "failed", report
    assert step is None or report.step == step, report
    assert says in report.message
    assert "Traceback" not in report.message
    assert following.status == "passed", following


@posix
def test_memory_is_limited(tmp_path):
    code = "import numpy as np\ndef softmax(x):\n    return np.zeros(10**9)  # lazy: 8 GB are there, unless forbidden"
    with Checker(put(tmp_path, code), limit=20) as checker:
        report = checker.check(find("softmax"))
        assert checker.check(find("layer_norm")).status == "passed"
    assert "MemoryError" in report.message


@posix
@pytest.mark.parametrize(
    "fork",
    [
        "os.fork()",
        "os.fork() or time.sleep(1000)",
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1000)'])",
        "multiprocessing.get_context('fork').Process(target=time.sleep, args=(1000,)).start()",
    ],
)
def test_copies_of_the_process_do_not_answer_twice_or_stay(tmp_path, fork):
    code = GOOD + "import multiprocessing, os, subprocess, sys, time\nright = softmax\n"
    code += f"def softmax(x):\n    {fork}\n    return right(x)\n"
    with Checker(put(tmp_path, code), limit=10) as checker:
        reports = [checker.check(find(name)) for name in ("softmax", "layer_norm", "softmax", "layer_norm")]
        group = checker.worker.process.pid
    assert [report.status for report in reports] == ["passed"] * 4, reports
    until = time.monotonic() + 10
    while alive(group) and time.monotonic() < until:
        time.sleep(0.05)
    assert not alive(group)


def alive(group):
    listing = subprocess.run(["ps", "-A", "-o", "pgid=,stat="], capture_output=True, text=True, check=True).stdout
    return [
        line for line in listing.splitlines() if line.split()[0] == str(group) and not line.split()[1].startswith("Z")
    ]


def test_prints_are_kept_apart(tmp_path):
    """Each exercise's prints are its own, from wherever they come, and cannot be taken for a reply."""
    talk = "import os, sys\nprint('at import')\nright = softmax\ndef softmax(x):\n    print('softmax', x.shape)\n"
    talk += "    print('aside', file=sys.stderr)\n    os.write(1, b'\\x00\\x00raw\\n')\n    return right(x)\n"
    quiet = LAYER_NORM + "print('norm')\n"
    with Checker(put(tmp_path, GOOD + talk, quiet), limit=10) as checker:
        first, second = checker.check(find("softmax")), checker.check(find("layer_norm"))
    assert first.status == second.status == "passed"
    for piece in ("at import", "softmax (", "aside", "raw"):
        assert piece in first.printed
    assert second.printed.strip() == "norm"


def test_huge_prints_are_cut(tmp_path):
    code = GOOD + "right = softmax\ndef softmax(x):\n    print('x' * 10_000_000)\n    return right(x)\n"
    with Checker(put(tmp_path, code), limit=20) as checker:
        report = checker.check(find("softmax"))
        assert checker.check(find("layer_norm")).printed.strip() == ""
    assert report.status == "passed"
    assert 10_000 < len(report.printed) <= 20_000


def test_a_student_who_closes_the_output_does_not_silence_the_next(tmp_path):
    code = GOOD + "import os, sys\nsys.stdout.close()\nos.close(1)\nos.close(2)\nos.chdir('/')\n"
    with Checker(put(tmp_path, code, LAYER_NORM + "print('here')\n"), limit=10) as checker:
        assert checker.check(find("softmax")).status == "passed"
        assert checker.check(find("layer_norm")).printed.strip() == "here"


def test_a_students_own_module_can_be_imported_and_cannot_hide_a_library(tmp_path):
    for name in ("numpy", "random", "secrets", "bisect", "hmac", "json", "viz", "tokenize", "select", "queue"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('not this one')\nprint('my dice')")
    (tmp_path / "mine.py").write_text(GOOD)
    with Checker(put(tmp_path, "import numpy\nfrom mine import softmax\n"), limit=10) as checker:
        assert checker.check(find("softmax")).status == "passed"
    assert not list(tmp_path.rglob("*.pyc"))


def test_a_saved_file_is_read_anew(tmp_path):
    with Checker(put(tmp_path, "def softmax(x): return x\n"), limit=10) as checker:
        assert checker.check(find("softmax")).status == "failed"
        put(tmp_path, GOOD)
        assert checker.check(find("softmax")).status == "passed"


def test_what_one_file_changes_is_not_held_against_the_next(tmp_path):
    meddling = GOOD + "import numpy as np, threading, time, os\nnp.mean = np.square = np.sqrt = lambda *a, **k: 0 / 0\n"
    norm = "import numpy as np\nfrom minibert.numerics import layer_norm as right\n"
    norm += "def layer_norm(x, *rest):\n    np.mean(x)\n    return right(x, *rest)\n"
    with Checker(put(tmp_path, meddling, norm), limit=10) as checker:
        assert [checker.check(find(name)).status for name in ("softmax", "layer_norm")] == ["passed", "passed"]
    late = (
        GOOD + "import os, threading, time\nthreading.Thread(target=lambda: (time.sleep(0.2), os._exit(1))).start()\n"
    )
    slow = LAYER_NORM + "import time\ntime.sleep(0.6)\n"
    with Checker(put(tmp_path, late, slow), limit=10) as checker:
        assert [checker.check(find(name)).status for name in ("softmax", "layer_norm")] == ["passed", "passed"]


def test_a_missing_file_is_missing(tmp_path):
    with Checker(tmp_path) as checker:
        report = checker.check(find("softmax"))
    assert (report.status, report.message) == ("missing", "There is no 01_softmax.py in the folder.")


def test_line_numbers_are_those_of_the_students_file(tmp_path):
    code = "def helper(x):\n    return x + 'a'\n\n\ndef softmax(x):\n    return helper(x)\n"
    with Checker(put(tmp_path, code), limit=10) as checker:
        assert "at line 2, `return x + 'a'`" in checker.check(find("softmax")).message


def test_transport_brings_back_what_was_sent():
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    values = [array, (array[0], [array[:, 1], {"a": array, "b": None}]), 1.5, 7, "text", True, np.float32(2), ()]
    message = transport.pack({"results": []}, values)
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as echo:
        echo.stdin.write(message)
        echo.stdin.close()
        got = transport.read_message(echo.stdout)["values"]
    assert np.array_equal(got[0], array)
    assert got[0].dtype == np.float32
    assert isinstance(got[1], tuple)
    assert np.array_equal(got[1][1][1]["a"], array)
    assert got[1][1][1]["b"] is None
    assert got[2:6] == [1.5, 7.0, "text", True]
    assert got[6] == np.float32(2)
    assert got[7] == ()


def test_stubs_do_nothing_when_imported():
    course = str(Path(exercise.__file__).parent)
    code = f"import pathlib, runpy\nfor path in pathlib.Path({course!r}).glob('ex*/stub.py'): runpy.run_path(str(path))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")

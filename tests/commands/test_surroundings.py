"""The surroundings of the process change nothing: what a notebook, a service or another library leaves behind.

The main commands run once plainly and once in each of the surroundings: what they print and write is the same.
"""

import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

import minibert
import viz

posix = pytest.mark.skipif(os.name != "posix", reason="uses a POSIX shell, or signals")

COMMANDS = [
    ["attention", "The café is 猫.", "--layer", "1", "--head", "0", "--json"],
    ["fill", "She opened the [MASK]."],
    ["classify", "A fine film. ||| It was not."],
    ["viz", "--draw", "joint"],
    ["viz", "A dog barked.", "--layer", "0-1", "--head", "0,2", "--draw", "matrix", "--format", "svg"],
    ["compare", "tiny", "tiny-sentiment", "--closely", "0", "--format", "pdf"],
    ["explore", "It rained.", "--no-live", "--out", "page.html"],
    ["info", "tiny-sentiment"],
    ["exercises", "start", "work"],
    ["exercises", "hint", "softmax"],
    ["exercises", "check", "work", "softmax"],
]

PROGRAM = f"""
import sys
from minibert.commands.main import main
for arguments in {COMMANDS!r}:
    try:
        main(arguments)
    except SystemExit as stop:
        print("status", stop.code)
"""

ODD = {"TERM": "dumb", "TMPDIR": "/nowhere", "PYTHONOPTIMIZE": "2", "PYTHONHASHSEED": "7"}
ODD |= {"MPLCONFIGDIR": "/proc/nowhere", "OMP_NUM_THREADS": "many", "TOKENIZERS_PARALLELISM": "maybe"}

RAISE = "import numpy; numpy.seterr(all='raise')\n"

MATPLOTLIBRC = """
backend: nowhere
text.usetex: True
font.family: no such font
axes.facecolor: black
figure.figsize: 1, 1
savefig.dpi: 20
svg.fonttype: none
"""


def run(folder: Path, before: str = "", options=(), shell: str = "", **changes: str) -> tuple[bytes, str, dict]:
    """What the commands print, on both outputs, and the files they write."""
    folder.mkdir()
    program = folder.parent / f"{folder.name}.py"
    program.write_text(before + PROGRAM, encoding="utf-8")
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "PYTHONIOENCODING": "utf-8"} | changes
    command = [sys.executable, *options, str(program)]
    if shell:
        command = ["sh", "-c", f'"$@" {shell}', "sh", *command]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True)
    error = result.stderr.decode()
    assert result.returncode == 0, error
    return result.stdout, error, {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    out, error, files = run(tmp_path_factory.mktemp("plain") / "here")
    assert error == "", "a progress bar, or a warning, where there is no terminal"
    assert len(files) > 20 and "猫" in out.decode()
    return out, files


@pytest.mark.parametrize(
    "surroundings",
    [
        {"changes": {"MPLBACKEND": "module://a_notebook_that_is_not_here", "MATPLOTLIBRC": MATPLOTLIBRC}},
        {"before": RAISE, "options": ["-W", "error", "-X", "dev", "-bb"]},
        {"changes": {"PYTHONIOENCODING": "cp1252", "LC_ALL": "C", "HOME": "/proc/nowhere", "USERPROFILE": "", **ODD}},
        pytest.param({"shell": ">&- 2>&- <&-"}, marks=posix),
        {"before": "import sys; sys.stdout = sys.stderr = None\n"},
    ],
    ids=["matplotlib", "strict", "cp1252 and no home", "no streams", "pythonw"],
)
def test_output_and_files_are_those_of_a_plain_run(surroundings, plain, tmp_path):
    expected, files = plain
    changes = dict(surroundings.get("changes", {}))
    if "MATPLOTLIBRC" in changes:
        (tmp_path / "matplotlibrc").write_text(changes["MATPLOTLIBRC"], encoding="utf-8")
        changes["MATPLOTLIBRC"] = str(tmp_path / "matplotlibrc")
    rest = {name: value for name, value in surroundings.items() if name != "changes"}
    out, error, written = run(tmp_path / "here", **rest, **changes)
    encoding = changes.get("PYTHONIOENCODING", "utf-8")
    if "shell" in rest or "None" in rest.get("before", ""):
        assert out == b""
    else:
        assert out.decode(encoding) == expected.decode().encode(encoding, "backslashreplace").decode(encoding)
    assert "Traceback" not in error
    assert written.keys() == files.keys()
    for path, content in written.items():
        assert content == files[path], path


def test_whatever_the_caller_has_set_for_arithmetic_the_library_computes(minilm, sentences):
    bert = minibert.load("tiny")
    plain = [minilm.batch(sentences[:8]), bert.fill_mask("She opened the [MASK].")]
    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        strict = [minilm.batch(sentences[:8]), bert.fill_mask("She opened the [MASK].")]
        layer = minilm(sentences[0]).layers[0]
        for method in ("raw", "paper", "exact"):
            moved = viz.normalize(layer.query, layer.key, None, method)
            viz.measure(moved, layer.attention)
        lines = viz.choose_lines(layer.attention[0])
        viz.joint_figure([moved[0]], plain[0][0].tokens, [lines])
        viz.explore([viz.Sentence(plain[0][0].tokens, layer.query[None], layer.key[None])])
    assert strict[1] == plain[1]
    for one, other in zip(strict[0], plain[0], strict=True):
        np.testing.assert_array_equal(one.hidden_states[-1], other.hidden_states[-1])


FORK = """
import multiprocessing, sys, threading
import minibert

def largest(texts):
    return [float(trace.layers[-1].attention.max()) for trace in minibert.load("tiny").batch(texts)]

if __name__ == "__main__":
    texts = ["The brown capybara is sleeping now."] * 40
    bert, expected = minibert.load("tiny"), largest(texts)
    stop = threading.Event()
    def busy():
        while not stop.is_set():
            bert.batch(texts)
    thread = threading.Thread(target=busy)
    thread.start()
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        found = pool.map_async(largest, [texts] * 4).get(timeout=100)
    stop.set()
    thread.join()
    assert found == [expected] * 4, found
    print("all alike")
"""


@pytest.mark.parametrize("method", [pytest.param("fork", marks=posix), "spawn"])
def test_processes_started_while_a_thread_is_at_work_compute_the_same(method, tmp_path):
    (tmp_path / "program.py").write_text(FORK, encoding="utf-8")
    command = [sys.executable, "-W", "ignore", str(tmp_path / "program.py"), method]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "2"}  # so that a lock is held while the work is shared out
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    assert (result.returncode, result.stdout) == (0, "all alike\n"), result.stderr


INTERRUPTED = """
import os, signal, sys, threading
from minibert.commands.main import main
signal.signal(signal.SIGINT, signal.default_int_handler)  # shells switch it off for what they start in the background
delay, begun = float(sys.argv.pop(1)), threading.Event()
def interrupt():
    begun.wait()  # this program's own lines are not the command's
    threading.Event().wait(delay)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt, daemon=True).start()
begun.set()
main()
"""


def test_nothing_is_imported_before_ctrl_c_is_heard():
    code = "import sys; before = set(sys.modules); import minibert.commands.main; print(set(sys.modules) - before)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert eval(result.stdout) == {"minibert", "minibert.commands", "minibert.commands.main"}


@posix
@pytest.mark.parametrize("delay", [0.001, 0.01, 0.03, 0.1, 0.2, 0.4, 0.8])
def test_ctrl_c_at_any_moment_is_one_line(delay, tmp_path):
    command = [sys.executable, "-c", INTERRUPTED, str(delay), "compare", "tiny", "tiny-sentiment"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    if result.returncode != 0:  # it may have been done
        assert (result.returncode, result.stderr) == (130, "minibert: interrupted\n")
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith(".part")]


@posix
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="nothing is read-only for root")
@pytest.mark.parametrize("command", [["viz"], ["compare", "tiny", "tiny-sentiment"], ["explore"]], ids=str)
def test_a_read_only_folder_is_found_before_the_work(command, tmp_path):
    tmp_path.chmod(0o500)
    result = subprocess.run([sys.executable, "-m", "minibert", *command], cwd=tmp_path, capture_output=True, text=True)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert "cannot write" in result.stderr and "--out" in result.stderr


@posix
def test_a_folder_that_even_root_cannot_write_is_found_before_the_work(tmp_path):
    if not os.path.isdir("/sys/kernel"):
        pytest.skip("no such folder on this system")
    started = time.perf_counter()
    command = [sys.executable, "-m", "minibert", "viz", "--out", "/sys/kernel/pictures"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1), time.perf_counter() - started
    assert "--out is /sys/kernel/pictures" in result.stderr


def test_signals_are_left_as_they_were():
    before = signal.getsignal(signal.SIGINT)
    from minibert.commands.main import main

    main(["models"])
    assert signal.getsignal(signal.SIGINT) is before

"""The command, as a user meets it: what it prints, and one line and exit code 2 where something is wrong."""

import io
import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import minibert
from minibert.commands.line import COMMANDS
from minibert.commands.main import main

TEXT = "The brown capybara is sleeping now."


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of `minibert ARGUMENTS`."""
    try:
        main(arguments)
        status = 0
    except SystemExit as stop:
        status = stop.code
    return status, *capsys.readouterr()


def fresh(*arguments: str) -> subprocess.CompletedProcess:
    """The same, in a process of its own."""
    return subprocess.run([sys.executable, "-m", "minibert.commands.main", *arguments], capture_output=True, text=True)


def test_attention_prints_the_numbers_of_the_trace(capsys, minilm, minilm_folder):
    status, out, _ = run(
        capsys, "attention", TEXT, "--model", str(minilm_folder), "--layer", "2", "--head", "3", "--top", "1"
    )
    trace = minilm(TEXT)
    title, *rows = out.splitlines()
    assert (status, title) == (0, "layer 2 head 3")
    assert len(rows) == len(trace.tokens)
    for position, (row, attention) in enumerate(zip(rows, trace.layers[2].attention[3], strict=True)):
        key = attention.argmax()
        assert row.split() == [
            str(position),
            trace.tokens[position],
            f"{attention.max():.2f}",
            str(key),
            trace.tokens[key],
        ]


def test_attention_shows_all_layers_and_heads_and_pairs(capsys, minilm, minilm_folder):
    status, out, _ = run(capsys, "attention", "It sleeps.", "--pair", "It rests.", "--model", str(minilm_folder))
    assert status == 0
    assert out.count("layer ") == minilm.config.num_hidden_layers * minilm.config.num_attention_heads
    assert "rests" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["attention", ""], "the text is empty; expected a sentence"),
        (
            ["attention", "word " * 600],
            "602 tokens, but this model has 512 positions (max_position_embeddings): shorten",
        ),
        (["attention", TEXT, "--layer", "6"], "--layer is 6; this model has layers 0 to 5"),
        (["attention", TEXT, "--head", "-1"], "--head is -1; this model has heads 0 to 11"),
        (["attention", TEXT, "--top", "0"], "--top is 0; expected 1 or more"),
        (["fill", "A [MASK]."], "no masked-language-model head"),
        (["classify", "A fine film."], "no sequence classifier"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(capsys, minilm_folder, arguments, message):
    status, out, error = run(capsys, *arguments, "--model", str(minilm_folder))
    assert (status, out) == (2, "")
    assert error.startswith("minibert: ") and error.count("\n") == 1
    assert message in error


def test_a_folder_without_a_model_is_one_line_and_exit_code_2(tmp_path):
    result = fresh("info", str(tmp_path))
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1 and str(tmp_path) in result.stderr and "config.json" in result.stderr


def test_info_adds_up(capsys, minilm, minilm_folder):
    status, out, _ = run(capsys, "info", str(minilm_folder))
    assert status == 0
    assert "22,713,216 parameters" in out
    assert "hidden_size" in out and "384" in out
    tensors = load_file(Path(minibert.__file__).parent / "models/tiny/model.safetensors")
    out = run(capsys, "info", "tiny")[1]
    assert f"{sum(tensor.size for tensor in tensors.values()):,} parameters" in out
    assert re.search(r"decoder +the word embeddings +again", out)  # in the file, and in the sum, it is once


def test_help_of_every_command(capsys):
    status, out, _ = run(capsys, "--help")
    assert status == 0
    for command in (
        "viz",
        "attention",
        "fill",
        "classify",
        "compare",
        "explore",
        "exercises",
        "models",
        "download",
        "info",
    ):
        assert f"\n    {command}" in out
        assert run(capsys, command, "--help")[0] == 0


def test_help_fits_the_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    actions = [["exercises", action] for action in ("list", "start", "reset", "check", "hint", "show", "run", "class")]
    for command in [[], *([name] for name in COMMANDS), *actions]:
        _, out, _ = run(capsys, *command, "--help")
        assert out and max(map(len, out.splitlines())) < 80, command
    monkeypatch.setenv("COLUMNS", "50")
    assert "\n  minibert viz\n      draw queries and keys, in out/\n" in run(capsys, "--help")[1]


def test_a_closed_pipe_is_no_error(minilm_folder):
    command = f"{sys.executable} -m minibert.commands.main attention --model {minilm_folder} | head -1"
    result = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True)
    assert result.stdout == "layer 0 head 0\n"
    assert result.stderr == ""


def test_importing_minibert_and_its_command_loads_neither_matplotlib_nor_a_hub_client():
    heavy = "{'matplotlib', 'huggingface_hub', 'viz', 'torch'}"
    code = f"import sys, minibert.commands.main; print({heavy} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout == "set()\n", result.stdout + result.stderr


def test_the_first_map_of_a_sentence_loads_only_what_it_needs():
    """What errors, downloads, batches and pictures need is imported when they come: it takes as long as the map."""
    late = "{'secrets', 'shutil', 'threadpoolctl', 'minibert.checkpoint.layout', 'difflib', 'viz', 'huggingface_hub'}"
    code = f"import sys, minibert; minibert.load('tiny')({TEXT!r}); print({late} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout == "set()\n", result.stdout + result.stderr


def test_classify_takes_a_pair_and_says_what_its_numbers_are(capsys):
    bert = minibert.load("tiny-sentiment")
    expected = [f"{value:6.3f}  {label}" for label, value in bert.classify(("Is it good?", "It is."))]
    for given in (["Is it good?", "--pair", "It is."], ["Is it good? ||| It is."]):
        status, out, _ = run(capsys, "classify", *given)
        *answers, what = out.splitlines()
        assert (status, answers) == (0, expected)
        assert what == "the labels exclude each other: probabilities that add up to 1 (softmax)"


def test_a_fault_of_minibert_shows_its_traceback_and_asks_for_a_report(capsys, tmp_path, monkeypatch):
    """A product of matrices that do not fit is a ValueError of NumPy's, and nothing that a user can mend."""
    monkeypatch.setattr(minibert.Bert, "forward", lambda self, *given, **options: np.ones((2, 3)) @ np.ones((2, 3)))
    (tmp_path / "a.txt").write_text("A [MASK].")
    skipping = ["fill", "--skip-bad", "--file", str(tmp_path / "a.txt")]
    for command in (["attention", TEXT], ["fill", "A [MASK]."], skipping):
        status, _, error = run(capsys, *command)
        assert status == 70 and error.startswith("Traceback") and "ValueError: matmul" in error
        assert error.endswith("the command that you gave\n") and "please report it" in error.splitlines()[-1]


@pytest.mark.parametrize("at", range(4))
def test_options_may_stand_anywhere(at, capsys):
    """argparse of Python 3.11 to 3.13 takes a TEXT that may be left out as left out before an option."""
    places = ["A dog.", "--layer", "1", "--head", "2", "--json"]
    text, layer, head, flag = "A dog.", ["--layer", "1"], ["--head=2"], ["--json"]
    before, after = [layer, head, flag][:at], [layer, head, flag][at:]
    line = [*(part for option in before for part in option), text, *(part for option in after for part in option)]
    assert run(capsys, "attention", *line) == run(capsys, "attention", *places)


def test_an_option_between_the_arguments_of_compare_and_check(capsys, tmp_path):
    out = ["--out", str(tmp_path / "out")]
    status, printed, error = run(capsys, "compare", "tiny", "--json", "tiny", *out, "--closely", "0", "Hi there.")
    assert (status, error) == (0, "") and '"sentences": 1' in printed
    folder = str(tmp_path / "work")
    assert run(capsys, "exercises", "start", folder)[0] == 0
    status, printed, error = run(capsys, "exercises", "check", folder, "7", "--seed", "1", "softmax", "7")
    assert (status, error) == (1, "") and "0 of 2 are right; next: " in printed
    assert [line[:2] for line in printed.splitlines()[:2]] == ["07", "01"]
    assert run(capsys, "exercises", "hint", "--more", "softmax")[0] == 0


@pytest.mark.parametrize("text", ["-5", "-x y", "--layer"])
def test_a_text_that_begins_with_a_hyphen_comes_after_two(text, capsys):
    status, printed, _ = run(capsys, "attention", "--head", "0", "--layer", "0", "--json", "--", text)
    assert status == 0 and json.loads(printed)["sentences"][0]["text"] == text


@pytest.mark.parametrize(
    "command",
    [["attention"], ["fill"], ["classify"], ["embed"], ["explore"], ["viz", "--draw", "matrix"], ["why"], ["read"],
     ["compare", "tiny", "tiny", "--closely", "0"]],
    ids=lambda command: command[0],
)  # fmt: skip
def test_a_hyphen_is_standard_input(command, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    lines = b"A [MASK] barked.\n" * (8 if command == ["why"] else 1)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
    status, _, error = run(capsys, *command, "-")
    assert (status, error) == (0, "")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"A dog.\n\x80\n")))
    status, _, error = run(capsys, *command, "-")
    assert status == 2 and "standard input" in error


WRITES = [
    (["explore", TEXT, "--out"], "page.html"),
    (["read", TEXT, "--out"], "page.html"),
    (["whatif", "The door was [MASK].", "--out"], "drawn/heads.png"),
    (["attention", TEXT, "--csv"], "rows.csv"),
    (["attention", TEXT, "--npz"], "arrays.npz"),
    (["embed", TEXT, TEXT, "--npz"], "vectors.npz"),
    (["download", "tiny", "--to"], "copy"),
    (["viz", TEXT, "--layer", "all", "--draw", "metrics", "--out"], "drawn/heads.csv"),
]


@pytest.mark.skipif(sys.platform != "linux", reason="limits are those of Linux")
@pytest.mark.parametrize(("arguments", "name"), WRITES)
def test_a_file_that_cannot_be_written_to_its_end_is_named(arguments, name, tmp_path):
    """A full disk is an OSError without the name of a file, as is a file that is larger than it may be."""
    import resource

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (30, 30))

    out = tmp_path / name.partition("/")[0]
    command = [sys.executable, "-m", "minibert", *arguments, str(out)]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit)
    assert (done.returncode, done.stderr) == (2, f"minibert: {tmp_path / name}: File too large\n")
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


NAMELESS = {
    "a full disk behind standard output": (28, "standard output: No space left on device"),
    "no more memory for a process": (12, "the operating system reports: Cannot allocate memory"),
    "too many open files": (24, "the operating system reports: Too many open files"),
}


@pytest.mark.parametrize("what", NAMELESS)
def test_standard_output_is_blamed_for_what_is_written_only(what, capsys, monkeypatch):
    number, expected = NAMELESS[what]

    def broken(*_, **__):
        raise OSError(number, expected.partition(": ")[2])

    monkeypatch.setattr("minibert.commands.fill.load", broken)
    assert run(capsys, "fill", "The door was [MASK].") == (2, "", f"minibert: {expected}\n")


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
def test_a_full_disk_behind_standard_output():
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "minibert", "models"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2 and done.stderr == "minibert: standard output: No space left on device\n"


@pytest.mark.parametrize("command", [["viz", "--draw", "matrix", "--layer", "0"], ["explore", "--no-live"], ["embed"]])
def test_several_texts_of_one_word_are_named(command, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    said = "minibert: these are 3 texts of one word each; a text with spaces needs quotation marks around it\n"
    assert run(capsys, *command, "the", "cat", "sat")[2] == said
    assert run(capsys, *command, "the cat", "sat")[2] == ""
    assert run(capsys, *command, "sat")[2] == ""


def test_without_an_answer_no_solution_is_shown_and_the_status_says_so(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    run(capsys, "exercises", "start", "work", "softmax")
    status, _, error = run(capsys, "exercises", "show", "work", "softmax")
    said = "standard input gives no answer; add --yes to see the solution without the question"
    assert (status, error) == (2, f"minibert: {said}\n")

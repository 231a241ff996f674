"""Every option of every command: what the command prints or writes changes with it, or the option is refused.

A row of OPTIONS is a command line, a +, and the option that is added. It runs without and with the option. Where the
command also has --json, --csv or --npz, it runs with each of these too: the JSON or the file must change, or the
option must be refused there. EXCEPTIONS has the reasons of those that may have no effect.
"""

import argparse
import functools
import io
import json
import re
import shlex
import shutil
import sys
import webbrowser
from contextlib import redirect_stderr, redirect_stdout

import pytest
import transformers

from minibert.commands.line import COMMANDS, build_parser
from minibert.commands.main import main
from minibert.exercises.course import find
from tests.checkpoint.test_families import write
from tests.reference.checkpoints import write_model, write_vocabulary
from viz.figures import style

OPTIONS = """
viz 'A dog.' --layer 0 --head 0 --draw joint + --layer 1
viz 'A dog.' --layer 0 --head 0 --draw joint + --head 1
viz 'A dog.' --layer 0 --head 0 --draw joint + --draw attention
viz 'A dog.' --layer 0 --head 0 --draw joint-raw + --draw joint-exact
viz 'A dog.' --draw joint + --model tiny-sentiment
viz 'A dog.' --draw joint + --exercises right
viz 'A dog.' --draw joint + --out there
viz 'A dog.' --draw joint + --width 4
viz 'A dog.' --draw joint + --format svg
viz 'A dog.' --draw joint + --export npz
viz 'A dog.' --draw joint + --link a:dog
viz 'A dog.' --draw joint + --top 2
viz 'A dog.' --draw joint + --strongest 2
viz 'A dog.' --draw joint + --above 0.5
viz 'A dog.' --draw joint + --no-special
viz 'A dog.' --draw joint + --among words
viz --draw positions --file two.txt + --examples 2
viz 'A capybara.' --draw joint + --words
viz 'A dog.' --layer 1 --draw matrix + --scope layer
viz 'A dog.' --draw joint + --scale 0.5
viz 'The old man walked slowly home.' --draw joint + --distance cosine
viz 'The old man walked slowly home.' --draw joint + --weight none
viz 'A dog.' --draw joint + --plane attention
viz 'A dog.' --draw joint + --dims 3
viz --head 0 + --vocabulary
viz --head 0 --vocabulary dog + --place 2
viz --draw positions + --file two.txt
viz --draw positions --file rows.csv + --column other
viz --draw positions --file bad.txt + --skip-bad
viz --draw matrix --layer 1 --file two.txt + --points 6
viz --draw matrix --layer 1 --file two.txt --points 6 + --seed 1
viz --draw positions --layer 1 --file two.txt + --queries 2
attention 'A dog.' + --layer 1
attention 'A dog.' + --head 1
attention 'A capybara.' + --words
attention 'A dog.' + --without-special
attention 'A dog.' + --mean heads
attention 'A dog.' + --picture p.svg
attention 'A dog.' + --measure norm
attention 'A dog.' + --measure rollout
attention 'A dog.' + --top 1
attention 'A dog.' + --model tiny-sentiment
attention 'A dog.' + --pair 'It rained.'
attention + --file two.txt
attention --file rows.csv + --column other
attention --file bad.txt + --skip-bad
attention 'A dog.' + --json
attention 'A dog.' + --csv t.csv
attention 'A dog.' + --npz t.npz
fill 'A [MASK].' + --top 1
fill 'A [MASK].' + --without 1.2
fill 'A [MASK].' + --model random
fill 'A [MASK].' + --json
fill + --file two.txt
fill --file rows.csv + --column other
fill --file bad.txt + --skip-bad
whatif 'A [MASK].' + --words
whatif 'A [MASK].' + --top 2
whatif 'A dog [MASK].' --words + --top 1
whatif 'A dog [MASK].' --words + --json
whatif 'A dog [MASK].' --words + --csv t.csv
whatif --words + --file two.txt
whatif 'A [MASK].' + --model random
whatif 'A [MASK].' + --json
whatif 'A [MASK].' + --csv t.csv
whatif 'A [MASK].' + --out there
whatif 'A [MASK].' + --width 4
whatif 'A [MASK].' + --format svg
whatif + --file two.txt
whatif --file rows.csv + --column other
whatif --file bad.txt + --skip-bad
why 'A dog [MASK].' --layer 1 + --head 2
why 'A dog [MASK].' --head 2 + --layer 1
why 'A dog [MASK].' + --query dog
why 'A dog [MASK].' --query dog + --key .
why 'A dog [MASK].' --query dog --key . + --instead a
why 'A dog [MASK].' + --guess
why 'A dog [MASK].' --guess + --steps 1
why 'A dog [MASK].' + --top 2
why 'A dog [MASK].' + --csv t.csv
why 'A dog [MASK].' + --json
why 'A dog [MASK].' + --model tiny-sentiment
why 'A dog [MASK].' + --out there
why 'A dog [MASK].' + --width 4
why 'A dog [MASK].' + --format svg
why --layer 1 --head 2 + --file eight.txt
why --file eight.txt + --properties
why --layer 1 --head 2 --file rows.csv + --column other
why --layer 1 --head 2 --file bad.txt + --skip-bad
embed 'A dog.' 'It rained.' + --model tiny-sentiment
embed 'the nap' --model prompts + --prompt query
embed 'A dog.' 'It rained.' + --csv t.csv
embed 'A dog.' 'It rained.' + --npz t.npz
embed 'A dog.' 'It rained.' + --json
embed + --file two.txt
embed --file rows.csv + --column other
embed --file bad.txt + --skip-bad
classify 'A dog.' + --pair 'It rained.'
classify 'A dog.' + --model random-labels
classify 'A dog.' + --json
classify + --file two.txt
classify --file rows.csv + --column other
classify --file bad.txt + --skip-bad
replaced 'the nap' --model electra + --json
replaced 'the nap' + --model electra
replaced --model electra + --file two.txt
replaced --model electra --file rows.csv + --column other
replaced --model electra --file bad.txt + --skip-bad
compare tiny tiny-sentiment 'A dog.' + --closely 1
compare tiny tiny-sentiment 'A dog.' --closely 0 + --out there
compare tiny tiny-sentiment 'A dog.' --closely 0 + --width 4
compare tiny tiny-sentiment 'A dog.' --closely 0 + --format svg
compare tiny tiny-sentiment 'A dog.' --closely 0 + --json
compare tiny tiny-sentiment --closely 0 + --file two.txt
compare tiny tiny-sentiment --closely 0 --file rows.csv + --column other
compare tiny tiny-sentiment --closely 0 --file bad.txt + --skip-bad
compare tiny tiny-sentiment --closely 1 --file two.txt + --points 6
compare tiny tiny-sentiment --closely 1 --file two.txt --points 6 + --seed 1
explore 'A dog.' --no-live + --model tiny-sentiment
explore 'A dog.' --no-live + --out there
explore 'A dog.' --no-live + --open
explore 'A dog.' --no-live + --live
explore 'A dog.' --no-live + --tour tour.json
explore 'A dog.' --no-live + --read other.html
explore 'A dog.' --no-live + --language ja
explore --no-live --file long.txt + --size 0.9
explore --no-live --file long.txt --size 0.9 + --layer 3
explore --no-live --file long.txt --size 0.9 + --head 3
explore --no-live --file two.txt + --points 12
explore --no-live --file two.txt --points 12 + --seed 1
explore --no-live + --file two.txt
explore --no-live --file rows.csv + --column other
explore --no-live --file bad.txt + --skip-bad
read 'A dog.' + --model tiny-sentiment
read 'A dog.' + --out there
read 'A dog.' + --open
read 'A dog.' + --explorer other.html
read 'A dog.' + --exercises right
exercises list + --language ja
exercises start new + --language ja
exercises start new + --notebook
exercises start new + --lock secret
exercises reset work softmax + --language ja
exercises check work softmax + --language ja
exercises check work softmax + --json
exercises check work softmax + --html page.html
exercises check work scores + --seed 1
exercises check slow softmax + --time-limit 0.3
exercises hint softmax + --language ja
exercises hint softmax + --more
exercises hint locked softmax --more + --word secret
exercises show softmax --yes + --language ja
exercises show softmax + --yes
exercises show locked softmax --yes + --word secret
exercises run right 'A dog.' + --language ja
exercises run right 'A dog.' + --model tiny-sentiment
exercises run slow 'A dog.' + --time-limit 0.3
exercises class class --only softmax + --language ja
exercises class class + --only softmax
exercises class class --only softmax,scores + --weights softmax=3
exercises class class --only softmax + --csv t.csv
exercises class class --only softmax + --html page.html
exercises class class --only scores --html page.html + --seed 1
exercises class slow --only softmax + --time-limit 0.3
info tiny + --json
models + --json
"""

ELSEWHERE = {
    "minibert viz --workers": "the results are the same by design; tests/corpus holds them against one process",
    "minibert viz --scheduler": "as --workers",
    "minibert compare --workers": "as viz --workers",
    "minibert compare --scheduler": "as viz --workers",
    "minibert exercises check --watch": "it ends only with Ctrl-C; tests/exercises/test_command.py",
    "minibert exercises run --seed": "other inputs of the check; a function that is right is right on them too",
    "minibert download --revision": "of a hub; tests/hub",
    "minibert download --to": "tests/hub",
}
"""Options without a row, and why."""

EXCEPTIONS = {
    "attention --csv --top": "the table has every key",
    "attention --npz --top": "the file has all arrays",
    "attention --npz --layer": "the file has all arrays",
    "attention --npz --head": "the file has all arrays",
    "attention --npz --measure": "the file has the arrays that a measure is computed from",
    "attention --npz --words": "as --measure",
    "attention --npz --without-special": "as --measure",
    "attention --npz --mean": "as --measure",
    "attention --npz --picture": "it is another file",
    "attention --csv --picture": "it is another file",
    "attention --json --picture": "it is another file",
    "compare --json --width": "the pictures change, of which the JSON has the names",
    "whatif --csv --top": "the table has every head",
    "whatif --csv --out": "of the picture",
    "whatif --csv --width": "of the picture",
    "whatif --csv --format": "of the picture",
    "why --csv --top": "the table has every term",
    "why --csv --out": "of the picture",
    "why --csv --width": "of the picture",
    "why --csv --format": "of the picture",
}
"""Options that the JSON or the file need not follow, though what is printed does, and why."""

SIDES = {"--json": ["--json"], "--csv": ["--csv", "t.csv"], "--npz": ["--npz", "t.npz"]}


def leaves(parser, name):
    """Every command, and every action of a command, with its parser."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield name, parser
    for action in below:
        for one in dict.fromkeys(action.choices.values()):
            yield from leaves(one, one.prog)


def parsers():
    for command in COMMANDS:
        commands = next(a for a in build_parser(command)._actions if isinstance(a, argparse._SubParsersAction))
        yield from leaves(commands.choices[command], f"minibert {command}")


PARSERS = dict(parsers())


def rows():
    for line in OPTIONS.strip().splitlines():
        before, _, option = line.partition(" + ")
        yield shlex.split(before), shlex.split(option)


def prog_of(arguments):
    return "minibert " + " ".join(arguments[: 2 if arguments[0] == "exercises" else 1])


def test_every_option_has_a_row_or_a_reason():
    known = {f"{prog_of(before)} {option[0]}" for before, option in rows()} | set(ELSEWHERE)
    there = {
        f"{prog} {max(action.option_strings, key=len)}"
        for prog, parser in PARSERS.items()
        for action in parser._actions
        if action.option_strings and action.dest != "help"
    }
    there = {name.replace("--no-live", "--live") for name in there}
    assert known == there


SENTENCES = ["A dog [MASK].", "It rained [MASK] night.", "The [MASK] of the house."]


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder with what the rows name."""
    desk = tmp_path_factory.mktemp("desk")
    (desk / "two.txt").write_text("\n".join(SENTENCES), encoding="utf-8")
    (desk / "eight.txt").write_text("\n".join(SENTENCES * 3), encoding="utf-8")
    (desk / "long.txt").write_text(
        "\n".join(f"{i} ships sailed [MASK] in the night." for i in range(60)), encoding="utf-8"
    )
    (desk / "bad.txt").write_text("\n".join([*SENTENCES * 3, "a ||| b ||| c"]), encoding="utf-8")
    table = [f"{SENTENCES[i % 3]},The sea [MASK] {i}." for i in range(9)]
    (desk / "rows.csv").write_text("\n".join(["text,other", *table]), encoding="utf-8")
    (desk / "tour.json").write_text(json.dumps([{"text": "Look at this."}]), encoding="utf-8")
    (desk / "electra").mkdir()
    write(desk / "electra", "electra", "ForPreTraining", 5)
    for name, kind in (
        ("random", transformers.BertForPreTraining),
        ("random-labels", transformers.BertForSequenceClassification),
    ):
        write_model(desk / name, kind)
        write_vocabulary(desk / name)
    shutil.copytree(desk / "random", desk / "prompts")
    modules = {"Transformer": "", "Pooling": "1_Pooling"}
    listed = [{"path": path, "type": f"sentence_transformers.models.{kind}"} for kind, path in modules.items()]
    (desk / "prompts/modules.json").write_text(json.dumps(listed), encoding="utf-8")
    (desk / "prompts/1_Pooling").mkdir()
    mean = {"word_embedding_dimension": 24, "pooling_mode_mean_tokens": True}
    (desk / "prompts/1_Pooling/config.json").write_text(json.dumps(mean), encoding="utf-8")
    prompts = {"prompts": {"query": "the quick: "}}
    (desk / "prompts/config_sentence_transformers.json").write_text(json.dumps(prompts), encoding="utf-8")
    for name in ("work", "right", "slow", "class/anna", "class/ben", "locked"):
        lock = ["--lock", "secret"] if name == "locked" else []
        with redirect_stdout(io.StringIO()):
            main(["exercises", "start", str(desk / name), *lock])
    solution = find("softmax").solution.read_text(encoding="utf-8")
    for name in ("right", "class/anna"):
        (desk / name / "01_softmax.py").write_text(solution, encoding="utf-8")
    (desk / "slow/01_softmax.py").write_text("import time\ntime.sleep(1)\n" + solution, encoding="utf-8")
    wrong = find("scores").solution.read_text(encoding="utf-8").replace("math.sqrt", "float")
    for name in ("work", "class/anna"):
        (desk / name / find("scores").file).write_text(wrong, encoding="utf-8")
    return desk


def stamps(desk):
    """When each file was written, for a look at which are new."""
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in desk.rglob("*") if path.is_file()}


def ran(desk, arguments):
    """The status of a run, its two outputs, and the files that it wrote: name -> content. They are removed again."""
    before = stamps(desk)
    old = {path: path.read_bytes() for path, (_, size) in before.items() if size < 100_000}
    out, error, status = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(error):
        patch.chdir(desk)
        patch.setattr(webbrowser, "open", lambda address: print("opened"))
        patch.setattr(sys, "stdin", io.StringIO())
        try:
            main(arguments)
        except SystemExit as stop:
            status = stop.code
    written = {}
    for path, stamp in stamps(desk).items():
        if stamp != before.get(path):
            written[path.relative_to(desk).as_posix()] = path.read_bytes()
            if path in old:
                path.write_bytes(old[path])
            else:
                path.unlink()
    return status, out.getvalue(), error.getvalue(), written


def product(desk, arguments, side):
    """What is to change: for --json what is printed, for --csv and --npz the file, otherwise all of it.

    A folder is named after the options, so files count by their last names, but for --out.
    """
    status, out, _, files = ran(desk, arguments)
    assert status in (0, 1) or not files, "a run that is refused writes nothing"
    if status == 2 or side == "--json":
        return status, out
    if side is not None:
        return status, files[SIDES[side][1]]
    printed = [line for line in out.splitlines() if line.split("  ")[0] not in files]
    where = sorted(files) if "--out" in arguments else []
    return status, printed, {name.rpartition("/")[2]: content for name, content in files.items()}, where


@pytest.fixture(scope="module")
def product_once(desk):
    """The same, once for each command line; pictures are coarse, to take less time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(style, "DPI", 30)
        yield functools.cache(lambda arguments, side: product(desk, list(arguments), side))


def cases():
    for before, option in rows():
        prog = prog_of(before)
        yield pytest.param(before, option, None, id=f"{shlex.join(before)} + {shlex.join(option)}")
        for side in SIDES:
            there = prog in PARSERS and side in PARSERS[prog]._option_string_actions
            if (
                there
                and option[0] not in (*SIDES, "--column", "--skip-bad")
                and prog not in ("minibert info", "minibert exercises check")
            ):
                name = f"{prog.removeprefix('minibert ')} {side} {option[0]}"
                if name not in EXCEPTIONS and not prog.startswith("minibert exercises"):
                    yield pytest.param(before, option, side, id=f"{shlex.join(before)} {side} + {shlex.join(option)}")


@pytest.mark.parametrize(("before", "option", "side"), list(cases()))
def test_an_option_changes_what_comes_or_is_refused(before, option, side, product_once):
    more = SIDES.get(side, [])
    without, with_it = (product_once((*before, *more, *extra), side) for extra in ([], option))
    if side is not None and with_it[0] == 2:
        return
    assert with_it[0] in (0, 1), "refused"
    assert with_it != without


def said_defaults():
    """(before, option, what --help says is its default), as far as an option takes that."""
    for before, (name, *_) in rows():
        action = PARSERS[prog_of(before)]._option_string_actions[name]
        said = re.search(r"\(default: (\w+(?:\.\d+)?)(?=[),;])", action.help or "")
        if said and name not in before and action.nargs != 0 and said[1] in map(str, action.choices or [said[1]]):
            try:
                (action.type or str)(said[1])
            except argparse.ArgumentTypeError:
                continue
            yield pytest.param(before, (name, said[1]), id=shlex.join([*before, name, said[1]]))


@pytest.mark.parametrize(("before", "option"), list(said_defaults()))
def test_the_default_that_help_names_is_the_default(before, option, product_once):
    assert product_once((*before, *option), None) == product_once(tuple(before), None)

"""However a corpus is cut into parts, and in whatever order they come: the same sums."""

import csv
import gzip
import importlib
import io
import itertools
import json
import logging
import os
import pickle
import random
import subprocess
import sys
from contextlib import contextmanager, nullcontext
from functools import reduce
from operator import add
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

import minibert
from minibert.commands import main as cli
from minibert.corpus import cluster, lines, passes
from minibert.corpus.here import Here
from minibert.corpus.lines import Corpus, Line
from minibert.corpus.passes import Found, add_up, hands_of, look_through, scan
from minibert.corpus.scan import Scan
from minibert.corpus.sentences import Sentences
from minibert.errors import UserError
from minibert.survey.fit import METHODS, fit
from minibert.survey.measure import measure_block
from minibert.survey.sample import Heads, gather
from minibert.tokenizer.encoding import Encoding


@pytest.fixture(scope="module")
def bert():
    return minibert.load("tiny")


@pytest.fixture(scope="module")
def texts(sentences):
    """Twenty-eight, some of them twice."""
    return [*sentences[:24], *sentences[:4]]


@pytest.fixture(scope="module")
def found(bert, texts):
    """Of each block of four lines, what was measured in it, and what the first pass found."""
    corpus, options = Corpus(texts), {"seed": 3, "skip_bad": False}
    sample = gather(bert, look_through(Here(bert), corpus, points=200, **options).sample)
    ways = fit(sample, Heads(range(4), range(4)), METHODS, plane="attention")
    fitted = {tuple(bert.encode(text).tokens) for text in sample.texts}
    what = {"ways": ways, "where": Heads(range(4), range(4)), "fitted": fitted, "queries": 3}
    blocks = [list(corpus)[start : start + 4] for start in range(0, 28, 4)]
    measured = [measure_block([bert], block, **what, **options) for block in blocks]
    return measured, [scan([bert], block, points=200, **options) for block in blocks]


def numbers(thing) -> list[np.ndarray]:
    """All sums, in order."""
    if isinstance(thing, np.ndarray):
        return [thing]
    return [array for one in vars(thing).values() for array in numbers(one)]


@settings(max_examples=30, deadline=None)
@given(order=st.permutations(range(7)), cuts=st.sampled_from([1, 2, 7]))
def test_one_two_or_seven_parts_in_any_order_add_up_to_the_same(found, order, cuts):
    for blocks in found:
        parts = [reduce(add, [blocks[i] for i in some]) for some in np.array_split(order, cuts)]
        total, expected = reduce(add, parts), reduce(add, blocks)
        assert total.sentences == expected.sentences == 28
        if hasattr(total, "drawn"):
            assert total.sample == expected.sample and 0 < sum(map(len, total.sample)) <= 200
            continue
        assert total.sums.keys() == expected.sums.keys() == {True, False}
        for kind, sums in total.sums.items():
            for one, other in zip(sums, expected.sums[kind], strict=True):
                for ours, theirs in zip(numbers(one), numbers(other), strict=True):
                    if ours.dtype.kind == "i":
                        np.testing.assert_array_equal(ours, theirs)
                    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


def test_the_sample_is_as_many_as_fit_in_the_order_of_the_text(bert, texts):
    """Those that drew the smallest numbers: up to exactly so many tokens, and one where none fits."""
    block = list(Corpus(texts))
    of_all = scan([bert], block, points=np.inf, seed=3, skip_bad=False)
    assert of_all.sample == [bert.encode(text) for text in texts]
    first = [encoding for _, _, encoding in of_all.drawn[:3]]
    exactly = sum(map(len, first))
    for points, most in [(exactly, 3), (exactly - 1, 2), (0, 1)]:
        sample = scan([bert], block, points=points, seed=3, skip_bad=False).sample
        assert sorted(sample, key=lambda one: one.text) == sorted(first[:most], key=lambda one: one.text)


@settings(max_examples=200, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=6),
    seed=st.integers(0, 9),
    points=st.integers(0, 60),
    fold=st.randoms(use_true_random=False),
)
def test_however_the_parts_are_added_up_the_sample_is_the_same(lengths, cuts, seed, points, fold):
    """A long line that has no room in one part leaves none to a shorter one of another part."""
    found = [(Line(at, ""), Encoding.from_ids(range(length))) for at, length in enumerate(lengths)]
    cuts = [0, *sorted(cut for cut in cuts if cut <= len(found)), len(found)]
    parts = [Scan.of(found[a:b], b - a, points, seed) for a, b in itertools.pairwise(cuts)]
    while len(parts) > 1:
        i, j = sorted(fold.sample(range(len(parts)), 2))
        parts[i] += parts.pop(j)
    whole = Scan.of(found, len(found), points, seed)
    assert parts[0].sample == whole.sample and parts[0].sentences == len(lengths)
    assert sum(map(len, whole.sample)) <= points or len(whole.sample) == 1


def test_a_file_that_changes_while_it_is_worked_on_is_one_line(tmp_path, corpus_file, monkeypatch, capsys):
    text = corpus_file.read_text(encoding="utf-8")
    for changed in ("", text[: len(text) // 2], text + "One more.\n", "word " * 600 + "\n"):
        corpus_file.write_text(text, encoding="utf-8")

        def then(*args, changed=changed):
            corpus_file.write_text(changed, encoding="utf-8")
            return gather(*args)

        monkeypatch.setattr("minibert.survey.experiment.gather", then)  # between the two passes
        with pytest.raises(SystemExit) as stop:
            options = ["--skip-bad", "--points", "50", "--layer", "1", "--out", str(tmp_path / "out")]
            cli.main(["viz", "--file", str(corpus_file), *options])
        assert stop.value.code == 2 and "has changed since it was first read" in capsys.readouterr().err
        assert not (tmp_path / "out").exists()


def test_lines_left_out_are_counted_and_another_seed_draws_others(bert, texts):
    block = list(Corpus([*texts, "", "one side |||"]))
    options = {"points": 60, "skip_bad": True}
    whole, other = (scan([bert], block, seed=seed, **options) for seed in (3, 4))
    assert (whole.sentences, whole.skipped) == (28, 2)
    assert whole.sample != other.sample and 0 < sum(map(len, whole.sample)) <= 60
    with pytest.raises(ValueError, match=r"^no text given$"):
        Sentences(bert, Corpus())
    for cut in (10, 29):
        assert reduce(add, (scan([bert], some, seed=3, **options) for some in (block[:cut], block[cut:]))) == whole


def test_what_is_found_is_of_all_kinds_and_the_sample_of_the_seed(bert, texts):
    found = Found(2, {True: [1, 2]}) + Found(3, {False: [10, 20]}) + Found(1, {True: [100, 200]})
    assert found == Found(6, {True: [101, 202], False: [10, 20]}) and found.all == [111, 222]
    options, corpus = {"points": 60, "skip_bad": False}, Corpus(texts)
    drawn = [look_through(Here(bert), corpus, seed=seed, **options).sample for seed in (3, 4)]
    assert drawn == [scan([bert], list(corpus), seed=seed, **options).sample for seed in (3, 4)]


def test_each_block_is_worked_on_with_one_thread_and_told_of_when_it_is_done(bert):
    told, blocks = [], [list(Corpus(["A dog."] * size)) for size in (2, 1, 3, 1, 1)]

    def work(models, block):
        return models, len(block), {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}

    with threadpool_limits(2, user_api="blas"):
        found = list(Here(bert, bert).each(work, blocks, told.append))
    assert found == [((bert, bert), size, {1}) for size in told] and told == [2, 1, 3, 1, 1]


@pytest.mark.parametrize(("workers", "scheduler"), [(2, None), (None, "tcp://127.0.0.1:9"), (None, None)])
def test_workers_that_were_asked_for_do_the_work(bert, monkeypatch, workers, scheduler):
    monkeypatch.setattr(cluster, "cluster", lambda *given: nullcontext(given))
    with hands_of(workers, scheduler, bert) as hands:
        asked = workers or scheduler
        assert hands == (workers, scheduler, bert) if asked else type(hands) is Here and hands.models == (bert,)


@pytest.mark.parametrize("known", [None, 6])
def test_an_interrupted_pass_counts_where_the_lines_had_been_counted(known, monkeypatch):
    told = []

    @contextmanager
    def progress(total, unit):
        told.append((total, unit))
        yield SimpleNamespace(update=told.append)

    def work(models, block):
        if block[0].at == 4:
            raise KeyboardInterrupt
        return Found(len(block), {0: [1.0]})

    monkeypatch.setattr(passes, "progress", progress)
    with threadpool_limits(1, user_api="blas"):  # one block after another
        if known is None:
            with pytest.raises(KeyboardInterrupt):
                add_up(Here(), work, Corpus("abcdef"), size=2)
        else:
            assert add_up(Here(), work, Corpus("abcdef"), known, size=2) == Found(4, {0: [2.0]})
    assert told == [(known, "lines"), 2, 2]


@pytest.fixture
def write(tmp_path):
    """The same sentences in files of every kind: `write(name, texts)`."""

    def write(name, texts):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        opened = gzip.open if name.lower().endswith(".gz") else open
        kind = name.lower()
        if name.endswith(".parquet"):
            pyarrow = pytest.importorskip("pyarrow")
            pytest.importorskip("pyarrow.parquet").write_table(pyarrow.table({"n": [*texts], "said": texts}), path)
            return path
        with opened(path, "wt", encoding="utf-8", newline="") as file:
            if ".jsonl" in kind or ".ndjson" in kind or kind == "lines.json":
                file.writelines(json.dumps({"n": 1, "said": text}) + "\n\n" for text in texts)
            elif ".json" in kind:
                json.dump([{"n": 1, "said": text} for text in texts], file, indent=1)
            elif ".tsv" in kind:
                csv.writer(file, "excel-tab").writerows([("n", "said"), *((1, text) for text in texts)])
            elif ".csv" in kind:
                csv.writer(file).writerows([("n", "said"), *((1, text) for text in texts)])
            else:
                file.writelines(f"{text}\n" for text in texts)
        return path

    return write


TEXTS = ["One, two.", 'He said "three".', "Vier fünf ||| 六", "Seven."]


NAMES = "a.txt a.txt.gz a.jsonl a.jsonl.gz a.csv a.csv.gz A.CSV.GZ a.parquet a a.ndjson a.ndjson.gz a.json a.json.gz"


@pytest.mark.parametrize("name", [*NAMES.split(), "lines.json", "a.tsv", "a.TSV", "a.tsv.gz"])
def test_every_kind_of_file_gives_the_same_lines(write, name):
    found = list(Corpus(path=write(name, TEXTS), column="said"))
    assert [line.text for line in found] == TEXTS and [line.at for line in found] == [0, 1, 2, 3]
    first = 2 if ".csv" in name.lower() or ".tsv" in name.lower() else 1
    assert found[0].number == first


def test_a_text_too_long_for_the_model_is_left_out_of_a_table_too(write, bert):
    path = write("a.csv", ["word " * 40_000, "Fine."])
    found = scan([bert], list(Corpus(path=path, column="said")), points=9, seed=0, skip_bad=True)
    assert (found.sentences, found.skipped) == (1, 1)


def test_folders_and_patterns_are_read_in_order_and_numbered_through(write, tmp_path, bert):
    for name in ("f/b.txt", "f/a.csv", "f/deep/c.txt.gz", "f/notes.md"):
        write(name, TEXTS[:2])
    (tmp_path / "f" / "old.txt").mkdir()
    assert [line.path for line in Corpus(path=tmp_path / "f", column="said")][::2] == [
        str(tmp_path / "f" / name) for name in ("a.csv", "b.txt", "deep/c.txt.gz")
    ]
    (tmp_path / "f" / ".hidden.txt").write_text("Not meant.")
    write("f/.git/notes.txt", ["Not meant."])
    write("f/deep/.ipynb_checkpoints/c.csv", ["Not meant."])
    write("f/dataset_info.json", ["Not meant."])
    (tmp_path / "f" / "deep" / "round").symlink_to(tmp_path / "f", target_is_directory=True)
    assert len(Corpus(path=tmp_path / "f").files) == 3
    found = list(Corpus(path=tmp_path / "f" / "**" / "*.t*"))
    assert [(line.at, line.number) for line in found] == [(0, 1), (1, 2), (2, 1), (3, 2)]
    assert [line.path for line in Corpus(path=tmp_path / "f" / "*.md")] == [str(tmp_path / "f" / "notes.md")] * 2
    assert len(list(Corpus(path=write("b[1].txt", TEXTS)))) == 4  # a name like a pattern
    with pytest.raises(ValueError, match=": no file; expected one"):
        Corpus(path=tmp_path / "*.none")


def test_a_text_in_a_list_needs_no_column(tmp_path):
    (tmp_path / "a.json").write_text('\n\n["One.", "Two\\nthree."]')
    assert [(line.text, line.number) for line in Corpus(path=tmp_path / "a.json")] == [("One.", 1), ("Two three.", 2)]


@pytest.mark.parametrize(("name", "numbers"), [("a.csv", [3, 4]), ("a.jsonl", [1, 3]), ("a.parquet", [1, 2])])
def test_a_text_of_several_lines_is_one(write, name, numbers):
    """A row of .csv has the number of its last line."""
    found = list(Corpus(path=write(name, ["One\ntwo.", "Three."]), column="said"))
    assert [line.text for line in found] == ["One two.", "Three."]
    assert [line.number for line in found] == numbers


def test_the_column_is_text_unless_another_is_named(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"sentence": "No.", "text": "Fine."}\n')
    assert [line.text for line in Corpus(path=tmp_path / "a.jsonl")] == ["Fine."]


def test_standard_input_is_kept_up_to_a_bound(monkeypatch):
    monkeypatch.setattr(lines, "MOST_HELD", 10)
    for stream in (io.StringIO("One.\nTwo.\n"), io.TextIOWrapper(io.BytesIO(b"One.\nTwo.\n"))):
        monkeypatch.setattr(sys, "stdin", stream)
        corpus = Corpus(path=Path("-"))
        for _ in range(2):
            assert [(line.text, line.path) for line in corpus] == [
                ("One.", "standard input"),
                ("Two.", "standard input"),
            ]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"One.\nTwo.\n!")))
    with pytest.raises(ValueError, match="has more than 10 bytes; save them in a file"):
        Corpus(path=Path("-"))


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.jsonl", b'{"said": "Fine."}\n{"said": \n', "a.jsonl, line 2: it is not JSON (Expecting value"),
        ("a.jsonl", b'{"said": "Fine."}\n{"said": 3}\n', "a.jsonl, line 2: there is no text under 'said'"),
        ("a.csv", b"n,said\n1,Fine.\n2\n", "a.csv, line 3: there is no text under 'said'"),
        ("a.csv", b'n,said\n1,"Fine.\n2,Never closed.\n', "a.csv cannot be read: unexpected end of data"),
        ("a.csv", b"n,told\n1,Fine.\n", "it has no column 'said'; expected n, told"),
        ("a.txt.gz", b"no gzip", "a.txt.gz cannot be read: Not a gzipped file"),
        ("a.txt.gz", gzip.compress(b"Fine.\n" * 9, mtime=0)[:-9], "a.txt.gz cannot be read: Compressed file ended"),
        ("a.parquet", b"no parquet", "a.parquet cannot be read"),
        ("a.jsonl", b'{"said": "Fine."}\n["said"]\n', "a.jsonl, line 2: there is no text under 'said'"),
        ("a.jsonl", b"[" * 100_000, "a.jsonl, line 1: it is not JSON"),
        ("a.json", b"[" * 100_000, "a.json cannot be read: it is not JSON (maximum recursion"),
        ("a.json", b'[{"said": "Fine."},\n {"said": 3}]', "a.json, row 2: there is no text under 'said'"),
        ("a.json", b'[{"said": "Fine."},\n', "a.json cannot be read: it is not JSON (Expecting value: line 2"),
        ("a.json", b'{\n "data": []\n}', "a.json, row 1: it is not JSON (Expecting property name enclosed in double"),
        ("a.ndjson", b'{"said": 3}', "a.ndjson, line 1: there is no text under 'said'"),
        ("a.tsv", b"n\ttold\n1\tFine.\n", "it has no column 'said'; expected n, told"),
        ("a.csv", b"said,n,said\nFine.,1,Which?\n", "it has 2 columns 'said'; give all but one another name"),
        ("a.txt", b"PK\x03\x04rest of a zip file", "a.txt cannot be read: it is a zip file, as .docx and .xlsx are"),
        ("a.csv", b"\x1f\x8b\x08", "it is of gzip, but its name does not end in .gz; expected text"),
        ("a.txt.gz", gzip.compress(b"%PDF-1.7 and so on", mtime=0), "it is a PDF; expected text"),
        ("a.txt", b"\xfd7zXZ\x00\x00", "it is of xz; expected text"),
        ("a.csv", b'n,said\n1,"Fine\nso far."\n2\n', "a.csv, line 4: there is no text under 'said'"),
        ("a.csv", b"", "it has no column 'said'; expected a file with columns"),
        (
            "a.txt.gz",
            gzip.compress(b"", mtime=0)[:10] + b"\xff" * 9,
            "a.txt.gz cannot be read: Error -3 while decompressing",
        ),
        ("a.txt", "\ufeffFine.".encode("utf-16-be"), "it is UTF-16; expected UTF-8"),
        ("a.parquet", {"said": ["Fine.", None]}, "a.parquet, row 2: there is no text under 'said'"),
        ("a.parquet", {"n": [1], "told": ["Fine."]}, "it has no column 'said'; expected n, told"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_one_line(tmp_path, capsys, name, content, says):
    if isinstance(content, dict):
        pyarrow = pytest.importorskip("pyarrow")
        pytest.importorskip("pyarrow.parquet").write_table(pyarrow.table(content), tmp_path / name)
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SystemExit) as stop:
        column = [] if ".txt" in name else ["--column", "said"]
        cli.main(["viz", "--file", str(tmp_path / name), *column, "--out", str(tmp_path / "out")])
    said = capsys.readouterr().err
    assert stop.value.code == 2 and said.count("\n") == 1 and says in said and not (tmp_path / "out").exists()


@pytest.fixture
def corpus_file(tmp_path, sentences):
    """Several blocks of lines of random length, one of them empty and none of them wrong."""
    choose, words = random.Random(0), " ".join(sentences).split()
    texts = [" ".join(choose.choices(words, k=choose.randint(2, 12))) for _ in range(700)]
    path = tmp_path / "corpus.txt"
    path.write_text("\n".join([*texts[:300], "", *texts[300:]]) + "\n", encoding="utf-8")
    return path


def cells(folder) -> str:
    return (folder / "heads.csv").read_text(encoding="utf-8")


def test_two_workers_write_the_same_tables_as_one_process(tmp_path, corpus_file, capsys):
    pytest.importorskip("distributed")
    for name, more in (("plain", []), ("cluster", ["--workers", "2"])):
        options = ["--file", str(corpus_file), "--points", "200", "--draw", "metrics", "--plane", "attention"]
        options += ["--examples", "2"]
        cli.main(["viz", *options, "--layer", "1", "--out", str(tmp_path / name), *more])
    assert cells(tmp_path / "plain") == cells(tmp_path / "cluster")
    plain, cluster = ((tmp_path / name / "firing.csv").read_bytes() for name in ("plain", "cluster"))
    assert plain == cluster and plain.count(b"\n") > 40
    assert "measured: 700 sentences" in capsys.readouterr().out


def test_a_worker_that_has_another_model_of_that_name_or_another_minibert_says_so(bert):
    """One that was there at first is asked beforehand, and gets the model; one that came later must not compute."""
    cluster = pytest.importorskip("distributed") and importlib.import_module("minibert.corpus.cluster")
    which = "tiny", minibert.__version__, cluster.fingerprint(bert)
    block = pickle.dumps(list(Corpus(["A dog barked."])))
    assert cluster.has_model(*which) and cluster.part(lambda models, lines: models[0].name, block, which) == "tiny"
    others = [("tiny-sentiment", *which[1:]), ("nowhere", *which[1:]), (*which[:2], "another")]
    for other in others:
        assert not cluster.has_model(*other)
        with pytest.raises(ValueError, match=other[0]):
            cluster.part(lambda models, lines: 1, block, other)
    with pytest.raises(UserError, match="a worker has minibert"):
        cluster.has_model("tiny", "0.0.1", which[2])


def test_an_error_in_a_sum_comes_back_as_it_is(bert):
    cluster = pytest.importorskip("distributed") and importlib.import_module("minibert.corpus.cluster").cluster
    with (
        cluster(1, None, bert) as hands,
        pytest.raises(TypeError, match="unsupported operand"),
    ):
        list(hands.each(logging.debug, Corpus(["One."] * 600).blocks(), int))  # which gives None, and None + None


def test_workers_are_begun_where_nobody_hears_what_they_say(tmp_path, corpus_file, monkeypatch):
    """As after 2>&-: Python has no sys.stderr, and there is no file 2 either."""
    pytest.importorskip("distributed")
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(os, "dup", lambda number: os.fstat(10**6))
    options = ["--points", "50", "--draw", "metrics", "--layer", "1"]
    cli.main(["viz", "--file", str(corpus_file), *options, "--workers", "1", "--out", str(tmp_path)])
    assert cells(tmp_path)


def test_without_dask_one_line_says_what_to_install(tmp_path, corpus_file, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SystemExit) as stop:
        cli.main(["viz", "--file", str(corpus_file), "--workers", "2", "--out", str(tmp_path / "out")])
    assert stop.value.code == 2 and "pip install 'minibert-numpy[cluster]'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_scheduler_that_does_not_answer(corpus_file, monkeypatch, capsys):
    def nobody(*_, **__):
        raise OSError("Timed out trying to connect")

    monkeypatch.setattr(pytest.importorskip("distributed"), "Client", nobody)
    with pytest.raises(SystemExit):
        cli.main(["viz", "--file", str(corpus_file), "--scheduler", "tcp://127.0.0.1:9"])
    assert (
        "tcp://127.0.0.1:9 does not answer, or is not as `dask scheduler` prints it: Timed out"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize("command", [["viz", "--draw", "metrics"], ["compare", "tiny", "tiny-sentiment"]])
def test_how_many_files_were_read(command, write, tmp_path, capsys):
    for name in ("some/a.txt", "some/b.jsonl"):
        write(name, TEXTS[:2])
    more = ["--closely", "0"] if command[0] == "compare" else []
    cli.main([*command, "--file", str(tmp_path / "some"), "--column", "said", *more, "--out", str(tmp_path / "out")])
    assert "4 sentences of some (2 files)" in capsys.readouterr().out


def test_dask_is_not_imported_by_what_does_not_need_it():
    code = "import sys, minibert, viz, minibert.commands.viz, minibert.commands.compare; print('dask' in sys.modules)"
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    assert subprocess.check_output([sys.executable, "-c", code], env=environment, text=True) == "False\n"


def test_blocks_are_as_long_as_they_are_said_to_be(corpus_file):
    assert [len(block) for block in Corpus(path=corpus_file).blocks()] == [lines.BLOCK, lines.BLOCK, 188]

"""What `minibert viz --export` writes, and what is read of it: all that is needed to draw, and no model."""

import csv
import hashlib
import io
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import minibert
import viz
from minibert.commands import main as cli
from minibert.hub.find import find_model
from minibert.survey import survey
from minibert.survey.export import export, manifest
from viz.export import Export, write_export

TEXTS = ["A dog barked at the cat.", "Rain fell ||| and fell."]


@pytest.mark.parametrize("kind", ["npz", "parquet"])
def test_what_is_read_is_what_the_model_gave_and_can_be_drawn(kind, tmp_path, monkeypatch, capsys):
    pytest.importorskip("pyarrow") if kind == "parquet" else None
    cli.main(
        [
            "viz",
            *TEXTS,
            "--layer",
            "1,3",
            "--head",
            "0-2",
            "--draw",
            "metrics",
            "--export",
            kind,
            "--out",
            str(tmp_path),
        ]
    )
    assert set(capsys.readouterr().out.split()) >= {str(path) for path in tmp_path.iterdir()}  # all that was written
    bert = minibert.load("tiny")
    traces = bert.batch([TEXTS[0], ("Rain fell", "and fell.")])
    monkeypatch.setattr(minibert, "load", None)
    for path in (tmp_path, tmp_path / f"export.{kind}"):
        e = viz.read_export(path)
        assert (e.layers, e.heads) == ([1, 3], [0, 1, 2])
        assert e.tokens == [token for trace in traces for token in trace.tokens]
        assert e.sentences.tolist() == [0] * len(traces[0].tokens) + [1] * len(traces[1].tokens)
        for name in ("query", "key"):
            whole = np.concatenate([trace.stacked(name) for trace in traces], axis=-2)[[1, 3]][:, :3]
            np.testing.assert_allclose(getattr(e, name), whole, atol=1e-5)
        for ours, trace in zip(e.attention, traces, strict=True):
            np.testing.assert_allclose(ours, trace.stacked("attention")[[1, 3]][:, :3], atol=1e-5)
    assert (
        e.manifest["model"] == "tiny" and e.manifest["text"] == TEXTS and e.manifest["version"] == minibert.__version__
    )
    assert {"revision", "seed", "sha256", "sentences"} <= e.manifest.keys() and e.manifest["measured"] == 2
    n = viz.normalize(e.query, e.key, e.sentences)
    rows = list(csv.DictReader((tmp_path / "heads.csv").open()))
    found = viz.measure(n, e.attention, e.sentences).plane.nearest1.ravel()
    np.testing.assert_allclose([float(row["exact_nearest1_2d"]) for row in rows], found, atol=1e-5)
    lines = viz.choose_lines([block[0, 1] for block in e.attention], e.sentences)
    viz.save(viz.joint_figure([n[0, 1]], e.tokens, [lines], sentences=e.sentences), tmp_path / "joint.svg")
    if kind == "parquet":
        from pyarrow.parquet import read_table

        table = read_table(tmp_path / "heads.parquet").to_pylist()
        assert all(type(row["layer"]) is type(row["head"]) is int for row in table)
        for row, of_table in zip(rows, table, strict=True):
            assert row.keys() == of_table.keys() and row["parking"] == of_table["parking"]
            numbers = {k: None if v == "" else float(v) for k, v in row.items() if k != "parking"}
            assert numbers == {k: v for k, v in of_table.items() if k != "parking"}


def made_up(*lengths):
    """Sentences of so many tokens, 2 layers and 3 heads."""
    rng, count = np.random.default_rng(0), sum(lengths)
    query, key = rng.normal(size=(2, 2, 3, count, 4))
    attention = [rng.normal(size=(2, 3, length, length)) for length in lengths]
    sentences = np.repeat(np.arange(len(lengths)), lengths)
    facts = {"layers": [0, 1], "heads": [0, 1, 2], "text": ["für 犬"]}
    return Export(query, key, attention, [f"w{i}" for i in range(count)], sentences, facts)


def test_what_is_read_is_what_was_written_wherever_its_folder_lies_now(tmp_path):
    e = made_up(*range(1, 13))  # the eleventh sentence comes after the second
    write_export(e, tmp_path / "a" / "some.npz")
    folder = (tmp_path / "a").rename(tmp_path / "b")
    for path in (folder, folder / "some.npz"):
        read = viz.read_export(path)
        assert read.tokens == e.tokens and read.manifest == e.manifest | {"file": "some.npz"}
        for ours, theirs in zip([read.query, read.key, *read.attention], [e.query, e.key, *e.attention], strict=True):
            np.testing.assert_array_equal(ours, theirs)
    assert "für 犬" in (folder / "manifest.json").read_text(encoding="utf-8")
    (folder / "manifest.json").write_text('{"file": ')
    with pytest.raises(ValueError, match=r"has no manifest\.json of an export"):
        viz.read_export(folder)


def test_without_pyarrow_one_line_says_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(SystemExit):
        cli.main(["viz", TEXTS[0], "--export", "parquet", "--out", str(tmp_path / "out")])
    assert capsys.readouterr().err == "minibert: parquet takes pyarrow: pip install 'minibert-numpy[parquet]'\n"
    assert not (tmp_path / "out").exists()


def test_the_manifest_says_of_what_the_export_is(tmp_path, monkeypatch):
    contents = [" " * 2**20 + "\nA dog barked.\n", "Rain fell.\n||| fell.\nand fell.\n"]
    for name, content in zip("ab", contents, strict=True):
        (tmp_path / f"{name}.txt").write_text(content)
    bert = minibert.load("tiny")

    def of(*texts, **options):
        found = survey(bert, *texts, layers=[0], heads=[0, 2], skip_bad=True, **options)
        facts = manifest(found)
        assert facts["text"] == [encoding.text for encoding in found.scan.sample]
        assert (facts["model"], facts["layers"], facts["heads"]) == ("tiny", [0], [0, 2])
        names = ("source", "sha256", "sentences", "measured", "skipped", "seed", "points")
        return len(facts["text"]), *(facts[name] for name in names)

    def sha256(text):
        return hashlib.sha256(text.encode()).hexdigest()

    assert of(["A dog.", "A cat."]) == (2, None, sha256("A dog.\nA cat."), 2, 2, 0, 0, None)
    assert of(file=tmp_path, points=1, seed=3) == (1, str(tmp_path), sha256("".join(contents)), 3, 3, 1, 3, 1)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"A dog.\n")))
    assert of(file="-", points=1) == (1, "standard input", sha256("A dog.\n"), 1, 1, 0, 0, 1)


def test_the_manifest_has_the_facts_that_are_given(tmp_path):
    written = export(survey(minibert.load("tiny"), ["A dog."]), tmp_path, "npz", exercises="solved")
    assert [path.name for path in written] == ["export.npz", "manifest.json"]
    assert viz.read_export(tmp_path).manifest["exercises"] == "solved"


def test_where_nothing_was_exported_one_line_says_so(tmp_path):
    with pytest.raises(ValueError, match="has no manifest"):
        viz.read_export(tmp_path)
    with pytest.raises(ValueError, match=r"^nowhere is not there; expected"):
        viz.read_export("nowhere")


def test_what_is_cut_or_foreign_or_of_another_run_is_one_line(tmp_path):
    options = ["--layer", "1", "--draw", "joint-exact", "--export", "npz", "--out", str(tmp_path)]
    cli.main(["viz", TEXTS[0], "--head", "all", *options])
    path, manifest = tmp_path / "export.npz", json.loads((tmp_path / "manifest.json").read_text())
    whole = path.read_bytes()
    with np.load(path) as held:
        arrays = dict(held)
    shorter = arrays | {"tokens": arrays["tokens"][:-1]}
    fewer = arrays | {"key": arrays["key"][..., :-1, :]}
    smaller = arrays | {"attention_0": arrays["attention_0"][..., :-1, :-1]}
    other = arrays | {"sentences": np.arange(len(arrays["sentences"])) // 3}
    for damaged in (whole[: len(whole) // 2], b"", b"text"):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"export\.npz is no export, or not whole"):
            viz.read_export(tmp_path)
    for arrays_now in (shorter, fewer, smaller, other, {"tokens": arrays["tokens"]}):
        np.savez(path, **arrays_now)
        with pytest.raises(ValueError, match=r"export\.npz is no export, or not whole"):
            viz.read_export(path)
    path.write_bytes(whole)
    for foreign in (manifest | {"file": 3}, {"name": "a package"}, [1]):
        (tmp_path / "manifest.json").write_text(json.dumps(foreign))
        with pytest.raises(ValueError, match=r"has no manifest\.json of an export"):
            viz.read_export(path)
    (tmp_path / "manifest.json").write_text(json.dumps(manifest | {"file": "export.parquet"}))
    with pytest.raises(ValueError, match=r"is that of export\.parquet, not of export\.npz"):
        viz.read_export(path)


@pytest.mark.parametrize(("folder", "revision"), [("models--a--b/snapshots/0a1b", "0a1b"), ("snapshots/mine", None)])
def test_the_revision_is_the_hubs_or_there_is_none(folder, revision, tmp_path):
    model = tmp_path / folder
    shutil.copytree(find_model("tiny"), model)
    cli.main(
        ["viz", TEXTS[0], "--model", str(model), "--draw", "joint", "--export", "npz", "--out", str(tmp_path / "o")]
    )
    manifest = json.loads((tmp_path / "o" / "manifest.json").read_text())
    assert manifest["revision"] == revision and manifest["skipped"] == 0 and manifest["points"] is None


def test_a_disk_that_is_full_leaves_no_half_file(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    cli.main(["viz", TEXTS[0], "--draw", "joint", "--export", "npz", "--out", str(tmp_path / "good")])
    e = viz.read_export(tmp_path / "good")
    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space left"):
        write_export(e, tmp_path / "bad" / "export.npz")
    assert not list((tmp_path / "bad").iterdir())
    monkeypatch.undo()
    monkeypatch.setattr(Path, "write_text", lambda path, *_, **__: full(path.write_bytes(b"{")))
    with pytest.raises(OSError, match="No space left"):
        write_export(e, tmp_path / "bad" / "export.npz")
    assert [path.name for path in (tmp_path / "bad").iterdir()] == ["export.npz"]
    assert json.loads((tmp_path / "good" / "manifest.json").read_text())["seed"] == 0

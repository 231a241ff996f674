"""What `minibert viz --export` writes, and what is read of it: all that is needed to draw, and no model."""

import csv
import json
import shutil

import numpy as np
import pytest

import minibert
import viz
from minibert.checkpoint.hub import find_model
from minibert.commands import main as cli
from viz.exported import write_export

TEXTS = ["A dog barked at the cat.", "Rain fell ||| and fell."]


@pytest.mark.parametrize("kind", ["npz", "parquet"])
def test_what_is_read_is_what_the_model_gave_and_can_be_drawn(kind, tmp_path, monkeypatch):
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
        assert [{k: float(v) for k, v in row.items()} for row in rows] == table


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
    other = arrays | {"sentences": np.arange(len(arrays["sentences"])) // 3}
    for damaged in (whole[: len(whole) // 2], b"", b"text"):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"export\.npz is no export, or not whole"):
            viz.read_export(tmp_path)
    for arrays_now in (shorter, other, {"tokens": arrays["tokens"]}):
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
    assert json.loads((tmp_path / "good" / "manifest.json").read_text())["seed"] == 0

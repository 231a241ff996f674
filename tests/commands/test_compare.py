"""`minibert compare` and the distances it reports."""

import csv
import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file
from scipy.spatial.distance import jensenshannon
from threadpoolctl import threadpool_limits

import minibert
import viz
from minibert.commands import main as cli
from minibert.corpus import lines
from minibert.errors import UserError
from minibert.survey.compare import check_alike
from tests.material import interrupted


@settings(deadline=None)
@given(st.integers(2, 20), st.integers(0, 2**32 - 1), st.floats(0, 0.5))
def test_jensen_shannon_is_that_of_scipy(size, seed, zeros):
    rng = np.random.default_rng(seed)
    p, q = rng.random((2, 4, size)) + 1e-3
    p[rng.random(p.shape) < zeros] = 0
    p[:, 0] += 0.1
    p, q = (x / x.sum(axis=-1, keepdims=True) for x in (p, q))
    ours = viz.jensen_shannon(p, q)
    np.testing.assert_allclose(ours, jensenshannon(p, q, axis=-1, base=2), atol=1e-9)
    np.testing.assert_allclose(viz.jensen_shannon(q, p), ours, atol=1e-12)


def test_jensen_shannon_runs_from_0_to_1():
    p = np.float32([[0.1, 0.2, 0.7], [1, 0, 0]])
    assert (viz.jensen_shannon(p, p) == 0).all()
    assert viz.jensen_shannon(p[1], np.float32([0, 0.5, 0.5])) == 1


def test_shift_is_a_share_of_the_length_and_adds_up():
    rng = np.random.default_rng(0)
    query, key = rng.normal(size=(2, 3, 5, 4))
    attention = rng.dirichlet(np.ones(5), size=(3, 5))
    other = rng.dirichlet(np.ones(5), size=(3, 5))
    moved = viz.shift((query, key, attention), (2 * query, key, other))
    np.testing.assert_allclose(moved.query, 1)
    assert not moved.key.any()
    np.testing.assert_allclose(moved.attention, jensenshannon(attention, other, axis=-1, base=2).mean(axis=-1))
    np.testing.assert_allclose((moved + moved).attention, moved.attention)
    small = viz.shift((1e-3 * query, key, attention), (3e-3 * query, key, other))
    np.testing.assert_allclose(small.query, 2)
    with pytest.raises(ValueError, match="same shape"):
        viz.shift((query, key, attention), (query[:, :4], key[:, :4], attention))


@pytest.fixture(scope="module")
def perturbed(minilm_folder, tmp_path_factory):
    """all-MiniLM-L6-v2 with the query weights of head 2.7 shaken."""
    folder = tmp_path_factory.mktemp("perturbed")
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(minilm_folder / name, folder)
    tensors = load_file(minilm_folder / "model.safetensors")
    name = "encoder.layer.2.attention.self.query.weight"
    tensors[name] = tensors[name].copy()
    tensors[name][7 * 32 : 8 * 32] += np.random.default_rng(0).normal(size=(32, 384)).astype(np.float32) * 0.15
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def run(capsys, out, *arguments):
    cli.main(["compare", *map(str, arguments), "--out", str(out)])
    with open(out / "compare.csv", newline="") as file:
        rows = {(row["layer"], row["head"]): row for row in csv.DictReader(file)}
    return capsys.readouterr().out, rows


def test_a_model_and_itself_differ_by_exactly_nothing(capsys, tmp_path, minilm_folder):
    said, rows = run(capsys, tmp_path, minilm_folder, minilm_folder)
    assert len(rows) == 72 and "nothing moved" in said
    assert [path.name for path in tmp_path.rglob("*.png")] == ["compare.png"]
    for row in rows.values():
        assert (row["attention_jensen_shannon"], row["query_moved"], row["key_moved"]) == ("0", "0", "0")


def test_the_head_that_was_shaken_comes_first(capsys, tmp_path, minilm_folder, perturbed):
    path = tmp_path / "some.txt"
    path.write_text("The film was good.\nNobody came to see it.\n")
    said, rows = run(capsys, tmp_path / "out", minilm_folder, perturbed, "--file", path, "--closely", 1)
    _, _, first, *others, left, mean, what = said.split("\n\n")[0].splitlines()
    assert first.split()[0] == "2.7" and len(others) == 9
    assert left == "  ...  and 62 heads more" and mean.startswith(" mean ") and "Jensen-Shannon" in what
    assert float(rows["2", "7"]["query_moved"]) > 0.5 and float(rows["2", "7"]["key_moved"]) == 0
    for (layer, head), row in rows.items():
        if int(layer) < 3 and (layer, head) != ("2", "7"):
            assert float(row["attention_jensen_shannon"]) == 0
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert files == {"compare.csv", "compare.png", "compare-joint-2.7.png", "compare-attention-2.7.png"}


def test_what_differs_is_named(capsys, tmp_path, minilm_folder):
    config = json.loads((minilm_folder / "config.json").read_text())
    other = tmp_path / "other"
    shutil.copytree(minilm_folder, other)
    (other / "config.json").write_text(json.dumps(config | {"num_attention_heads": 6}))
    with pytest.raises(SystemExit) as stop:
        cli.main(["compare", str(minilm_folder), str(other), "--out", str(tmp_path / "out")])
    assert stop.value.code == 2
    assert "differ in num_attention_heads: 12 and 6" in capsys.readouterr().err

    (other / "config.json").write_text(json.dumps(config))
    tokenizer = (other / "tokenizer.json").read_text(encoding="utf-8")
    (other / "tokenizer.json").write_text(tokenizer.replace('"capable":', '"kapable":'), encoding="utf-8")
    with pytest.raises(SystemExit) as stop:
        cli.main(["compare", str(minilm_folder), str(other), "--out", str(tmp_path / "out")])
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert ("differ in their vocabularies" in said and "kapable" in said) or "'capable'" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["num_hidden_layers", "num_attention_heads", "head_size"])
def test_whatever_differs_is_named(name):
    sizes = {"num_hidden_layers": 2, "num_attention_heads": 3, "head_size": 4}
    one, other = (SimpleNamespace(name=n, config=SimpleNamespace(**sizes)) for n in ("one", "other"))
    setattr(other.config, name, 5)
    with pytest.raises(UserError, match=f"^one and other differ in {name}: {sizes[name]} and 5; expected the same$"):
        check_alike(one, other)


def test_the_text_has_a_default(capsys):
    with pytest.raises(SystemExit):
        cli.main(["compare", "tiny"])
    assert capsys.readouterr().err.endswith("MODEL_B is missing; see `minibert compare --help`\n")


def test_the_number_over_attention_maps_is_theirs(capsys, tmp_path, minilm_folder, perturbed, monkeypatch):
    given = []
    monkeypatch.setattr(viz, "attention_pair_figure", lambda *arguments, **rest: given.append((*arguments, rest)))
    monkeypatch.setattr("viz.figures.canvas.save", lambda figure, path: path)
    texts = ["Yes.", "The film was not good, but the ending moved me.", "No, no."]
    run(capsys, tmp_path, minilm_folder, perturbed, *texts, "--closely", 1)
    ((before, after, labels, rest),) = given
    moves = []
    for text in texts:
        pair = [minibert.load(name)(text).layers[2].attention[7] for name in (minilm_folder, perturbed)]
        moves.append(viz.jensen_shannon(*pair).mean())
    most = int(np.argmax(moves))
    assert f"{moves[most]:.2f} in this one" in rest["title"] and texts[most] in rest["title"]
    assert f"attention moved {np.mean(viz.jensen_shannon(before, after)):.2f}" not in rest["title"].split(" over ")[0]
    assert viz.jensen_shannon(before, after).mean() == pytest.approx(moves[most], rel=1e-3)
    assert len(labels) == len(before) == len(minibert.load(minilm_folder)(texts[most]).tokens)


def test_what_was_stopped_says_of_how_many_sentences_it_is(tmp_path, monkeypatch):
    titles = []
    monkeypatch.setattr(viz, "shift", interrupted(viz.shift))
    monkeypatch.setattr(viz, "heatmap_figure", lambda *arguments, **rest: titles.append(rest["title"]))
    monkeypatch.setattr("viz.figures.canvas.save", lambda figure, path: path)
    monkeypatch.setattr(lines, "BLOCK", 1)
    path, wishes = tmp_path / "two.txt", ["--closely", "0", "--out", str(tmp_path / "out")]
    path.write_text("The film was good.\nNobody came to see it.\n")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "compare.csv").write_text("whole")
    with pytest.raises(SystemExit) as stop, threadpool_limits(1, user_api="blas"):  # one block after another
        cli.main(["compare", "tiny", "tiny-sentiment", "--file", str(path), *wishes])
    assert stop.value.code == 130 and titles[0].endswith(" · 1 sentence of two.txt (stopped early)")
    assert (tmp_path / "out" / "compare.csv").read_text() == "whole"
    with open(tmp_path / "out" / "stopped" / "compare.csv", newline="") as file:
        assert {row["sentences"] for row in csv.DictReader(file)} == {"1"}


@pytest.mark.parametrize(
    ("texts", "said", "moved"),
    [
        (["--file", "two.txt"], "2 sentences of two.txt", "over 2 sentences"),
        (["It is good."], "“It is good.”", ""),
    ],
)
def test_titles_say_where_it_was_measured_and_json_which_files(capsys, tmp_path, monkeypatch, texts, said, moved):
    titles = []
    for figure in ("heatmap_figure", "joint_figure", "attention_pair_figure"):
        monkeypatch.setattr(viz, figure, lambda *arguments, **rest: titles.append(rest["title"].split(" · ")))
    monkeypatch.setattr("viz.figures.canvas.save", lambda figure, path: path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "two.txt").write_text("The film was good.\nNobody came to see it.\n")
    told, _ = run(capsys, Path("out"), "tiny", "tiny-sentiment", *texts, "--closely", 1, "--json")
    of_all, joint, pair = titles
    assert of_all == ["What moved: tiny → tiny-sentiment", said]
    number = re.fullmatch(rf"attention moved \d\.\d\d ?({moved})", joint[2])
    assert number and joint[3] == said and pair[2].startswith(joint[2])
    files = ["compare.csv", "compare.png", "compare-joint-1.3.png", "compare-attention-1.3.png"]
    assert json.loads(told)["files"] == [str(Path("out", name)) for name in files]

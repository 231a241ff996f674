"""Traces as rows and in files: every number where its words and positions say."""

import copy
import csv
import pickle

import numpy as np
import pytest

import minibert
from minibert.trace import FIELDS, LAYER_FIELDS
from tests.material import everything


@pytest.fixture(scope="module")
def trace() -> minibert.Trace:
    return everything(minibert.load("tiny"), ("The unfolding cat.", "It sleeps."))[0]


def test_attention_is_one_row_per_head_query_and_key(trace):
    rows, tokens = trace.to_rows(), len(trace.tokens)
    assert len(rows) == 4 * 4 * tokens**2
    for row in rows[:: len(rows) // 97]:
        assert row["attention"] == trace.layers[row["layer"]].attention[row["head"], row["query"], row["key"]]
        assert (row["query_token"], row["key_token"]) == (trace.tokens[row["query"]], trace.tokens[row["key"]])


def test_vectors_are_one_row_per_token_with_words_and_positions(trace):
    rows = trace.to_rows("query")
    assert len(rows) == 4 * 4 * len(trace.tokens)
    for row in rows[::7]:
        vector = trace.layers[row["layer"]].query[row["head"], row["position"]]
        assert [row[i] for i in range(len(vector))] == vector.tolist()
        assert row["token"] == trace.tokens[row["position"]]
        assert (row["sentence"], row["word"]) == (trace.words[row["position"]] or (None, None))
        assert row["segment"] == trace.token_type_ids[row["position"]]
    rows = trace.to_rows("hidden_states")
    assert len(rows) == 5 * len(trace.tokens) and "head" not in rows[0]
    assert rows[-1][3] == trace.hidden_states[4][-1, 3]


@pytest.mark.parametrize("ending", [".csv", ".tsv"])
def test_rows_go_into_a_file_for_spreadsheets(trace, tmp_path, ending):
    path = tmp_path / f"new/key{ending}"
    trace.save(path, "key")
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t" if ending == ".tsv" else ","))
    assert len(rows) == len(trace.to_rows("key"))
    assert np.float32(rows[9]["2"]) == np.float32(trace.to_rows("key")[9][2])
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_all_arrays_go_into_an_npz(trace, tmp_path):
    trace.save(tmp_path / "trace.npz")
    with np.load(tmp_path / "trace.npz") as saved:
        beside = {"tokens", "words", "token_type_ids", "input_ids", "roles"}
        assert set(saved) == {*LAYER_FIELDS, "hidden_states", *beside}
        np.testing.assert_array_equal(saved["attention"], trace.stacked("attention"))
        assert saved["tokens"].tolist() == list(trace.tokens)
        assert [tuple(word) for word in saved["words"]] == [word or (-1, -1) for word in trace.words]


def same(ours, theirs):
    """The same arrays, read-only, and the same tokens."""
    for name in ("tokens", "words", "token_type_ids", "roles", "input_ids"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert len(ours.layers) == len(theirs.layers)
    pairs = [*zip(ours.layers, theirs.layers, strict=True), (ours, theirs)]
    for one, other in pairs:
        for name in LAYER_FIELDS if one is not ours else ("pooled",):
            a, b = getattr(one, name), getattr(other, name)
            assert (a is None) == (b is None), name
            if a is not None:
                np.testing.assert_array_equal(a, b)
                assert not a.flags.writeable, name
    for a, b in zip(ours.hidden_states or (), theirs.hidden_states or (), strict=True):
        np.testing.assert_array_equal(a, b)
        assert not a.flags.writeable


@pytest.mark.parametrize("keep", [FIELDS, ["hidden_states"], ["query", "pooled"]])
def test_a_trace_that_is_saved_copied_or_pickled_is_the_same(minilm, tmp_path, keep):
    (trace,) = minilm.batch([("A cat sat.", "It was warm.")], keep=keep)
    trace.save(tmp_path / "trace.npz")
    same(minibert.Trace.load(tmp_path / "trace.npz"), trace)
    same(copy.deepcopy(trace), trace)
    same(pickle.loads(pickle.dumps(trace)), trace)


def test_a_file_that_is_no_trace_is_told(tmp_path):
    path = tmp_path / "other.npz"
    np.savez(path, tokens=["a"])
    for content in (path.read_bytes(), b"PK", b"", path.read_bytes()[:40]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"is not a file that Trace\.save wrote"):
            minibert.Trace.load(path)


def test_the_repr_of_a_layer_is_short(trace):
    assert len(repr(trace.layers[0])) < 400
    assert repr(trace.layers[0]).startswith(f"LayerTrace(query {list(trace.layers[0].query.shape)}, key [")


def test_what_was_not_kept_is_left_out_or_named(minilm, tmp_path):
    (trace,) = minilm.batch(["A cat"], keep=["query", "pooled"])
    trace.save(tmp_path / "trace.npz")
    with np.load(tmp_path / "trace.npz") as saved:
        assert {"query", "pooled"} < set(saved) and "key" not in saved
    assert trace.to_rows("pooled")[0][5] == trace.pooled[5]
    with pytest.raises(ValueError, match="the trace holds no attention"):
        trace.save(tmp_path / "rows.csv")
    with pytest.raises(ValueError, match=r"ends in '.txt'; expected .csv, .tsv or .npz"):
        trace.save(tmp_path / "rows.txt")
    assert {path.name for path in tmp_path.iterdir()} == {"trace.npz"}

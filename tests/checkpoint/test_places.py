"""What is asked of a folder before anything in it is read, and what the tokenizer says of masks."""

import dataclasses
import json

import pytest

import minibert
from minibert import CheckpointError
from minibert.checkpoint.tensors import find_tensors, shards_of
from minibert.files import is_there


def test_a_place_that_cannot_be_looked_at_is_not_called_missing(tmp_path, monkeypatch):
    assert not is_there(tmp_path / "config.json")

    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.is_file", refuse)
    with pytest.raises(CheckpointError, match=r"cannot be read \(Permission denied\)"):
        is_there(tmp_path / "config.json")


def test_a_folder_without_weights_says_so(tmp_path):
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(CheckpointError, match="has no"):
        find_tensors(tmp_path)


def test_the_shards_of_an_index_are_named_once(tmp_path):
    index = tmp_path / "model.safetensors.index.json"
    places = {"a": "two.safetensors", "b": "one.safetensors", "c": "two.safetensors"}
    index.write_text(json.dumps({"weight_map": places}), encoding="utf-8")
    assert shards_of(index) == ["one.safetensors", "two.safetensors"]


def test_masks_are_found_or_the_text_is_told_what_it_lacks(tmp_path):
    tokenizer = minibert.load("tiny").tokenizer
    assert tokenizer.find_masks(tokenizer.encode("She opened the [MASK].")) == [4]
    with pytest.raises(ValueError, match=r"the text has no \[MASK\]"):
        tokenizer.find_masks(tokenizer.encode("She opened the door."))
    unmarked = dataclasses.replace(tokenizer, backend=None, roles={}, missing="no files")
    with pytest.raises(ValueError, match=r"no mask token.*no files"):
        unmarked.find_masks(minibert.Encoding.from_ids([1, 2]))


@pytest.mark.parametrize("name", ["model.safetensors", "model.safetensors.index.json"])
def test_a_link_that_leads_nowhere_is_not_called_missing(name, tmp_path):
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    try:
        (tmp_path / name).symlink_to(tmp_path / "gone")
    except OSError:
        pytest.skip("links may not be made here")
    with pytest.raises(CheckpointError, match=f"{name}: it is a link to .*gone, where there is no file; get the fold"):
        find_tensors(tmp_path)

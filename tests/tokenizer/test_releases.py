"""Tokenizer files as every minor release of `transformers` wrote them: each cuts texts as that release did.

`tests/reference/releases.py` made them.
"""

import json
from pathlib import Path

import pytest

from minibert.tokenizer.tokenizer import Tokenizer, read_tokenizer

FOUND = json.loads(Path(__file__).with_name("releases.json").read_text(encoding="utf-8"))
MADE = [(family, way["releases"][0]) for family, ways in FOUND["made"].items() for way in ways]
"""Each family, with the first of the releases that wrote the same files and cut the texts alike."""
RELEASES = [f"4.{minor}" for minor in range(30, 58)] + [f"5.{minor}" for minor in range(25)]


def way_of(family: str, release: str) -> dict:
    return next(way for way in FOUND["made"][family] if release in way["releases"])


def unpacked(family: str, release: str, folder: Path) -> Tokenizer:
    for name, content in way_of(family, release)["files"].items():
        (folder / name).write_text(FOUND["contents"][content], encoding="utf-8", newline="")
    return read_tokenizer(folder)


def test_which_are_there():
    """Slow ones of 4 have only a model of sentencepiece, where they have one.

    5.0 and 5.1 make no tokenizer of CamemBERT from it. 5.0 to 5.16 read a merges.txt, but not as RobertaTokenizerFast.
    """
    there = {family: [name for way in ways for name in way["releases"]] for family, ways in FOUND["made"].items()}
    for family in ("bert", "cased", "distilbert", "electra", "mobilebert"):
        assert sorted(there[family]) == sorted(there[f"{family}, slow"]) == sorted(RELEASES)
    for family in ("roberta, slow", "xlm-roberta", "albert"):
        assert sorted(there[family]) == sorted(RELEASES)
    assert set(there["camembert"]) == {*RELEASES} - {"5.0", "5.1"}


DECOMPOSED = next(text for text in FOUND["texts"] if "e\u0301" in text)
"""From 4.31 on, slow tokenizers composed such letters. Neither the fast ones nor those of 5 do, and nor do we."""


@pytest.mark.parametrize(("family", "release"), MADE)
def test_texts_are_cut_as_in_that_release(family, release, tmp_path):
    tokenizer, way = unpacked(family, release, tmp_path), way_of(family, release)
    assert tokenizer.missing + tokenizer.note == ""
    for place, text in enumerate(FOUND["texts"]):
        expected = (way_of("cased", release) if (family, text) == ("cased, slow", DECOMPOSED) else way)["ids"][place]
        assert list(tokenizer.encode(tuple(text) if isinstance(text, list) else text).input_ids) == expected, text
    beside = FOUND["contents"][way["files"]["tokenizer_config.json"]]
    mask = next(mask for mask in ("[MASK]", "<mask>") if mask in beside)
    assert tokenizer.encode(f"the {mask} sleeps").roles.count("mask") == 1

"""Tokenizer files as eight releases of `transformers` wrote them: each cuts texts as the release that wrote it did.

`tests/reference/releases.py` made them.
"""

import json
from pathlib import Path

import pytest

from minibert.tokenizer.tokenizer import Tokenizer, read_tokenizer

FOUND = json.loads(Path(__file__).with_name("releases.json").read_text(encoding="utf-8"))
MADE = [(family, release) for family, releases in FOUND["made"].items() for release in releases]
RELEASES = ["4.30", "4.36", "4.41", "4.46", "4.57", "5.0", "5.10", "5.24"]


def unpacked(family: str, release: str, folder: Path) -> Tokenizer:
    for name, content in FOUND["made"][family][release]["files"].items():
        (folder / name).write_text(FOUND["contents"][content], encoding="utf-8", newline="")
    return read_tokenizer(folder)


def test_which_are_there():
    """Slow ones have only a model of sentencepiece in 4; in 5.0, CamemBERT's tokenizer cannot be made from one."""
    families = {family for family, _ in MADE}
    assert families >= {"bert", "cased", "mobilebert", "roberta", "xlm-roberta", "camembert", "albert", "roberta, slow"}
    for family in ("bert", "bert, slow", "cased, slow", "mobilebert", "roberta, slow", "xlm-roberta", "albert"):
        assert sorted(FOUND["made"][family]) == sorted(RELEASES)
    assert set(FOUND["made"]["camembert"]) == {*RELEASES} - {"5.0"}


@pytest.mark.parametrize(("family", "release"), MADE)
def test_texts_are_cut_as_in_that_release(family, release, tmp_path):
    tokenizer = unpacked(family, release, tmp_path)
    assert tokenizer.missing + tokenizer.note == ""
    for text, ids in zip(FOUND["texts"], FOUND["made"][family][release]["ids"], strict=True):
        assert list(tokenizer.encode(tuple(text) if isinstance(text, list) else text).input_ids) == ids, text
    mask = "[MASK]" if family.split(",")[0] in ("bert", "cased", "mobilebert", "albert") else "<mask>"
    assert tokenizer.encode(f"the {mask} sleeps").roles.count("mask") == 1

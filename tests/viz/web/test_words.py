"""Sentences in a table: by id and language, filled in, and read when they are needed."""

import json

import pytest

from viz.web.words import Words


def test_a_sentence_by_its_id_and_language(tmp_path):
    path = tmp_path / "words.json"
    say = Words(path)  # reads nothing yet
    path.write_text(json.dumps({"was": {"en": "was {share}", "ja": "前は{share}"}}), encoding="utf-8")
    assert (say("was", share=1), say("was", "ja", share="50 %")) == ("was 1", "前は50 %")
    assert say.of("ja") == {"was": "前は{share}"}
    with pytest.raises(ValueError, match="language is 'xx'; expected en or ja"):
        say.of("xx")
    with pytest.raises(ValueError, match="language is 'xx'; expected en or ja"):
        say("was", "xx", share=1)
    with pytest.raises(KeyError):
        say("never")

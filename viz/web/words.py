"""Sentences for people, kept in JSON files: one line for each id, one column for each language."""

import json
from collections.abc import Mapping
from functools import cached_property
from importlib.resources.abc import Traversable

LANGUAGES = ("en", "ja")


class Words:
    """A table of sentences, read when the first one is needed.

        {"guess_was": {"en": "was {share}", "ja": "前は{share}"}}

        say = Words(files("viz.explorer") / "words.json")
        say("guess_was", "ja", share="50 %")            "前は50 %"

    A {name} in a sentence is filled with the field of that name.
    """

    def __init__(self, file: Traversable) -> None:
        self.file = file

    @cached_property
    def table(self) -> Mapping[str, Mapping[str, str]]:
        """{id: {language: sentence}}"""
        table: Mapping[str, Mapping[str, str]] = json.loads(self.file.read_text(encoding="utf-8"))
        return table

    def __call__(self, name: str, language: str = "en", /, **fields: object) -> str:
        """Return one sentence. KeyError: no such id, or a field is missing. ValueError: no such language."""
        return self.table[name][check_language(language)].format(**fields)

    def of(self, language: str = "en") -> dict[str, str]:
        """Return the sentences of one language by their ids, not filled in. ValueError: no such language."""
        check_language(language)
        return {name: texts[language] for name, texts in self.table.items()}


def check_language(language: str) -> str:
    """Return the language. ValueError: it is not one of LANGUAGES."""
    if language not in LANGUAGES:
        raise ValueError(f"language is {language!r}; expected {' or '.join(LANGUAGES)}")
    return language

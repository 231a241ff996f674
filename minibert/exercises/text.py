"""A text for a person: an English sentence and its fields. It is translated when it is printed.

    t("{name} is not written yet.", name="softmax").to("ja")        "softmax はまだ書かれていません。"

The English sentence is the id of its translation. Sentences of one exercise are translated in the `words.json` of its
folder, all others in the one beside this file.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from minibert.errors import UserError
from viz.web.words import LANGUAGES, Words

__all__ = ["LANGUAGES", "CourseError", "Joined", "Text", "after", "joined", "lines", "listed", "spoken", "t"]


@dataclass(frozen=True)
class Text:
    """A sentence, or part of one. A field may be a Text too."""

    english: str
    fields: Mapping[str, object] = field(default_factory=dict)

    def to(self, language: str = "en") -> str:
        """The sentence in a language, with its fields put in; in English where it has no translation."""
        text = self.english if language == "en" else translations(language).get(self.english, self.english)
        return text.format(**spoken(dict(self.fields), language)) if self.fields else text

    def __str__(self) -> str:
        return self.to("en")


@dataclass(frozen=True)
class Joined(Text):
    """Texts, one after another, with something between them."""

    english: str = ""
    between: Text | str = ""
    texts: tuple[Text | str, ...] = ()

    def to(self, language: str = "en") -> str:
        return str(spoken(self.between, language)).join(str(spoken(text, language)) for text in self.texts)


def t(english: str, /, **fields: object) -> Text:
    """An English sentence; a {name} in it is filled with the field of that name."""
    return Text(english, fields)


def joined(between: Text | str, texts: Iterable[Text | str]) -> Text:
    return Joined(between=between, texts=tuple(texts))


def lines(*texts: Text | str) -> Text:
    return joined("\n", texts)


def listed(texts: Iterable[Text | str]) -> Text:
    return joined(t(", "), texts)


def after(first: Text | str, second: Text | str) -> Text:
    """Two sentences: a space stands between them, but in Japanese nothing."""
    return t("{first} {second}", first=first, second=second)


def spoken(value, language: str):
    """The same value, each Text in it put into a language. It looks into dicts, lists and tuples."""
    if isinstance(value, Text):
        return value.to(language)
    if type(value) is dict:
        return {key: spoken(item, language) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(spoken(item, language) for item in value)
    return value


@cache
def translations(language: str) -> dict[str, str]:
    """English sentence -> sentence in the language, of the whole course."""
    here = Path(__file__).parent
    files = [here / "words.json", *here.glob("course/ex*/words.json")]
    return {english: own for file in files for english, own in Words(file).of(language).items()}


class CourseError(UserError):
    """A UserError whose message can be put into a language; `str` gives it in English."""

    def __init__(self, text: Text):
        super().__init__(str(text))
        self.text = text

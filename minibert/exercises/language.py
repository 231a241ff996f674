"""The language in which the course speaks: English, or Japanese by the tables in the files `words.json`."""

from contextlib import contextmanager
from functools import cache
from pathlib import Path

from minibert.errors import UserError
from viz.web.words import Words

LANGUAGES = ("en", "ja")

chosen = "en"
"""The language of this process; `use` changes it."""


@contextmanager
def use(language: str):
    """Speak this language meanwhile. Raises ValueError for one that is not there."""
    global chosen
    if language not in LANGUAGES:
        raise UserError(f"--language is {language!r}; expected {' or '.join(LANGUAGES)}")
    before, chosen = chosen, language
    try:
        yield
    finally:
        chosen = before


@cache
def tables() -> dict[str, str]:
    here = Path(__file__).parent
    files = [here / "words.json", *here.glob("course/ex*/words.json")]
    return {english: own for file in files for english, own in Words(file).of("ja").items()}


def t(text: str, /, **fields: object) -> str:
    """The text in the chosen language, with the fields put in. The English text is the key of the table."""
    if chosen == "ja":
        text = tables().get(text, text)
    return text.format(**fields) if fields else text


def sentence_gap() -> str:
    """What stands between two sentences: a space, but in Japanese nothing."""
    return "" if chosen == "ja" else " "

"""All that the page says, in one table: `words.json` has a line per text and a column per language."""

import json
from importlib.resources import files

LANGUAGES = ("en", "ja")


def words(language: str = "en") -> dict[str, str]:
    """The texts of one language by their names. ValueError: a language the table does not have."""
    if language not in LANGUAGES:
        raise ValueError(f"language is {language!r}; the page speaks {', '.join(LANGUAGES)}")
    table = json.loads((files("viz.explorer") / "words.json").read_text(encoding="utf-8"))
    return {name: texts[language] for name, texts in table.items()}

"""The course in Japanese: TEXTS by the English text, FILES by the name of the exercise."""

TEXTS: dict[str, str] = {}
FILES: dict[str, str] = {}

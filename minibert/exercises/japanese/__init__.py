"""The course in Japanese: TEXTS by the English text, FILES by the name of the exercise."""

from minibert.exercises.japanese.files import FILES
from minibert.exercises.japanese.texts import TEXTS

__all__ = ["FILES", "TEXTS"]

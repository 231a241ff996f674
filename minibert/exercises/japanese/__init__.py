"""The course in Japanese: TEXTS by the English text, FILES by the name of the exercise."""

from minibert.exercises.japanese.cells import CELLS
from minibert.exercises.japanese.files import FILES
from minibert.exercises.japanese.texts import TEXTS as OF_FILES

TEXTS = OF_FILES | CELLS

__all__ = ["FILES", "TEXTS"]

"""The bundled models and texts, as the exercises use them. Loaded once in a process."""

import os
from functools import cache
from pathlib import Path

import minibert
from minibert.model import Bert


@cache
def model(name: str) -> Bert:
    """The bundled model `tiny` or `tiny-sentiment`; out of the folder MINIBERT_EXERCISES_MODELS names, where it "
    "is set."""
    folder = os.environ.get("MINIBERT_EXERCISES_MODELS")
    return minibert.load(Path(folder) / name if folder else name)

"""The sentences on which the exercises measure."""

from pathlib import Path

HERE = Path(__file__).parent


def sentences() -> list[str]:
    """The sentences over which the investigations measure."""
    return (HERE / "sentences.txt").read_text(encoding="utf-8").splitlines()


def blanks() -> list[tuple[str, str]]:
    """Sentences with one [MASK] each, and the word that stood there."""
    lines = (HERE / "blanks.txt").read_text(encoding="utf-8").splitlines()
    return [(text, word) for text, _, word in (line.partition("\t") for line in lines)]


def royal_pair() -> tuple[str, str, str]:
    """A text with a [MASK], the same with another word that matters, and the word that stood at the [MASK]."""
    castle = "and the [MASK] lived in a great castle."
    return f"The king {castle}", f"The boy {castle}", "queen"

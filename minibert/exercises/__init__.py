"""The command `minibert exercises`: a course in which you build BERT's attention piece by piece.

Read on in this order: exercise (what one is), draw (inputs), course/ (all of them), judge (what is wrong, and where),
transport, worker and runner (running a student's code safely apart), actions. The teacher's page is README.md.
Importing this file is cheap; everything else is imported when a command runs.
"""

from pathlib import Path

HERE = Path(__file__).parent


def sentences() -> list[str]:
    """The sentences over which the investigations measure."""
    return (HERE / "sentences.txt").read_text(encoding="utf-8").splitlines()


def blanks() -> list[tuple[str, str]]:
    """Sentences with one [MASK] each, and the word that stood there."""
    lines = (HERE / "blanks.txt").read_text(encoding="utf-8").splitlines()
    return [tuple(line.split("\t")) for line in lines]

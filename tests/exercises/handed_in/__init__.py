"""Answers as people hand them in, right and wrong, one file of them per exercise.

`#### right: ...` and `#### wrong mistake: ...` begin an answer, which is written below our solution;
`#### file name.py` begins a helper file beside it.
"""

import re
from pathlib import Path

FOLDER = Path(__file__).parent


def answers(name: str) -> list[tuple[str, str, str, dict[str, str]]]:
    """(right or wrong, the mistake to be named or "", what it is, files by name; "" is the exercise's own)."""
    found: list[tuple[str, str, str, dict[str, str]]] = []
    for block in re.split(r"^#### ", (FOLDER / f"{name}.txt").read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        head, _, code = block.partition("\n")
        if head.startswith("file "):
            found[-1][3][head.removeprefix("file ")] = code
        else:
            kind, _, about = head.partition(": ")
            judged, _, mistake = kind.partition(" ")
            found.append((judged, mistake, about, {"": code}))
    return found

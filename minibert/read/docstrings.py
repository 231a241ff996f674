"""A docstring in blocks, as the page sets it.

Lines set in by four spaces after an empty line are equations, one a line. Two or more spaces separate an equation from
a remark. Nothing else is set as mathematics. Lines set in directly below a line of text continue that text; with two or
more spaces inside they are a list of terms, each with its explanation.
"""

import re
from collections.abc import Collection
from typing import Any

Block = dict[str, Any]

EQUATION = re.compile(r"(.*?\S) +(=|~|->) +(.*)$")
GAP = re.compile(r" {2,}")
SET_IN = 4
RAISES = re.compile(r"[A-Z]\w*Error")


def blocks(text: str, names: Collection[str] = (), margin: int = 0) -> list[Block]:
    """The blocks of a docstring, in order.

    names: arguments or fields; a line "name: ..." begins a paragraph.  margin: the column of the docstring's quotes.

    {"kind": "paragraph", "text"}, {"kind": "equations", "rows": [[left, relation, right, remark]]} or
    {"kind": "list", "rows": [[term, explanation]]}.
    """
    result: list[Block] = []
    before = ""  # what kind of line the last one was
    for number, line in enumerate(text.split("\n")):
        body = line.strip()
        column = len(line) - len(line.lstrip()) - margin if number else 0
        set_in = column >= SET_IN
        if not body:
            before = ""
        elif set_in and before in ("", "equations"):
            add_row(result, "equations", equation(body), new=before == "")
            before = "equations"
        elif set_in and GAP.search(body) and column < 2 * SET_IN:
            add_row(result, "list", GAP.split(body, maxsplit=1), new=before == "text")
            before = "list"
        elif set_in and before == "list":
            result[-1]["rows"][-1][1] += " " + body
        elif before == "text" and not begins_argument(body, names):
            result[-1]["text"] += " " + body
        else:
            result.append({"kind": "paragraph", "text": body})
            before = "text"
    return result


def add_row(result: list[Block], kind: str, row: list[str], new: bool) -> None:
    if new:
        result.append({"kind": kind, "rows": []})
    result[-1]["rows"].append(row)


def equation(line: str) -> list[str]:
    """[left side, relation, right side, remark]; a line without "=", "~" or "->" is all right side."""
    match = EQUATION.match(line)
    left, relation, right = match.groups() if match else ("", "", line)
    right, *remark = GAP.split(right, maxsplit=1)
    return [left, relation, right, *(remark or [""])]


def begins_argument(line: str, names: Collection[str]) -> bool:
    """Whether a line is "name: ..." or "name, name: ..." of arguments, or "SomeError: ..."."""
    head, colon, _ = line.partition(": ")
    return bool(colon) and all(word in names or RAISES.fullmatch(word) for word in head.split(", "))

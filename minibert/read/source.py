"""A source file as the page shows it: lines in colours, docstrings as text, and what each statement computes."""

import ast
import builtins
import io
import keyword
import token
import tokenize
from collections.abc import Iterator
from typing import Any

from minibert.read.docstrings import blocks
from minibert.read.expressions import computations

FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


def chapter(text: str, name: str) -> dict[str, Any]:
    """All that the page needs of one file. name: its name on the page, for example "minibert/attention.py"."""
    tree = ast.parse(text)
    return {
        "name": name,
        "lines": coloured(text),
        "docs": list(docs(tree)),
        "functions": list(functions(tree)),
        "statements": {str(line): what for line, what in computations(tree)},
    }


def coloured(text: str) -> list[list[list[str]]]:
    """For each line its pieces [kind, text]; put together, the pieces are the line. See `kind_of` for the kinds."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    marks: list[list[tuple[int, int, str]]] = [[] for _ in lines]
    before = ""
    for t in tokenize.generate_tokens(io.StringIO(text).readline):
        kind = kind_of(t, before)
        if t.type not in (token.NL, token.NEWLINE, token.INDENT, token.DEDENT):
            before = t.string
        if kind:
            (first, start), (last, end) = t.start, t.end
            for row in range(first, last + 1):
                line = lines[row - 1]
                marks[row - 1].append((start if row == first else 0, end if row == last else len(line), kind))
    return [pieces(line, found) for line, found in zip(lines, marks, strict=True)]


def kind_of(t: tokenize.TokenInfo, before: str) -> str:
    """One letter: keyword, definition, built-in name, number, comment, string; or "".

    before: the last token.
    """
    if t.type == token.NAME:
        if keyword.iskeyword(t.string):
            return "k"
        if before in ("def", "class"):
            return "d"
        return "b" if t.string in ("self", "cls") or hasattr(builtins, t.string) else ""
    if tokenize.tok_name[t.type].startswith("FSTRING"):
        return "s"
    return {token.NUMBER: "n", token.COMMENT: "c", token.STRING: "s"}.get(t.type, "")


def pieces(line: str, marks: list[tuple[int, int, str]]) -> list[list[str]]:
    """A line cut at its marks (start, end, kind)."""
    result, at = [], 0
    for start, end, kind in sorted(marks):
        if start > at:
            result.append(["", line[at:start]])
        if end > max(start, at):
            result.append([kind, line[max(start, at) : end]])
        at = max(at, end)
    if at < len(line):
        result.append(["", line[at:]])
    return result


def docs(tree: ast.AST, names: frozenset[str] = frozenset()) -> Iterator[dict[str, Any]]:
    """Every string that stands alone as a statement: its lines, and its text in blocks. names: arguments, fields."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            found = blocks(node.value.value, names, node.col_offset)
            yield {"first": node.lineno, "last": node.end_lineno, "blocks": found}
        elif isinstance(node, FUNCTIONS):
            yield from docs(node, frozenset(x.arg for x in ast.walk(node.args) if isinstance(x, ast.arg)))
        elif isinstance(node, ast.ClassDef):
            yield from docs(node, frozenset(ast.unparse(x.target) for x in node.body if isinstance(x, ast.AnnAssign)))


def functions(tree: ast.AST, outer: str = "") -> Iterator[dict[str, Any]]:
    """Every function: its name with the names it stands in, and its lines, decorators among them."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, FUNCTIONS):
            start = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            yield {"name": outer + node.name, "first": start, "def": node.lineno, "last": node.end_lineno}
        if isinstance(node, FUNCTIONS | ast.ClassDef):
            yield from functions(node, f"{outer}{node.name}.")

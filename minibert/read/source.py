"""A source file as the page shows it: lines in colours, docstrings as text, and what each statement computes."""

import ast
import builtins
import io
import keyword
import math
import re
import textwrap
import token
import tokenize
from collections.abc import Iterator

FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
EQUATION = re.compile(r"^\|?[\w~|][\w~,.()\[\]^ ]*?\|?(\^2)? +[=~] ")
ARGUMENT = re.compile(r"^\w+(, \w+)*: ")
"""the line of a docstring that says what one argument is"""
BLOCK = 4
"""spaces by which an equation is set in from the text around it"""


def chapter(text: str, name: str) -> dict:
    """All that the page needs of one file. name: how the page calls it, for example "minibert/attention.py"."""
    tree = ast.parse(text)
    return {
        "name": name,
        "lines": coloured(text),
        "docs": list(docs(tree)),
        "functions": list(functions(tree)),
        "statements": {str(line): what for line, what in computations(tree)},
    }


def coloured(text: str) -> list[list[list[str]]]:
    """For each line its pieces: [kind, text], which put together are the line. The kinds are one letter each, or none:
    keyword, string, comment, number, definition, built-in name."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    marks: list[list[tuple[int, int, str]]] = [[] for _ in lines]
    before = ""
    for t in tokenize.generate_tokens(io.StringIO(text).readline):
        kind = ""
        if t.type == token.NAME:
            if keyword.iskeyword(t.string):
                kind = "k"
            elif before in ("def", "class"):
                kind = "d"
            elif t.string in ("self", "cls") or hasattr(builtins, t.string):
                kind = "b"
        elif t.type == token.NUMBER:
            kind = "n"
        elif t.type == token.COMMENT:
            kind = "c"
        elif t.type == token.STRING or tokenize.tok_name[t.type].startswith("FSTRING"):
            kind = "s"
        if t.type not in (token.NL, token.NEWLINE, token.INDENT, token.DEDENT):
            before = t.string
        if kind:
            (first, start), (last, end) = t.start, t.end
            for row in range(first, last + 1):
                line = lines[row - 1]
                marks[row - 1].append((start if row == first else 0, end if row == last else len(line), kind))
    result = []
    for line, found in zip(lines, marks, strict=True):
        pieces, at = [], 0
        for start, end, kind in sorted(found):
            if start > at:
                pieces.append(["", line[at:start]])
            if end > max(start, at):
                pieces.append([kind, line[max(start, at) : end]])
            at = max(at, end)
        if at < len(line):
            pieces.append(["", line[at:]])
        result.append(pieces)
    return result


def docs(tree: ast.AST) -> Iterator[dict]:
    """Every string that stands alone as a statement: its lines, and its text in blocks."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield {"first": node.lineno, "last": node.end_lineno, "blocks": blocks(node.value.value)}


def blocks(text: str) -> list[dict]:
    """A docstring as paragraphs, lists and equations. An equation is set in, or it is a docstring's first line."""
    first, _, rest = text.partition("\n")
    lines = [first.strip(), *textwrap.dedent(rest).split("\n")]
    result: list[dict] = []
    for i, line in enumerate(lines):
        more = result and result[-1]["kind"] == "paragraph" and ARGUMENT.match(result[-1]["text"])
        inset = line.startswith(" " * BLOCK) and not more  # the second line about an argument is set in, too
        if not line.strip():
            result.append({"kind": "break"})
        elif inset or (EQUATION.match(line) and (i == 0 or result[-1]["kind"] == "equations")):
            last = result[-1] if result else {"kind": "break"}
            if last["kind"] != "equations":
                result.append({"kind": "equations", "rows": []})
            result[-1]["rows"].append(equation(line, inset))
        elif result and result[-1]["kind"] == "paragraph" and not ARGUMENT.match(line):
            result[-1]["text"] += " " + line.strip()
        else:
            result.append({"kind": "paragraph", "text": line.strip()})
    return [block for block in result if block["kind"] != "break"]


def equation(line: str, inset: bool) -> list[str]:
    """[left side, relation, right side, remark]: what stands after two or more spaces, or after ": ", is a remark."""
    body, remark = line.strip(), ""
    match = re.match(r"(.*?\S) +([=~]) +(.*)$", body)
    if not match:
        parts = re.split(r" {3,}", body, maxsplit=1)
        return ["", "", parts[0], parts[1] if len(parts) > 1 else ""]
    left, relation, right = match.groups()
    parts = re.split(r" {3,}", right, maxsplit=1) if inset else re.split(r"(?::|, where) (?=[a-z])", right, maxsplit=1)
    if len(parts) > 1:
        right, remark = parts[0], parts[1]
    return [left, relation, right, remark]


def functions(tree: ast.AST, outer: str = "") -> Iterator[dict]:
    """Every function: its name with the names it stands in, and its lines, decorators among them."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, FUNCTIONS):
            start = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            yield {"name": outer + node.name, "first": start, "def": node.lineno, "last": node.end_lineno}
        if isinstance(node, FUNCTIONS | ast.ClassDef):
            yield from functions(node, f"{outer}{node.name}.")


def computations(tree: ast.AST) -> Iterator[tuple[int, dict]]:
    """For each statement that binds names or returns: what it computes, as a tree the page can follow with numbers.

    {"names": [what is bound, in order; "returned" for a return], "value": tree}. A tree is ["kind", ...parts]; what the
    page could not follow is ["?", its source].
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            names = [target.id] if isinstance(target, ast.Name) else []
            if isinstance(target, ast.Tuple) and all(isinstance(part, ast.Name) for part in target.elts):
                names = [part.id for part in target.elts]
            value = follow(node.value)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            names, value = [node.target.id], binary(node.op, ["name", node.target.id], follow(node.value), node.value)
        elif isinstance(node, ast.Return) and node.value is not None:
            several = isinstance(node.value, ast.Tuple)
            names = [f"returned[{i}]" for i in range(len(node.value.elts))] if several else ["returned"]
            value = follow(node.value)
        else:
            continue
        if names:
            yield node.lineno, {"names": names, "value": value}


OPERATORS = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
    ast.MatMult: "@",
    ast.FloorDiv: "//",
}
MODULES = ("np", "math")
METHODS = ("sum", "mean", "max", "min")


def follow(node: ast.expr) -> list:
    """An expression as a tree of lists."""
    match node:
        case ast.Name():
            return ["name", node.id]
        case ast.Constant(value=int() | float()):
            return ["number", node.value]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return ["number", -number]
        case ast.Attribute(value=ast.Name(id="math"), attr="pi"):
            return ["number", math.pi]
        case ast.Tuple():
            return ["tuple", *map(follow, node.elts)]
        case ast.BinOp():
            return binary(node.op, follow(node.left), follow(node.right), node)
        case ast.UnaryOp(op=ast.USub()):
            return ["*", ["number", -1], follow(node.operand)]
        case ast.IfExp():
            return ["choice", follow(node.body), follow(node.orelse)]
        case ast.Attribute(attr="T" | "mT"):
            return ["turned", follow(node.value)]
        case ast.Subscript(value=ast.Attribute(attr="shape"), slice=index):
            return ["size", follow(node.value.value), follow(index)]
        case ast.Subscript():
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            return ["part", follow(node.value), *map(cut, parts)]
        case ast.Call(func=ast.Attribute(attr=name, value=owner)):
            if name in METHODS and has(node, "axis", "-1"):
                return ["reduce", name, follow(owner), has(node, "keepdims", "True")]
            if name in METHODS and has(node, "axis", "-2") and len(node.keywords) == 1:
                return ["reduce", name, ["turned", follow(owner)], False]
            if name in ("reshape", "transpose"):
                return [name, follow(owner), *map(follow, node.args)]
            if name == "astype":
                return follow(owner)
            if isinstance(owner, ast.Name) and owner.id in MODULES:
                return ["call", name, *map(follow, node.args)]
        case ast.Call(func=ast.Name(id=name)):
            return ["call", name, *map(follow, node.args)]
    return ["?", ast.unparse(node)]


def has(node: ast.Call, keyword: str, value: str) -> bool:
    """Whether a call says keyword=value."""
    return any(k.arg == keyword and ast.unparse(k.value) == value for k in node.keywords)


def binary(op: ast.operator, left: list, right: list, node: ast.expr) -> list:
    symbol = OPERATORS.get(type(op))
    return [symbol, left, right] if symbol else ["?", ast.unparse(node)]


def cut(node: ast.expr) -> list:
    """One index of a subscript."""
    match node:
        case ast.Slice(lower=lower, step=None):
            return ["from", follow(lower) if lower else ["number", 0]]
        case ast.Constant(value=None):
            return ["new"]
        case ast.Constant(value=value) if value is ...:
            return ["rest"]
        case ast.Attribute(attr="newaxis"):
            return ["new"]
    return ["at", follow(node)]

"""What each statement of a source file computes, as a tree that the page follows with the numbers of a call.

A tree is a list: ["kind", ...parts]. An expression that the page cannot follow is ["?", its source].
"""

import ast
import math
from collections.abc import Iterator
from typing import Any

Tree = list[Any]

OPERATORS: dict[type[ast.operator], str] = {
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


def computations(tree: ast.AST) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line, {"names": [...], "value": tree}) of each statement that binds names or returns.

    The names are in order; those of a `return` are "returned", or "returned[0]", "returned[1]" and so on.
    """
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)]):
                names, value = [name], follow(node.value)
            case ast.Assign(targets=[ast.Tuple(elts=parts)]):
                names, value = [part.id for part in parts if isinstance(part, ast.Name)], follow(node.value)
                if len(names) < len(parts):
                    continue
            case ast.AugAssign(target=ast.Name(id=name)):
                names, value = [name], binary(node.op, ["name", name], follow(node.value), ast.unparse(node))
            case ast.Return(value=ast.Tuple(elts=parts) as several):
                names, value = [f"returned[{i}]" for i in range(len(parts))], follow(several)
            case ast.Return(value=ast.expr() as one):
                names, value = ["returned"], follow(one)
            case _:
                continue
        yield node.lineno, {"names": names, "value": value}


def follow(node: ast.expr) -> Tree:
    """An expression as a tree of lists."""
    match node:
        case ast.Name():
            return ["name", node.id]
        case ast.Constant(value=int() | float()):
            return ["number", node.value]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return ["number", -number]
        case ast.UnaryOp(op=ast.USub()):
            return ["*", ["number", -1], follow(node.operand)]
        case ast.Attribute(value=ast.Name(id="math"), attr="pi"):
            return ["number", math.pi]
        case ast.Attribute(attr="T" | "mT"):
            return ["turned", follow(node.value)]
        case ast.Tuple():
            return ["tuple", *map(follow, node.elts)]
        case ast.BinOp():
            return binary(node.op, follow(node.left), follow(node.right), ast.unparse(node))
        case ast.IfExp():
            return ["choice", follow(node.body), follow(node.orelse)]
        case ast.Subscript(value=ast.Attribute(attr="shape") as shape, slice=index):
            return ["size", follow(shape.value), follow(index)]
        case ast.Subscript():
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            return ["part", follow(node.value), *map(one_index, parts)]
        case ast.Call():
            return called(node)
    return ["?", ast.unparse(node)]


def called(node: ast.Call) -> Tree:
    """A call: of a function by its name, of NumPy's or math's, or of a method of an array."""
    if isinstance(node.func, ast.Name):
        return ["call", node.func.id, *map(follow, node.args)]
    if not isinstance(node.func, ast.Attribute):
        return ["?", ast.unparse(node)]
    name, owner = node.func.attr, node.func.value
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
    return ["?", ast.unparse(node)]


def has(node: ast.Call, keyword: str, value: str) -> bool:
    """Whether a call has the argument keyword=value."""
    return any(k.arg == keyword and ast.unparse(k.value) == value for k in node.keywords)


def binary(op: ast.operator, left: Tree, right: Tree, source: str) -> Tree:
    symbol = OPERATORS.get(type(op))
    return [symbol, left, right] if symbol else ["?", source]


def one_index(node: ast.expr) -> Tree:
    """One index of a subscript."""
    match node:
        case ast.Slice(lower=lower, step=None):
            return ["from", follow(lower) if lower else ["number", 0]]
        case ast.Constant(value=None) | ast.Attribute(attr="newaxis"):
            return ["new"]
        case ast.Constant(value=value) if value is ...:
            return ["rest"]
    return ["at", follow(node)]

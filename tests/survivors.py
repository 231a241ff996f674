"""Break the code on purpose, one small change at a time, and print the changes that no test notices.

    python -m tests.survivors viz/geometry/pca.py tests/viz/test_pca.py
    python -m tests.survivors minibert/attention.py tests/test_attention.py tests/test_model.py --most 40 --seed 1

A change is one of: another operator or comparison, a number one larger, a condition turned round, an argument by name
left out, a call replaced by its first argument, two arguments exchanged, a statement left out. Each is made in a copy
of the project, against which the named tests run until the first fails. Nothing in the working tree is touched.

Some survivors change nothing that matters (a bound moved by a hair); each of the others asks for a test.
"""

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]

OPERATORS = {
    ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.FloorDiv: "*", ast.Mod: "*", ast.Pow: "*",
    ast.BitAnd: "|", ast.BitOr: "&",
}  # fmt: skip
COMPARISONS = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==",
    ast.Is: "is not", ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in",
}  # fmt: skip


def changes(source: str) -> Iterator[tuple[ast.AST, str]]:
    """Each place in a program that can be changed, and what to write there instead."""

    def text(node: ast.AST) -> str:
        return ast.get_source_segment(source, node) or ast.unparse(node)

    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                yield node, f"(({text(left)}) {OPERATORS[type(op)]} ({text(right)}))"
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                yield node, f"(({text(left)}) {COMPARISONS[type(op)]} ({text(right)}))"
            case ast.Constant(value=bool(value)):
                yield node, str(not value)
            case ast.Constant(value=int(value) | float(value)):
                yield node, f"({value} + 1)" if isinstance(value, int) else f"({value} * 2)"
            case ast.BoolOp(op=op, values=values):
                yield node, f"({(' or ' if isinstance(op, ast.And) else ' and ').join(f'({text(v)})' for v in values)})"
            case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
                yield node, f"({text(operand)})"
            case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
                yield test, f"(not ({text(test)}))"
            case ast.Call(func=func, args=args, keywords=keywords):
                for left_out in keywords:
                    kept = [text(a) for a in args] + [text(k) for k in keywords if k is not left_out]
                    yield node, f"{text(func)}({', '.join(kept)})"
                if len(args) > 1 and not any(isinstance(a, ast.Starred) for a in args[:2]):
                    yield node, f"{text(func)}({', '.join(map(text, [args[1], args[0], *args[2:], *keywords]))})"
                if args and not isinstance(args[0], ast.Starred):
                    yield node, f"({text(args[0])})"
            case ast.Expr(value=value) if not isinstance(value, ast.Constant):
                yield node, "pass"
            case ast.AugAssign():
                yield node, "pass"


def changed(source: str, node: ast.AST, new: str) -> str:
    """The source with `new` in the place of a node; offsets count bytes."""
    lines = source.encode().splitlines(keepends=True)
    before = b"".join(lines[: node.lineno - 1]) + lines[node.lineno - 1][: node.col_offset]
    after = lines[node.end_lineno - 1][node.end_col_offset :] + b"".join(lines[node.end_lineno :])
    return (before + new.encode() + after).decode()


def compiles(source: str) -> bool:
    try:
        return bool(compile(source, "changed", "exec"))
    except (SyntaxError, ValueError):
        return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="the file to break, from the project's root")
    parser.add_argument("tests", nargs="+", help="the test files that should notice, or other arguments of pytest")
    parser.add_argument("--most", type=int, default=30, help="changes to try, drawn at random (default: 30)")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn (default: 0)")
    parser.add_argument("--timeout", type=float, default=300, help="seconds after which a run counts as failed")
    args = parser.parse_args()

    source = (ROOT / args.file).read_text(encoding="utf-8")
    mutants = [(node, new, changed(source, node, new)) for node, new in changes(source)]
    mutants = [mutant for mutant in mutants if mutant[2] != source and compiles(mutant[2])]
    chosen = random.Random(args.seed).sample(mutants, min(args.most, len(mutants)))
    with tempfile.TemporaryDirectory() as copy:
        ignored = shutil.ignore_patterns(".*", "__pycache__", "out")
        shutil.copytree(ROOT, copy, ignore=ignored, dirs_exist_ok=True)
        environment = os.environ | {"PYTHONPATH": copy, "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *args.tests]

        def notices(program: str) -> bool:
            (Path(copy) / args.file).write_text(program, encoding="utf-8")
            try:
                ran = subprocess.run(command, cwd=copy, env=environment, capture_output=True, timeout=args.timeout)
            except subprocess.TimeoutExpired:
                return True
            return ran.returncode != 0

        if notices(source):
            raise SystemExit("the tests fail before anything is changed")
        survivors = 0
        for number, (node, new, program) in enumerate(sorted(chosen, key=lambda m: m[0].lineno), start=1):
            if not notices(program):
                survivors += 1
                old = " ".join((ast.get_source_segment(source, node) or "").split())
                print(f"{args.file}:{node.lineno}: {old}  ->  {' '.join(new.split())}", flush=True)
            if sys.stderr.isatty():
                print(f"\r{number} of {len(chosen)}", end="", file=sys.stderr)
    print(f"{args.file}: {survivors} of {len(chosen)} changes went unseen ({len(mutants)} possible)")


if __name__ == "__main__":
    main()

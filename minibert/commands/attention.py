"""`minibert attention`: which tokens attend to which, in text."""

import argparse
from collections.abc import Iterator, Sequence

import numpy as np

from minibert.commands import arguments as arg
from minibert.commands.answers import print_answers, texts_of
from minibert.errors import UserError
from minibert.files import check_new_file
from minibert.model import Bert, load
from minibert.terminal import columns, padded, printable, rounded
from minibert.tokenizer.encoding import Encoding
from minibert.trace import FIELDS, Trace
from minibert.whatif.flow import norms, rollout, value_zeroing

Map = tuple[int, int | None, np.ndarray]
"""A layer, a head (None: all heads of the layer together), and numbers [query tokens, key tokens]."""

OF_LAYERS = ("rollout", "value-zeroing")
MEASURES = ("attention", "norm", *OF_LAYERS)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arg.add_text(parser, arg.DEFAULT_TEXT)
    arg.add_pair(parser)
    arg.add_model(parser)
    arg.add_heads(parser, default="all")
    measures = (
        "what to print: attention; norm, the length of the vector that each head moves (Kobayashi 2020); rollout, "
        "attention multiplied through the layers (Abnar & Zuidema 2020); value-zeroing, the change of a token without "
        "the value of another (Mohebbi 2023). The last two are of whole layers"
    )
    arg.choice(parser, "--measure", MEASURES, measures, "attention")
    arg.option(parser, "--top", arg.at_least(1), "N", "keys to print per query, most attended first (default: 2)")
    arg.option(parser, "--csv", arg.new_path, "FILE", "also write the attention of every head, a row per query and key")
    arg.option(parser, "--npz", arg.new_path, "FILE", "also write all arrays: queries, keys, values, attention ...")
    arg.add_json(parser)


def run(args: argparse.Namespace) -> None:
    """One block per sentence and head: each query with the keys it attends to most."""
    texts = texts_of(args, "the first sentence of the pair, before --pair", arg.DEFAULT_TEXT)
    check(args)
    bert = load(args.model)
    layers, heads = arg.choose(args, bert.config)
    files = [file for file in (args.csv, args.npz) if file is not None]

    def answer(encoding: Encoding) -> tuple[Trace, list[Map]]:
        trace = bert.batch([encoding], keep=FIELDS)[0] if files else bert(encoding)
        for file in files:
            trace.save(file)
        return trace, list(maps(bert, trace, args.measure, layers, heads))

    def show(found: tuple[Trace, list[Map]]) -> Iterator[str]:
        trace, some = found
        for layer, head, map_TS in some:
            yield f"layer {layer}" + ("" if head is None else f" head {head}")
            yield from block(trace.tokens, map_TS, args.top or 2).splitlines()

    def as_json(found: tuple[Trace, list[Map]]) -> dict[str, object]:
        trace, some = found
        return {"tokens": trace.tokens, "heads": [numbers(*one, args.measure) for one in some]}

    print_answers(args, bert, texts, answer, show, as_json)


def check(args: argparse.Namespace) -> None:
    """Raises UserError for arguments that do not go together; before a model is loaded."""
    check_new_file(args.csv, "--csv", ".csv")
    check_new_file(args.npz, "--npz", ".npz")
    if args.csv is not None or args.npz is not None:
        arg.refuse(args, "file", "with --csv or --npz, which are of one sentence")
    if args.csv is not None and args.measure != "attention":
        raise UserError(f"--csv writes attention, not {args.measure}; print that with --json, or leave one out")
    if args.json:
        arg.refuse(args, "top", "with --json, which has every key")
    if args.measure in OF_LAYERS:
        arg.refuse(args, "head", f"with --measure {args.measure}, which is of all heads of a layer together")


def block(tokens: Sequence[str], attention_TS: np.ndarray, top: int) -> str:
    """One line per query: its position and token, then the keys it attends to most, each with its position too."""
    tokens = list(map(printable, tokens))
    width, digits = max(map(columns, tokens)), len(str(len(tokens) - 1))
    lines = []
    for query, (token, row) in enumerate(zip(tokens, attention_TS, strict=True)):
        best = (-row).argsort(kind="stable")[:top]
        attended = "   ".join(f"{row[key]:4.2f} {key:>{digits}} {padded(tokens[key], width)}" for key in best)
        lines.append(f"  {query:>{digits}} {padded(token, width)}  {attended.rstrip()}")
    return "\n".join(lines)


def maps(bert: Bert, trace: Trace, measure: str, layers: Sequence[int], heads: Sequence[int]) -> Iterator[Map]:
    """The maps of one measure: one for each head, or one for each layer."""
    if measure == "rollout":
        of_all = rollout(trace)
        yield from ((layer, None, of_all[layer]) for layer in layers)
    elif measure == "value-zeroing":
        yield from ((layer, None, value_zeroing(bert, trace, layer)) for layer in layers)
    else:
        for layer in layers:
            map_HTS = trace.stacked("attention")[layer] if measure == "attention" else norms(bert, trace, layer)
            yield from ((layer, head, map_HTS[head]) for head in heads)


def numbers(layer: int, head: int | None, map_TS: np.ndarray, measure: str) -> dict[str, object]:
    """For JSON: a row per query token with a number per key token."""
    where = {"layer": layer} if head is None else {"layer": layer, "head": head}
    return {**where, measure: [[rounded(number) for number in row] for row in map_TS]}

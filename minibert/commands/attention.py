"""`minibert attention`: which tokens attend to which, in text."""

import argparse
import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from minibert.commands import arguments as arg
from minibert.commands.answers import print_answers, texts_of
from minibert.files import check_new_file, csv_table
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
    top = "keys to print per query, most attended first (default: 2; with --json all, as a matrix)"
    arg.option(parser, "--top", arg.at_least(1), "N", top)
    table = "also write the numbers of --measure, --layer and --head, a row per query and key"
    arg.option(parser, "--csv", arg.new_path, "FILE", table)
    arg.option(parser, "--npz", arg.new_path, "FILE", "also write all arrays: queries, keys, values, attention ...")
    arg.add_json(parser)


def run(args: argparse.Namespace) -> None:
    """One block per sentence and head: each query with the keys it attends to most."""
    texts = texts_of(args, "the first sentence of the pair, before --pair", arg.DEFAULT_TEXT)
    check(args)
    bert = load(args.model)
    layers, heads = arg.choose(args, bert.config)
    number = itertools.count()

    def answer(encoding: Encoding) -> tuple[Trace, list[Map]]:
        trace = bert(encoding)
        if args.npz is not None:
            bert.batch([encoding], keep=FIELDS)[0].save(args.npz)
        found = list(maps(bert, trace, args.measure, layers, heads))
        of_file = {} if args.file is None else {"sentence": next(number)}
        add(of_file | row for one in found for row in rows(trace.tokens, *one, args.measure))
        return trace, found

    def show(found: tuple[Trace, list[Map]]) -> Iterator[str]:
        trace, some = found
        for layer, head, map_TS in some:
            yield f"layer {layer}" + ("" if head is None else f" head {head}")
            yield from block(trace.tokens, map_TS, args.top or 2).splitlines()

    def as_json(found: tuple[Trace, list[Map]]) -> dict[str, object]:
        trace, some = found
        return {"tokens": trace.tokens, "heads": [numbers(*one, args.measure, args.top) for one in some]}

    with csv_table(args.csv) as add:
        print_answers(args, bert, texts, answer, show, as_json)


def check(args: argparse.Namespace) -> None:
    """Raises UserError for arguments that do not go together; before a model is loaded."""
    check_new_file(args.csv, "--csv", ".csv")
    check_new_file(args.npz, "--npz", ".npz")
    if args.npz is not None:
        arg.refuse(args, "file", "with --npz, which is of one sentence")
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


def numbers(layer: int, head: int | None, map_TS: np.ndarray, measure: str, top: int | None) -> dict[str, object]:
    """For JSON: a row per query token with a number per key token; or with so many keys, the most attended first."""
    where = place(layer, head)
    if top is None:
        return {**where, measure: [[rounded(number) for number in row] for row in map_TS]}
    best = (-map_TS).argsort(axis=-1, kind="stable")[:, :top]
    keys = [
        [{"key": int(key), measure: rounded(row[key])} for key in keys] for row, keys in zip(map_TS, best, strict=True)
    ]
    return {**where, "top": keys}


def rows(tokens: Sequence[str], layer: int, head: int | None, map_TS: np.ndarray, measure: str) -> Iterator[dict]:
    """For CSV: a row per query and key."""
    for query, key in np.ndindex(map_TS.shape):
        pair = {"query": query, "query_token": tokens[query], "key": key, "key_token": tokens[key]}
        yield {**place(layer, head), **pair, measure: float(map_TS[query, key])}


def place(layer: int, head: int | None) -> dict[str, int]:
    return {"layer": layer} if head is None else {"layer": layer, "head": head}

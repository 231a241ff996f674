"""`minibert attention`: who attends to whom, in text."""

import argparse
from collections.abc import Iterator, Sequence

import numpy as np

from minibert.commands.arguments import (
    DEFAULT_TEXT,
    add_heads,
    add_json,
    add_model,
    add_text,
    at_least,
    check_source,
    choose,
    new_path,
    refuse,
    sentence,
)
from minibert.commands.output import print_json
from minibert.corpus.sentences import Sentences
from minibert.errors import UserError
from minibert.files import check_new_file
from minibert.model import Bert, load
from minibert.terminal import columns, model_name, padded, printable, rounded, text_line
from minibert.trace import FIELDS, Trace

OF_LAYERS = ("rollout", "value-zeroing")
MEASURES = ("attention", "norm", *OF_LAYERS)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_text(parser, DEFAULT_TEXT)
    parser.add_argument(
        "--pair", type=sentence, metavar="TEXT", help="a second sentence: the same as 'first ||| second'"
    )
    add_model(parser)
    add_heads(parser, default="all")
    parser.add_argument(
        "--measure",
        choices=MEASURES,
        default="attention",
        help="what is printed: attention; norm, the length of what each head moves (Kobayashi 2020); rollout, "
        "attention followed through the layers (Abnar & Zuidema 2020); value-zeroing, how much a token turns without "
        "another's value (Mohebbi 2023). The last two are of whole layers (default: attention)",
    )
    parser.add_argument(
        "--top", type=at_least(1), metavar="N", help="how many keys to name per query, the most attended (default: 2)"
    )
    parser.add_argument(
        "--csv", type=new_path, metavar="FILE", help="write the attention of every head too, a row per query and key"
    )
    parser.add_argument(
        "--npz", type=new_path, metavar="FILE", help="write all arrays too: queries, keys, values, attention ..."
    )
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """One block per sentence and head: each query with the keys it attends to most."""
    check_source(args, [text for text in (args.text, args.pair) if text is not None])
    if args.pair is not None and args.text is None:
        raise UserError("TEXT is missing; expected the first sentence of the pair, before --pair")
    check_new_file(args.csv, "--csv", ".csv")
    check_new_file(args.npz, "--npz", ".npz")
    if args.csv is not None or args.npz is not None:
        refuse(args, "file", "with --csv or --npz, which are of one sentence")
    if args.json:
        refuse(args, "top", "with --json, which has every key")
    if args.measure in OF_LAYERS:
        refuse(args, "head", f"with --measure {args.measure}, which is of all heads of a layer together")
    text = DEFAULT_TEXT if args.text is None else args.text
    bert = load(args.model)
    layers = choose("layer", args.layer, bert.config.num_hidden_layers)
    heads = choose("head", args.head, bert.config.num_attention_heads)
    texts = [text if args.pair is None else f"{text} ||| {args.pair}"]
    sentences = Sentences(bert, texts, args.file, args.skip_bad, args.column)
    for file in filter(None, (args.csv, args.npz)):
        bert.batch([next(iter(sentences))], keep=FIELDS)[0].save(file)
    found = []
    for encoding in sentences:
        trace = bert(encoding)
        if args.json:
            found.append(
                {
                    "text": text_line(encoding.text),
                    "tokens": trace.tokens,
                    "heads": [as_json(*one, args.measure) for one in maps(bert, trace, args.measure, layers, heads)],
                }
            )
            continue
        if args.file is not None:
            print(printable(text_line(encoding.text)))
        for layer, head, map_TS in maps(bert, trace, args.measure, layers, heads):
            print(f"layer {layer}" + ("" if head is None else f" head {head}"))
            print(block(trace.tokens, map_TS, args.top or 2))
    if args.json:
        print_json({"model": model_name(bert), "sentences": found, "skipped": sentences.skipped})
    elif args.skip_bad:
        print(sentences.left_out)


def block(tokens: Sequence[str], attention_TS, top: int) -> str:
    """One line per query: its position and token, then the keys it attends to most, each with its position too."""
    tokens = list(map(printable, tokens))
    width, digits = max(map(columns, tokens)), len(str(len(tokens) - 1))
    lines = []
    for query, (token, row) in enumerate(zip(tokens, attention_TS, strict=True)):
        best = (-row).argsort(kind="stable")[:top]
        attended = "   ".join(f"{row[key]:4.2f} {key:>{digits}} {padded(tokens[key], width)}" for key in best)
        lines.append(f"  {query:>{digits}} {padded(token, width)}  {attended.rstrip()}")
    return "\n".join(lines)


def maps(
    bert: Bert, trace: Trace, measure: str, layers: Sequence[int], heads: Sequence[int]
) -> Iterator[tuple[int, int | None, np.ndarray]]:
    """Layer, head (None for all heads of a layer together) and the map [query tokens, key tokens]."""
    from minibert.whatif.flow import norms, rollout, value_zeroing

    for layer in layers:
        if measure == "rollout":
            yield layer, None, rollout(trace)[layer]
        elif measure == "value-zeroing":
            yield layer, None, value_zeroing(bert, trace, layer)
        else:
            map_HTS = trace.layers[layer].attention if measure == "attention" else norms(bert, trace, layer)
            yield from ((layer, head, map_HTS[head]) for head in heads)


def as_json(layer: int, head: int | None, map_TS: np.ndarray, measure: str) -> dict:
    """Of one head or layer: one row per query token with one number per key token."""
    where = {"layer": layer} if head is None else {"layer": layer, "head": head}
    return where | {measure: [[rounded(number) for number in row] for row in map_TS]}

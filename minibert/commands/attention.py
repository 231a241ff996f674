"""`minibert attention`: who attends to whom, in text."""

import argparse
from collections.abc import Sequence

from minibert.commands.arguments import (
    DEFAULT_TEXT,
    add_heads,
    add_json,
    add_model,
    add_text,
    at_least,
    check_source,
    choose,
    refuse,
)
from minibert.commands.output import model_name, print_json, rounded, text_line
from minibert.commands.sentences import Sentences
from minibert.model import load
from minibert.trace import Trace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_text(parser, DEFAULT_TEXT)
    parser.add_argument("--pair", metavar="TEXT", help="a second sentence: the same as 'first ||| second'")
    add_model(parser)
    add_heads(parser, default="all")
    parser.add_argument(
        "--top", type=at_least(1), metavar="N", help="how many keys to name per query, the most attended (default: 2)"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """One block per sentence and head: each query with the keys it attends to most."""
    check_source(args, [text for text in (args.text, args.pair) if text is not None])
    if args.json:
        refuse(args, "top", "with --json, which has the attention to every key")
    text = DEFAULT_TEXT if args.text is None else args.text
    bert = load(args.model)
    layers = choose("layer", args.layer, bert.config.num_hidden_layers)
    heads = choose("head", args.head, bert.config.num_attention_heads)
    texts = [text if args.pair is None else f"{text} ||| {args.pair}"]
    sentences = Sentences(bert, texts, args.file, args.skip_bad)
    found = []
    for encoding in sentences:
        trace = bert(encoding)
        if args.json:
            found.append(
                {"text": text_line(encoding.text), "tokens": trace.tokens, "heads": as_json(trace, layers, heads)}
            )
            continue
        if args.file is not None:
            print(text_line(encoding.text))
        for layer in layers:
            for head in heads:
                print(f"layer {layer} head {head}")
                print(block(trace.tokens, trace.layers[layer].attention[head], args.top or 2))
    if args.json:
        print_json({"model": model_name(bert), "sentences": found, "skipped": sentences.skipped})
    elif args.skip_bad:
        print(sentences.left_out)


def block(tokens: Sequence[str], attention_TS, top: int) -> str:
    """One line per query: its position and token, then the keys it attends to most, each with its position too."""
    width, digits = max(map(len, tokens)), len(str(len(tokens) - 1))
    lines = []
    for query, (token, row) in enumerate(zip(tokens, attention_TS, strict=True)):
        best = (-row).argsort(kind="stable")[:top]
        attended = "   ".join(f"{row[key]:4.2f} {key:>{digits}} {tokens[key]:<{width}}" for key in best)
        lines.append(f"  {query:>{digits}} {token:<{width}}  {attended.rstrip()}")
    return "\n".join(lines)


def as_json(trace: Trace, layers: Sequence[int], heads: Sequence[int]) -> list[dict]:
    """Of each head, one row per query token with one number per key token."""
    return [
        {
            "layer": layer,
            "head": head,
            "attention": [[rounded(weight) for weight in row] for row in trace.layers[layer].attention[head]],
        }
        for layer in layers
        for head in heads
    ]

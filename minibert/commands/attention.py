"""`minibert attention`: who attends to whom, in text."""

import argparse

from minibert.commands.arguments import DEFAULT_TEXT, add_model
from minibert.model import load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", metavar="TEXT", nargs="?", default=DEFAULT_TEXT, help=f'default: "{DEFAULT_TEXT}"')
    parser.add_argument("--pair", metavar="TEXT", help="a second sentence, in segment 1")
    add_model(parser)
    parser.add_argument("--layer", type=int, help="one layer (default: all)")
    parser.add_argument("--head", type=int, help="one head (default: all)")
    parser.add_argument("--top", type=int, default=2, help="how many keys to name per query (default: 2)")


def run(args: argparse.Namespace) -> None:
    """One block a head: each query with the keys it attends to most."""
    if args.top < 1:
        raise ValueError(f"--top is {args.top}; expected 1 or more")
    bert = load(args.model)
    trace = bert(args.text if args.pair is None else (args.text, args.pair))
    layers = choose("layer", args.layer, bert.config.num_hidden_layers)
    heads = choose("head", args.head, bert.config.num_attention_heads)
    width = max(len(token) for token in trace.tokens)
    for layer in layers:
        for head in heads:
            print(f"layer {layer} head {head}")
            for token, row in zip(trace.tokens, trace.layers[layer].attention[head], strict=True):
                best = (-row).argsort(kind="stable")[: args.top]
                attended = "   ".join(f"{row[key]:4.2f} {trace.tokens[key]:<{width}}" for key in best)
                print(f"  {token:>{width}}  {attended.rstrip()}")


def choose(kind: str, index: int | None, count: int) -> range:
    """All layers or heads of a model, or the one asked for."""
    if index is None:
        return range(count)
    if not 0 <= index < count:
        raise ValueError(f"--{kind} is {index}; this model has {kind}s 0 to {count - 1}")
    return range(index, index + 1)

"""The command `minibert`: every part of the package, from the shell."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from minibert import compare, draw, exercises, explore, hub
from minibert.config import CheckpointError
from minibert.model import Bert, load
from minibert.tensors import find_tensors

DEFAULT_TEXT = "The brown capybara is sleeping now."

EPILOG = """\
Start with one of these; nothing needs a network:
  minibert viz                                  draw queries and keys of the default sentence into out/
  minibert attention "The cat sat on the mat."  who attends to whom
  minibert fill "The cat sat on the [MASK]."    what the model would write there
  minibert exercises list                       build all of it yourself

MODEL is a bundled model (tiny, tiny-sentiment), a folder, or an id on the hub such as
google-bert/bert-base-uncased. Layers and heads count from 0.
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; exit status 2 and one line on standard error where something is wrong with what it was given."""
    args = build_parser().parse_args(arguments)
    try:
        args.run(args)
        sys.stdout.flush()
    except BrokenPipeError:  # `minibert ... | head` closed the pipe: nothing is wrong, and nothing more to say
        sys.stderr.close()
    except KeyboardInterrupt:
        print("minibert: interrupted", file=sys.stderr)
        sys.exit(130)
    except (CheckpointError, ValueError, OSError) as error:
        print(f"minibert: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="minibert",
        description="BERT in plain NumPy: look at every query, key, score and attention weight.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, run, help: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help[0].upper() + help[1:] + ".")
        sub.set_defaults(run=run)
        return sub

    def add_model(sub: argparse.ArgumentParser, default: str = "tiny") -> None:
        sub.add_argument("--model", default=default, help=f"bundled name, folder or hub id (default: {default})")

    draw.add_viz_arguments(command("viz", draw.run_viz, "draw queries and keys in one space, and dot products"))

    sub = command("attention", run_attention, "print who attends to whom")
    sub.add_argument("text", metavar="TEXT", nargs="?", default=DEFAULT_TEXT, help=f'default: "{DEFAULT_TEXT}"')
    sub.add_argument("--pair", metavar="TEXT", help="a second sentence, in segment 1")
    add_model(sub)
    sub.add_argument("--layer", type=int, help="one layer (default: all)")
    sub.add_argument("--head", type=int, help="one head (default: all)")
    sub.add_argument("--top", type=int, default=2, help="how many keys to name per query (default: 2)")

    sub = command("fill", run_fill, "fill the [MASK]s of a text")
    sub.add_argument("text", metavar="TEXT", help='a text with [MASK] in it: "The capybara is [MASK]."')
    add_model(sub)
    sub.add_argument("--top", type=int, default=5, help="how many words to suggest per mask (default: 5)")

    sub = command("classify", run_classify, "say what a fine-tuned classifier makes of a text")
    sub.add_argument("text", metavar="TEXT", help="a sentence")
    add_model(sub, default="tiny-sentiment")

    compare.add_compare_arguments(command("compare", compare.run_compare, "show what fine-tuning moved, head by head"))
    explore.add_explore_arguments(command("explore", explore.run_explore, "write a page to explore in a browser"))
    exercises.add_exercises_arguments(
        command("exercises", exercises.run_exercises, "build BERT's attention piece by piece, and have it checked")
    )

    sub = command("info", run_info, "print a model's configuration, tensors, parameters and size")
    sub.add_argument("model", metavar="MODEL", nargs="?", default="tiny", help="bundled name, folder or hub id")

    command("models", run_models, "list the models that are here: bundled, and cached from the hub")

    sub = command("download", run_download, "fetch a model from the hub, once, to work without a network")
    sub.add_argument("model", metavar="MODEL", help="a hub id such as google-bert/bert-base-uncased")
    sub.add_argument("--revision", metavar="NAME", help="a branch, tag or commit of it (default: main)")
    sub.add_argument("--to", metavar="FOLDER", type=Path, help="also make this folder, to carry to another computer")
    return parser


def run_attention(args: argparse.Namespace) -> None:
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


def run_fill(args: argparse.Namespace) -> None:
    for number, suggestions in enumerate(load(args.model).fill_mask(args.text, top=args.top)):
        if number:
            print()
        for token, probability in suggestions:
            print(f"{probability:6.3f}  {token}")


def run_classify(args: argparse.Namespace) -> None:
    for label, probability in load(args.model).classify(args.text):
        print(f"{probability:6.3f}  {label}")


def run_info(args: argparse.Namespace) -> None:
    folder = hub.find_model(args.model)
    print_info(load(folder), folder)


def print_info(bert: Bert, folder: Path) -> None:
    """The configuration, then the tensors, those of all layers in one line, then the sums."""
    print(f"{folder}\n")
    for name, value in vars(bert.config).items():
        print(f"{name:40} {value}")
    print(f"{'tokenizer':40} {bert.tokenizer.missing or 'WordPiece'}\n")

    layers = bert.config.num_hidden_layers
    seen, total = set(), 0
    rows = [("tensor", "shape", "parameters")]
    for name, tensor in bert.weights.named():
        if id(tensor) in seen:  # the decoder of a masked-LM head, where it is tied
            rows.append((name, "the word embeddings", "again"))
            continue
        seen.add(id(tensor))
        total += tensor.size
        shape = " x ".join(map(str, tensor.shape))
        if name.startswith("layers.0."):
            name, shape = name.replace("layers.0.", "layers.*."), f"{layers} of {shape}"
            rows.append((name, shape, f"{layers * tensor.size:,}"))
        elif not name.startswith("layers."):
            rows.append((name, shape, f"{tensor.size:,}"))
    for name, shape, size in rows:
        print(f"{name:40} {shape:20} {size:>14}")
    types = sorted({stored.dtype for stored in find_tensors(folder).values() if "F" in stored.dtype})
    size = f"{hub.size_on_disk(folder) / 1e6:.1f} MB on disk ({', '.join(types)}), {4 * total / 1e6:.1f} MB as float32"
    print(f"\n{total:,} parameters, {size}")


def run_models(args: argparse.Namespace) -> None:
    for where, name, size, note in hub.list_models():
        print(f"{where:8} {size / 1e6:8.1f} MB  {name}{note and f'  ({note})'}")


def run_download(args: argparse.Namespace) -> None:
    """Fetch, load as a trial, then copy."""
    if args.to and args.to.exists():
        raise FileExistsError(f"--to {args.to} is there already; name a folder that is not, or remove it")
    folder = hub.download(args.model, args.revision)
    load(folder)
    if args.to:
        hub.copy_model(folder, args.to)
    print(f"--model {args.to or args.model} now works without a network")


if __name__ == "__main__":
    main()

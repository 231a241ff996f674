"""The command `minibert`: every part of the package, from the shell."""

import argparse
import sys
from collections.abc import Sequence

from minibert.checkpoint.config import CheckpointError
from minibert.commands import attention, classify, compare, download, exercises, explore, fill, info, models, viz

COMMANDS = {
    "viz": (viz, "draw queries and keys in one space, and dot products"),
    "attention": (attention, "print who attends to whom"),
    "fill": (fill, "fill the [MASK]s of a text"),
    "classify": (classify, "say what a fine-tuned classifier makes of a text"),
    "compare": (compare, "show what fine-tuning moved, head by head"),
    "explore": (explore, "write a page to explore in a browser"),
    "exercises": (exercises, "build BERT's attention piece by piece, and have it checked"),
    "info": (info, "print a model's configuration, tensors, parameters and size"),
    "models": (models, "list the models that are here: bundled, and cached from the hub"),
    "download": (download, "fetch a model from the hub, once, to work without a network"),
}

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
    for name, (module, help) in COMMANDS.items():
        sub = commands.add_parser(name, help=help, description=help[0].upper() + help[1:] + ".")
        sub.set_defaults(run=module.run)
        module.add_arguments(sub)
    return parser


if __name__ == "__main__":
    main()

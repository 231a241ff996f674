"""`minibert info`: the configuration, tensors, parameters and size of a model."""

import argparse
from pathlib import Path

import numpy as np

from minibert.checkpoint.families import FAMILIES
from minibert.checkpoint.tensors import find_tensors
from minibert.commands.arguments import MODEL_HELP, add_json, not_empty
from minibert.commands.output import print_json
from minibert.hub import find as hub
from minibert.model import Bert, load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=not_empty, metavar="MODEL", nargs="?", default="tiny", help=MODEL_HELP)
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    folder = hub.find_model(args.model)
    bert = load(folder)
    if args.json:
        print_json(describe(bert, folder))
    else:
        print_info(bert, folder)


def describe(bert: Bert, folder: Path) -> dict:
    """Everything about a model, for programs; a tensor that stands in two places is counted once."""
    tensors = {name: list(tensor.shape) for name, tensor in arrays(bert)}
    once = {id(tensor): tensor.size for _, tensor in arrays(bert)}
    return {
        "folder": str(folder),
        "config": settings(bert),
        "tokenizer": bert.tokenizer.missing or bert.tokenizer.kind,
        "special_tokens": special_tokens(bert),
        "notes": bert.notes,
        "tensors": tensors,
        "parameters": sum(once.values()),
        "bytes": hub.size_on_disk(folder),
    }


def settings(bert: Bert) -> dict:
    """The configuration, without segments where the family has none (the model then has zeros in their place)."""
    return {name: value for name, value in vars(bert.config).items() if has_segments(bert) or name != "type_vocab_size"}


def arrays(bert: Bert) -> list[tuple[str, np.ndarray]]:
    """The tensors of the checkpoint, by name."""
    return [one for one in bert.weights.named() if has_segments(bert) or one[0] != "embeddings.token_type"]


def has_segments(bert: Bert) -> bool:
    return FAMILIES[bert.config.model_type].segments


def special_tokens(bert: Bert) -> dict[str, list[str]]:
    """The special tokens of each role."""
    found: dict[str, list[str]] = {}
    for number, role in bert.tokenizer.roles.items():
        found.setdefault(role, []).append(bert.tokenizer.token(number))
    return found


def print_info(bert: Bert, folder: Path) -> None:
    """The configuration, then the tensors, those of all layers in one line, then the sums."""
    print(f"{folder}\n")
    for name, value in settings(bert).items():
        if value not in (None, ()):  # what only other families have; labels without a classifier
            print(f"{name:40} {value}{padding(bert) if name == 'max_position_embeddings' else ''}")
    print(f"{'tokenizer':40} {'none that works' if bert.tokenizer.missing else bert.tokenizer.kind}")
    special = [f"{role} {' '.join(tokens)}" for role, tokens in special_tokens(bert).items()]
    print(f"{'special tokens':40} {', '.join(special) or 'unknown'}\n")

    layers = len({id(layer) for layer in bert.weights.layers})  # those that share their weights count as one
    seen, total = set(), 0
    rows = [("tensor", "shape", "parameters")]
    for name, tensor in arrays(bert):
        if id(tensor) in seen:  # the decoder of a masked-LM head, where it is tied; a layer that is another one again
            rows += [] if name.startswith("layers.") else [(name, "the word embeddings", "again")]
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
    for part, note in bert.notes.items():
        print(f"\n{part}: {note}")


def padding(bert: Bert) -> str:
    """Why there are fewer positions than config.json says, in families whose table begins with rows for padding."""
    if (last := bert.config.pad_token_id) is None:
        return ""
    both = bert.config.max_position_embeddings + last + 1
    return f" ({both} in config.json: the first {last + 1} are for padding, and not counted here)"

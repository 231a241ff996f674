"""Prints which tokens attend to which: for each query, the keys that it attends to most. --words prints words in the
place of their pieces: attention to a word is the sum over its pieces, attention from it is their mean.
--without-special leaves [CLS] and [SEP] out and divides each row by its sum. --mean is applied last.
"""

import argparse
import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from minibert.commands import arguments as arg
from minibert.commands.answers import print_answers, texts_of
from minibert.commands.attention_maps import Map, Maps, find_maps, sentence_of
from minibert.errors import UserError
from minibert.files import check_new_file, csv_table
from minibert.model import load
from minibert.terminal import columns, model_name, padded, printable, quoted, rounded
from minibert.tokenizer.encoding import Encoding
from minibert.trace import FIELDS

OF_LAYERS = ("rollout", "value-zeroing")
MEASURES = ("attention", "norm", *OF_LAYERS)
MEANS = ("heads", "layers", "all")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = __doc__
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
    parser.add_argument("--words", action="store_true", help="between whole words, not pieces (Clark 2019)")
    parser.add_argument("--without-special", action="store_true", help="leave out [CLS] and [SEP]; rows sum to 1 again")
    arg.choice(parser, "--mean", MEANS, "the mean over the heads of each layer, over the layers for each head, or both")
    top = "keys to print per query, most attended first (default: 2; with --json all, as a matrix)"
    arg.option(parser, "--top", arg.at_least(1), "N", top)
    table = "also write the numbers, of what the options above choose, a row per query and key"
    arg.option(parser, "--csv", arg.new_path, "FILE", table)
    arg.option(parser, "--npz", arg.new_path, "FILE", "also write all arrays: queries, keys, values, attention ...")
    picture = "also draw what is printed; the ending of FILE is .png, .svg or .pdf"
    arg.option(parser, "--picture", arg.new_path, "FILE", picture)
    arg.add_json(parser)


def run(args: argparse.Namespace) -> None:
    """One block per sentence and head: each query with the keys it attends to most."""
    texts = texts_of(args, "the first sentence of the pair, before --pair", arg.DEFAULT_TEXT)
    check(args)
    bert = load(args.model)
    layers, heads = arg.choose(args, bert.config)
    check_mean(args, len(layers), len(heads))
    number = itertools.count()

    def answer(encoding: Encoding) -> Maps:
        trace = bert(encoding)
        if args.npz is not None:
            bert.batch([encoding], keep=FIELDS)[0].save(args.npz)
        found = find_maps(bert, trace, args, layers, heads)
        of_file = {} if args.file is None else {"sentence": next(number)}
        add(of_file | row for one in found.maps for row in rows(found, one))
        if args.picture is not None:
            draw(found, args, f"{model_name(bert)} · {{}} · {quoted([encoding.text])}")
        return found

    def show(found: Maps) -> Iterator[str]:
        for one in found.maps:
            left = f": words gave {one.left_out:.2f} to special tokens" if one.left_out is not None else ""
            yield found.title(one) + left
            yield from block(found.names, one.values, args.top or 2).splitlines()

    def as_json(found: Maps) -> dict[str, object]:
        what = "words" if args.words else "tokens"
        return {what: found.names, "heads": [numbers(found, one, args.top) for one in found.maps]}

    with csv_table(args.csv) as add:
        facts = {"mean": args.mean, "without_special": args.without_special}
        print_answers(args, bert, texts, answer, show, as_json, check=sentence_of(args), facts=facts)


def check(args: argparse.Namespace) -> None:
    """Raises UserError for arguments that do not go together; before a model is loaded."""
    check_new_file(args.csv, "--csv", ".csv")
    check_new_file(args.npz, "--npz", ".npz")
    check_new_file(args.picture, "--picture")
    if args.picture is not None and args.picture.suffix not in (".png", ".svg", ".pdf"):
        raise UserError(f"--picture is {args.picture}; expected a name that ends in .png, .svg or .pdf")
    for option in ("npz", "picture"):
        if getattr(args, option) is not None:
            arg.refuse(args, "file", f"with --{option}, which is of one sentence")
    if args.measure in OF_LAYERS:
        arg.refuse(args, "head mean", f"with --measure {args.measure}, which is of all heads of a layer together")
    if args.measure == "norm":
        arg.refuse(args, "words without-special picture", "with --measure norm, whose rows do not sum to 1")


def check_mean(args: argparse.Namespace, layers: int, heads: int) -> None:
    """Raises UserError for a mean over one layer or head."""
    for kind, count in (("heads", heads), ("layers", layers)):
        if args.mean in (kind, "all") and count == 1:
            raise UserError(f"--mean {args.mean} is a mean over {kind}, and --{kind[:-1]} chooses one; expected more")


def draw(found: Maps, args: argparse.Namespace, title: str) -> None:
    """Draw the maps side by side, or those of several layers and heads on a sheet."""
    import viz

    names, values = list(found.names), [one.values for one in found.maps]
    layers, heads = ([*dict.fromkeys(getattr(one, axis) for one in found.maps)] for axis in ("layer", "head"))
    if len(layers) > 1 and len(heads) > 1:
        sheet = np.stack(values).reshape(len(layers), len(heads), *values[0].shape)
        title = title.format(found.about)
        figure = viz.attention_sheet(sheet, layers, heads, names, title=title, measure=args.measure)
    else:
        titles = [found.title(one) for one in found.maps]
        title = title.format(", ".join([found.about, *titles]) if len(titles) == 1 else found.about)
        maps = {"titles": titles if len(titles) > 1 else (), "measure": args.measure}
        figure = viz.attention_figure(values, [names] * len(values), title=title, **maps)
    viz.save(figure, args.picture)


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


def numbers(found: Maps, one: Map, top: int | None) -> dict[str, object]:
    """For JSON: a row per query token with a number per key token; or with so many keys, the most attended first."""
    where = one.place | ({} if one.left_out is None else {"left_out": rounded(one.left_out)})
    if top is None:
        return {**where, found.column: [[rounded(number) for number in row] for row in one.values]}
    best = (-one.values).argsort(axis=-1, kind="stable")[:, :top]
    keys = [
        [{"key": int(key), found.column: rounded(row[key])} for key in keys]
        for row, keys in zip(one.values, best, strict=True)
    ]
    return {**where, "top": keys}


def rows(found: Maps, one: Map) -> Iterator[dict[str, object]]:
    """For CSV: a row per query and key."""
    what = "word" if found.of_words else "token"
    for query, key in np.ndindex(one.values.shape):
        pair = {"query": query, f"query_{what}": found.names[query], "key": key, f"key_{what}": found.names[key]}
        yield {**one.place, **pair, found.column: float(one.values[query, key])}

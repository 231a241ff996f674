"""The commands that draw: traces go to `viz`, pictures and tables come out. `viz` and matplotlib load only here."""

import argparse
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minibert.commands.arguments import (
    DEFAULT_POINTS,
    DEFAULT_TEXT,
    add_cluster,
    add_heads,
    add_model,
    add_output,
    add_source,
    add_texts,
    at_least,
    check_source,
    choose,
    given,
    refuse,
)
from minibert.commands.exporting import check_export, export, manifest
from minibert.commands.output import folder_name, folder_of_run, name_of_texts
from minibert.commands.passes import hands_of, look_through
from minibert.commands.sentences import Sample, gather, left_out
from minibert.commands.survey import METHODS, fit, measure
from minibert.commands.tables import head_rows, head_table
from minibert.corpus.lines import Corpus
from minibert.errors import UserError
from minibert.exercises import assemble
from minibert.files import write_csv
from minibert.model import load
from minibert.terminal import counted, model_name, suggest, text_line

DEFAULT_LINK = "brown:capybara"
MOST_QUERIES = 5000  # to measure, shared out evenly among the sentences of a file

VIZ_HELP = """
Draws queries and keys of a head as points of one plane, and their dot products against their distances: as they are
(raw), moved as in AttentionViz (paper), and moved such that the more attended key is always the nearer one (exact). All
three have exactly the same attention.

  minibert viz                                    one head of one sentence
  minibert viz "A text." --layer 2 --head 0       this head
  minibert viz "A text." --layer all              an overview of all heads
  minibert viz "A text." --layer 0,2-3 --head 1   head 1 of three layers
  minibert viz "Is it? ||| It is."                a pair of sentences
  minibert viz --file sentences.txt               many sentences at once
  minibert viz --draw search --layer 2 --head 0   how the scale was chosen

Pictures for one head: joint and distances; with --draw also attention and search. For several: matrix, sheet (attention
maps) and layers, or with --file metrics, matrix and positions; with --draw any of these, search, matrix-raw,
matrix-paper and matrix-both (raw beside exact, or beside --plane); for the heads of one layer also joint-raw,
joint-paper, joint-exact and joint-plane (that of --plane). Layers and heads count from 0.
Files go into a folder named after the model, the text and the options, so that no run mixes with another; with --out
into that folder itself.
"""

WHAT_IS_DRAWN = (
    "layer head top strongest above no-special words link scope scale distance weight plane dims width points seed "
    "queries skip-bad column exercises"
)
"""The options without which the pictures would be others."""
MATRICES = ("matrix", "matrix-raw", "matrix-paper", "matrix-both")
SHOW_LINES = ("joint", *MATRICES, "joint-raw", "joint-paper", "joint-exact", "joint-plane")
SHOW_LINK = (*SHOW_LINES, "distances")
SHOW_WORDS = (*SHOW_LINES, "attention", "layers")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = VIZ_HELP
    add_texts(parser, DEFAULT_TEXT)
    group = add_source(parser)
    group.add_argument(
        "--queries",
        type=at_least(1),
        metavar="N",
        help="to measure in each sentence (default: 5000 shared out, one at least)",
    )
    add_cluster(group)
    add_model(parser)
    parser.add_argument(
        "--exercises", type=Path, metavar="DIR", help="run your own functions in place of the library's"
    )
    add_heads(parser, default="all; with neither --layer nor --head nor --file, the one head that shows most")
    parser.add_argument("--draw", metavar="NAMES", help="pictures to draw, separated by commas (default: see above)")
    add_output(parser, default="out/MODEL/TEXT")
    parser.add_argument(
        "--export",
        choices=("npz", "parquet"),
        help="write the sample's queries, keys, attention and tokens, for viz.read_export (parquet: and the table)",
    )
    group = parser.add_argument_group("which lines are drawn")
    group.add_argument("--link", metavar="WORD:WORD", help=f"a pair of words in red (default sentence: {DEFAULT_LINK})")
    group.add_argument(
        "--top", type=at_least(1), metavar="N", help="of each query, its N most attended keys (default: 1)"
    )
    group.add_argument("--strongest", type=at_least(1), metavar="N", help="instead, the N strongest pairs of all")
    group.add_argument(
        "--above", type=at_least(0, float, most=1), metavar="P", help="instead, all pairs with attention above P"
    )
    group.add_argument("--no-special", action="store_true", help="draw no line from or to [CLS] and [SEP]")
    group.add_argument("--words", action="store_true", help="merge the pieces of a word")
    group = parser.add_argument_group("how queries and keys are moved")
    group.add_argument(
        "--scope", choices=("head", "layer", "model"), default="head", help="what shares one move and plane"
    )
    group.add_argument(
        "--scale", type=at_least(0.01, float, most=100), metavar="C", help="of paper and exact (default: searched)"
    )
    group.add_argument(
        "--distance", choices=("euclidean", "pca", "cosine"), help="searched by (paper; default: euclidean)"
    )
    group.add_argument(
        "--weight", choices=("attention", "closeness", "none"), help="weighted by (paper; default: attention)"
    )
    group.add_argument(
        "--plane",
        choices=("pca", "attention", "unfold", "tsne", "umap"),
        default="pca",
        help="drawn beside that of PCA: attention (linear, nearness is attention), unfold, tsne or umap",
    )
    group.add_argument(
        "--dims", type=int, choices=(2, 3), default=2, help="dimensions of the joint picture (default: 2)"
    )


def run(args: argparse.Namespace) -> None:
    """Read, sample, fit, measure, write, draw."""
    check_source(args, args.texts, without_file="points workers scheduler")
    if args.file is None and args.queries is None and args.plane in ("pca", "attention"):
        refuse(args, "seed", "without --file or --queries, since nothing is drawn at random")
    if args.scale is not None:
        refuse(args, "distance weight", "with --scale, since no scale is searched")
    chosen_by = [name for name in ("top", "strongest", "above") if getattr(args, name) is not None]
    if len(chosen_by) > 1:
        raise UserError(f"--{chosen_by[0]} and --{chosen_by[1]} exclude each other; leave one out")
    if args.exercises is not None:
        refuse(args, "workers scheduler", "with --exercises, whose functions run in this process")
    if args.plane in ("tsne", "umap"):
        check_maps(args.plane)
    is_default = not args.texts and args.file is None
    link = args.link or (DEFAULT_LINK if is_default else None)
    if args.link is not None and not all(args.link.partition(":")):
        raise UserError(f"--link is {args.link!r}; expected two words with a colon between, such as {DEFAULT_LINK}")
    check_names(args.draw)
    check_export(args.export)

    bert = load(args.model) if args.exercises is None else assemble(args.exercises, args.model)
    layers = choose("layer", args.layer, bert.config.num_hidden_layers)
    heads = choose("head", args.head, bert.config.num_attention_heads)
    texts, seed = args.texts or [DEFAULT_TEXT], args.seed or 0

    import viz
    from minibert.commands.pictures import LineChoice, Shown, as_measured, lines_of, linked

    out = folder_of_run(args.out, folder_name(bert), name_of_texts(texts, args.file, given(args, WHAT_IS_DRAWN)))
    corpus = Corpus(texts, args.file, args.column)
    points = math.inf if args.file is None else args.points or DEFAULT_POINTS
    with hands_of(args, bert) as hands:
        scanned = look_through(hands, corpus, points=points, seed=seed, skip_bad=args.skip_bad)
        sample = gather(bert, scanned.sample)
        why = ""
        if args.layer is None and args.head is None and args.file is None:
            layer, head, why = most_telling_head(sample, link)
            layers, heads = [layer], [head]
        names = pictures(args.draw, len(layers) * len(heads) == 1, args.file is not None, len(layers) == 1)
        check_shown(args, names)

        choice = LineChoice(args.top, args.strongest, args.above, args.no_special, args.words)
        lines_of(sample, layers[0], heads[0], choice)  # what cannot be drawn shows here, before anything is written
        linked(sample, link, layers[0], heads[0])

        ways = fit(
            sample,
            layers,
            heads,
            METHODS,
            scope=args.scope,
            scale=args.scale,
            distance=args.distance or "euclidean",
            weight=None if args.weight == "none" else args.weight or "attention",
            dims=args.dims,
            plane=args.plane,
            seed=seed,
        )
        queries = args.queries or max(1, MOST_QUERIES // scanned.sentences)
        lines = scanned.sentences + scanned.skipped
        options = {"seed": seed, "skip_bad": args.skip_bad, "sample": sample}
        measured, habits, done = measure(hands, corpus, lines, ways, layers, heads, queries, **options)
    if done < scanned.sentences:
        out /= "stopped"  # what lies there of a whole run stays
    path = out / "heads.csv"
    rows = [row | {"sentences": done} for row in head_rows(ways, measured, habits, layers, heads, args.dims)]
    write_csv(path, rows)

    skipped = left_out(scanned.skipped) if args.skip_bad else ""
    what = many(sample, measured, habits, done, seed, skipped, corpus) if args.file else few(sample, measured, habits)
    what += of_the_plane(ways[-1], measured)
    some = f": {done:,} of {counted(scanned.sentences, 'sentence')}" if done < scanned.sentences else ""
    print("\n".join([model_name(bert) + some, *what, *[why] * bool(why)]))
    print(head_table(ways, measured, layers, heads, args.dims))
    print()
    print(path)
    if args.export:
        facts = manifest(args, corpus, scanned) | {"measured": done}
        print(*export(args, out, sample, (layers, heads), facts, rows), sep="\n")
    source = None if args.file is None else corpus.short_name + " (stopped early)" * (done < scanned.sentences)
    ways = [as_measured(*pair) for pair in zip(ways, measured, strict=True)]
    about = (model_name(bert), sample, layers, heads, ways, measured, habits, done)
    shown = Shown(*about, source=source, link=link, lines=choice, scope=args.scope, width=args.width)
    for name in names:
        print(viz.save(names[name](shown), out / f"{file_name(name, layers, heads)}.{args.format}"))
    if done < scanned.sentences:
        raise KeyboardInterrupt(f"; what is written is of {done:,} sentences, not of all {scanned.sentences:,}")


def most_telling_head(sample: Sample, link: str | None) -> tuple[int, int, str]:
    """Layer and head that show most of what a reader would look for, and in words why.

    With a link "word:word" that is the attention of the first to the second, otherwise that of words to other words.
    """
    import viz

    words = viz.find_words(sample.tokens, sample.words, sample.sentences)
    blocks = words.attention(sample.attention)
    if link is not None:
        first, _, second = link.partition(":")
        amount_LH = viz.link_words(words, first, second, blocks, merged=True).attention.mean(axis=-1)
        why = f"here {first} attends most to {second}"
    else:
        amount_LH = np.zeros(sample.query.shape[:2])
        for number, block in enumerate(blocks):
            special = words.special[words.sentences == number]
            others = ~(special[:, None] | special | np.eye(len(special), dtype=bool))
            amount_LH += (block * others).sum(axis=(-2, -1))
        why = "here words attend most to other words"
    layer, head = map(int, np.unravel_index(amount_LH.argmax(), amount_LH.shape))
    return layer, head, f"layer {layer}, head {head}: {why}"


def names_in(wish: str) -> list[str]:
    return list(dict.fromkeys(name.strip() for name in wish.split(",")))


def check_names(wish: str | None) -> None:
    """ValueError for a picture that there is not; asked before the model is loaded."""
    from minibert.commands.pictures import MANY_HEADS, ONE_HEAD

    known = list(ONE_HEAD | MANY_HEADS)
    for name in names_in(wish) if wish is not None else ():
        if name not in known:
            meant = suggest(name, known) or f"there are: {', '.join(known)}"
            raise UserError(f"--draw names {name!r}; {meant}")


def pictures(wish: str | None, single: bool, file: bool, one_layer: bool) -> dict[str, Callable]:
    """The pictures to draw: what draws each, by name."""
    from minibert.commands.pictures import MANY_HEADS, ONE_HEAD

    known = ONE_HEAD if single else MANY_HEADS
    if wish is not None:
        names = names_in(wish)
    elif single:
        names = ["joint", "distances"]
    else:
        names = ["metrics", "matrix", "positions"] if file else ["matrix", "sheet", "layers"]
    for name in names:
        if name not in known:
            what, how = ("one head", "--layer all") if single else ("several heads", "--layer and --head")
            raise UserError(
                f"--draw names {name!r}, which is not for {what}; for {what} there are: {', '.join(known)} "
                f"(see {how} for the others)"
            )
        if name.startswith("joint-") and not one_layer:
            raise UserError(f"--draw {name} draws the heads of one layer; choose it by --layer, and --head all")
    return {name: known[name] for name in names}


def check_shown(args: argparse.Namespace, names: Sequence[str]) -> None:
    """ValueError for a choice of lines or words that none of the pictures shows, or a picture of no plane."""
    if "joint-plane" in names and args.plane == "pca":
        raise UserError("--draw joint-plane draws the plane of --plane; choose one, such as --plane attention")
    for options, pictures in (
        ("link", SHOW_LINK),
        ("top strongest above no-special", SHOW_LINES),
        ("words", SHOW_WORDS),
    ):
        if not set(names) & set(pictures):
            refuse(args, options, f"on {', '.join(names)}, but on {', '.join(pictures)} (--draw)")


def check_maps(plane: str) -> None:
    """Before anything is computed: is the package there that draws such maps?"""
    from viz.geometry.neighbor_maps import package_of

    try:
        package_of(plane)
    except ImportError as error:
        raise UserError(error) from None


def of_the_plane(way: Any, measured: Sequence) -> list[str]:
    """On which sentences a plane that is not PCA's was measured: all are measured in that, which comes first."""
    if way.plane.kind == "pca":
        return []
    fresh = way.has_map and (measured[-1].plane.queries < measured[0].plane.queries).any()
    told = "the sentences that it was not fitted to" if fresh else "the very sentences that it was fitted to"
    return [f"  plane {way.name}: measured on {told}"]


def few(sample: Sample, measured: Sequence, habits) -> list[str]:
    """What was measured, where the texts were typed: lines to print."""
    tokens, queries = habits.queries[0, 0], measured[0].space.queries[0, 0]
    some = [f"  measured: {queries} queries of {tokens} tokens"] if queries < tokens else []
    return [f"  {text_line(text)}" for text in sample.texts] + some


def many(sample: Sample, measured: Sequence, habits, done: int, seed: int, skipped: str, corpus: Corpus) -> list[str]:
    """What was measured and what was fitted, where the texts are from a file: lines to print."""
    tokens, queries = habits.queries[0, 0], measured[0].space.queries[0, 0]
    left_out = f", {skipped}" if skipped else ""
    source = f" of {corpus.short_name}" if len(corpus.files) > 1 else ""
    drawn = f"{counted(len(sample.texts), 'sentence')}, {len(sample.tokens)} tokens, drawn with seed {seed}"
    return [
        f"  measured: {counted(done, 'sentence')}{source}, {tokens} tokens, {queries} queries among them{left_out}",
        f"  fitted and drawn: {drawn}",
    ]


def file_name(picture: str, layers: Sequence[int], heads: Sequence[int]) -> str:
    return f"{picture}-{layers[0]}.{heads[0]}" if len(layers) * len(heads) == 1 else picture

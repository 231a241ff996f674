"""Draws the queries and keys of a head as points in one plane, and their dot products against their distances. It does
so in three ways: as they are (raw), moved as in AttentionViz (paper), and moved so that the more attended key is always
the nearer one (exact). The attention is the same in all three.

  minibert viz                                    one head of one sentence
  minibert viz "A text." --layer 2 --head 0       this head
  minibert viz "A text." --layer all              an overview of all heads
  minibert viz "A text." --layer 0,2-3 --head 1   head 1 of three layers
  minibert viz "Is it? ||| It is."                a pair of sentences
  minibert viz --file sentences.txt               many sentences at once
  minibert viz --draw search --layer 2 --head 0   how the scale was chosen
  minibert viz --vocabulary king --head 1         what head 0.1 looks for, of all words

For one head the pictures are joint and distances; --draw also takes attention, search, and joint-raw, joint-paper,
joint-exact and joint-plane (the plane of --plane), which draw one way of the three alone. For several heads they are
matrix, sheet (attention maps) and layers, or with --file metrics, matrix and positions. For several heads --draw takes
all of these, and search, matrix-raw, matrix-paper and matrix-both (raw beside exact, or beside --plane), parked (the
attention that special tokens get) and flat (how much of the scores a plane holds). For the heads of one layer it also
takes joint-raw, joint-paper, joint-exact and joint-plane. Layers and heads count from 0.

The files go into a folder that is named after the model, the text and the options. With --out they go into that folder.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minibert.commands import arguments as arg
from minibert.commands import viz_vocabulary
from minibert.commands.output import check_whole, folder_name, folder_of_run, name_of_texts, print_doubts
from minibert.corpus.doubts import Doubts
from minibert.errors import UserError
from minibert.exercises import assemble
from minibert.files import write_csv
from minibert.hub.find import find_model
from minibert.model import load
from minibert.survey import Survey, survey
from minibert.survey.export import export
from minibert.survey.pictures import MANY_HEADS, ONE_HEAD, Drawing, draw, lines_of, linked
from minibert.survey.sample import Heads, Sample
from minibert.survey.table import head_table, summary
from minibert.terminal import suggest
from viz.export import parquet
from viz.geometry.neighbor_maps import PACKAGES, package_of
from viz.geometry.normalize import PLANES, SCOPES
from viz.geometry.scale import DISTANCES

DEFAULT_LINK = "brown:capybara"

WHAT_IS_DRAWN = (
    "layer head top strongest above no-special words link scope scale distance weight plane dims among width points "
    "seed queries skip-bad column exercises"
)
"""The options without which the pictures would be others."""
MATRICES = ("matrix", "matrix-raw", "matrix-paper", "matrix-both")
SHOW_LINES = ("joint", *MATRICES, "joint-raw", "joint-paper", "joint-exact", "joint-plane")
SHOW_LINK = (*SHOW_LINES, "distances")
SHOW_WORDS = (*SHOW_LINES, "attention", "layers")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = __doc__
    arg.add_texts(parser, arg.DEFAULT_TEXT)
    group = arg.add_source(parser)
    queries = "how many queries of each sentence are measured (default: 5000 in all, one at least)"
    arg.option(group, "--queries", arg.at_least(1), "N", queries)
    examples = "also write firing.csv: for each head its N strongest pairs of words, and N examples of each tenth"
    arg.option(group, "--examples", arg.at_least(1), "N", examples)
    arg.add_cluster(group)
    arg.add_model(parser)
    arg.add_exercises(parser)
    arg.add_heads(parser, default="all; with neither --layer nor --head nor --file, the one head that shows most")
    arg.option(parser, "--draw", str, "NAMES", "pictures to draw, with commas between (default: see above)")
    add_vocabulary(parser.add_argument_group("the whole vocabulary"))
    arg.add_output(parser, default="out/MODEL/TEXT")
    sample = "also write the sample for viz.read_export: queries, keys, attention, tokens (parquet: and the table)"
    arg.choice(parser, "--export", ("npz", "parquet"), sample)
    add_lines(parser.add_argument_group("which lines are drawn"))
    add_moves(parser.add_argument_group("how queries and keys are moved"))


def add_lines(group: argparse._ArgumentGroup) -> None:
    arg.option(group, "--link", str, "WORD:WORD", f"a pair of words in red (default sentence: {DEFAULT_LINK})")
    arg.option(group, "--top", arg.at_least(1), "N", "draw the N most attended keys of each query (default: 1)")
    arg.option(group, "--strongest", arg.at_least(1), "N", "instead, draw the N strongest pairs of all")
    arg.option(group, "--above", arg.at_least(0, float, most=1), "P", "instead, draw all pairs with attention above P")
    group.add_argument("--no-special", action="store_true", help="draw no line from or to [CLS] and [SEP]")
    group.add_argument("--words", action="store_true", help="merge the pieces of a word")


def add_vocabulary(group: argparse._ArgumentGroup) -> None:
    words = (
        "instead of a text, all words of the vocabulary in layer 0; with WORD, the keys with the highest scores for it"
    )
    group.add_argument("--vocabulary", nargs="?", const="", metavar="WORD", help=words)
    arg.option(group, "--place", arg.at_least(0), "N", "the place of these words in a sentence (default: 1)")


def add_moves(group: argparse._ArgumentGroup) -> None:
    arg.choice(group, "--scope", SCOPES, "what shares a move and plane", "head")
    scale = "scale of paper and exact (default: searched)"
    arg.option(group, "--scale", arg.at_least(0.01, float, most=100), "C", scale)
    arg.choice(group, "--distance", DISTANCES, "distance in the search of paper (default: euclidean)")
    weight = "weight in the search of paper (default: attention)"
    arg.choice(group, "--weight", ("attention", "closeness", "none"), weight)
    plane = "plane beside that of PCA: attention (linear; the nearer, the more attention), unfold, tsne, umap"
    group.add_argument("--plane", choices=PLANES, default="pca", help=plane)
    dimensions = "the dimensions of the joint picture (default: 2)"
    group.add_argument("--dims", type=int, choices=(2, 3), default=2, help=dimensions)
    among = "what is fitted and drawn: all tokens, or words alone, with attention shared out among them"
    arg.choice(group, "--among", ("all", "words"), among, "all")


def run(args: argparse.Namespace) -> None:
    """Read, sample, fit, measure, write, draw."""
    if args.vocabulary is not None:
        viz_vocabulary.run(args)
        return
    arg.refuse(args, "place", "without --vocabulary")
    check(args)
    bert = load(args.model) if args.exercises is None else assemble(args.exercises, args.model)
    layers, heads = arg.choose(args, bert.config)
    texts = args.texts or [arg.DEFAULT_TEXT]
    is_default = not args.texts and args.file is None
    link = args.link or (DEFAULT_LINK if is_default else None)
    drawing = Drawing(args.top, args.strongest, args.above, args.no_special, args.words, link, args.width)
    name = name_of_texts(texts, args.file, arg.given(args, WHAT_IS_DRAWN))
    out = folder_of_run(args.out, folder_name(bert), name, files=written(args))
    notes = []

    def chosen(sample: Sample) -> tuple[list[int], list[int]]:
        """The heads; what cannot be drawn of them shows here, before anything is written."""
        where = layers, heads
        if args.layer is None and args.head is None and args.file is None:
            layer, head, why = most_telling_head(sample, link)
            where = [layer], [head]
            notes.append(why)
        check_shown(args, pictures(args, *where))
        lines_of(sample, where[0][0], where[1][0], drawing)
        linked(sample, link, where[0][0], where[1][0])
        return where

    found = survey(
        bert, texts, choose=chosen, queries=args.queries, examples=args.examples, **moves(args), **arg.source(args)
    )
    print_doubts(Doubts(bert).look(found.scan.sample))
    out = out / "stopped" if found.stopped else out  # what lies there of a whole run stays
    write_csv(out / "heads.csv", found.rows)
    print("\n".join([found.model + f": {found.how_many}" * found.stopped, *summary(found), *notes]))
    print(head_table(found), end="\n\n")
    print(out / "heads.csv")
    if found.fired is not None:
        where = Heads(found.layers, found.heads)
        write_csv(out / "firing.csv", found.fired.rows(where))
        print(f"\n{found.fired.table(where)}", out / "firing.csv", sep="\n\n")
    if args.export:
        print(*export(found, out, args.export, **facts_given(args)), sep="\n")
    write_pictures(found, pictures(args, found.layers, found.heads), drawing, out, args.format)
    check_whole(found)


def check(args: argparse.Namespace) -> None:
    """Raises UserError for arguments that do not go together or a package that is missing; before a model is loaded."""
    arg.check_source(args, args.texts, without_file="points workers scheduler")
    if args.file is None and args.queries is None and args.plane in ("pca", "attention"):
        arg.refuse(args, "seed", "without --file or --queries, since nothing is drawn at random")
    if args.scale is not None:
        arg.refuse(args, "distance weight", "with --scale, since no scale is searched")
    chosen_by = [name for name in ("top", "strongest", "above") if getattr(args, name) is not None]
    if len(chosen_by) > 1:
        raise UserError(f"--{chosen_by[0]} and --{chosen_by[1]} exclude each other; leave one out")
    if args.among == "words":
        arg.refuse(args, "no-special", "with --among words, which draws no special token")
    if args.above == 1:
        raise UserError("--above is 1; expected less, since no attention is above 1")
    if args.exercises is not None:
        arg.refuse(args, "workers scheduler", "with --exercises, whose functions run in this process")
    if args.plane in PACKAGES:
        package_of(args.plane)
    if args.link is not None and not all(args.link.partition(":")):
        raise UserError(f"--link is {args.link!r}; expected two words with a colon between, such as {DEFAULT_LINK}")
    check_names(args.draw)
    if args.export == "parquet":
        parquet()


def written(args: argparse.Namespace) -> list[str]:
    """The names of all files that the command may write, as patterns."""
    drawn = list(ONE_HEAD | MANY_HEADS) if args.draw is None else names_in(args.draw)
    exported = [f"export.{args.export}", "manifest.json", "heads.parquet"] if args.export else []
    return ["heads.csv", *(f"{name}*.{args.format}" for name in drawn), *exported]


def moves(args: argparse.Namespace) -> dict[str, Any]:
    """How queries and keys are moved: arguments of `survey`."""
    weight = None if args.weight == "none" else args.weight or "attention"
    options = {name: getattr(args, name) for name in ("scope", "scale", "dims", "plane")}
    options["among_words"] = args.among == "words"
    return options | {"distance": args.distance or "euclidean", "weight": weight}


def facts_given(args: argparse.Namespace) -> dict[str, str | None]:
    """What the manifest of an export has of the arguments."""
    folder = find_model(args.model) if args.exercises is None else Path(args.model)
    revision = folder.name if folder.match("models--*/snapshots/*") else None  # as the hub's cache lays it out
    return {"revision": revision, "exercises": args.exercises and str(args.exercises), "column": args.column}


def write_pictures(found: Survey, names: Sequence[str], drawing: Drawing, out: Path, format: str) -> None:
    """Write each picture and print its path."""
    import viz

    at = f"-{found.layers[0]}.{found.heads[0]}" if found.single else ""
    for name in names:
        print(viz.save(draw(found, name, drawing), out / f"{name}{at}.{format}"))


def most_telling_head(sample: Sample, link: str | None) -> tuple[int, int, str]:
    """The head that is drawn by default: its layer, its number, and in words why.

    With a link "word:word" the first word attends most to the second there; otherwise words to other words.
    """
    import viz

    words = sample.whole_words()
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
    """Raises UserError for a picture that there is not; before the model is loaded."""
    known = list(ONE_HEAD | MANY_HEADS)
    for name in names_in(wish) if wish is not None else ():
        if name not in known:
            meant = suggest(name, known, cutoff=0.8) or f"there are: {', '.join(known)}"
            raise UserError(f"--draw names {name!r}; {meant}")


def pictures(args: argparse.Namespace, layers: Sequence[int], heads: Sequence[int]) -> list[str]:
    """The names of the pictures to draw. Raises UserError for one that cannot be drawn of so many heads."""
    single = len(layers) * len(heads) == 1
    if args.draw is None and single:
        return ["joint", "distances"]
    if args.draw is None:
        return ["metrics", "matrix", "positions"] if args.file is not None else ["matrix", "sheet", "layers"]
    known = ONE_HEAD if single else MANY_HEADS
    for name in names_in(args.draw):
        if name not in known:
            what, how = ("one head", "--layer all") if single else ("several heads", "--layer and --head")
            others = f"for {what} there are: {', '.join(known)} (see {how} for the others)"
            raise UserError(f"--draw names {name!r}, which is not for {what}; {others}")
        if name.startswith("joint-") and len(layers) > 1:
            raise UserError(f"--draw {name} draws the heads of one layer; choose it by --layer, and --head all")
    return names_in(args.draw)


def check_shown(args: argparse.Namespace, names: Sequence[str]) -> None:
    """Raises UserError for a choice of lines or words that no picture shows, or a picture of no plane."""
    if "joint-plane" in names and args.plane == "pca":
        raise UserError("--draw joint-plane draws the plane of --plane; choose one, such as --plane attention")
    shown = {"link": SHOW_LINK, "top strongest above no-special": SHOW_LINES, "words": SHOW_WORDS}
    for options, pictures in shown.items():
        if not set(names) & set(pictures):
            arg.refuse(args, options, f"on {', '.join(names)}, but on {', '.join(pictures)} (--draw)")

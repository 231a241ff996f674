"""The commands that draw: traces go to `viz`, pictures and tables come out. `viz` and matplotlib load only here."""

import argparse

import numpy as np

from minibert.commands.arguments import DEFAULT_TEXT, add_output, add_source
from minibert.commands.output import model_name, writable_folder, write_csv
from minibert.commands.sentences import Sample, Sentences, gather
from minibert.commands.survey import METHODS, fit, head_rows, head_table, measure
from minibert.model import Bert, load

DEFAULT_LINK = "brown:capybara"
MOST_QUERIES = 5000  # to measure, shared out evenly among the sentences of a file

VIZ_HELP = """\
Draws queries and keys of a head as points of one plane, and their dot products against their distances: as they are
(raw), moved as in AttentionViz (paper), and moved such that the more attended key is always the nearer one (exact).
All three have exactly the same attention.

  minibert viz                                         one head of the default sentence
  minibert viz "A text." --layer 2 --head 0            this head
  minibert viz "A text." --layer all --head all        an overview of all heads
  minibert viz --file sentences.txt                    many sentences: heads.csv and overviews
  minibert viz --draw search --layer 2 --head 0        how the scale was chosen

Pictures for one head: joint and distances; with --draw also attention and search. For several: matrix, sheet (attention
maps) and layers, or with --file metrics, matrix and positions; with --draw any of these, and search. Layers and heads
count from 0.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = VIZ_HELP
    parser.add_argument("texts", metavar="TEXT", nargs="*", help=f'sentences (default: "{DEFAULT_TEXT}")')
    group = add_source(parser)
    group.add_argument(
        "--queries", type=int, default=0, metavar="N", help="to measure in each sentence (default: 5000 shared out)"
    )
    parser.add_argument("--model", default="tiny", help="bundled name, folder or hub id (default: tiny)")
    parser.add_argument("--layer", metavar="L", help="a layer, or all (default: chosen and named; all with --file)")
    parser.add_argument("--head", metavar="H", help="a head, or all (default: as --layer)")
    parser.add_argument("--draw", metavar="NAMES", help="pictures to draw, separated by commas (default: see above)")
    add_output(parser)
    group = parser.add_argument_group("which lines are drawn")
    group.add_argument("--link", metavar="WORD:WORD", help=f"a pair of words in red (default sentence: {DEFAULT_LINK})")
    group.add_argument(
        "--top", type=int, metavar="N", help="the N strongest pairs; else each query's most attended key"
    )
    group.add_argument("--above", type=float, metavar="P", help="all pairs with attention above P")
    group.add_argument("--no-special", action="store_true", help="draw no line from or to [CLS] and [SEP]")
    group.add_argument("--words", action="store_true", help="merge the pieces of a word")
    group = parser.add_argument_group("how queries and keys are moved")
    group.add_argument(
        "--scope", choices=("head", "layer", "model"), default="head", help="what shares one move and plane"
    )
    group.add_argument("--scale", type=float, metavar="C", help="the scale of paper and exact (default: searched)")
    group.add_argument(
        "--distance", choices=("euclidean", "pca", "cosine"), default="euclidean", help="searched by (paper)"
    )
    group.add_argument(
        "--weight", choices=("closeness", "attention", "none"), default="closeness", help="weighted by (paper)"
    )
    group.add_argument(
        "--dims", type=int, choices=(2, 3), default=2, help="dimensions of the joint picture (default: 2)"
    )


def run(args: argparse.Namespace) -> None:
    """Read, sample, fit, measure, write, draw."""
    if args.points < 1 or args.seed < 0 or args.queries < 0:
        raise ValueError("--points must be 1 or more, --queries and --seed 0 or more")
    if args.file is not None and args.texts:
        raise ValueError("give sentences either as TEXT or by --file, not both")
    default = not args.texts and args.file is None
    texts = args.texts or [DEFAULT_TEXT]
    link = args.link or (DEFAULT_LINK if default else None)
    if link is not None and not all(link.partition(":")):
        raise ValueError(f"--link is {link!r}; expected two words with a colon between, such as {DEFAULT_LINK}")

    bert = load(args.model)
    sentences = Sentences(bert, texts, args.file, args.skip_bad)
    out = writable_folder(args.out)
    everything = range(len(sentences))
    chosen = everything if args.file is None else sentences.sample(args.points, args.seed)
    sample = gather(bert, sentences, chosen)
    layers, heads, why = choose_heads(args, bert, sample, link)
    names = pictures(args.draw, single=len(layers) * len(heads) == 1, file=args.file is not None)

    from minibert.commands.pictures import LineChoice, Shown, lines_of, linked

    choice = LineChoice(args.top, args.above, args.no_special, args.words)
    lines_of(sample, layers[0], heads[0], choice)  # lines that cannot be drawn show here, before anything is written
    linked(sample, link, layers[0], heads[0])

    import viz

    weight = None if args.weight == "none" else args.weight
    ways = fit(
        sample,
        layers,
        heads,
        METHODS,
        scope=args.scope,
        scale=args.scale,
        distance=args.distance,
        weight=weight,
        dims=args.dims,
    )
    queries = args.queries or max(1, MOST_QUERIES // len(sentences))
    measured, habits, done = measure(bert, sentences, ways, layers, heads, queries, args.seed)
    path = out / "heads.csv"
    write_csv(path, head_rows(ways, measured, habits, layers, heads, args.dims))

    print(describe(bert, sentences, sample, args, why, done, habits, measured))
    print(head_table(ways, measured, layers, heads, args.dims))
    print()
    print(path)
    source = None if args.file is None else args.file.name
    about = (model_name(bert), sample, layers, heads, ways, measured, habits, done)
    shown = Shown(*about, source=source, link=link, lines=choice, scope=args.scope)
    for name in names:
        print(viz.save(names[name](shown), out / f"{file_name(name, layers, heads)}.{args.format}"))
    if done < len(sentences):
        raise KeyboardInterrupt


def choose_heads(args, bert: Bert, sample: Sample, link: str | None) -> tuple[range, range, str]:
    """The layers and heads asked for, and why; without a wish the one head that shows most."""
    layers = wished("layer", args.layer, bert.config.num_hidden_layers)
    heads = wished("head", args.head, bert.config.num_attention_heads)
    if args.file is not None or (args.layer is not None and args.head is not None):
        return layers, heads, ""

    import viz

    words = viz.find_words(sample.tokens, sample.words, sample.sentences)
    blocks = words.attention(
        [block[layers.start : layers.stop, heads.start : heads.stop] for block in sample.attention]
    )
    if link is not None:
        first, _, second = link.partition(":")
        shown = viz.link_words(words, first, second, blocks, merged=True).attention.mean(axis=-1)
        why = f"here {first} attends most to {second}"
    else:
        shown = 0
        for number, block in enumerate(blocks):
            special = words.special[words.sentences == number]
            others = ~(special[:, None] | special | np.eye(len(special), dtype=bool))
            shown = shown + (block * others).sum(axis=(-2, -1))
        why = "here words attend most to other words"
    layer, head = np.unravel_index(shown.argmax(), shown.shape)
    layers, heads = layers[layer : layer + 1], heads[head : head + 1]
    return layers, heads, f"layer {layers[0]}, head {heads[0]}: {why}"


def wished(kind: str, wish: str | None, count: int) -> range:
    """All layers or heads of a model, or the one asked for."""
    if wish in (None, "all"):
        return range(count)
    if not wish.isdecimal() or int(wish) >= count:
        raise ValueError(f"--{kind} is {wish}; this model has {kind}s 0 to {count - 1}, or all")
    return range(int(wish), int(wish) + 1)


def pictures(wish: str | None, single: bool, file: bool) -> dict:
    """The pictures to draw: what draws each, by name."""
    from minibert.commands.pictures import MANY_HEADS, ONE_HEAD

    known = ONE_HEAD if single else MANY_HEADS
    if wish is not None:
        names = [name.strip() for name in wish.split(",")]
    elif single:
        names = ["joint", "distances"]
    else:
        names = ["metrics", "matrix", "positions"] if file else ["matrix", "sheet", "layers"]
    for name in names:
        if name not in known:
            what = "one head" if single else "several heads"
            raise ValueError(f"--draw names {name!r}; for {what} there are: {', '.join(known)}")
    return {name: known[name] for name in names}


def describe(bert: Bert, sentences: Sentences, sample: Sample, args, why: str, done: int, habits, measured) -> str:
    """What was run, what was fitted on what, and what was left out."""
    lines = [model_name(bert)]
    if done < len(sentences):
        lines[0] += f": {done} of {len(sentences)} sentences, shorter ones first"
    tokens, queries = habits.queries[0, 0], measured[0].space.queries[0, 0]
    if args.file is None:
        lines += [f"  {text}" for text in sample.texts]
        if queries < tokens:
            lines.append(f"  measured: {queries} queries of {tokens} tokens")
    else:
        skipped = f", {sentences.left_out}" if args.skip_bad else ""
        lines.append(f"  measured: {done} sentences, {tokens} tokens, {queries} queries among them{skipped}")
        fitted = f"{len(sample.texts)} sentences, {len(sample.tokens)} tokens, drawn with seed {args.seed}"
        lines.append(f"  fitted and drawn: {fitted}")
    return "\n".join(lines + [why] * bool(why))


def file_name(picture: str, layers: range, heads: range) -> str:
    return f"{picture}-{layers[0]}.{heads[0]}" if len(layers) * len(heads) == 1 else picture

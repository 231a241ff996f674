"""The command `minibert explore` writes a page for the browser from sentences."""

import argparse
import json
from pathlib import Path
from typing import Any

from minibert.commands import arguments as arg
from minibert.commands.output import address_of, check_page, print_doubts, write_page
from minibert.corpus.doubts import Doubts
from minibert.corpus.lines import Corpus
from minibert.corpus.sentences import check_some, encoded
from minibert.errors import UserError
from minibert.explorer import BY_ITSELF, MOST, Selection, explore, select, why_not_live
from minibert.model import load
from minibert.terminal import counted, with_bar
from viz.errors import InputError
from viz.explorer.tour import check_tour
from viz.web.words import LANGUAGES

EXAMPLES = (
    "The brown capybara is sleeping now.",
    "The old man sat down in his chair and opened the letter.",
    "She opened the door and went out into the garden.",
    "In 1905 he published four papers; each of them changed the world.",
    "The keys to the old cabinet are on the table.",
    "A dog barked, and another dog answered from the hill.",
    "He gave her the book that his father had given him.",
    "It was cold in January, but warm again in April and May.",
    "Where is the captain? ||| He is in his cabin.",
    "The trophy did not fit into the suitcase because it was too large.",
    "One, two, three, four, five: the children counted the ships.",
    "I never said that; you said that I had said it.",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arg.add_texts(parser, f"{len(EXAMPLES)} examples")
    arg.add_file(parser)
    arg.add_model(parser)
    arg.add_page(parser, "explorer.html")
    points = "most points of a head, two per token; more sentences are sampled"
    arg.option(parser, "--points", arg.at_least(2), "N", points, 10_000)
    arg.option(parser, "--seed", arg.at_least(0), "N", "seed of the sample", 0)
    size = "largest size of the page, without a live model"
    arg.option(parser, "--size", arg.at_least(0.1, float, most=999), "MB", size, 15)
    arg.add_heads(parser, default="none: the heads in which long sentences are whole, where not all heads fit")
    parser.add_argument(
        "--live",
        action=argparse.BooleanOptionalAction,
        help=f"put the model into the page, to type sentences there (default: up to {BY_ITSELF / 1e6:.0f} million "
        f"parameters; at most {MOST / 1e6:.0f} million)",
    )
    arg.option(parser, "--tour", arg.path, "FILE", "your own guided tour, in JSON (see the README)")
    link = "link to this page of `minibert read` on the first sentence (default: read.html, where it exists)"
    arg.option(parser, "--read", str, "FILE", link)
    arg.choice(parser, "--language", LANGUAGES, "language of the page", "en")


def run(args: argparse.Namespace) -> None:
    """Write the page and print what is in it."""
    arg.check_source(args, args.texts)
    out = check_page(args.out, "explorer.html")
    tour = None if args.tour is None else read_tour(args.tour)
    bert = load(args.model)
    if args.live and (why := why_not_live(bert)):
        raise UserError(f"--live: {why}")
    layers, heads = arg.choose(args, bert.config)
    wished = args.layer is not None or args.head is not None
    corpus = Corpus(args.texts or EXAMPLES, args.file, args.column)
    encodings = [encoding for _, encoding in encoded(bert, corpus, args.skip_bad)]
    check_some(len(encodings), corpus)
    print_doubts(Doubts(bert).look(encodings))
    selection = select(bert, encodings, args.points, args.seed)
    if len(selection.encodings) == selection.count:
        arg.refuse(args, "seed", "where all sentences fit, since none is drawn at random")
    page = explore(
        bert,
        selection,
        size=int(args.size * 1e6),
        chosen=[(layer, head) for layer in layers for head in heads] if wished else [],
        live=args.live,
        tour=tour,
        language=args.language,
        code=address_of(args.read, out, "read.html"),
        progress=with_bar,
    )
    notes = []
    if args.live is None and page.why_not_live:
        hint = "" if why_not_live(bert) else "; --live puts it in"
        notes.append(f"nothing can be typed in it: {page.why_not_live}{hint}")
    if args.skip_bad:
        notes.append(f"{counted(sum(1 for _ in corpus) - len(encodings), 'line')} left out")
    if len(selection.encodings) < selection.count:
        notes.append(in_the_sample(selection))
    if page.left_out:
        notes.append(f"{page.left_out} --size, --layer and --head choose.")
    elif wished:
        notes.append("all heads are in it, so --layer and --head had no effect")
    write_page(page, out, notes, show=args.open)


def in_the_sample(selection: Selection) -> str:
    """Which sentences are in the page, and why not all."""
    why = f"a head gets at most {selection.points:,} points (--points)"
    if selection.points_here > selection.points:
        why = f"it alone has {selection.points_here:,} points per head, more than --points {selection.points:,}"
    sentences = counted(selection.count, "sentence")
    return f"{len(selection.encodings)} of {sentences} are in it, drawn at random (--seed): {why}"


def read_tour(path: Path) -> list[dict[str, Any]]:
    """A tour from a JSON file. UserError: the file cannot be read, or has something else."""
    try:
        return check_tour(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UserError(f"--tour {path} cannot be read ({error.strerror}); expected a JSON list of steps") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(f"--tour {path}: {error}; expected a JSON list of steps") from None
    except InputError as error:
        raise UserError(f"--tour {path}: {error}") from None

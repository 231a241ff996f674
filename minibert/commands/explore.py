"""The command `minibert explore` writes a page for the browser from sentences."""

import argparse
import json
import webbrowser
from pathlib import Path
from typing import Any

from minibert.commands.arguments import (
    add_file,
    add_heads,
    add_model,
    add_texts,
    at_least,
    check_source,
    choose,
    new_path,
    path,
    refuse,
)
from minibert.commands.output import check_page
from minibert.corpus.lines import Corpus
from minibert.corpus.sentences import check_some, encoded
from minibert.errors import UserError
from minibert.explorer import BY_ITSELF, MOST, Selection, explore, select, why_not_live
from minibert.model import load
from minibert.terminal import counted, with_bar
from viz.errors import InputError
from viz.explorer.tour import check_tour

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
    add_texts(parser, f"{len(EXAMPLES)} examples")
    add_file(parser)
    add_model(parser)
    parser.add_argument(
        "--out",
        type=new_path,
        default=Path("explorer.html"),
        help="the page, or a folder for it (default: explorer.html)",
    )
    parser.add_argument(
        "--points",
        type=at_least(2),
        default=10_000,
        metavar="N",
        help="most points of a head, two per token; more sentences are sampled (default: 10000)",
    )
    parser.add_argument("--seed", type=at_least(0), default=0, metavar="N", help="seed of the sample (default: 0)")
    parser.add_argument(
        "--size",
        type=at_least(0.1, float, most=999),
        default=15,
        metavar="MB",
        help="largest size of the page, without a live model (default: 15)",
    )
    add_heads(parser, default="none: the heads in which long sentences are whole, where not all heads fit")
    parser.add_argument(
        "--live",
        action=argparse.BooleanOptionalAction,
        help=f"put the model into the page, to type sentences there (default: up to {BY_ITSELF / 1e6:.0f} million "
        f"parameters; at most {MOST / 1e6:.0f} million)",
    )
    parser.add_argument("--tour", type=path, metavar="FILE", help="your own guided tour, in JSON (see the README)")
    parser.add_argument(
        "--read",
        metavar="FILE",
        help="link to this page of `minibert read` on the first sentence (default: read.html, where it exists)",
    )
    parser.add_argument("--language", choices=("en", "ja"), default="en", help="language of the page (default: en)")
    parser.add_argument("--open", action="store_true", help="open the page in the browser")


def run(args: argparse.Namespace) -> None:
    """Write the page and print what is in it."""
    check_source(args, args.texts)
    out = check_page(args.out, "explorer.html")
    tour = None if args.tour is None else read_tour(args.tour)
    bert = load(args.model)
    if args.live and (why := why_not_live(bert)):
        raise UserError(f"--live: {why}")
    layers = choose("layer", args.layer, bert.config.num_hidden_layers)
    heads = choose("head", args.head, bert.config.num_attention_heads)
    wished = args.layer is not None or args.head is not None
    corpus = Corpus(args.texts or EXAMPLES, args.file, args.column)
    encodings = [encoding for _, encoding in encoded(bert, corpus, args.skip_bad)]
    check_some(len(encodings), corpus)
    selection = select(bert, encodings, args.points, args.seed)
    if len(selection.encodings) == selection.count:
        refuse(args, "seed", "where all sentences fit, since none is drawn at random")
    page = explore(
        bert,
        selection,
        size=int(args.size * 1e6),
        chosen=[(layer, head) for layer in layers for head in heads] if wished else [],
        live=args.live,
        tour=tour,
        language=args.language,
        code=("read.html" if (out.parent / "read.html").is_file() else "") if args.read is None else args.read,
        progress=with_bar,
    )
    page.save(out)
    print(f"{out}  {out.stat().st_size / 1e6:.1f} MB: open it in any browser, with or without a network")
    if args.live is None and page.why_not_live:
        hint = "" if why_not_live(bert) else "; --live puts it in"
        print(f"nothing can be typed in it: {page.why_not_live}{hint}")
    if args.skip_bad:
        print(f"{counted(sum(1 for _ in corpus) - len(encodings), 'line')} left out")
    if len(selection.encodings) < selection.count:
        print(in_the_sample(selection))
    if page.left_out:
        print(f"{page.left_out} --size, --layer and --head choose.")
    elif wished:
        print("all heads are in it, so --layer and --head had no effect")
    if args.open:
        webbrowser.open(out.resolve().as_uri())


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

"""The command `minibert explore`: sentences in, one page for the browser out."""

import argparse
import json
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minibert.checkpoint.tokenizer import Encoding
from minibert.commands.live import BY_ITSELF, MOST, live_parts, parameters
from minibert.commands.sentences import Sentences
from minibert.model import Bert, Text, load
from minibert.trace import Trace

PAIR = "|||"
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
    parser.add_argument(
        "text",
        metavar="TEXT",
        nargs="*",
        help=f'a sentence, or a pair: "first {PAIR} second" (default: {len(EXAMPLES)} examples)',
    )
    parser.add_argument("--file", type=Path, metavar="FILE", help="sentences, one a line; pairs as above")
    parser.add_argument("--skip-bad", action="store_true", help="leave out lines that cannot be read, and count them")
    parser.add_argument("--model", default="tiny", help="bundled name, folder or hub id (default: tiny)")
    parser.add_argument("--out", type=Path, default=Path("explorer.html"), help="the page (default: explorer.html)")
    parser.add_argument(
        "--points", type=int, default=10_000, help="points a head at most, two a token (default: 10000)"
    )
    parser.add_argument(
        "--size",
        type=float,
        default=15,
        metavar="MB",
        help="largest size of the page, without a live model (default: 15)",
    )
    parser.add_argument("--layer", type=int, help="keep this layer's heads of sentences too long for all heads")
    parser.add_argument("--head", type=int, help="and of these only this one")
    parser.add_argument(
        "--live",
        action=argparse.BooleanOptionalAction,
        help=f"put the model into the page, so that one can type there (default: up to {BY_ITSELF / 1e6:.0f} million "
        f"parameters; at most {MOST / 1e6:.0f} million)",
    )
    parser.add_argument("--tour", type=Path, metavar="FILE", help="a guided tour of your own, in JSON (see the README)")
    parser.add_argument(
        "--read",
        metavar="FILE",
        help="a page of `minibert read` of the first sentence, to link to (default: read.html, if it is there)",
    )
    parser.add_argument("--language", choices=("en", "ja"), default="en", help="of the page (default: en)")
    parser.add_argument("--open", action="store_true", help="open the page in the browser")


def run(args: argparse.Namespace) -> None:
    """Write the page and say what is in it."""
    if args.out.is_dir():
        raise ValueError(f"--out {args.out} is a folder; name a file, such as {args.out / 'explorer.html'}")
    if not 0 < args.size < 1000:
        raise ValueError(f"--size is {args.size}; expected a number of megabytes, such as 15")
    if args.points < 2:
        raise ValueError(f"--points is {args.points}; expected 2 or more")
    tour = None if args.tour is None else read_tour(args.tour)
    bert = load(args.model)
    chosen = chosen_heads(bert, args.layer, args.head)
    encodings, skipped = [], 0
    if args.text or not args.file:
        encodings += Sentences(bert, args.text or EXAMPLES)
    if args.file:
        lines = Sentences(bert, path=args.file, skip_bad=args.skip_bad)
        encodings, skipped = [*encodings, *lines], lines.skipped
    page = explore(
        bert,
        encodings,
        points=args.points,
        room=int(args.size * 1e6),
        chosen=chosen,
        live=args.live,
        tour=tour,
        language=args.language,
        code=("read.html" if (args.out.parent / "read.html").is_file() else "") if args.read is None else args.read,
    )
    path = page.save(args.out)
    if skipped:
        print(f"{skipped} lines of {args.file} skipped", file=sys.stderr)
    print(f"{path}  {path.stat().st_size / 1e6:.1f} MB: open it in any browser, with or without a network")
    if page.left_out:
        print(page.left_out)
    if args.open:
        webbrowser.open(path.resolve().as_uri())


def explore(
    bert: Bert,
    texts: Sequence[Text],
    *,
    points: int = 10_000,
    room: int = 15_000_000,
    seed: int = 0,
    chosen: Sequence[tuple[int, int]] = (),
    live: bool | None = None,
    tour: list[dict] | None = None,
    language: str = "en",
    code: str = "",
):
    """The page for these sentences: a `viz.explorer.Explorer`, which has `.save(path)` and shows itself in a notebook.

    Where the sentences have more than `points` points (two a token), the model reads a seeded sample of them only.
    live: put the model into the page; None: if it is a small one. The others are as in `viz.explore`.
    """
    from huggingface_hub.utils import tqdm  # here, because none of this is needed by those who do not draw

    import viz
    from viz.explorer.words import words as table

    say = table(language)
    encodings = [split_pair(bert, bert.encode(text)) for text in texts]
    wanted = sample([len(encoding) for encoding in encodings], points, seed)
    encodings = [encodings[i] for i in wanted]
    name = Path(bert.name).resolve().name if Path(bert.name).is_dir() else bert.name  # no need to tell where it lies
    notes = [say["note_model"].format(name=name)]
    if len(encodings) < len(texts):
        counts = {"chosen": len(encodings), "count": len(texts), "seed": seed, "points": f"{points:,}"}
        notes.append(say["note_sample"].format(**counts))
    model, why = live_model(bert, live)
    size = parameters(bert)
    notes.append(say["note_live"].format(numbers=f"{size:,}") if model else say["note_not_live"].format(why=why))
    traces = bert.stream(encodings, keep=("query", "key", "value"))
    parts = [arrays(trace) for trace in tqdm(traces, total=len(wanted), desc="reading", unit="sentence", leave=False)]
    tokens, words, segments, query, key, value_length = zip(*parts, strict=True)
    return viz.explore(
        tokens,
        query,
        key,
        value_length=value_length,
        words=words,
        segments=segments,
        texts=[e.text if isinstance(e.text, str) else f" {PAIR} ".join(e.text) for e in encodings],
        spans=[[None if w is None else o for o, w in zip(e.offsets, e.words, strict=True)] for e in encodings],
        title=f"minibert · {Path(bert.name).resolve().name}",
        notes=notes,
        room=room,
        chosen=chosen,
        live=model,
        tour=tour,
        language=language,
        code=code,
        progress=lambda layers: tqdm(layers, desc="layers", unit="layer", leave=False),
    )


def live_model(bert: Bert, wanted: bool | None) -> tuple:
    """The model for the page, or None and why not. ValueError: it was asked for and cannot be."""
    size = parameters(bert)
    try:
        if wanted is False:
            raise ValueError("--no-live")
        if size > MOST:
            raise ValueError(f"{bert.name} has {size / 1e6:.1f} million parameters; a page can hold {MOST / 1e6:.0f}")
        if wanted is None and size > BY_ITSELF:
            raise ValueError(f"{bert.name} has {size / 1e6:.1f} million parameters; --live puts them in")
        return live_parts(bert), ""
    except ValueError as why:
        if wanted:
            raise ValueError(f"--live: {why}") from None
        return None, str(why)


def chosen_heads(bert: Bert, layer: int | None, head: int | None) -> list[tuple[int, int]]:
    """The heads that --layer and --head name."""
    counts = {"layer": bert.config.num_hidden_layers, "head": bert.config.num_attention_heads}
    for name, value in (("layer", layer), ("head", head)):
        if value is not None and not 0 <= value < counts[name]:
            raise ValueError(f"--{name} is {value}; {bert.name} has {name}s 0 to {counts[name] - 1}")
    if layer is None and head is None:
        return []
    layers = range(counts["layer"]) if layer is None else [layer]
    return [(at, h) for at in layers for h in (range(counts["head"]) if head is None else [head])]


def read_tour(path: Path) -> list[dict]:
    """A tour from a JSON file. ValueError: a file that is not there, or holds something else."""
    from viz.explorer.tour import check_tour

    try:
        return check_tour(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"--tour {path}: {error}; expected a JSON list of steps") from None
    except ValueError as error:
        raise ValueError(f"--tour {path}: {error}") from None


def split_pair(bert: Bert, encoding: Encoding) -> Encoding:
    """ "first ||| second" is a pair, as in the scripts BERT was published with."""
    if not isinstance(encoding.text, str) or PAIR not in encoding.text:
        return encoding
    first, _, second = encoding.text.partition(PAIR)
    return bert.encode((first.strip(), second.strip()))


def sample(sizes: Sequence[int], points: int, seed: int) -> list[int]:
    """Which sentences of so many tokens have at most `points` points (two a token) together: all, or a seeded sample of
    them, in their order; one at least."""
    if 2 * sum(sizes) <= points:
        return list(range(len(sizes)))
    order = np.random.default_rng(seed).permutation(len(sizes))
    enough = int(np.searchsorted(2 * np.cumsum(np.array(sizes)[order]), points, side="right"))
    return sorted(order[: max(enough, 1)].tolist())


def arrays(trace: Trace) -> tuple:
    """What the page needs of a trace; of the values only their lengths."""
    query, key, value = (
        np.stack([getattr(layer, name) for layer in trace.layers]) for name in ("query", "key", "value")
    )
    return trace.tokens, trace.words, trace.token_type_ids, query, key, np.linalg.norm(value, axis=-1)

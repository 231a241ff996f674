"""`minibert viz --vocabulary`: what heads of layer 0 look for, over all tokens of the vocabulary."""

import argparse
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

import viz
from minibert.commands import arguments as arg
from minibert.commands.output import folder_name, folder_of_run, path_part
from minibert.errors import UserError
from minibert.files import write_csv
from minibert.model import Bert, load
from minibert.speed.cores import one_thread
from minibert.terminal import counted, model_name, padded, printable, rounded, with_bar
from minibert.whatif.vocabulary import best_keys, vocabulary_points
from viz.geometry.score_plane import score_plane

USED = ("help", "vocabulary", "place", "layer", "head", "top", "model", "out", "width", "format", "file")
"""The options that have an effect, and --file, which has a message of its own."""
TOP, TOP_OF_ALL = 10, 8
"""How many keys of a word, or pairs of all words, are printed and drawn."""
DEFAULT_PLACE = 1
"""The first after [CLS]."""


class Pair(NamedTuple):
    """A word as a query and one as a key: their ids, and their score less its mean over the vocabulary."""

    query: int
    key: int
    score: float


def run(args: argparse.Namespace) -> None:
    """For each head a table of the highest scores, a file with all that were found, and a picture."""
    options = [max(action.option_strings, key=len)[2:] for action in args.parser._actions if action.option_strings]
    arg.refuse(args, " ".join(option for option in options if option not in USED), "with --vocabulary")
    if args.texts or args.file is not None:
        raise UserError("--vocabulary needs no sentence: it is of all words; leave the texts out")
    bert = load(args.model)
    layers, heads = arg.choose(args, bert.config)
    if args.layer is not None and layers != [0]:
        raise UserError(f"--layer is {args.layer}; --vocabulary is of layer 0, the only one that needs no sentence")
    words = words_of(bert)
    wanted = id_of(bert, words, args.vocabulary) if args.vocabulary else None
    place = DEFAULT_PLACE if args.place is None else args.place
    name = f"vocabulary_{path_part(args.vocabulary)}" if args.vocabulary else "vocabulary"
    name += f"_place-{place}" * (place != DEFAULT_PLACE)
    files = [f"vocabulary-0.*.{ending}" for ending in ("csv", args.format)]
    folder = folder_of_run(args.out, folder_name(bert), name, files=files)
    for head in heads:
        query_VK, key_VK = vocabulary_points(bert, head, place)
        top = args.top or (TOP if wanted is not None else TOP_OF_ALL)
        pairs = list(highest(query_VK, key_VK, top, wanted, words))
        shown = pairs if wanted is not None else strongest(pairs, top)
        x, y, held = score_plane(query_VK, key_VK)
        print("\n".join(map(printable, lines(bert, words, head, place, shown, wanted))))
        path = folder / f"vocabulary-0.{head}.csv"
        write_csv(path, [row(words, pair) for pair in pairs])
        known = [number for number, word in enumerate(words) if word]
        at = {number: place_ for place_, number in enumerate(known)}
        ends = np.array([[at[pair.query], at[pair.key]] for pair in shown])
        figure = viz.vocabulary_figure(
            x[known],
            y[known],
            [words[number] for number in known],
            ends,
            title=f"{model_name(bert)} · head 0.{head} · {counted(len(known), 'token')} at place {place}",
            caption=caption(held, None if wanted is None else words[wanted]),
            width=args.width,
        )
        print(path)
        print(viz.save(figure, path.with_suffix(f".{args.format}")), end="\n\n" if head != heads[-1] else "\n")


def words_of(bert: Bert) -> list[str]:
    """The token with each id, "" for ids that no text has: those without a token, and [unused0] and its like."""
    number = len(bert.weights.embeddings.word)
    tokens = [bert.tokenizer.token(i) for i in range(number)]
    return ["" if token.startswith("[unused") else token for token in tokens]


def id_of(bert: Bert, words: Sequence[str], wanted: str) -> int:
    """The id of a word. Raises UserError where the vocabulary has it only in pieces, or not at all."""
    if wanted in words:
        return words.index(wanted)
    encoding = bert.encode(wanted)
    ids = [i for i, role in zip(encoding.input_ids, encoding.roles, strict=True) if role is None]
    if len(ids) == 1:
        return ids[0]
    pieces = ", ".join(words[i] for i in ids) or "nothing that the vocabulary has"
    raise UserError(f"--vocabulary is {wanted!r}, which the model cuts into {pieces}; expected one of its own tokens")


def highest(
    query_VK: np.ndarray, key_VK: np.ndarray, top: int, wanted: int | None, words: Sequence[str]
) -> Iterator[Pair]:
    """The keys of the highest scores of one word, or the one of each word. Ids that no text has are left out."""
    known = np.array([number for number, word in enumerate(words) if word])
    queries, count = ([wanted], top) if wanted is not None else (known.tolist(), 1)
    with one_thread():
        found = best_keys(query_VK[queries], key_VK[known], count)
        for query, (keys, scores) in zip(queries, with_bar(found, len(queries), "words"), strict=True):
            for key, score in zip(known[keys].tolist(), scores.tolist(), strict=True):
                yield Pair(query, key, score)


def strongest(pairs: Sequence[Pair], count: int) -> list[Pair]:
    """Those of the highest scores, none with the key of another."""
    best: dict[int, Pair] = {}
    for pair in sorted(pairs, key=lambda pair: -pair.score):
        best.setdefault(pair.key, pair)
        if len(best) == count:
            break
    return list(best.values())


def row(words: Sequence[str], pair: Pair) -> dict[str, object]:
    return {"query": words[pair.query], "key": words[pair.key], "score": rounded(pair.score)}


def lines(
    bert: Bert, words: Sequence[str], head: int, place: int, shown: Sequence[Pair], wanted: int | None
) -> Iterator[str]:
    """The highest scores, as a table."""
    about = (
        "the highest scores, one for each key"
        if wanted is None
        else f"the keys with the highest scores for “{words[wanted]}”"
    )
    yield f"{model_name(bert)}, head 0.{head}, all {counted(sum(map(bool, words)), 'token')} at place {place}: {about}"
    width = max(len(words[pair.query]) for pair in shown)
    yield " score  query and key"
    for pair in shown:
        yield f"{pair.score:+6.2f}  {padded(words[pair.query], width)}  {words[pair.key]}"
    yield "score: q . k / sqrt(head size), less its mean over the vocabulary"


def caption(held: float, word: str | None) -> str:
    which = "the highest scores, one for each key" if word is None else f"the keys of the highest scores of “{word}”"
    return (
        "Each token is there twice: as a query and as a key, both at the same place of a sentence. In this plane, dot "
        f"products come nearest to the scores of all pairs, less their mean over the keys: it holds {held:.0%} of "
        f"their squares. Lines: {which}."
    )

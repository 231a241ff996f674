"""`minibert whatif --words`: which words the answer needs."""

import argparse
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from minibert.commands import arguments as arg
from minibert.commands.answers import print_answers
from minibert.commands.output import folder_name, folder_of_run, name_of_texts
from minibert.corpus.sentences import as_text
from minibert.files import csv_table
from minibert.model import Bert, load
from minibert.terminal import columns, model_name, padded, printable, quoted, rounded, with_bar
from minibert.tokenizer.encoding import Encoding
from minibert.whatif.words import WordEffects, asked, word_effects

MOST_BARS = 40
"""The picture has so many words, those that change the answer most."""

LITTLE = 0.05
"""Where all costs are smaller, no word alone decides: a cost of 0.05 nats turns 0.95 into 0.90."""

LEAST = 0.1
"""Costs that are next to nothing shall look it: the axis has this length at least."""


def run(args: argparse.Namespace, texts: list[str]) -> None:
    """A table of the words of each text, and a picture of those of one text."""
    if args.file is not None:
        arg.refuse(args, "out format width", "with --words and --file, which draw no picture")
    bert, number = load(args.model), itertools.count()
    folder = Path()
    if args.file is None and not args.json:
        name, files = name_of_texts(list(map(as_text, texts)), None, {}), [f"words.{args.format}"]
        folder = folder_of_run(args.out, "whatif", folder_name(bert), name, files=files)

    def answer(encoding: Encoding) -> WordEffects:
        found = word_effects(bert, encoding.text, watched)
        of_file = {} if args.file is None else {"sentence": next(number)}
        add(of_file | row for row in rows(found))
        return found

    def show(found: WordEffects) -> Iterator[str]:
        yield from table(found, args.top, how(bert))
        if args.file is None:
            path = folder / f"words.{args.format}"
            draw(path, found, f"{model_name(bert)} · {{}} · {quoted(list(map(as_text, texts)))}", how(bert), args.width)
            yield str(path)

    def as_json(found: WordEffects) -> dict[str, object]:
        words = list(rows(found))
        numbers = {"answer": found.answer} if found.answer else {}
        chosen = [words[i] for i in order(found, args.top)]
        return numbers | {"before": rounded(found.before), "without": how(bert), "words": chosen}

    with csv_table(args.csv) as add:
        print_answers(args, bert, texts, answer, show, as_json, check=lambda encoding: asked(bert, encoding.text))


def watched(encodings: list[Encoding]) -> Iterable[Encoding]:
    return with_bar(encodings, len(encodings), "words")


def how(bert: Bert) -> str:
    """What is done to each word."""
    mask = bert.tokenizer.mask_id
    return "left out" if mask is None else f"replaced by {bert.tokenizer.token(mask)}"


def order(found: WordEffects, top: int | None) -> list[int]:
    """The numbers of the words in the order of the text; or of so many, the costliest first."""
    return list(range(len(found.words))) if top is None else np.argsort(-found.cost, kind="stable")[:top].tolist()


def table(found: WordEffects, top: int | None, done: str) -> Iterator[str]:
    """One line per word: its cost, the number that is left, and the answer without it."""
    width = max([4, *(columns(printable(word.name)) for word in found.words)])
    yield f"{found.answer}: {found.before:.3f} with all words" if found.answer else "the vector of the text"
    yield f" {padded('word', width)}   cost  {'left  answer' if found.answer else 'cosine'}"
    for i in order(found, top):
        word, cost = found.words[i], found.cost[i]
        line = f" {padded(printable(word.name), width)} {cost:z6.2f} {word.after:{'' if found.answer else 'z'}6.3f}"
        yield f"{line}  {word.answer}".rstrip()
    turned = sum(word.answer != found.answer for word in found.words)
    changes = {0: "; none changes the answer", 1: "; 1 changes the answer"}
    last = changes.get(turned, f"; {turned} change the answer") if found.answer else ""
    yield f"each word in turn is {done}{last}"
    if len(found.words) > 1 and np.abs(found.cost).max() < LITTLE:
        yield f"no single word decides: every cost is below {LITTLE:g}"


def rows(found: WordEffects) -> Iterator[dict[str, object]]:
    """A row per word."""
    for word, cost in zip(found.words, found.cost, strict=True):
        row: dict[str, object] = {"position": word.position, "word": word.name, "cost": rounded(float(cost))}
        if found.answer:
            row |= {"answer": found.answer, "before": rounded(found.before), "after": rounded(word.after)}
            yield row | {"answer_without": word.answer}
        else:
            yield row | {"cosine": rounded(word.after)}


def draw(path: Path, found: WordEffects, title: str, done: str, width: float) -> None:
    """Draw the costs as bars, in the order of the text."""
    import viz

    shown = sorted(np.argsort(-np.abs(found.cost), kind="stable")[:MOST_BARS].tolist())
    names = [word.name for word in found.words]
    several = {name for name in names if names.count(name) > 1}
    bars = {
        f"{name} ({found.words[i].position})" if (name := names[i]) in several else name: float(found.cost[i])
        for i in shown
    }
    if found.answer:
        what, unit = f"what “{found.answer}” needs", "cost, in nats"
        cost = "log(probability of the answer with all words / without this one)"
    else:
        what, unit, cost = "what the vector needs", "cost", "1 - the cosine of the vectors with and without this word"
    twice = " In brackets: the position of a word that is there several times." if several else ""
    some = f" Of {len(names)} words, the {MOST_BARS} that change most." if len(names) > MOST_BARS else ""
    caption = f"Each word in turn is {done}. Cost: {cost}. Costs of several words do not add up.{twice}{some}"
    figure = viz.terms_figure(
        bars, title=title.format(what), unit=unit, caption=caption, total=False, least=LEAST, width=width
    )
    viz.save(figure, path)

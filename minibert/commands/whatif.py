"""Switches every head off in turn and prints how the model's answer changes. The answer is the likeliest word at the
first [MASK] of the text or, for a text without one, the label of the classifier. The cost of a head is
log(probability with all heads / without this one) in nats: above 0 where the answer needs the head, below 0 where
the answer is likelier without it. With --file, the command prints and draws the mean cost over the sentences.

With --words, each word in turn is replaced by [MASK] instead, all pieces of it at once (a model without a mask token
leaves the word out). A model that answers by neither word nor label gives the text's vector, as `minibert embed` does;
then the cost is 1 - the cosine of the vectors with and without the word.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from minibert.commands import arguments as arg
from minibert.commands import whatif_words
from minibert.commands.answers import texts_of
from minibert.commands.output import folder_name, folder_of_run, name_of_texts, print_doubts, print_json
from minibert.corpus.doubts import Doubts
from minibert.corpus.lines import Corpus
from minibert.corpus.sentences import Sentences, as_text
from minibert.files import check_new_file, write_csv
from minibert.model import load
from minibert.terminal import counted, model_name, printable, quoted, rounded, text_line, with_bar
from minibert.tokenizer.encoding import Encoding
from minibert.whatif.heads import Effects, check_answer, head_effects

CAPTION = (
    "One row per layer, one column per head. Cost: log(probability with all heads / without this one); below 0, the "
    "answer is likelier without it. Costs of several heads do not add up."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = __doc__
    arg.add_text(parser, help="a text with [MASK] in the place of a word, or a pair with |||")
    arg.add_model(parser)
    parser.add_argument("--words", action="store_true", help="change every word in turn, not every head")
    top = "how many heads or words to print, costliest first (default: 5 heads; with --json all; all words, in order)"
    arg.option(parser, "--top", arg.at_least(1), "N", top)
    arg.option(parser, "--csv", arg.new_path, "FILE", "also write all costs, a row per sentence and head or word")
    arg.add_output(parser, default="out/whatif/MODEL/TEXT")
    arg.add_json(parser)


def run(args: argparse.Namespace) -> None:
    """A table of the costliest heads, and a picture of all of them."""
    texts = texts_of(args, 'a text with [MASK] in it: "The capybara is [MASK]."')
    check_new_file(args.csv, "--csv", ".csv")
    if args.json:
        arg.refuse(args, "out format width", "with --json, which draws no picture")
    if args.words:
        whatif_words.run(args, texts)
        return
    bert, corpus = load(args.model), Corpus(texts, args.file, args.column)
    sentences = Sentences(bert, corpus, args.skip_bad, check=lambda encoding: check_answer(bert, encoding))
    name = name_of_texts(list(map(as_text, texts)), args.file, arg.given(args, "skip-bad column"))
    files = [f"heads.{args.format}"]
    folder = Path() if args.json else folder_of_run(args.out, "whatif", folder_name(bert), name, files=files)
    encodings, found = list(sentences), []
    for encoding in with_bar(encodings, len(encodings), "sentences"):
        found.append(head_effects(bert, encoding))
    print_doubts(Doubts(bert).look(encodings))
    if args.csv is not None:
        write_csv(args.csv, rows(found, many=args.file is not None))
    if args.json:
        answers = [asked(encoding) | as_json(one, args.top) for encoding, one in zip(encodings, found, strict=True)]
        many = {"sentences": answers, "skipped": len(sentences.skipped)}
        print_json({"model": model_name(bert)} | (answers[0] if args.file is None else many))
        return
    if args.file is None:
        (effects,), (encoding,) = found, encodings
        lines, cost = table(effects, args.top or 5, encoding.roles.count("mask")), effects.cost
        name, what = "cost", f"what “{effects.answer}” needs · {quoted([encoding.text])}"
    else:
        some = f"{counted(len(found), 'sentence')} of {corpus.short_name}"
        heading = ", ".join(filter(None, [f"mean over {some}", sentences.left_out]))
        lines, cost = mean_table(found, heading, args.top or 5), mean_cost(found)
        name, what = "mean cost", f"what the answers need · {some}"
    print("\n".join(map(printable, lines)))
    path = folder / f"heads.{args.format}"
    draw(path, cost, f"{name} of each head, in nats", f"{model_name(bert)} · {what}", args.width)
    print(path)


def draw(path: Path, cost: np.ndarray, name: str, title: str, width: float) -> None:
    import viz

    layers, heads = cost.shape
    largest = max(0.1, float(np.abs(cost).max()))  # costs that are next to nothing shall look it
    limits = {name: (-largest, largest)}
    places = range(layers), range(heads)
    figure = viz.heatmap_figure({name: cost}, *places, limits=limits, caption=CAPTION, title=title, width=width)
    viz.save(figure, path)


def costliest(cost: np.ndarray) -> list[tuple[int, int]]:
    order = np.argsort(-cost, axis=None, kind="stable")
    return [(int(layer), int(head)) for layer, head in zip(*np.unravel_index(order, cost.shape), strict=True)]


def table(effects: Effects, top: int, masks: int) -> list[str]:
    """One line per head: its cost, the probability that is left, and the answer without it."""
    which = f" (the first of {masks} masks)" if masks > 1 else ""
    lines = [f"{effects.answer}: {effects.before:.3f} with all heads{which}", " head   cost  left  answer"]
    for at in costliest(effects.cost)[:top]:
        lines.append(f"{at[0]:>3}.{at[1]:<2}{effects.cost[at]:z6.2f} {effects.after[at]:5.3f}  {effects.turned[at]}")
    needed, turned = int((effects.cost > 0.01).sum()), int((effects.turned != effects.answer).sum())
    changes = (
        "none changes the answer" if not turned else f"{turned} {'changes' if turned == 1 else 'change'} the answer"
    )
    return [*lines, f"{needed} of {effects.cost.size} heads cost more than 0.01; {changes}"]


def mean_cost(found: Sequence[Effects]) -> np.ndarray:
    return np.mean([effects.cost for effects in found], axis=0)


def mean_table(found: Sequence[Effects], heading: str, top: int) -> list[str]:
    """One line per head: its mean cost, and how many answers change without it."""
    cost = mean_cost(found)
    changed = np.sum([effects.turned != effects.answer for effects in found], axis=0)
    lines = [heading, " head   cost  answers that change without it"]
    return [
        *lines,
        *(f"{at[0]:>3}.{at[1]:<2}{cost[at]:z6.2f}  {changed[at]} of {len(found)}" for at in costliest(cost)[:top]),
    ]


def rows(found: Sequence[Effects], many: bool) -> Iterator[dict[str, object]]:
    """For CSV: a row per head, with the number of its sentence where there are many."""
    for number, effects in enumerate(found):
        for layer, head in np.ndindex(effects.cost.shape):
            at = layer, head
            numbers = {"cost": float(effects.cost[at]), "before": effects.before, "after": float(effects.after[at])}
            where = {"sentence": number} if many else {}
            of_head = {"layer": layer, "head": head, "answer": effects.answer} | numbers
            yield where | of_head | {"answer_without": effects.turned[at]}


def asked(encoding: Encoding) -> dict[str, object]:
    """For JSON: the text, and the position of the mask that the answer is about, the first of all."""
    text = {"text": text_line(encoding.text)}
    return text | ({"mask": encoding.roles.index("mask")} if "mask" in encoding.roles else {})


def as_json(effects: Effects, top: int | None) -> dict[str, object]:
    """The heads, the costliest first: all of them, or so many."""
    heads = []
    for layer, head in costliest(effects.cost)[:top]:
        at = layer, head
        numbers = {"cost": rounded(effects.cost[at]), "after": rounded(effects.after[at])}
        heads.append({"layer": layer, "head": head} | numbers | {"answer": effects.turned[at]})
    return {"answer": effects.answer, "before": rounded(effects.before), "heads": heads}

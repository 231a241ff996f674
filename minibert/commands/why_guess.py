"""`minibert why TEXT --guess`: a guess at a mask, followed back to words and positions."""

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from minibert.commands import arguments as arg
from minibert.commands.output import folder_name, folder_of_run, name_of_texts, path_part, print_json
from minibert.commands.places import place_of
from minibert.corpus.sentences import as_text
from minibert.errors import UserError
from minibert.files import write_csv
from minibert.model import Bert, load
from minibert.terminal import model_name, printable, quoted, rounded, with_bar
from minibert.trace import Trace
from minibert.whatif.guess import Node, way_back

COLUMNS = {
    "without": ("guess without it", 3),
    "attention": ("attention", 2),
    "score": ("adds to the score", 2),
    "attention_without": ("attention without it", 2),
}
"""Fields of a node: their headings, and how many decimals they have."""
CAPTION = (
    "Each number is the sum of the numbers one step to the right, below it. The first is {lead}. The sums are exact "
    "for the layer norms, activations and attention of this run. “Guess without it” is the probability of the guess in "
    "a run in which {token} lacks this part. “Adds to the score” is about the token that a head reads: its score less "
    "the mean over all keys. “Attention without it” is the attention to this token if its score lacks the part."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of a guess."""
    back = "explain a guess at the first mask, or at --query: follow it back to words (default: the likeliest WORD)"
    parser.add_argument("--guess", metavar="WORD", nargs="?", const="", help=back)
    arg.option(parser, "--steps", arg.at_least(0), "N", "with --guess: how many parts are followed (default: 8)")


def run(args: argparse.Namespace) -> None:
    """Print the way back from the guess that the arguments name, and draw it."""
    arg.refuse(args, "layer head key", "with --guess, which explains a guess and no score")
    if args.json:
        arg.refuse(args, "out format width", "with --json, which draws no picture")
    bert, text = load(args.model), as_text(args.text)
    folder = None
    if not args.json:
        name, files = name_of_texts([text], None, {}), [f"guess-*.{args.format}"]
        folder = folder_of_run(args.out, "why", folder_name(bert), name, files=files)
    encoding = bert.encode(text)
    logits_TV, trace = bert.logits(encoding), bert(encoding)
    guess = word_id(bert, args.guess, "--guess") if args.guess else None
    instead = None if args.instead is None else word_id(bert, args.instead, "--instead")
    masks = bert.tokenizer.find_masks
    place = masks(encoding)[0] if args.query is None else place_of(trace, args.query, "--query")
    guess = int(np.argmax(logits_TV[place])) if guess is None else guess
    if instead == guess:
        raise UserError(f"--instead is the guess itself, {bert.tokenizer.token(guess)!r}; expected another word")
    steps = 8 if args.steps is None else args.steps
    root = way_back(bert, trace, place, guess, instead, keep=args.top or 5, steps=steps, watch=watched)
    level = "the mean over the vocabulary" if instead is None else f"that of “{bert.tokenizer.token(instead)}”"
    lead = f"the logit of “{root.name}” less {level}"
    heading = f"“{root.name}” has probability {root.without:.3f} at {trace.tokens[place]} ({place})"
    if folder is not None:
        path = folder / f"guess-{place}-{'-not-'.join(file_names(bert, guess, instead))}.{args.format}"
        caption = CAPTION.format(lead=lead, token=trace.tokens[place])
        draw(path, root, f"{model_name(bert)} · {quoted([text])}\n{heading}", caption, args.width)
    if args.csv is not None:
        write_csv(args.csv, list(rows(root, trace)))
    if folder is None:
        of_text = {"model": model_name(bert), "text": args.text, "tokens": trace.tokens}
        print_json(of_text | {"lead": lead, "guess": as_json(root)})
    else:
        print("\n".join(map(printable, [heading, *lines(root), f"lead: {lead}", str(path)])))


def file_names(bert: Bert, *words: int | None) -> list[str]:
    """Words as parts of the name of a file; one without letters by its id."""
    numbers = [number for number in words if number is not None]
    return [path_part(bert.tokenizer.token(number)).strip("-.,") or str(number) for number in numbers]


def word_id(bert: Bert, word: str, option: str) -> int:
    """The id of a word that is one token. Raises UserError for other words."""
    encoding = bert.tokenizer.encode(f" {word}")  # most vocabularies have other tokens for the beginning of a word
    found = [number for number, where in zip(encoding.input_ids, encoding.words, strict=True) if where is not None]
    if len(found) == 1 and bert.tokenizer.roles.get(found[0]) != "unk":
        return found[0]
    backend = bert.tokenizer.backend
    number = None if backend is None else backend.token_to_id(word)  # a piece, such as ##s
    if number is not None:
        return number
    pieces = " ".join(map(bert.tokenizer.token, found))
    expected = "expected one token" + (f"; a text comes before {option}" if " " in word else "")
    raise UserError(f"{option} is {word!r}, which is no token of {model_name(bert)} ({pieces}); {expected}")


def watched(nodes: list[Node]) -> Iterable[Node]:
    return with_bar(nodes, len(nodes), "parts")


def cells(depth: int, node: Node) -> tuple[str, ...]:
    """The numbers beside a part. The guess itself, at depth 0, has none: nothing is taken away from it."""
    return tuple("" if depth == 0 else cell(node, field, digits) for field, (_, digits) in COLUMNS.items())


def cell(node: Node, field: str, digits: int) -> str:
    value = getattr(node, field)
    return "" if value is None else f"{value:{'+' if field == 'score' else ''}z.{digits}f}"


def branches(node: Node, depth: int = 0) -> Iterator[tuple[int, Node]]:
    """The node and all below it, each with its depth: the order in which a tree is read."""
    yield depth, node
    for part in node.parts:
        yield from branches(part, depth + 1)


def lines(root: Node) -> Iterator[str]:
    """The tree as a table."""
    yield "    lead  guess*  attention   score  attention*"
    for depth, node in branches(root):
        p, attention, score, without = cells(depth, node)
        numbers = f"{node.value:+z8.2f}  {p:>6}  {attention:>9}  {score:>6}  {without:>10}"
        yield f"{numbers}  {'  ' * depth}{node.name}"
    yield "* probability of the guess, and attention to the token, without this part"
    yield "Each lead is the sum of those one step to the right, below it. --top N shows more of the others."
    yield "score: what the part adds to the score of the token that a head reads, less the mean over all keys"


def rows(root: Node, trace: Trace) -> Iterator[dict[str, object]]:
    """One row per node. `part_of` is the number of the row that it is a part of."""
    numbers, parents = {}, {id(part): node for node in root.walk() for part in node.parts}
    for number, (depth, node) in enumerate(branches(root)):
        numbers[id(node)] = number
        whole = numbers.get(id(parents.get(id(node))), "")
        where = {"row": number, "part_of": whole, "depth": depth, "part": node.name}
        yield where | {"position": node.token, "token": trace.tokens[node.token]} | fields(node)


def fields(node: Node) -> dict[str, object]:
    """The numbers of a node; "" stands for those it does not have."""
    names = {"value": "lead", "without": "guess_without"} | {name: name for name in list(COLUMNS)[1:]}
    numbers = {named: getattr(node, name) for name, named in names.items()}
    return {named: "" if x is None else rounded(x) for named, x in numbers.items()}


def as_json(node: Node) -> dict[str, object]:
    """The node and its parts."""
    numbers = {name: x for name, x in fields(node).items() if x != ""}
    return {"part": node.name, "position": node.token} | numbers | {"parts": [as_json(part) for part in node.parts]}


def draw(path: Path, root: Node, title: str, caption: str, width: float) -> None:
    import viz

    tree = [viz.Branch(depth, node.name, node.value, cells(depth, node)) for depth, node in branches(root)]
    headings = [heading for heading, _ in COLUMNS.values()]
    viz.save(viz.tree_figure(tree, headings, unit="lead", title=title, caption=caption, width=width), path)

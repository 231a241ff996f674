"""Explains a score. The state that enters a layer is a sum of parts: word, position, segment, what each earlier head
and feed-forward half added, and biases. So the score of a query and a key is a sum of terms, one for each part of
the query and part of the key. `without` is the attention if this term alone is taken out of the scores. Without
--layer and --head, the command explains the head with the largest attention.

With --file, the terms are means over many sentences: what each head is made of, and which earlier heads feed it. With
--properties as well, the command measures which properties of a text the scores carry: the same word, the place
before, and others.

With --guess, the command explains a guess at a mask: the logit of a word less the mean over the vocabulary, as a sum
of what each head and feed-forward half wrote to the mask. It follows the largest parts back to words and positions.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minibert.commands import arguments as arg
from minibert.commands import why_file, why_guess, why_properties
from minibert.commands.answers import texts_of
from minibert.commands.output import folder_name, folder_of_run, name_of_texts, print_json
from minibert.commands.places import place_of
from minibert.corpus.sentences import as_text
from minibert.errors import UserError
from minibert.files import check_new_file, write_csv
from minibert.model import Bert, load
from minibert.terminal import model_name, printable, quoted, rounded
from minibert.trace import Trace
from minibert.whatif.attribution import Term, score_terms

CAPTION = (
    "Each bar is a term of the score: the dot product of a part of the query's state and a part of the key's state, "
    "divided by sqrt(head size), less {less}. The sum is exact."
)


@dataclass(frozen=True)
class Why:
    """Why one query attends to one key: all terms, the largest first. instead: another key to compare with, or None."""

    layer: int
    head: int
    query: int
    key: int
    instead: int | None
    attention: float
    terms: list[Term]

    @property
    def rows(self) -> list[dict[str, object]]:
        """One row per term, the largest first."""
        return [row_of(term) for term in self.terms]


def row_of(term: Term) -> dict[str, object]:
    names = {"part_of_query": term.of_query, "part_of_key": term.of_key}
    return names | {"term": rounded(term.value), "attention_without": rounded(term.without)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = __doc__
    arg.add_text(parser, help=f"a sentence, or a pair (default: {arg.DEFAULT_TEXT})")
    arg.add_model(parser)
    arg.option(parser, "--layer", arg.at_least(0), "L", "the layer, with --head")
    arg.option(parser, "--head", arg.at_least(0), "H", "the head, with --layer")
    arg.option(parser, "--query", str, "WORD", "the word, or its position (default: the one that attends most)")
    arg.option(parser, "--key", str, "WORD", "the word, or its position (default: the most attended key)")
    arg.option(parser, "--instead", str, "WORD", "another key (or guess): why not this one?")
    why_guess.add_arguments(parser)
    with_file = "with --file: measure which properties of a text the scores of heads carry"
    parser.add_argument("--properties", action="store_true", help=with_file)
    top = "how many terms to print (default: 8; with --json all), or with --guess how many parts of each sum (default: "
    top += "5), or with --file how many terms of each head to measure (default: 8; of one head 20)"
    arg.option(parser, "--top", arg.at_least(1), "N", top)
    arg.option(parser, "--csv", arg.new_path, "FILE", "also write all terms, or all parts with --guess, one per row")
    arg.add_output(parser, default="out/why/MODEL/TEXT")
    arg.add_json(parser)


def run(args: argparse.Namespace) -> None:
    """A sentence, a table of the largest terms, and a picture of them."""
    texts = texts_of(args, "a sentence", arg.DEFAULT_TEXT)
    check_new_file(args.csv, "--csv", ".csv")
    if args.file is not None:
        (why_properties if args.properties else why_file).run(args)
        return
    arg.refuse(args, "properties", "without --file")
    (args.text,) = texts
    if args.guess is not None:
        why_guess.run(args)
        return
    arg.refuse(args, "steps", "without --guess")
    if args.json:
        arg.refuse(args, "out format width", "with --json, which has no picture")
    why_file.check_both(args)
    bert = load(args.model)
    text = as_text(args.text)
    folder = Path()
    if not args.json:
        files = [f"why-*.{args.format}"]
        folder = folder_of_run(args.out, "why", folder_name(bert), name_of_texts([text], None, {}), files=files)
    trace = bert(text)
    why = explain(bert, trace, *choose_score(bert, trace, args))
    if args.csv is not None:
        write_csv(args.csv, why.rows)
    if args.json:
        print_json({"model": model_name(bert), "text": args.text} | as_json(why, trace, args.top))
        return
    print("\n".join(map(printable, lines(why, trace, args.top or 8))))
    path = folder / f"why-{why.layer}.{why.head}-{why.query}-{why.key}.{args.format}"
    draw(path, why, trace, args.top or 8, f"{model_name(bert)} · {quoted([text])}", args.width)
    print(path)


def choose_score(bert: Bert, trace: Trace, args: argparse.Namespace) -> tuple[int, int, int, int, int | None]:
    """Layer, head, query, key and the key to compare with. Raises UserError for what is not there."""
    attention_LHTS = trace.stacked("attention")
    why_file.check_head(args, *attention_LHTS.shape[:2])
    words = [i for i, role in enumerate(trace.roles) if role in (None, "mask")] or list(range(len(trace.tokens)))
    queries = words if args.query is None else [place_of(trace, args.query, "--query")]
    if args.layer is None:
        largest = attention_LHTS[:, :, queries][..., words].max(axis=(2, 3))
        layer, head = np.unravel_index(largest.argmax(), largest.shape)
    else:
        layer, head = args.layer, args.head
    attention_TS = attention_LHTS[layer, head]
    if args.query is None:
        queries = [queries[int(attention_TS[queries][:, words].max(axis=1).argmax())]]
    query = queries[0]
    key = int(attention_TS[query].argmax()) if args.key is None else place_of(trace, args.key, "--key")
    instead = None if args.instead is None else place_of(trace, args.instead, "--instead")
    if instead == key:
        raise UserError(f"--instead is the key itself, {trace.tokens[key]!r}; expected another one")
    return int(layer), int(head), query, key, instead


def explain(bert: Bert, trace: Trace, layer: int, head: int, query: int, key: int, instead: int | None) -> Why:
    """All terms of one score less the mean over the keys or, with `instead`, less the same terms for another key."""
    terms = score_terms(bert, trace, layer, head, query, key, instead)
    return Why(layer, head, query, key, instead, float(trace.stacked("attention")[layer, head, query, key]), terms)


def heading(why: Why, trace: Trace) -> str:
    query, key = (f"“{trace.tokens[i]}” ({i})" for i in (why.query, why.key))
    return f"head {why.layer}.{why.head}: {query} gives {why.attention:.2f} of its attention to {key}"


def less(why: Why, trace: Trace) -> str:
    if why.instead is None:
        return "its mean over all keys"
    return f"the same term for “{trace.tokens[why.instead]}” ({why.instead})"


def lines(why: Why, trace: Trace, top: int) -> list[str]:
    """The heading, the largest terms, and the rest in one line, so that all add up to the sum."""
    rest = sum(term.value for term in why.terms[top:])
    width = max(len(term.name) for term in why.terms[:top])
    table = [f"{term.value:+8.2f}  {term.name:<{width}}  {term.without:7.2f}" for term in why.terms[:top]]
    if why.terms[top:]:
        table.append(f"{rest:+8.2f}  {len(why.terms) - top} other terms")
    total = sum(term.value for term in why.terms)
    title = f"{'term':>8}  {'part of query x part of key':<{width}}  without"
    return [heading(why, trace), title, *table, f"{total:+8.2f}  sum: the score, less {less(why, trace)}"]


def draw(path: Path, why: Why, trace: Trace, top: int, title: str, width: float) -> None:
    import viz

    bars = {term.name: term.value for term in why.terms[:top]}
    if why.terms[top:]:
        bars[f"{len(why.terms) - top} other terms"] = sum(term.value for term in why.terms[top:])
    caption = CAPTION.format(less=less(why, trace))
    figure = viz.terms_figure(bars, title=f"{title}\n{heading(why, trace)}", unit="score", caption=caption, width=width)
    viz.save(figure, path)


def as_json(why: Why, trace: Trace, top: int | None) -> dict[str, object]:
    """The score, the sum of all its terms, and the terms: all of them, or so many."""
    total = sum(term.value for term in why.terms)
    numbers = {"attention": rounded(why.attention), "sum": rounded(total), "terms": why.rows[:top]}
    return {"tokens": trace.tokens} | vars(why) | numbers

"""What the commands share that answer one sentence after another: all are checked first, then each is answered."""

import argparse
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from minibert.commands.arguments import check_source
from minibert.commands.output import print_doubts, print_json
from minibert.corpus.doubts import Doubts
from minibert.corpus.lines import Corpus
from minibert.corpus.sentences import Sentences
from minibert.errors import UserError
from minibert.model import Bert
from minibert.terminal import model_name, printable, text_line, with_bar
from minibert.tokenizer.encoding import Encoding

Answer = TypeVar("Answer")


def texts_of(args: argparse.Namespace, missing: str, default: str | None = None) -> list[str]:
    """The TEXT, a pair where --pair has its second sentence. Raises UserError where there is none: `missing` it is."""
    pair = getattr(args, "pair", None)
    check_source(args, [text for text in (args.text, pair) if text is not None])
    if args.file is not None:
        return []
    if args.text is None and (default is None or pair is not None):
        raise UserError(f"TEXT is missing; expected {missing}")
    text: str = args.text if args.text is not None else default or ""
    return [text if pair is None else f"{text} ||| {pair}"]


def print_answers(
    args: argparse.Namespace,
    bert: Bert,
    texts: list[str],
    answer: Callable[[Encoding], Answer],
    show: Callable[[Answer], Iterable[str]],
    as_json: Callable[[Answer], Mapping[str, object]],
    *,
    check: Callable[[Encoding], object] | None = None,
    facts: Mapping[str, object] | None = None,
    closing: str = "",
) -> None:
    """Print the answer to each text, or line of --file: its lines, or one JSON object of all answers for --json.

    show, as_json: an answer as lines, and for JSON. check: raises UserError for a sentence that has no answer.
    facts: for JSON, of all sentences together. closing: a last line.
    """
    sentences = Sentences(bert, Corpus(texts, args.file, args.column), args.skip_bad, check)
    found: list[dict[str, Any]] = []
    doubts = Doubts(bert)
    for encoding in with_bar(sentences, len(sentences.lengths), "sentences") if args.json else sentences:
        doubts.look([encoding])
        text = text_line(encoding.text)
        if args.json:
            found.append({"text": text, **as_json(answer(encoding))})
            continue
        lines = [text] if args.file is not None else []
        print("\n".join(map(printable, [*lines, *show(answer(encoding))])))
    print_doubts(doubts)
    if args.json:
        about = {"model": model_name(bert), **(facts or {})}
        print_json({**about, "sentences": found, "skipped": len(sentences.skipped)})
        return
    for line in (closing, sentences.left_out):
        if line:
            print(line)

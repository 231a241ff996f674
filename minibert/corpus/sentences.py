"""Sentences from the command line or from files, one per line: read as often as needed, never held all at once."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from minibert.corpus.lines import Corpus, Line
from minibert.errors import LineError, UserError
from minibert.model import Bert
from minibert.terminal import counted
from minibert.tokenizer.encoding import Encoding

PAIR = "|||"

MOST_LISTED = 10
"""The numbers of so many lines that were left out are shown."""


Check = Callable[[Encoding], object]
"""Raises UserError for a sentence that cannot be used."""


class Sentences:
    """Texts, checked: every one can be encoded. Iterating gives their Encodings, in order, as often as wanted.

    lengths: the number of tokens of each. skipped: the lines of a file that were left out.
    """

    def __init__(self, bert: Bert, corpus: Corpus, skip_bad: bool = False, check: Check | None = None):
        """The texts of a corpus. A pair has ||| in the middle.

        Empty lines count for nothing. Raises UserError for no sentence, an empty text, one that is too long for the
        model or not UTF-8, or one that `check` refuses; with `skip_bad` such lines are left out.
        """
        self.bert, self.skip_bad, self.check, self.corpus = bert, skip_bad, check, corpus
        used = {line.at: len(encoding) for line, encoding in encoded(bert, corpus, skip_bad, check)}
        self.lengths = np.array(list(used.values()), int)
        self.skipped = [line for line in corpus if line.at not in used] if skip_bad else []
        check_some(len(self.lengths), self.corpus)

    def __iter__(self) -> Iterator[Encoding]:
        return (encoding for _, encoding in encoded(self.bert, self.corpus, self.skip_bad, self.check))

    @property
    def left_out(self) -> str:
        """How many lines were left out, and which, in words, where such lines were to be left out."""
        return left_out(len(self.skipped), self.skipped) if self.skip_bad else ""


def left_out(count: int, lines: Iterable[Line]) -> str:
    """ "2 lines left out (lines 3, 7)", with the file before each where there are several. The first 10 are listed."""
    some = list(itertools.islice(lines, MOST_LISTED))
    if not count:
        return "0 lines left out"
    one_file = len({line.path for line in some}) == 1
    places = ", ".join(str(line.number) if one_file else f"{Path(line.path).name} {line.number}" for line in some)
    return f"{counted(count, 'line')} left out (line {places}{', ...' if count > len(some) else ''})"


def check_some(sentences: int, corpus: Corpus) -> None:
    """Raises UserError where there is no sentence."""
    if not sentences:
        where = f"{corpus.name} has no sentence that can be used; expected one per line"
        raise UserError("no text given" if corpus.path is None else where)


def as_text(text: str) -> str | tuple[str, str]:
    """ "first ||| second" is a pair, as in the scripts BERT was published with; anything else is a sentence."""
    parts = [part.strip() for part in text.split(PAIR)]
    if len(parts) == 1:
        return text
    if len(parts) > 2:
        raise UserError(f"the text has {len(parts)} parts; expected a sentence, or two with one {PAIR} between")
    if not all(parts):
        raise UserError(f"one side of {PAIR} is empty; expected a sentence before it and one after it")
    return parts[0], parts[1]


def encoded(
    bert: Bert, lines: Iterable[Line], skip_bad: bool, check: Check | None = None
) -> Iterator[tuple[Line, Encoding]]:
    """The lines as the model sees them. Raises UserError, with the place, for a line that cannot be used."""
    for line in lines:
        try:
            encoding = encode(bert, line)
            if check is not None:
                check(encoding)
        except UserError as error:
            if skip_bad:
                continue
            raise at_line(line, error) from None
        yield line, encoding


def at_line(line: Line, error: UserError) -> UserError:
    """The error, with the place of the line in its file."""
    if not line.path:
        return error
    where = f"{line.path}, {'row' if line.path.endswith(('.parquet', '.json')) else 'line'} {line.number}"
    return LineError(f"{where}: {error}")


def encode(bert: Bert, line: Line) -> Encoding:
    if line.fault:
        raise UserError(line.fault)
    if not line.text.strip():
        raise UserError("the text is empty; expected a sentence")
    try:
        line.text.encode()
    except UnicodeEncodeError:
        raise UserError("the text is not UTF-8") from None
    return bert.encode(as_text(line.text))

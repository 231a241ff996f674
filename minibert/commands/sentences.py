"""Sentences from the command line or from files, one per line: read as often as needed, never held all at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minibert.checkpoint.tokenizer import Encoding
from minibert.commands.output import counted
from minibert.corpus.lines import Corpus, encoded
from minibert.model import Bert
from minibert.speed.cores import one_thread


class Sentences:
    """Texts, checked: every one can be encoded. Iterating gives their Encodings, in order, as often as wanted.

    lengths: the number of tokens of each. skipped: how many lines of a file were left out, with `skip_bad`.
    """

    def __init__(
        self,
        bert: Bert,
        texts: Sequence[str] = (),
        path: Path | None = None,
        skip_bad: bool = False,
        column: str | None = None,
    ):
        """texts, or the lines of the files that `path` means (see `Corpus`). Pairs have ||| in the middle.

        Empty lines count for nothing. ValueError: no sentence, an empty text, one too long for the model, or one that
        is not UTF-8: with the number of the line. With `skip_bad` such lines are counted in `skipped` instead.
        """
        self.bert, self.skip_bad, self.corpus = bert, skip_bad, Corpus(texts, path, column)
        self.name = self.corpus.name
        self.lengths = np.array([len(encoding) for encoding in self], int)
        self.skipped = sum(1 for _ in self.corpus) - len(self.lengths) if skip_bad else 0
        check_some(len(self.lengths), self.corpus)

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[Encoding]:
        return (encoding for _, encoding in encoded(self.bert, self.corpus, self.skip_bad))

    @property
    def left_out(self) -> str:
        return left_out(self.skipped)


def check_some(sentences: int, corpus: Corpus) -> None:
    """ValueError where there is no sentence."""
    if not sentences:
        where = f"{corpus.name} has no sentence that can be used; expected one per line"
        raise ValueError("no text given" if corpus.path is None else where)


def left_out(lines: int) -> str:
    return f"{counted(lines, 'line')} left out"


@dataclass(frozen=True)
class Sample:
    """Queries and keys [L, H, N, K] of some sentences end to end, attention [L, H, S, S] of each sentence.

    tokens, words, sentences: one entry per token. texts: one per sentence.
    """

    query: np.ndarray
    key: np.ndarray
    attention: list[np.ndarray]
    tokens: list[str]
    words: list
    sentences: np.ndarray
    texts: list[str | tuple[str, str]]


def gather(bert: Bert, encodings: Sequence[Encoding]) -> Sample:
    """Run some sentences and lay them end to end."""
    with one_thread():  # so that the last digits, on which a search may hang, are the same on any number of cores
        traces = list(bert.stream(encodings))
    return Sample(
        np.concatenate([trace.stacked("query") for trace in traces], axis=-2),
        np.concatenate([trace.stacked("key") for trace in traces], axis=-2),
        [trace.stacked("attention") for trace in traces],
        [token for trace in traces for token in trace.tokens],
        [word for trace in traces for word in trace.words],
        np.repeat(np.arange(len(traces)), [len(trace.tokens) for trace in traces]),
        [encoding.text for encoding in encodings],
    )

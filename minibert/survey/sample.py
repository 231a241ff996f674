"""The sentences that are fitted and drawn, and how far through a corpus a run came."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

import viz
from minibert.corpus.doubts import how_many_unknown, mostly_unknown
from minibert.corpus.lines import Corpus
from minibert.corpus.scan import Scan
from minibert.model import Bert
from minibert.speed.cores import one_thread
from minibert.terminal import counted, quoted
from minibert.tokenizer.encoding import Encoding


class Heads(NamedTuple):
    """Some layers, and heads of each of them; both from 0."""

    layers: Sequence[int]
    heads: Sequence[int]

    @property
    def region(self) -> tuple[np.ndarray, ...]:
        """Their places among all layers and heads of the model."""
        return np.ix_(self.layers, self.heads)


@dataclass(frozen=True)
class Sample:
    """Queries and keys [L, H, N, K] of some sentences end to end, attention [L, H, S, S] of each sentence.

    tokens, words, sentences: one entry per token. texts: one per sentence.
    """

    query: np.ndarray
    key: np.ndarray
    attention: list[np.ndarray]
    tokens: list[str]
    words: list[object]
    sentences: np.ndarray
    texts: list[str | tuple[str, str]]

    def tokens_of(self, sentence: int) -> list[str]:
        """The tokens of one sentence."""
        return [token for token, number in zip(self.tokens, self.sentences, strict=True) if number == sentence]

    def whole_words(self) -> viz.Words:
        """Which tokens are the pieces of one word."""
        return viz.find_words(self.tokens, self.words, self.sentences)


def gather(bert: Bert, encodings: Sequence[Encoding]) -> Sample:
    """Run some sentences and lay them end to end."""
    with one_thread():  # the last digits, on which a search may hang, are then the same on any number of cores
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


@dataclass(frozen=True)
class Run:
    """What was measured in a corpus: all of its sentences, or those before Ctrl-C."""

    corpus: Corpus
    scan: Scan
    """the first pass: the number of sentences, and those that were drawn"""
    done: int
    """the number of sentences that were measured"""
    skip_bad: bool
    """whether lines that cannot be used were left out"""

    @property
    def stopped(self) -> bool:
        """Whether Ctrl-C came before the end."""
        return self.done < self.scan.sentences

    @property
    def source(self) -> str | None:
        """The name of the file for a title; None where the texts were typed."""
        return None if self.corpus.path is None else self.corpus.short_name + " (stopped early)" * self.stopped

    def drawn_from(self, count: int, texts: Sequence[str | tuple[str, str]]) -> str:
        """For a title: the texts, where they were typed; otherwise how many sentences of which file."""
        name = quoted(texts) if self.source is None else f"{counted(count, 'sentence')} of {self.source}"
        return " · ".join(filter(None, [name, self.unknown()]))

    def unknown(self, first: int | None = None) -> str:
        """For a title: how many sentences of the sample, or of its first, are mostly [UNK]; "" for none."""
        sample = self.scan.sample[:first]
        return how_many_unknown(list(filter(mostly_unknown, sample)), len(sample))

    @property
    def of_files(self) -> str:
        """The name of the files for a line of text, where they are several."""
        return f" of {self.corpus.short_name}" if len(self.corpus.files) > 1 else ""

    @property
    def how_many(self) -> str:
        """ "700 sentences", or "256 of 700 sentences" after Ctrl-C."""
        return f"{self.done:,} of " * self.stopped + counted(self.scan.sentences, "sentence")

    @property
    def left_out(self) -> str:
        """The number of lines that were left out, with a comma before it, where such lines were to be skipped."""
        return f", {counted(self.scan.skipped, 'line')} left out" if self.skip_bad else ""

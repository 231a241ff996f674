"""The sentences that are fitted and drawn, and how far through a corpus a run came."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

import viz
from minibert.corpus.doubts import how_many_unknown, mostly_unknown
from minibert.corpus.lines import Corpus
from minibert.corpus.scan import Scan
from minibert.errors import UserError
from minibert.model import Bert
from minibert.speed.cores import one_thread
from minibert.terminal import counted, quoted
from minibert.tokenizer.encoding import Encoding
from minibert.trace import Trace
from viz.measures.measure import among


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
    among_words: special tokens are left out, and the rows of attention are shared out anew.
    """

    query: np.ndarray
    key: np.ndarray
    attention: list[np.ndarray]
    tokens: list[str]
    words: list[object]
    sentences: np.ndarray
    texts: list[str | tuple[str, str]]
    among_words: bool = False

    @property
    def is_word(self) -> np.ndarray:
        """[N], False for special tokens."""
        return np.array([word is not None for word in self.words])

    def tokens_of(self, sentence: int) -> list[str]:
        """The tokens of one sentence."""
        return [token for token, number in zip(self.tokens, self.sentences, strict=True) if number == sentence]

    def whole_words(self) -> viz.Words:
        """Which tokens are the pieces of one word."""
        return viz.find_words(self.tokens, self.words, self.sentences)


def gather(bert: Bert, encodings: Sequence[Encoding], among_words: bool = False) -> Sample:
    """Run some sentences and lay them end to end; with `among_words` only their words, see `Sample`.

    Raises UserError where no sentence has two words.
    """
    with one_thread():  # the last digits, on which a search may hang, are then the same on any number of cores
        traces = list(bert.stream(encodings))
    places = [np.arange(len(trace.tokens)) if not among_words else word_places(trace) for trace in traces]
    pairs = list(zip(traces, places, strict=True))
    blocks = [trace.stacked("attention") for trace in traces]
    texts = [encoding.text for encoding in encodings]
    if among_words:
        some = [number for number, at in enumerate(places) if len(at) > 1]
        if not some:
            raise UserError("--among words compares the words of a sentence; expected one with two words at least")
        pairs, texts = [pairs[number] for number in some], [texts[number] for number in some]
        blocks = [among(blocks[number][..., places[number], :], places[number]) for number in some]
    return Sample(
        np.concatenate([trace.stacked("query")[..., at, :] for trace, at in pairs], axis=-2),
        np.concatenate([trace.stacked("key")[..., at, :] for trace, at in pairs], axis=-2),
        blocks,
        [trace.tokens[i] for trace, at in pairs for i in at],
        [trace.words[i] for trace, at in pairs for i in at],
        np.repeat(np.arange(len(pairs)), [len(at) for _, at in pairs]),
        texts,
        among_words,
    )


def is_word(trace: Trace) -> np.ndarray:
    """[T], False for special tokens; [MASK] and an unknown word are words."""
    return np.array([word is not None for word in trace.words])


def word_places(trace: Trace) -> np.ndarray:
    """The places of the tokens that are no special tokens."""
    return np.flatnonzero(is_word(trace))


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

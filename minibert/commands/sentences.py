"""Sentences from the command line or from a file, one a line: read as often as needed, never held all at once."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minibert.checkpoint.tokenizer import Encoding
from minibert.model import Bert
from minibert.trace import Trace


class Sentences:
    """Texts, checked: every one can be encoded. Iterating gives their Encodings, in order, as often as wanted.

    lengths: the number of tokens of each. skipped: how many lines of a file were left out, with `skip_bad`.
    """

    def __init__(self, bert: Bert, texts: Sequence[str] = (), path: Path | None = None, skip_bad: bool = False):
        """texts, or the lines of the file `path`.

        ValueError: no sentence, an empty one, one too long for the model, or one that is not UTF-8: with the number of
        the line. With `skip_bad` such lines are counted in `skipped` instead.
        """
        self.bert, self.texts, self.path, self.skip_bad = bert, texts, path, skip_bad
        if path is not None and not path.is_file():
            what = "is not a plain file" if path.exists() else "is not there"
            raise ValueError(f"{path} {what}; expected a text file with one sentence a line")
        self.skipped = 0
        self.lengths = np.array([len(encoding) for encoding in self._read(count=True)], int)
        if not len(self.lengths):
            raise ValueError(
                f"{path} has no sentence that can be used; expected one a line" if path else "no text given"
            )

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[Encoding]:
        return self._read()

    @property
    def left_out(self) -> str:
        return f"{self.skipped} line{'' if self.skipped == 1 else 's'} left out"

    def sample(self, tokens: int, seed: int) -> np.ndarray:
        """The places of sentences drawn at random until they have about so many tokens, in the order of the text."""
        order = np.random.default_rng(seed).permutation(len(self))
        enough = int(np.searchsorted(np.cumsum(self.lengths[order]), tokens, side="right"))
        return np.sort(order[: max(enough, 1)])

    def _read(self, count: bool = False) -> Iterator[Encoding]:
        if self.path is None:
            yield from (self._encode(text) for text in self.texts)
            return
        with open(self.path, "rb") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
                    encoding = self._encode(text)
                except ValueError as error:
                    if not self.skip_bad:
                        wrong = "the line is not UTF-8" if isinstance(error, UnicodeDecodeError) else error
                        hint = "mend it, or go on without such lines by --skip-bad"
                        raise ValueError(f"{self.path}, line {number}: {wrong}; {hint}") from None
                    self.skipped += count
                else:
                    yield encoding

    def _encode(self, text: str) -> Encoding:
        if not text.strip():
            raise ValueError("the text is empty; expected a sentence")
        return self.bert.encode(text)


@dataclass(frozen=True)
class Sample:
    """Queries and keys [L, H, N, K] of some sentences end to end, attention [L, H, S, S] of each; one entry a token in
    tokens, words and sentences; one a sentence in texts."""

    query: np.ndarray
    key: np.ndarray
    attention: list[np.ndarray]
    tokens: list[str]
    words: list
    sentences: np.ndarray
    texts: list[str]


def gather(bert: Bert, sentences: Iterable, chosen: Sequence[int]) -> Sample:
    """Run the chosen sentences and lay them end to end."""
    wanted = set(map(int, chosen))
    encodings = [encoding for place, encoding in enumerate(sentences) if place in wanted]
    traces = list(bert.stream(encodings))
    return Sample(
        np.concatenate([stacked(trace, "query") for trace in traces], axis=-2),
        np.concatenate([stacked(trace, "key") for trace in traces], axis=-2),
        [stacked(trace, "attention") for trace in traces],
        [token for trace in traces for token in trace.tokens],
        [word for trace in traces for word in trace.words],
        np.repeat(np.arange(len(traces)), [len(trace.tokens) for trace in traces]),
        [encoding.text for encoding in encodings],
    )


def stacked(trace: Trace, name: str) -> np.ndarray:
    """One field of all layers of a trace: [L, H, ...]."""
    return np.stack([getattr(layer, name) for layer in trace.layers])

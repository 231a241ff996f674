"""Sentences from the command line or from a file, one per line: read as often as needed, never held all at once."""

import io
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minibert.checkpoint.tokenizer import Encoding
from minibert.commands.arguments import check_file
from minibert.commands.output import counted
from minibert.model import Bert

PAIR = "|||"


def as_text(text: str) -> str | tuple[str, str]:
    """ "first ||| second" is a pair, as in the scripts BERT was published with; anything else is a sentence."""
    parts = [part.strip() for part in text.split(PAIR)]
    if len(parts) == 1:
        return text
    if len(parts) > 2:
        raise ValueError(f"the text has {len(parts)} parts; expected a sentence, or two with one {PAIR} between")
    if not all(parts):
        raise ValueError(f"one side of {PAIR} is empty; expected a sentence before it and one after it")
    return parts[0], parts[1]


class Sentences:
    """Texts, checked: every one can be encoded. Iterating gives their Encodings, in order, as often as wanted.

    lengths: the number of tokens of each. skipped: how many lines of a file were left out, with `skip_bad`.
    """

    def __init__(self, bert: Bert, texts: Sequence[str] = (), path: Path | None = None, skip_bad: bool = False):
        """texts, or the lines of the file `path`, where "-" is standard input. Pairs have ||| in the middle.

        Empty lines count for nothing. ValueError: no sentence, an empty text, one too long for the model, or one that
        is not UTF-8: with the number of the line. With `skip_bad` such lines are counted in `skipped` instead.
        """
        self.bert, self.texts, self.path, self.skip_bad = bert, texts, path, skip_bad
        self.name = "standard input" if str(path) == "-" else str(path)
        self.held = None if path is None else read_once(path)
        self.skipped = 0
        self.lengths = np.array([len(encoding) for encoding in self._read(count=True)], int)
        if not len(self.lengths):
            raise ValueError(
                f"{self.name} has no sentence that can be used; expected one per line" if path else "no text given"
            )

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[Encoding]:
        return self._read()

    @property
    def short_name(self) -> str:
        """Of the file, for a title."""
        return self.name if self.path is None else Path(self.name).name

    @property
    def left_out(self) -> str:
        return f"{counted(self.skipped, 'line')} left out"

    def sample(self, tokens: int, seed: int) -> np.ndarray:
        """Which sentences, drawn at random until they have about so many tokens; in the order of the text."""
        order = np.random.default_rng(seed).permutation(len(self))
        enough = int(np.searchsorted(np.cumsum(self.lengths[order]), tokens, side="right"))
        return np.sort(order[: max(enough, 1)])

    def _read(self, count: bool = False) -> Iterator[Encoding]:
        if self.path is None:
            yield from (self._encode(text) for text in self.texts)
            return
        source = self.path if self.held is None else io.BytesIO(self.held)
        with lines_of(source) as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                try:
                    encoding = self._encode(line.removesuffix("\n"))
                except ValueError as error:
                    if not self.skip_bad:
                        hint = "mend it, or go on without such lines by --skip-bad"
                        raise ValueError(f"{self.name}, line {number}: {error}; {hint}") from None
                    self.skipped += count
                else:
                    yield encoding

    def _encode(self, text: str) -> Encoding:
        if not text.strip():
            raise ValueError("the text is empty; expected a sentence")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("the text is not UTF-8") from None
        return self.bert.encode(as_text(text))


def read_once(path: Path) -> bytes | None:
    """What standard input or a pipe has to give, for it gives it only once; None for a file that can be read again."""
    check_file(path)
    if str(path) == "-":
        return sys.stdin.buffer.read()
    return None if path.is_file() else path.read_bytes()


def lines_of(source: Path | io.BytesIO) -> io.TextIOWrapper:
    """The lines of a text, however they end; bytes that are not UTF-8 become what cannot be encoded again."""
    raw = open(source, "rb") if isinstance(source, Path) else source  # noqa: SIM115 - the caller closes it
    return io.TextIOWrapper(raw, encoding="utf-8-sig", errors="surrogateescape")


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


def gather(bert: Bert, sentences: Iterable[Encoding], chosen: Iterable[int]) -> Sample:
    """Run the chosen sentences and lay them end to end."""
    wanted = set(map(int, chosen))
    encodings = [encoding for position, encoding in enumerate(sentences) if position in wanted]
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

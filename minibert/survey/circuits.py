"""Which earlier heads make a head look where it looks? The questions of `whatif.composition`, over many sentences.

    found = circuits(minibert.load("tiny"), file="sentences.txt")
    found.rows                      one row per question and head: means over the sentences, halves, null, check
    found.arrows                    the rows that say which head feeds which, largest first

A first pass draws some sentences. The pairs of parts that are largest in them are measured in all sentences, as are
all pairs of kinds, and every earlier head's share in the queries, keys and values of each head.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minibert.corpus.here import Here
from minibert.corpus.lines import Corpus, Line
from minibert.corpus.passes import Found, add_up, look_through
from minibert.corpus.sentences import encoded
from minibert.errors import UserError
from minibert.model import Bert
from minibert.speed.cores import one_thread
from minibert.survey.sample import Run
from minibert.terminal import counted, model_name, rounded, with_bar
from minibert.tokenizer.encoding import Encoding
from minibert.trace import Trace
from minibert.whatif.attribution import parts_of_each_state, strongest_terms
from minibert.whatif.composition import KINDS, Answers, Question, answer

Head = tuple[int, int]
"""A layer and a head, both from 0."""

POINTS = 500
"""Tokens that are drawn to find the largest pairs of parts."""
LEAST = 8
"""Sentences; the standard error of fewer says little."""
ERRORS = 4
"""A value is told from its null if it is farther from 0 by more than this many standard errors."""
LEAST_SHARE = 0.05
"""The share of an arrow, at least."""
LINES = 8
"""Lines that are worked on together: few, so that the bar moves and Ctrl-C loses little, whatever the model."""
KEEP = ("scores", "attention", "context", "attention_output")
"""The arrays of a Trace that the parts and the questions need."""


class Sums(NamedTuple):
    """Sums over sentences. The first six have one number per question of all heads, the last three one per head."""

    value: np.ndarray
    squares: np.ndarray
    null: np.ndarray
    apart: np.ndarray
    """value - null"""
    apart_squares: np.ndarray
    without: np.ndarray
    lead: np.ndarray
    attention: np.ndarray
    special: np.ndarray

    @classmethod
    def of(cls, answers: Sequence[Answers]) -> "Sums":
        """Those of one sentence: the answers of its heads."""
        value, null, without = (np.concatenate(arrays) for arrays in list(zip(*answers, strict=True))[:3])
        of_heads = (np.array(numbers) for numbers in list(zip(*answers, strict=True))[3:])
        return cls(value, value**2, null, value - null, (value - null) ** 2, without, *of_heads)


@dataclass(frozen=True)
class Row:
    """What one question found in one head. Its fields are the columns of the table.

    side, part_of_query, part_of_key: see `minibert.whatif.composition.Question`
    mean               of the value over the sentences, in units of the score; for side "value" a share
    share              of the mean lead of the head; for side "value" of what is moved
    first_half, second_half  the mean over either half of the file; None where it has no sentence
    spread             standard deviation of the value over the sentences
    null               mean of the null
    above_null         whether the mean is more than twice as far from 0 as the null, and by more than ERRORS
                       standard errors
    attention          mean attention on the most attended key; None for side "value", as the next
    attention_without  the same if these pairs are taken out of the scores
    length_without     only for side "value": the length of what is moved without the part, as a share of the whole
    """

    layer: int
    head: int
    side: str
    part_of_query: str
    part_of_key: str
    mean: float
    share: float
    first_half: float | None
    second_half: float | None
    spread: float
    null: float
    above_null: bool
    attention: float | None
    attention_without: float | None
    length_without: float | None

    @property
    def writer(self) -> Head | None:
        """The earlier head whose share this is; None if the row is about something else."""
        name = self.part_of_query if self.side == "query" else self.part_of_key
        if self.side not in ("query", "key", "value") or not name.startswith("head "):
            return None
        layer, _, head = name.removeprefix("head ").partition(".")
        return int(layer), int(head)

    @property
    def numbers(self) -> dict[str, object]:
        """The row for a file, numbers in six digits."""
        return {name: rounded(x) if isinstance(x, float) else x for name, x in vars(self).items()}


@dataclass(frozen=True)
class Circuits(Run):
    """What was found in the sentences of a file."""

    model: str
    """its name"""
    shape: tuple[int, int]
    """the number of its layers, and of heads in each"""
    asked: Mapping[Head, tuple[Question, ...]]
    """the questions about each head"""
    halves: Mapping[int, Sums]
    """the sums over the first half of the file, 0, and over the second, 1"""
    counts: Mapping[int, int]
    """the number of sentences in each"""

    @cached_property
    def whole(self) -> Sums:
        """The sums over all sentences."""
        return Sums(*(sum(arrays[1:], start=arrays[0]) for arrays in zip(*self.halves.values(), strict=True)))

    def of_head(self, head: Head) -> tuple[float, float, float]:
        """Mean lead, mean attention on the most attended key, share of queries that attend most to a special token."""
        place = list(self.asked).index(head)
        lead, attention, special = (float(sums[place] / self.done) for sums in self.whole[-3:])
        return lead, attention, special

    @cached_property
    def rows(self) -> list[Row]:
        """A row for each question about each head."""
        asked = [(head, question) for head, questions in self.asked.items() for question in questions]
        return [self.row(place, head, question) for place, (head, question) in enumerate(asked)]

    def row(self, place: int, head: Head, question: Question) -> Row:
        """The row of a question; place: among the questions about all heads."""
        n, (lead, attention, _), of_value = self.done, self.of_head(head), question.side == "value"
        value, null, apart, without = (
            float(getattr(self.whole, name)[place] / n) for name in ("value", "null", "apart", "without")
        )
        spread = deviation(self.whole.squares[place], value, n)
        error = deviation(self.whole.apart_squares[place], apart, n) / math.sqrt(n)
        total = 1.0 if of_value else lead
        beyond = max(ERRORS * error, abs(value) / 2, 1e-6 * total)  # less than the last is rounding
        above = value * apart > 0 and abs(apart) > beyond
        first, second = (
            float(self.halves[h].value[place] / self.counts[h]) if h in self.halves else None for h in (0, 1)
        )
        check = (None, None, without) if of_value else (attention, without, None)
        share = value / total if total else 0.0
        return Row(*head, *question, value, share, first, second, spread, null, above, *check)

    @property
    def arrows(self) -> list[Row]:
        """Which head feeds which: shares of LEAST_SHARE or more that are above their null, the largest first."""
        found = [row for row in self.rows if row.writer and row.above_null and row.share >= LEAST_SHARE]
        return sorted(found, key=lambda row: -row.share)


def deviation(squares: float, mean: float, count: int) -> float:
    """The standard deviation of `count` numbers: from the sum of their squares, and their mean."""
    return math.sqrt(max(squares - count * mean**2, 0.0) / max(count - 1, 1))


def circuits(
    bert: Bert,
    texts: Sequence[str] = (),
    file: str | Path | None = None,
    *,
    column: str | None = None,
    skip_bad: bool = False,
    heads: Iterable[Head] | None = None,
    top: int = 8,
) -> Circuits:
    """Measure what heads are made of in many sentences. Ctrl-C ends the measuring early.

    texts: sentences, or pairs as "first ||| second"; or else file, column: see `minibert.corpus.lines.Corpus`.
    skip_bad: leave out the lines that cannot be used. heads: None is all. top: how many pairs of parts of each head.

    UserError: fewer than LEAST sentences.
    """
    corpus, hands = Corpus(texts, None if file is None else Path(file), column), Here(bert)
    scan = look_through(hands, corpus, points=POINTS, seed=0, skip_bad=skip_bad)
    if scan.sentences < LEAST:
        few = f"{corpus.name if file is not None else 'there'} has {counted(scan.sentences, 'sentence')}"
        raise UserError(f"{few}; expected {LEAST} or more, since fewer do not show what is chance")
    layers, per_layer = bert.config.num_hidden_layers, bert.config.num_attention_heads
    chosen = list(heads) if heads is not None else [(i, j) for i in range(layers) for j in range(per_layer)]
    asked = questions(bert, scan.sample, chosen, top)
    lines = scan.sentences + scan.skipped
    work = partial(measure_block, asked=asked, lines=lines, skip_bad=skip_bad)
    found: Found = add_up(hands, work, corpus, lines, LINES)
    halves = {half: Sums(*sums[1:]) for half, sums in found.sums.items()}
    counts = {half: int(sums[0]) for half, sums in found.sums.items()}
    return Circuits(
        corpus, scan, found.sentences, skip_bad, model_name(bert), (layers, per_layer), asked, halves, counts
    )


def questions(
    bert: Bert, sample: Sequence[Encoding], heads: Sequence[Head], top: int
) -> dict[Head, tuple[Question, ...]]:
    """The questions about each head: its largest pairs of parts in the sample, all kinds, and all earlier heads."""
    layers = max(layer for layer, _ in heads) + 1
    totals: dict[Head, np.ndarray] = {}
    names: dict[int, tuple[str, ...]] = {}
    with one_thread():  # hundreds of small products
        for trace in with_bar(bert.stream(sample, KEEP), len(sample), "sentences drawn"):
            for layer, parts in zip(range(layers), parts_of_each_state(bert, trace), strict=False):
                names[layer] = parts.names
                for head in (head for head in heads if head[0] == layer):
                    totals[head] = totals.get(head, 0) + strongest_terms(bert, trace, *head, parts)
    asked = {}
    for head, total_PP in totals.items():
        of_layer = names[head[0]]
        largest = np.argsort(-np.abs(total_PP), axis=None, kind="stable")[:top]
        places = zip(*np.unravel_index(largest, total_PP.shape), strict=True)
        found = [Question("pair", of_layer[a], of_layer[b]) for a, b in places]
        found += [Question("kinds", a, b) for a in KINDS for b in KINDS]
        writers = [name for name in of_layer if name.startswith("head ")]
        for side in ("query", "key", "value"):
            found += [Question(side, name * (side == "query"), name * (side != "query")) for name in writers]
        asked[head] = tuple(found)
    return asked


def measure_block(
    models: Sequence[Bert],
    lines_read: Sequence[Line],
    *,
    asked: Mapping[Head, tuple[Question, ...]],
    lines: int,
    skip_bad: bool,
) -> Found:
    """The sums of some lines, for either half of the file. lines: of the file."""
    (bert,) = models
    pairs = list(encoded(bert, lines_read, skip_bad))
    found = Found(0, {})
    traces = bert.stream([encoding for _, encoding in pairs], KEEP)
    for (line, _), trace in zip(pairs, traces, strict=True):
        half = int(2 * line.at >= lines)
        found += Found(1, {half: [1, *Sums.of(answers(bert, trace, asked))]})
    return found


def answers(bert: Bert, trace: Trace, asked: Mapping[Head, tuple[Question, ...]]) -> list[Answers]:
    """The answers to the questions about each head, in one sentence."""
    found = {}
    layers = max(layer for layer, _ in asked) + 1
    for layer, parts in zip(range(layers), parts_of_each_state(bert, trace), strict=False):
        for head in (head for head in asked if head[0] == layer):
            found[head] = answer(bert, trace, *head, asked[head], parts)
    return [found[head] for head in asked]

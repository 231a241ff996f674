"""Where in a corpus does a head fire: its strongest pairs of words, and examples from each tenth of its attention.

Only words count: each word, as a query, with the word that it attends to most. The pairs of a head are cut into ten
parts by deciles of attention. The deciles are those of the sample, so they are known before the corpus is read. The
examples of a part are drawn at random. What is kept has a fixed size, and does not depend on the order in which the
blocks of a corpus are added up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minibert.corpus.lines import Line
from minibert.survey.sample import Heads, Sample, word_places
from minibert.terminal import text_line
from minibert.trace import Trace
from viz.geometry.sentences import sentence_spans
from viz.measures.measure import among

PARTS = 10
STRONGEST = -1
"""The part of the strongest pairs; the others are 0 to 9, the weakest first."""


class Pair(NamedTuple):
    """A word and the word that it attends to most. The first pairs in sorted order are kept.

    order: minus the attention of the strongest pairs, otherwise a random number. at: the line, from 0. query, key:
    places of tokens.
    """

    order: float
    at: int
    query: int
    key: int
    attention: float
    query_token: str
    key_token: str


@dataclass(frozen=True)
class Wanted:
    """What is looked for: so many pairs of each part of each head.

    edges: [L, H, 9], the deciles of attention. among_words: attention is shared out anew among words.
    """

    count: int
    edges: np.ndarray
    among_words: bool
    seed: int


@dataclass(frozen=True)
class Firing:
    """The pairs that were kept. Those of several blocks can be added, in any order.

    pairs: by layer, head (of those measured, from 0) and part. queries: how many words each part had, by the same.
    lines: those that have a pair.
    """

    wanted: Wanted
    pairs: dict[tuple[int, int, int], list[Pair]]
    queries: np.ndarray
    lines: dict[int, Line]

    def __add__(self, other: "Firing") -> "Firing":
        pairs = {
            place: sorted(self.pairs.get(place, []) + other.pairs.get(place, []))[: self.wanted.count]
            for place in sorted(self.pairs.keys() | other.pairs.keys())
        }
        kept = {pair.at for some in pairs.values() for pair in some}
        lines = {at: line for at, line in (self.lines | other.lines).items() if at in kept}
        return Firing(self.wanted, pairs, self.queries + other.queries, lines)

    def rows(self, where: Heads) -> list[dict[str, Any]]:
        """firing.csv: a row per pair."""
        rows: list[dict[str, Any]] = []
        for (i, j, part), pairs in sorted(self.pairs.items()):
            total = self.queries[i, j].sum()
            for rank, pair in enumerate(pairs, 1):
                line = self.lines[pair.at]
                row: dict[str, Any] = {"layer": where.layers[i], "head": where.heads[j]}
                row |= {"part": "strongest" if part == STRONGEST else f"tenth {part + 1}", "rank": rank}
                row |= {"words": int(total if part == STRONGEST else self.queries[i, j, part])}
                row |= {"attention": pair.attention, "query": pair.query_token, "key": pair.key_token}
                row |= {"query_position": pair.query, "key_position": pair.key, "line": line.number}
                rows.append(row | {"file": line.path.rpartition("/")[2], "sentence": line.text.strip()})
        return rows

    def table(self, where: Heads) -> str:
        """A line per head: its deciles of attention, and its strongest pair with the sentence."""
        lines = ["       attention to the most attended word", " head    10 %   50 %   90 %  strongest"]
        for i, j in np.ndindex(self.queries.shape[:2]):
            low, middle, high = self.wanted.edges[i, j, [0, 4, 8]]
            head = f"{where.layers[i]}.{where.heads[j]}"
            lines.append(f"{head:>5}{low:8.2f}{middle:7.2f}{high:7.2f}" + self.strongest(i, j))
        return "\n".join(lines)

    def strongest(self, i: int, j: int) -> str:
        if not (pairs := self.pairs.get((i, j, STRONGEST))):
            return ""
        pair = pairs[0]
        words = f"{pair.query_token} \N{RIGHTWARDS ARROW} {pair.key_token}"
        return f"{pair.attention:6.2f} {words}: {text_line(self.lines[pair.at].text.strip())[:60]}"


def wanted(sample: Sample, where: Heads, count: int, seed: int) -> Wanted:
    """The deciles of the sample, and so many pairs of each part."""
    spans, words = sentence_spans(sample.sentences, len(sample.tokens)), sample.is_word
    best = [
        block[where.region][..., words[s], :][..., words[s]].max(axis=-1)
        for s, block in zip(spans, sample.attention, strict=True)
        if np.count_nonzero(words[s]) > 1
    ]
    shape = (len(where.layers), len(where.heads), PARTS - 1)
    deciles = np.arange(1, PARTS) / PARTS
    edges = (
        np.moveaxis(np.quantile(np.concatenate(best, axis=-1), deciles, axis=-1), 0, -1) if best else np.zeros(shape)
    )
    return Wanted(count, edges, sample.among_words, seed)


def fire(lines: Sequence[Line], traces: Sequence[Trace], where: Heads, of: Wanted) -> Firing:
    """The pairs of some sentences that have words in the same positions."""
    order = np.argsort([line.at for line in lines])
    lines, traces, words = [lines[i] for i in order], [traces[i] for i in order], word_places(traces[0])
    counts = np.zeros((len(where.layers), len(where.heads), PARTS), int)
    if len(words) < 2:
        return Firing(of, {}, counts, {})
    best, value = zip(*(most_attended(trace, where, words, of.among_words) for trace in traces), strict=True)
    key, attention = np.concatenate(best, axis=-1), np.concatenate(value, axis=-1)  # [L, H, M], by line and query
    draws = [np.random.default_rng([of.seed, line.at]).random(len(words)) for line in lines]
    draw = np.concatenate(draws)
    part = (attention[..., None] > of.edges[..., None, :]).sum(axis=-1)
    pairs: dict[tuple[int, int, int], list[Pair]] = {}

    def keep(i: int, j: int, which: int, chosen: np.ndarray, order: np.ndarray) -> None:
        pairs[i, j, which] = [
            Pair(
                float(order[m]),
                lines[m // len(words)].at,
                int(words[m % len(words)]),
                int(key[i, j, m]),
                float(attention[i, j, m]),
                traces[m // len(words)].tokens[words[m % len(words)]],
                traces[m // len(words)].tokens[key[i, j, m]],
            )
            for m in chosen
        ]

    by_draw = np.argsort(draw, kind="stable")
    for i, j in np.ndindex(counts.shape[:2]):
        keep(i, j, STRONGEST, np.argsort(-attention[i, j], kind="stable")[: of.count], -attention[i, j])
        drawn = part[i, j, by_draw]
        counts[i, j] = np.bincount(drawn, minlength=PARTS)
        for which in np.flatnonzero(counts[i, j]):
            keep(i, j, int(which), by_draw[drawn == which][: of.count], draw)
    return Firing(of, pairs, counts, {line.at: line for line in lines}) + Firing(of, {}, np.zeros_like(counts), {})


def most_attended(trace: Trace, where: Heads, words: np.ndarray, among_words: bool) -> tuple[np.ndarray, np.ndarray]:
    """For each word the place of the word that it attends to most, and that attention to six places: [L, H, W]."""
    attention = np.stack([trace.layers[layer].attention[list(where.heads)] for layer in where.layers])[..., words, :]
    block = among(attention, words) if among_words else attention[..., words]
    value = block.max(axis=-1).astype(np.float64)
    return words[block.argmax(axis=-1)], value.round(6)

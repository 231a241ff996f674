"""The whole experiment: read a corpus, draw a sample, fit the moves to it, measure them in all sentences."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import viz
from minibert.corpus.lines import Corpus
from minibert.corpus.passes import hands_of, look_through
from minibert.corpus.scan import DEFAULT_POINTS
from minibert.model import Bert
from minibert.survey.fit import METHODS, fit
from minibert.survey.measure import measure
from minibert.survey.result import Survey
from minibert.survey.sample import Heads, Sample, gather
from minibert.terminal import model_name

MOST_QUERIES = 5000
"""Queries that are measured, shared out evenly among the sentences, one at least of each."""
MOST_HELD = 400
"""What planes hold is measured in about so many sentences: in every second, third ... line of a longer file."""


def survey(
    bert: Bert,
    texts: Sequence[str] = (),
    file: str | Path | None = None,
    *,
    column: str | None = None,
    skip_bad: bool = False,
    points: int = DEFAULT_POINTS,
    queries: int | None = None,
    layers: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
    choose: Callable[[Sample], tuple[Sequence[int], Sequence[int]]] | None = None,
    scope: str = "head",
    dims: int = 2,
    among_words: bool = False,
    examples: int | None = None,
    seed: int = 0,
    workers: int | None = None,
    scheduler: str | None = None,
    **moves: Any,
) -> Survey:
    """Fit queries and keys on a sample of the sentences, and measure them in all. Ctrl-C ends the measuring early.

    texts: sentences, or pairs as "first ||| second"; or else file, column: see `minibert.corpus.lines.Corpus`.
    skip_bad: leave out the lines that cannot be used.
    points: the number of tokens that are drawn from a file; typed texts are all in the sample.
    queries: how many are measured in each sentence; None: 5,000 shared out among the sentences.
    layers, heads: which are measured, from 0; None: all. choose: gives both once the sample is there.
    among_words: fit and draw words alone, with attention shared out among them. Both are measured in any case.
    examples: how many pairs of words are kept of each part of a head's attention, see `minibert.survey.firing`.
    scope, dims, seed, moves: see `minibert.survey.fit.fit`. workers, scheduler: see `minibert.corpus.cluster`.
    """
    corpus = Corpus(texts, None if file is None else Path(file), column)
    most = math.inf if file is None else points
    with hands_of(workers, scheduler, bert) as hands:
        scan = look_through(hands, corpus, points=most, seed=seed, skip_bad=skip_bad)
        sample = gather(bert, scan.sample, among_words)
        if choose is not None:
            layers, heads = choose(sample)
        layers = range(bert.config.num_hidden_layers) if layers is None else layers
        heads = range(bert.config.num_attention_heads) if heads is None else heads
        where = Heads(layers, heads)
        ways = fit(sample, where, METHODS, scope=scope, dims=dims, seed=seed, **moves)
        each = queries or max(1, MOST_QUERIES // scan.sentences)
        held_step = -(-scan.sentences // MOST_HELD)
        options: dict[str, Any] = {
            "held_step": held_step,
            "sample": sample,
            "fitted": scan.sample,
            "examples": examples,
            "seed": seed,
            "skip_bad": skip_bad,
        }
        lines = scan.sentences + scan.skipped
        seen, habits, parked, fired, done = measure(hands, corpus, lines, ways, where, each, **options)
    ways = [as_measured(way, of.words if among_words else of.every) for way, of in zip(ways, seen, strict=True)]
    about = (model_name(bert), sample, *where, ways, seen, habits, parked, fired)
    return Survey(corpus, scan, done, skip_bad, *about, scope=scope, dims=dims, seed=seed, held_step=held_step)


def as_measured(way: viz.Normalized, measured: viz.Measures) -> viz.Normalized:
    """The way, its attention plane with what it loses of attention where it was measured: in sentences not fitted."""
    plane: Any = way.plane
    return replace(way, plane=replace(plane, lost=measured.lost)) if plane.is_attention else way

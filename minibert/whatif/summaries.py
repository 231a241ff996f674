"""Attention as it is often reported: between whole words, without special tokens, as a mean over heads or layers."""

from dataclasses import dataclass, replace

import numpy as np

import viz
from minibert.trace import Trace


@dataclass(frozen=True)
class Shares:
    """What is shared out between the tokens, or words, of one text.

    map: [..., S, S]; each row sums to 1. names: [S]. special: [S], True for a token that belongs to no word.
    """

    map: np.ndarray
    names: tuple[str, ...]
    special: tuple[bool, ...]


def word_attention(trace: Trace) -> tuple[tuple[str, ...], np.ndarray]:
    """The words of a text, and the attention between them: [layers, heads, words, words]. A special token is a word."""
    words = between_words(trace, trace.stacked("attention"))
    return words.names, words.map


def between_tokens(trace: Trace, map_TS: np.ndarray) -> Shares:
    """The map of a trace, with its tokens. map_TS: [..., T, T]."""
    return Shares(map_TS, trace.tokens, tuple(word is None for word in trace.words))


def between_words(trace: Trace, map_TS: np.ndarray) -> Shares:
    """A map between tokens as one between words.

        to a word      the sum over its pieces
        from a word    the mean over its pieces

    So each row still sums to 1, and a word of one piece keeps its numbers (Clark et al., "What Does BERT Look At? An
    Analysis of BERT's Attention", 2019). `minibert viz --words` uses the same function.
    """
    words = viz.find_words(trace.tokens, trace.words)
    return Shares(words.attention([map_TS])[0], tuple(words.labels), tuple(words.special.tolist()))


def without_special(shares: Shares) -> Shares:
    """The rows and columns of words alone. Each row is divided by its sum; a row of zeros is shared out evenly."""
    kept = np.flatnonzero(~np.array(shares.special))
    map_TS = shares.map[..., kept[:, None], kept]
    total_T1 = map_TS.sum(axis=-1, keepdims=True)
    even_TS = np.full_like(map_TS, 1 / max(1, len(kept)))
    map_TS = np.divide(map_TS, total_T1, out=even_TS, where=total_T1 > 0)
    return replace(shares, map=map_TS, names=tuple(shares.names[i] for i in kept), special=(False,) * len(kept))

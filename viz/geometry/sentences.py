"""Sentences are laid end to end: the place of each among all tokens, and its attention."""

import math
from collections.abc import Sequence

import numpy as np

PerToken = Sequence[int] | np.ndarray
"""[N], one number per token."""
Attention = Sequence[np.ndarray] | np.ndarray
"""One array [..., S, S] per sentence, or one [..., N, N] of all tokens."""


def sentence_spans(sentences: PerToken | None, tokens: int) -> list[slice]:
    """The place of each sentence among all tokens.

    sentences: [N], the sentence of each token; None: one sentence.

    ValueError: not one entry per token, or a sentence that appears twice.
    """
    if sentences is None:
        return [slice(0, tokens)]
    sentences = np.asarray(sentences)
    if sentences.shape != (tokens,):
        raise ValueError(f"sentences must have shape [{tokens}], one entry per token, not {list(sentences.shape)}")
    starts = [0, *(np.flatnonzero(sentences[1:] != sentences[:-1]) + 1).tolist()]
    if len(np.unique(sentences)) != len(starts):
        raise ValueError("the tokens of a sentence must stand together, but a sentence appears twice")
    return [slice(start, stop) for start, stop in zip(starts, [*starts[1:], tokens], strict=True)]


def attention_blocks(
    attention: Attention, spans: list[slice], heads: tuple[int, ...] | None = None
) -> list[np.ndarray]:
    """One array [..., S, S] per sentence.

    attention: a list of such arrays, or one array [..., N, N] of all tokens.
    heads: the shape of "..." that is expected; None: any.

    ValueError: another shape.
    """
    if isinstance(attention, np.ndarray):
        tokens = spans[-1].stop
        if attention.shape[-2:] != (tokens, tokens):
            raise ValueError(f"attention must have shape [..., {tokens}, {tokens}], not {list(attention.shape)}")
        blocks = [attention[..., s, s] for s in spans]
    else:
        blocks = [np.asarray(block) for block in attention]
        lengths, given = [s.stop - s.start for s in spans], [list(block.shape[-2:]) for block in blocks]
        if given != [[n, n] for n in lengths]:
            expected = f"one square array per sentence, of {_few(lengths)} tokens"
            raise ValueError(f"attention must be {expected}, not {_few(given)}")
    for block in blocks:
        if heads is not None and block.shape[:-2] != heads:
            expected = f"of the same heads as queries and keys, {list(heads)}"
            raise ValueError(f"attention must be {expected}, not {list(block.shape[:-2])}")
    return blocks


def attention_of(query: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Attention of one sentence with query and key [..., S, K].

        attention = softmax(query key^T / sqrt(K))

    Returns [..., S, S].
    """
    return softmax(query @ key.mT / math.sqrt(query.shape[-1]))


def softmax(scores: np.ndarray) -> np.ndarray:
    """Shares that grow with the scores.

        softmax_j(scores) = exp(scores_j) / sum_k exp(scores_k)

    They sum to 1 along the last axis.
    """
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def _few(values: list) -> str:
    shown = ", ".join(map(str, values[:8]))
    return f"{shown}, ... ({len(values)} of them)" if len(values) > 8 else shown

"""Which lines to draw from queries to keys: all of them would be a black square."""

from dataclasses import dataclass, replace

import numpy as np

from viz.figures.words import Words
from viz.geometry.normalize import attention_blocks, sentence_spans


@dataclass(frozen=True)
class Lines:
    """Lines from queries to keys, the weakest first, so that the strongest are drawn on top.

    query, key: [lines], places among all tokens.  attention: [..., lines].  how: in words, how they were chosen.
    """

    query: np.ndarray
    key: np.ndarray
    attention: np.ndarray
    how: str

    def strongest(self, most: int) -> "Lines":
        """No more than `most` of them, and in words that it is not all."""
        if len(self.query) <= most:
            return self
        how = f"{self.how}; of these the {most} strongest"
        return replace(self, query=self.query[-most:], key=self.key[-most:], attention=self.attention[-most:], how=how)


def choose_lines(
    attention: list[np.ndarray] | np.ndarray,
    sentences: np.ndarray | None = None,
    *,
    top: int | None = None,
    above: float | None = None,
    left_out: np.ndarray | None = None,
) -> Lines:
    """The lines of one head. Nothing is rescaled: attention to what is left out is simply not drawn.

    attention, sentences: as for `viz.measure`.
    top: the strongest pairs of all; above: all pairs with more attention than this; neither: each query's strongest.
    left_out: [N], tokens from and to which no line is drawn.

    ValueError: both `top` and `above`, or values out of range.
    """
    if top is not None and above is not None:
        raise ValueError("choose lines by top or by above, not by both")
    if top is not None and top < 1:
        raise ValueError(f"top must be 1 or more, not {top}")
    if above is not None and not 0 <= above < 1:
        raise ValueError(f"above must lie between 0 and 1, not {above}")

    tokens = len(sentences) if sentences is not None else attention_tokens(attention)
    left_out = np.zeros(tokens, bool) if left_out is None else np.asarray(left_out, bool)
    spans = sentence_spans(sentences, tokens)
    query, key, weight = [], [], []
    for s, block in zip(spans, attention_blocks(attention, spans), strict=True):
        kept = ~left_out[s]
        allowed = np.where(kept[:, None] & kept, block, -1)
        if above is not None:
            rows, columns = np.nonzero(allowed > above)
        elif top is not None:
            rows, columns = np.nonzero(allowed >= 0)
        else:
            rows = np.flatnonzero(kept)
            columns = allowed[rows].argmax(axis=-1) if len(rows) else rows
        query.append(rows + s.start)
        key.append(columns + s.start)
        weight.append(block[rows, columns])
    query, key, weight = (np.concatenate(part) for part in (query, key, weight))
    order = np.argsort(weight, kind="stable")[-top if top else 0 :]
    if top is not None:
        how = f"the {len(order)} pairs with most attention"
    else:
        how = "each query's most attended key" if above is None else f"all pairs with attention above {above:g}"
    if left_out.any():
        how += ", special tokens left out"
    return Lines(query[order], key[order], weight[order], how)


def link_words(
    words: Words, first: str, second: str, attention: list[np.ndarray] | np.ndarray, merged: bool = False
) -> Lines:
    """The lines from every piece of one word to every piece of another in the same sentence.

    attention: of tokens, or of words where `merged`; of one head or, with leading axes, of many. Upper and lower case
    are alike.

    ValueError: no sentence has both words.
    """
    labels = [label.lower() for label in words.labels]
    owner = np.arange(len(labels)) if merged else words.of_token
    sentence = words.sentences[owner]
    is_first = np.array([label == first.lower() for label in labels])[owner]
    is_second = np.array([label == second.lower() for label in labels])[owner]
    query, key = np.nonzero(is_first[:, None] & is_second & (sentence[:, None] == sentence))
    if not len(query):
        named = [label for label, special in zip(words.labels, words.special, strict=True) if not special]
        more = ", ..." if len(named) > 30 else ""
        raise ValueError(f"no sentence has both {first!r} and {second!r}; the words are: {', '.join(named[:30])}{more}")
    spans = sentence_spans(sentence, len(owner))
    blocks = attention_blocks(attention, spans)
    which = np.searchsorted([s.start for s in spans], query, side="right") - 1
    weight = [blocks[n][..., i - spans[n].start, j - spans[n].start] for n, i, j in zip(which, query, key, strict=True)]
    return Lines(query, key, np.stack(weight, axis=-1), f"{first} → {second}")


def attention_tokens(attention: list[np.ndarray] | np.ndarray) -> int:
    """How many tokens the attention is about."""
    return attention.shape[-1] if isinstance(attention, np.ndarray) else sum(a.shape[-1] for a in attention)

"""The choice of lines from queries to keys: a picture with all of them would be black."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from viz.errors import InputError
from viz.figures.whole_words import Words
from viz.geometry.sentences import Attention, PerToken, attention_blocks, sentence_spans


@dataclass(frozen=True)
class Lines:
    """Lines from queries to keys, the weakest first, so that the strongest are drawn on top.

    query, key: [lines], positions among all tokens.
    attention: [..., lines], "..." any axes of heads. The order of lines of many heads is that of the mean.
    how: in words, how they were chosen.
    """

    query: np.ndarray
    key: np.ndarray
    attention: np.ndarray
    how: str

    def __getitem__(self, head: int | tuple[int, ...]) -> "Lines":
        """The lines of one head of many: `lines[layer, head]`."""
        return replace(self, attention=self.attention[head])._in_order()

    def strongest(self, most: int) -> "Lines":
        """The strongest lines, no more than `most`."""
        if most < 0:
            raise ValueError(f"most must be 0 or more, not {most}")
        if len(self.query) <= most:
            return self
        how, kept = f"{self.how}; of these the {most} strongest", slice(len(self.query) - most, None)
        return replace(self, query=self.query[kept], key=self.key[kept], attention=self.attention[..., kept], how=how)

    def _in_order(self) -> "Lines":
        strength = self.attention.reshape(-1, len(self.query)).mean(axis=0)
        order = np.argsort(strength, kind="stable")
        return replace(self, query=self.query[order], key=self.key[order], attention=self.attention[..., order])


def choose_lines(
    attention: Attention,
    sentences: PerToken | None = None,
    *,
    top: int | None = None,
    above: float | None = None,
    keys: int = 1,
    left_out: Sequence[bool] | np.ndarray | None = None,
) -> Lines:
    """The lines of one head. Attention is not rescaled: attention to tokens that are left out is not drawn.

    attention: one array [S, S] per sentence, or one [N, N].
    sentences: [N], as for `viz.measure`.
    top: this number of the strongest pairs.
    above: all pairs with more attention than this.
    keys: this number of the most attended keys of each query, without `top` and `above`.
    left_out: [N] of True and False: tokens from and to which no line is drawn.

    ValueError: both `top` and `above`, values out of range, or shapes that do not fit.
    """
    _check_choice(top, above, keys)
    tokens, spans, blocks = _blocks_of(attention, sentences)
    if blocks[0].ndim != 2:
        given = f"[{tokens}, {tokens}], not {list(blocks[0].shape)}"
        raise ValueError(
            f"attention must be that of one head, {given}; choose one first, such as attention[layer, head]"
        )
    out = np.zeros(tokens, bool) if left_out is None else np.asarray(left_out)
    if out.shape != (tokens,) or out.dtype != bool:
        expected = f"[{tokens}] of true and false, one per token"
        raise ValueError(f"left_out must be {expected}, not {list(out.shape)} of {out.dtype}")
    found = [_chosen(block, ~out[s], top, above, keys) for s, block in zip(spans, blocks, strict=True)]
    query, key = (
        np.concatenate([ends[side] + s.start for s, ends in zip(spans, found, strict=True)]) for side in (0, 1)
    )
    weight = np.concatenate([block[ends] for block, ends in zip(blocks, found, strict=True)])
    order = np.argsort(weight, kind="stable")
    order = order if top is None else order[max(len(order) - top, 0) :]
    if top is not None:
        how = f"the {len(order)} pairs with most attention"
    elif above is not None:
        how = f"all pairs with attention above {above:g}"
    else:
        how = "each query's most attended key" if keys == 1 else f"each query's {keys} most attended keys"
    if out.any():
        how += ", special tokens left out"
    return Lines(query[order], key[order], weight[order], how)


def _check_choice(top: int | None, above: float | None, keys: int) -> None:
    if top is not None and above is not None:
        raise ValueError("choose lines by top or by above, not by both")
    if top is not None and top < 1:
        raise ValueError(f"top must be 1 or more, not {top}")
    if keys < 1:
        raise ValueError(f"keys must be 1 or more, not {keys}")
    if above is not None and not 0 <= above < 1:
        raise ValueError(f"above must be 0 or more, and less than 1, not {above}")


def _chosen(
    block: np.ndarray, kept: np.ndarray, top: int | None, above: float | None, keys: int
) -> tuple[np.ndarray, np.ndarray]:
    """Queries and keys of the chosen pairs of one sentence; of `top` all pairs of tokens that are kept."""
    allowed = np.where(kept[:, None] & kept, block, -1)
    if above is not None:
        rows, columns = np.nonzero(allowed > above)
    elif top is not None:
        rows, columns = np.nonzero(allowed >= 0)
    else:
        best = np.argsort(-allowed, axis=-1, kind="stable")[:, :keys]
        rows, rank = np.nonzero(np.take_along_axis(allowed, best, axis=-1) >= 0)
        columns = best[rows, rank]
    return rows, columns


def link_words(words: Words, first: str, second: str, attention: Attention, merged: bool = False) -> Lines:
    """The lines from every piece of one word to every piece of another in the same sentence.

    Upper and lower case are alike.

    attention: one array [..., S, S] per sentence, or one [..., N, N]; "..." any axes of heads.
    merged: attention is that of words, not of tokens.

    InputError: no sentence has both words. ValueError: shapes that do not fit.
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
        raise InputError(f"no sentence has both {first!r} and {second!r}; the words are: {', '.join(named[:30])}{more}")
    _, spans, blocks = _blocks_of(attention, sentence)
    which = np.searchsorted([s.start for s in spans], query, side="right") - 1
    weight = [blocks[n][..., i - spans[n].start, j - spans[n].start] for n, i, j in zip(which, query, key, strict=True)]
    return Lines(query, key, np.stack(weight, axis=-1), f"{first} → {second}")._in_order()


def _blocks_of(attention: Attention, sentences: PerToken | None) -> tuple[int, list[slice], list[np.ndarray]]:
    """The number of tokens, the place of each sentence among them, and its attention, one array [..., S, S]."""
    if not isinstance(attention, np.ndarray):
        attention = [np.asarray(block) for block in attention]
        if attention and all(block.ndim == 1 for block in attention):  # one matrix, as lists
            attention = np.stack(attention)
    if isinstance(attention, np.ndarray):
        if attention.ndim < 2:
            raise ValueError(f"attention must be [N, N], one row per query, not {list(attention.shape)}")
        tokens = attention.shape[-1]
    else:
        tokens = sum(block.shape[-1] for block in attention)
    if sentences is not None and len(sentences) != tokens:
        given = f"{tokens} tokens, but sentences has {len(sentences)}"
        raise ValueError(f"attention is about {given}; expected one per token")
    if sentences is None and not isinstance(attention, np.ndarray) and len(attention) > 1:
        sentences = np.repeat(np.arange(len(attention)), [block.shape[-1] for block in attention])
    spans = sentence_spans(sentences, tokens)
    return tokens, spans, attention_blocks(attention, spans)

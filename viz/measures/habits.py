"""The mean attention of a head to a token itself, its neighbors, [CLS] and [SEP], and its mean entropy."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from viz.measures.measure import Sums

REACH = 10
"""The largest distance, in tokens, with a mean of its own. AttentionViz' spirals and neighbor heads lie within it."""
OFFSETS = np.arange(-REACH, REACH + 1)


@dataclass(frozen=True)
class Habits(Sums):
    """Sums over queries, one entry per head, [...]. The sums of several sentences can be added.

    offset_sum, offset_count: [..., 21], by the position of the key relative to the query, -10 to 10.
    """

    queries: np.ndarray
    cls_sum: np.ndarray
    sep_sum: np.ndarray
    entropy_sum: np.ndarray
    offset_sum: np.ndarray
    offset_count: np.ndarray

    @property
    def by_offset(self) -> np.ndarray:
        """Mean attention of a query to the key at each relative position of `OFFSETS`, [..., 21]."""
        return self.offset_sum / np.maximum(self.offset_count, 1)

    @property
    def to_self(self) -> np.ndarray:
        return self.by_offset[..., REACH]

    @property
    def to_previous(self) -> np.ndarray:
        """Mean over the queries that have a token before them."""
        return self.by_offset[..., REACH - 1]

    @property
    def to_next(self) -> np.ndarray:
        """Mean over the queries that have a token after them."""
        return self.by_offset[..., REACH + 1]

    @property
    def to_cls(self) -> np.ndarray:
        return self.cls_sum / self.queries

    @property
    def to_sep(self) -> np.ndarray:
        """Attention to all [SEP] of the sentence together."""
        return self.sep_sum / self.queries

    @property
    def entropy(self) -> np.ndarray:
        """Mean entropy of a query's attention, in bits.

            entropy = -sum_j attention_ij log2(attention_ij)

        0 if one key gets all attention, log2 S if all keys get the same.
        """
        return self.entropy_sum / self.queries


def habits(attention: np.ndarray, tokens: Sequence[str], roles: Sequence[str | None] | None = None) -> Habits:
    """The `Habits` of heads in one sentence.

    attention: [..., S, S].
    tokens: [S].
    roles: [S], "cls", "sep" or another name for a special token, None for an ordinary one. If they are not given, a
    token in brackets has the role of its name, as in BERT's own vocabularies (see `bracketed`).

    ValueError: shapes that do not fit.
    """
    roles = [bracketed(token) for token in tokens] if roles is None else roles
    attention, size = np.asarray(attention), len(tokens)
    if attention.shape[-2:] != (size, size) or len(roles) != size:
        given = f"{list(attention.shape)} and {len(roles)} roles"
        raise ValueError(f"{size} tokens need attention [..., {size}, {size}] and {size} roles, not {given}")
    attention = attention.astype(np.result_type(attention, np.float32), copy=False)
    tiny = np.finfo(attention.dtype).tiny
    surprise = np.einsum("...j,...j->...", attention, np.log2(np.maximum(attention, tiny)))

    def received(role: str) -> np.ndarray:
        return attention[..., [r == role for r in roles]].sum(axis=(-2, -1), dtype=np.float64)

    by_offset = [
        np.einsum("...i->...", np.diagonal(attention, o, -2, -1)) if abs(o) < size else np.zeros(attention.shape[:-2])
        for o in OFFSETS
    ]
    offset_sum = np.stack(by_offset, axis=-1, dtype=np.float64)
    queries, entropy = np.full(offset_sum.shape[:-1], size), -surprise.sum(axis=-1, dtype=np.float64)
    offset_count = np.broadcast_to(np.maximum(size - np.abs(OFFSETS), 0), offset_sum.shape)
    return Habits(queries, received("cls"), received("sep"), entropy, offset_sum, offset_count)


def bracketed(token: str) -> str | None:
    """The role "cls" for CLS in square brackets, and so on; None for a token without brackets."""
    return token[1:-1].lower() if len(token) > 2 and token[0] == "[" and token[-1] == "]" else None

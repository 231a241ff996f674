"""What if a token, or a head, had read another sentence? `patch` puts arrays of one run into another.

If the answer changes, the patched array carried information that the answer needs (activation patching: Vig et al.,
"Investigating Gender Bias in Language Models Using Causal Mediation Analysis", 2020; Meng et al., "Locating and Editing
Factual Associations in GPT", 2022).
"""

from collections.abc import Sequence

import numpy as np

from minibert.model import Bert
from minibert.trace import Trace
from minibert.whatif.changes import field_of, resume

BY_HEAD = ("query", "key", "value", "scores", "attention", "head_outputs")
"""Fields whose first axis is the heads and whose second is the tokens. The first axis of the others is the tokens."""


def patch(
    bert: Bert,
    trace: Trace,
    other: Trace,
    name: str,
    *,
    layer: int,
    heads: Sequence[int] | None = None,
    tokens: Sequence[int] | None = None,
) -> Trace:
    """The trace that follows when part of an array of `trace` is that of `other`, a run of as many tokens.

    name, layer: the array, as in `resume`. heads, tokens: which of its heads and (query) tokens; None is all.
    """
    array, theirs = field_of(bert, trace, layer, name).copy(), field_of(bert, other, layer, name)
    if array.shape != theirs.shape:
        raise ValueError(f"the traces have {len(trace.tokens)} and {len(other.tokens)} tokens; expected equally many")
    if heads is not None and name not in BY_HEAD:
        raise ValueError(f"heads are given, but {name} has no axis of heads; expected one of {', '.join(BY_HEAD)}")
    rows = slice(None) if tokens is None else list(tokens)
    if name in BY_HEAD:
        for head in range(len(array)) if heads is None else heads:
            array[head, rows] = theirs[head, rows]
    else:
        array[rows] = theirs[rows]
    return resume(bert, trace, layer=layer, **{name: array})


def uniform(attention_HTS: np.ndarray) -> np.ndarray:
    """Attention that is 1/S for each of the S keys, whatever the scores are."""
    return np.full_like(attention_HTS, 1 / attention_HTS.shape[-1])

"""The arrays that a BERT is made of: their names, and their place in the architecture. Imports nothing but NumPy."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np


class LinearWeights(NamedTuple):
    weight: np.ndarray
    """[out, in]"""
    bias: np.ndarray
    """[out]"""


class NormWeights(NamedTuple):
    weight: np.ndarray
    """[D]"""
    bias: np.ndarray
    """[D]"""


class EmbeddingWeights(NamedTuple):
    word: np.ndarray
    """[V, D], or narrower where a projection follows"""
    position: np.ndarray
    """[positions, D]"""
    token_type: np.ndarray
    """[segments, D]"""
    norm: NormWeights
    projection: LinearWeights | None = None
    """what makes narrow embeddings as wide as D, in the families that have them"""


class AttentionWeights(NamedTuple):
    query: LinearWeights
    key: LinearWeights
    value: LinearWeights


class LayerWeights(NamedTuple):
    attention: AttentionWeights
    attention_output: LinearWeights
    attention_norm: NormWeights
    intermediate: LinearWeights
    output: LinearWeights
    output_norm: NormWeights


class MaskedLMWeights(NamedTuple):
    transform: LinearWeights
    norm: NormWeights
    decoder: np.ndarray
    """[V, D], in most checkpoints the word embeddings themselves, and as wide as these"""
    bias: np.ndarray
    """[V]"""


class DiscriminatorWeights(NamedTuple):
    """The head that tells, token by token, whether it was replaced (ELECTRA); see `minibert.whatif.replaced`."""

    dense: LinearWeights
    prediction: LinearWeights


class Weights(NamedTuple):
    embeddings: EmbeddingWeights
    layers: tuple[LayerWeights, ...]
    pooler: LinearWeights | None
    """where a classifier has a layer of its own in its place, as in some families, that one"""
    masked_lm: MaskedLMWeights | None
    classifier: LinearWeights | None
    discriminator: DiscriminatorWeights | None = None

    def named(self) -> Iterator[tuple[str, np.ndarray]]:
        """Every array with its path, such as ("layers.0.attention.query.weight", array)."""
        yield from named_arrays("", self)


def named_arrays(path: str, part: object) -> Iterator[tuple[str, np.ndarray]]:
    if isinstance(part, np.ndarray):
        yield path, part
    elif isinstance(part, tuple):
        names = getattr(part, "_fields", range(len(part)))
        for name, value in zip(names, part, strict=True):
            yield from named_arrays(f"{path}.{name}" if path else str(name), value)

"""The parameters of a BERT: their names and their place in the architecture. This module imports NumPy alone."""

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
    """maps narrow embeddings to D, in the families that have them"""


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
    """[V, D], or as narrow as the word embeddings; in most checkpoints it is these"""
    bias: np.ndarray
    """[V]"""


class DiscriminatorWeights(NamedTuple):
    """The head that classifies each token as replaced or not (ELECTRA); see `minibert.whatif.replaced`."""

    dense: LinearWeights
    prediction: LinearWeights


class Weights(NamedTuple):
    embeddings: EmbeddingWeights
    layers: tuple[LayerWeights, ...]
    pooler: LinearWeights | None
    """in families whose classifier has a layer in its place, that layer"""
    masked_lm: MaskedLMWeights | None
    classifier: LinearWeights | None
    discriminator: DiscriminatorWeights | None = None

    def named(self) -> Iterator[tuple[str, np.ndarray]]:
        """Each array with its path, such as ("layers.0.attention.query.weight", array)."""
        yield from named_arrays("", self)


def named_arrays(path: str, part: object) -> Iterator[tuple[str, np.ndarray]]:
    """The arrays in a part of Weights. path: the path of the part."""
    if isinstance(part, np.ndarray):
        yield path, part
    elif isinstance(part, tuple):
        names = getattr(part, "_fields", range(len(part)))
        for name, value in zip(names, part, strict=True):
            yield from named_arrays(f"{path}.{name}" if path else str(name), value)

"""A checkpoint's tensors, under our names, in the shape of the architecture."""

import math
from pathlib import Path

import numpy as np

from minibert.checkpoint.config import BertConfig, CheckpointError, abbreviate
from minibert.checkpoint.parameters import (
    AttentionWeights,
    EmbeddingWeights,
    LayerWeights,
    LinearWeights,
    MaskedLMWeights,
    NormWeights,
    Weights,
)
from minibert.checkpoint.tensors import find_tensors, read_tensor

WORD_TABLE = "embeddings.word_embeddings.weight"
"""Every BERT has it, with or without something like "bert." before it, which the other names then have too."""

ENCODER_PARTS = ("embeddings.", "encoder.", "pooler.")
BUFFERS = ("embeddings.position_ids", "embeddings.token_type_ids")
"""Counts from 0, and zeros, that some versions of `transformers` wrote down."""


def read_weights(folder: Path, config: BertConfig) -> Weights:
    """Every tensor of the architecture, float32, in the shape the config asks for; nothing of it missing, or left over.

    Heads that `minibert` does not use are not read. Raises CheckpointError.
    """
    stored = find_tensors(folder)
    tables = [name for name in stored if name.endswith(WORD_TABLE)]
    if len(tables) != 1:
        raise CheckpointError(f"{folder} has {len(tables)} tensors named ...{WORD_TABLE}; a BERT has one")
    prefix = tables[0].removesuffix(WORD_TABLE)
    hidden, inner = config.hidden_size, config.intermediate_size
    unused = {name for name in stored if name.startswith(tuple(prefix + part for part in ENCODER_PARTS))}
    unused -= {prefix + name for name in BUFFERS}

    def get(name: str, *shape: int) -> np.ndarray:
        if name not in stored:
            raise CheckpointError(
                f"{folder} has no tensor {abbreviate(name)}; config.json asks for one of shape {list(shape)}"
            )
        unused.discard(name)
        return read_tensor(name, stored[name], shape)

    def linear(name: str, size_in: int, size_out: int) -> LinearWeights:
        return LinearWeights(get(name + ".weight", size_out, size_in), get(name + ".bias", size_out))

    def norm(name: str) -> NormWeights:
        return NormWeights(get(name + ".weight", hidden), get(name + ".bias", hidden))

    at = prefix + "embeddings."
    embeddings = EmbeddingWeights(
        get(at + "word_embeddings.weight", config.vocab_size, hidden),
        get(at + "position_embeddings.weight", config.max_position_embeddings, hidden),
        get(at + "token_type_embeddings.weight", config.type_vocab_size, hidden),
        norm(at + "LayerNorm"),
    )
    layers = []
    for i in range(config.num_hidden_layers):
        at = f"{prefix}encoder.layer.{i}."
        layers.append(
            LayerWeights(
                AttentionWeights(
                    *(linear(f"{at}attention.self.{role}", hidden, hidden) for role in ("query", "key", "value"))
                ),
                linear(at + "attention.output.dense", hidden, hidden),
                norm(at + "attention.output.LayerNorm"),
                linear(at + "intermediate.dense", hidden, inner),
                linear(at + "output.dense", inner, hidden),
                norm(at + "output.LayerNorm"),
            )
        )
    pooler = linear(prefix + "pooler.dense", hidden, hidden) if prefix + "pooler.dense.weight" in stored else None
    if unused:
        raise CheckpointError(
            f"{folder} has the tensor {abbreviate(min(unused))}, which the BERT of its config.json has not"
        )

    masked_lm = classifier = None
    heads = prefix.removesuffix("bert.")
    if (at := heads + "cls.predictions.") + "transform.dense.weight" in stored:
        transform, transform_norm = linear(at + "transform.dense", hidden, hidden), norm(at + "transform.LayerNorm")
        decoder = embeddings.word
        if not config.tie_word_embeddings or at + "decoder.weight" in stored:
            decoder = get(at + "decoder.weight", config.vocab_size, hidden)
            decoder = embeddings.word if np.array_equal(decoder, embeddings.word) else decoder
        bias = get(at + ("decoder.bias" if at + "decoder.bias" in stored else "bias"), config.vocab_size)
        masked_lm = MaskedLMWeights(transform, transform_norm, decoder, bias)
    if (at := heads + "classifier") + ".weight" in stored:
        rows = math.prod(stored[at + ".weight"].shape) // hidden
        classifier = linear(at, hidden, len(config.labels) or max(rows, 1))
    return Weights(embeddings, tuple(layers), pooler, masked_lm, classifier)

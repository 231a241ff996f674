"""A checkpoint's tensors, under our names, in the shape of the architecture."""

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minibert.config import BertConfig, CheckpointError, abbreviate, read_config
from minibert.hub import find_model
from minibert.tensors import find_tensors, read_tensor
from minibert.tokenizer import Tokenizer, read_tokenizer

WORD_TABLE = "embeddings.word_embeddings.weight"
"""Every BERT has it, with or without something like "bert." before it, which the other names then have too."""

ENCODER_PARTS = ("embeddings.", "encoder.", "pooler.")
BUFFERS = ("embeddings.position_ids", "embeddings.token_type_ids")
"""Counts from 0, and zeros, that some versions of `transformers` wrote down."""


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
    """[V, D]"""
    position: np.ndarray
    """[positions, D]"""
    token_type: np.ndarray
    """[segments, D]"""
    norm: NormWeights


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
    """[V, D], in most checkpoints the word embeddings themselves"""
    bias: np.ndarray
    """[V]"""


class Weights(NamedTuple):
    embeddings: EmbeddingWeights
    layers: tuple[LayerWeights, ...]
    pooler: LinearWeights | None
    masked_lm: MaskedLMWeights | None
    classifier: LinearWeights | None

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


def load_checkpoint(model: str | Path, revision: str | None = None) -> tuple[BertConfig, Tokenizer, Weights]:
    """Read a bundled model, a folder or a hub id; see `minibert.load`."""
    folder = find_model(model, revision)
    config = read_config(folder / "config.json")
    tokenizer = read_tokenizer(folder, config.vocab_size)
    weights = read_weights(folder, config)
    if weights.classifier is not None and not config.labels:
        labels = tuple(f"LABEL_{number}" for number in range(len(weights.classifier.bias)))
        config = dataclasses.replace(config, labels=labels)
    return config, tokenizer, weights


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

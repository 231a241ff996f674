"""A checkpoint's tensors, by name, in the shape of the architecture."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors import safe_open

from minibert.config import BertConfig, CheckpointError, read_config
from minibert.tokenizer import Tokenizer, read_tokenizer


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
    folder = Path(model)
    bundled = Path(__file__).parent / str(model)
    if not folder.is_dir() and bundled.is_dir():
        folder = bundled
    if not folder.is_dir():
        raise CheckpointError(f"{model}: no such folder")
    config = read_config(folder / "config.json")
    return config, read_tokenizer(folder), read_weights(folder, config)


def read_weights(folder: Path, config: BertConfig) -> Weights:
    """Every tensor of the architecture, float32."""
    with safe_open(folder / "model.safetensors", framework="numpy") as file:
        names = set(file.keys())
        prefix = "bert." if "bert.embeddings.word_embeddings.weight" in names else ""

        def get(name: str) -> np.ndarray:
            return file.get_tensor(name).astype(np.float32, copy=False)

        def pair(kind, name: str):
            return kind(get(name + ".weight"), get(name + ".bias"))

        at = prefix + "embeddings."
        embeddings = EmbeddingWeights(
            get(at + "word_embeddings.weight"),
            get(at + "position_embeddings.weight"),
            get(at + "token_type_embeddings.weight"),
            pair(NormWeights, at + "LayerNorm"),
        )
        layers = []
        for i in range(config.num_hidden_layers):
            at = f"{prefix}encoder.layer.{i}."
            layers.append(
                LayerWeights(
                    AttentionWeights(
                        *(pair(LinearWeights, f"{at}attention.self.{role}") for role in ("query", "key", "value"))
                    ),
                    pair(LinearWeights, at + "attention.output.dense"),
                    pair(NormWeights, at + "attention.output.LayerNorm"),
                    pair(LinearWeights, at + "intermediate.dense"),
                    pair(LinearWeights, at + "output.dense"),
                    pair(NormWeights, at + "output.LayerNorm"),
                )
            )
        has_pooler = prefix + "pooler.dense.weight" in names
        pooler = pair(LinearWeights, prefix + "pooler.dense") if has_pooler else None
        masked_lm = None
        if "cls.predictions.transform.dense.weight" in names:
            decoder = "cls.predictions.decoder.weight"
            masked_lm = MaskedLMWeights(
                pair(LinearWeights, "cls.predictions.transform.dense"),
                pair(NormWeights, "cls.predictions.transform.LayerNorm"),
                get(decoder) if decoder in names else embeddings.word,
                get("cls.predictions.bias"),
            )
        classifier = pair(LinearWeights, "classifier") if "classifier.weight" in names else None
    return Weights(embeddings, tuple(layers), pooler, masked_lm, classifier)

"""Inputs drawn from a seed, made so that mistakes show: no two sizes alike, queries unlike keys, no bias zero, a token
twice in every sentence."""

from functools import cache

import numpy as np

from minibert.checkpoint.config import BertConfig
from minibert.checkpoint.parameters import (
    AttentionWeights,
    EmbeddingWeights,
    LayerWeights,
    LinearWeights,
    MaskedLMWeights,
    NormWeights,
    Weights,
)
from minibert.model import Bert, load
from minibert.tokenizer.tokenizer import Encoding

model = cache(load)
"""A bundled model, by name; loaded once in a process"""

EPS = 0.05
"""of the layer norms, far from 0, so that it shows where another is taken"""


class Draw:
    """Random arrays, weights and sentences; float32 throughout. The same seed draws the same.

    A second draw of sizes differs from the first, so that a function fails which is right for one size only.
    """

    def __init__(self, seed: int):
        self.rng = np.random.default_rng(seed)
        self.drawn: list[tuple[int, ...]] = []

    def sizes(self, count: int, least: int = 3, most: int = 9) -> list[int]:
        """Different sizes, so that no axis can be taken for another."""
        while True:
            sizes = [int(size) for size in self.rng.permutation(np.arange(least, most + 1))[:count]]
            if self.is_new(sizes):
                return sizes

    def model_sizes(self) -> tuple[int, int, int, int]:
        """heads, tokens, head size, feed-forward size; these and heads times head size all different."""
        while True:
            heads, head_size, tokens = (int(size) for size in self.rng.permutation(np.arange(2, 8))[:3])
            inner = heads * head_size + 3
            unlike = len({heads, head_size, tokens, heads * head_size, inner}) == 5 and tokens > 3
            if unlike and self.is_new([heads, tokens, head_size, inner]):
                return heads, tokens, head_size, inner

    def is_new(self, sizes: list[int]) -> bool:
        """Whether none of them was drawn in its place before; notes them if so."""
        earlier = [before for before in self.drawn if len(before) == len(sizes)]
        if any(size == old for before in earlier for size, old in zip(sizes, before, strict=True)):
            return False
        self.drawn.append(tuple(sizes))
        return True

    def normal(self, *shape: int, mean: float = 0.0, spread: float = 1.0) -> np.ndarray:
        return (mean + spread * self.rng.standard_normal(shape)).astype(np.float32)

    def query_key_value(self, heads: int, queries: int, keys: int, head_size: int) -> tuple[np.ndarray, ...]:
        """Keys are further out than queries and lie to one side, as in trained models; values are something else."""
        query_HTK = self.normal(heads, queries, head_size, mean=0.3)
        key_HSK = self.normal(heads, keys, head_size, mean=-0.4, spread=1.3)
        return query_HTK, key_HSK, self.normal(heads, keys, head_size, mean=0.2)

    def linear(self, outs: int, ins: int) -> LinearWeights:
        return LinearWeights(self.normal(outs, ins, spread=ins**-0.5), self.normal(outs, mean=0.3, spread=0.4))

    def norm(self, size: int) -> NormWeights:
        return NormWeights(self.normal(size, mean=1.0, spread=0.3), self.normal(size, mean=0.2, spread=0.3))

    def layer(self, hidden_size: int, inner: int) -> LayerWeights:
        return LayerWeights(
            AttentionWeights(*(self.linear(hidden_size, hidden_size) for _ in range(3))),
            self.linear(hidden_size, hidden_size),
            self.norm(hidden_size),
            self.linear(inner, hidden_size),
            self.linear(hidden_size, inner),
            self.norm(hidden_size),
        )

    def config(self, heads: int, head_size: int, inner: int, hidden_act: str = "gelu") -> BertConfig:
        return BertConfig(
            vocab_size=30,
            hidden_size=heads * head_size,
            num_hidden_layers=1,
            num_attention_heads=heads,
            intermediate_size=inner,
            max_position_embeddings=20,
            hidden_act=hidden_act,
            layer_norm_eps=EPS,
        )

    def embeddings(self, hidden_size: int) -> EmbeddingWeights:
        return EmbeddingWeights(
            self.normal(30, hidden_size),
            self.normal(20, hidden_size),
            self.normal(2, hidden_size),
            self.norm(hidden_size),
        )

    def masked_lm(self, hidden_size: int, vocabulary: int) -> MaskedLMWeights:
        return MaskedLMWeights(
            self.linear(hidden_size, hidden_size),
            self.norm(hidden_size),
            self.normal(vocabulary, hidden_size),
            self.normal(vocabulary, mean=0.5),
        )

    def encodings(self, *lengths: int) -> list[Encoding]:
        """Sentences of random ids, the last the same as the first; the second half of each belongs to segment 1, as in
        a pair."""
        encodings = []
        for length in lengths:
            ids = tuple(int(number) for number in self.rng.choice(30, size=length - 1, replace=False))
            ids += ids[:1]
            segments = tuple(int(place >= length // 2) for place in range(length))
            encodings.append(Encoding(tuple(f"token{number}" for number in ids), ids, segments, (None,) * length, ""))
        return encodings

    def rows(self, *lengths: int) -> list[slice]:
        """The rows of sentences of these lengths, laid end to end."""
        ends = np.cumsum(lengths)
        return [slice(int(end) - length, int(end)) for end, length in zip(ends, lengths, strict=True)]

    def bert(self, layers: int, heads: int, head_size: int, like: str = "tiny") -> Bert:
        """An untrained model with the tokenizer of a bundled one; unlike the bundled ones in every size."""
        tokenizer, hidden_size = model(like).tokenizer, heads * head_size
        vocabulary, inner = model(like).config.vocab_size, hidden_size + 3
        config = BertConfig(
            vocab_size=vocabulary,
            hidden_size=hidden_size,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            intermediate_size=inner,
            max_position_embeddings=64,
            layer_norm_eps=EPS,
        )
        embeddings = EmbeddingWeights(
            self.normal(vocabulary, hidden_size),
            self.normal(64, hidden_size),
            self.normal(2, hidden_size),
            self.norm(hidden_size),
        )
        weights = Weights(
            embeddings,
            tuple(self.layer(hidden_size, inner) for _ in range(layers)),
            None,
            self.masked_lm(hidden_size, vocabulary),
            None,
        )
        return Bert(config, tokenizer, weights, f"{layers} x {heads} heads")

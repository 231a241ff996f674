"""The whole BERT: text in, Trace out. Embeddings, then one encoder layer after another, then what is built on top."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from minibert.checkpoint.config import BertConfig
from minibert.checkpoint.load import load_checkpoint
from minibert.checkpoint.parameters import Weights
from minibert.checkpoint.tokenizer import Encoding, Tokenizer
from minibert.embeddings import embed
from minibert.encoder import encoder_layer
from minibert.heads import classify, masked_lm_logits, pool
from minibert.numerics import softmax
from minibert.speed.cores import share_out
from minibert.trace import FIELDS, LAYER_FIELDS, LayerTrace, Trace

if TYPE_CHECKING:
    from minibert.reading.build import Reading

Text = str | tuple[str, str] | Encoding
"""A sentence, a pair of sentences, or what the tokenizer made of either."""

BATCH_TOKENS = 1024
"""`stream` gathers sentences up to about this many tokens: enough to keep the matrix products busy, small in memory."""


@dataclass(frozen=True, eq=False)
class Bert:
    """A trained BERT. Nothing in it changes; every call returns all it computed."""

    config: BertConfig
    tokenizer: Tokenizer
    weights: Weights
    name: str

    def __repr__(self) -> str:
        c = self.config
        return (
            f"Bert({self.name!r}: {c.num_hidden_layers} layers of {c.num_attention_heads} heads, "
            f"hidden size {c.hidden_size}, vocabulary of {c.vocab_size:,})"
        )

    def __call__(self, text: Text) -> Trace:
        """Run one sentence (or pair) and return its Trace."""
        return self.batch([text])[0]

    def batch(self, texts: Iterable[Text], keep: Collection[str] = FIELDS) -> list[Trace]:
        """Run many sentences together; each Trace is what the sentence alone would give.

        keep: which arrays the Traces hold, names out of `minibert.trace.FIELDS`; the others are None.
        """
        keep = check_keep(keep)
        encodings = [self.encode(text) for text in check_texts(texts)]
        return share_out(lambda some: self._forward(some, keep), encodings) if encodings else []

    def _forward(self, encodings: Sequence[Encoding], keep: Collection[str]) -> list[Trace]:
        """The way of some sentences through the model, laid end to end."""
        hidden_TD = embed(encodings, self.weights.embeddings, self.config.layer_norm_eps)
        sentences = rows_of_sentences(encodings)

        states_LTD = [hidden_TD]
        layers = []
        for layer_weights in self.weights.layers:
            hidden_TD, parts = encoder_layer(hidden_TD, sentences, layer_weights, self.config)
            if "hidden_states" in keep:
                states_LTD.append(hidden_TD)
            layers.append([LayerTrace(**{name: part[name] for name in LAYER_FIELDS if name in keep}) for part in parts])

        pooler = self.weights.pooler if "pooled" in keep else None
        return [
            Trace(
                tokens=encoding.tokens,
                words=encoding.words,
                token_type_ids=encoding.token_type_ids,
                layers=tuple(layer[i] for layer in layers),
                roles=encoding.roles,
                hidden_states=tuple(state[rows] for state in states_LTD) if "hidden_states" in keep else None,
                pooled=pool(hidden_TD[rows], pooler) if pooler else None,
            )
            for i, (encoding, rows) in enumerate(zip(encodings, sentences, strict=True))
        ]

    def stream(self, texts: Iterable[Text], keep: Collection[str] = ("query", "key", "attention")) -> Iterator[Trace]:
        """Run any number of sentences, a batch at a time: memory is bounded by one batch, and so is what is read ahead.

        Traces come in the order of the texts. What is not in `keep` is given back as soon as its layer is done.
        """
        keep = check_keep(keep)
        encodings = (self.encode(text) for text in check_texts(texts))
        batch, tokens = [], 0
        for encoding in encodings:
            if batch and tokens + len(encoding) > BATCH_TOKENS:
                yield from self.batch(batch, keep)
                batch, tokens = [], 0
            batch.append(encoding)
            tokens += len(encoding)
        yield from self.batch(batch, keep)

    def read(self, text: Text) -> "Reading":
        """The page of `minibert read`: the code that runs, with this text's arrays at every line. `.save(path)` it."""
        from minibert.reading.build import read

        return read(self, text)

    def encode(self, text: Text) -> Encoding:
        """The Encoding of a text, checked against what this model has positions, segments and embeddings for."""
        encoding = text if isinstance(text, Encoding) else self.tokenizer.encode(text)
        limits = (
            ("input_ids", encoding.input_ids, self.config.vocab_size, "vocab_size"),
            ("token_type_ids", encoding.token_type_ids, self.config.type_vocab_size, "type_vocab_size"),
        )
        for name, ids, size, setting in limits:
            for place, number in enumerate(ids):
                if not 0 <= number < size:
                    raise ValueError(
                        f"{name}[{place}] is {number}; expected 0 to {size - 1} (this model's {setting} is {size})"
                    )
        if not len(encoding):
            raise ValueError("the Encoding has no tokens; expected at least one")
        if len(encoding.token_type_ids) != len(encoding):
            raise ValueError(
                f"{len(encoding)} input_ids came with {len(encoding.token_type_ids)} token_type_ids; "
                "expected one token_type_id a token"
            )
        if len(encoding) > self.config.max_position_embeddings:
            raise ValueError(
                f"the text has {len(encoding)} tokens, but this model has {self.config.max_position_embeddings} "
                "positions (max_position_embeddings): shorten the text, or cut it into several"
            )
        if not encoding.roles:  # of bare ids
            encoding = replace(encoding, roles=self.tokenizer.roles_of(encoding.input_ids))
        return encoding

    def logits(self, text: Text) -> np.ndarray:
        """[tokens, vocabulary] how well each word of the vocabulary would fit in each place (masked-LM head)."""
        if self.weights.masked_lm is None:
            raise ValueError(f"{self.name} has no masked-language-model head: it cannot fill blanks")
        trace = self.batch([text], keep=("hidden_states",))[0]
        return masked_lm_logits(
            trace.hidden_states[-1], self.weights.masked_lm, self.config.hidden_act, self.config.layer_norm_eps
        )

    def fill_mask(self, text: Text, top: int = 5) -> list[list[tuple[str, float]]]:
        """For each [MASK] of the text, the `top` likeliest tokens with their probabilities, likeliest first."""
        if top < 1:
            raise ValueError(f"top is {top}; expected 1 or more")
        encoding = self.encode(text)
        mask = self.tokenizer.mask_id
        places = [place for place, number in enumerate(encoding.input_ids) if number == mask]
        if not places:
            raise ValueError('the text has no [MASK]; write it where a word is to be found: "The capybara is [MASK]."')
        probabilities = softmax(self.logits(encoding)[places])
        best = np.argsort(-probabilities, axis=-1, kind="stable")[:, :top]
        return [
            [(self.tokenizer.token(number), float(row[number])) for number in numbers]
            for row, numbers in zip(probabilities, best, strict=True)
        ]

    def classify(self, text: Text) -> list[tuple[str, float]]:
        """The classes of a fine-tuned checkpoint with their probabilities, likeliest first."""
        if self.weights.classifier is None or self.weights.pooler is None:
            raise ValueError(f"{self.name} has no sequence classifier; minibert bundles one that has: tiny-sentiment")
        pooled = self.batch([text], keep=("pooled",))[0].pooled
        probabilities = softmax(classify(pooled, self.weights.classifier))
        order = np.argsort(-probabilities, kind="stable")
        return [(self.config.labels[number], float(probabilities[number])) for number in order]


def load(model: str | Path = "tiny", *, revision: str | None = None) -> Bert:
    """Load a trained BERT: the name of a bundled model, a folder, or an id on the hub.

    revision: which commit, branch or tag of a hub id; None is its main branch.
    Raises CheckpointError, which says which file is wrong, how, and what to do.
    """
    config, tokenizer, weights = load_checkpoint(model, revision=revision)
    return Bert(config, tokenizer, weights, str(model))


def check_texts(texts: Iterable[Text]) -> Iterable[Text]:
    if isinstance(texts, str):
        raise TypeError("texts is a str, which would be run letter by letter; expected a list: [text]")
    return texts


def check_keep(keep: Collection[str]) -> frozenset[str]:
    unknown = [name for name in keep if name not in FIELDS]
    if unknown or isinstance(keep, str):
        raise ValueError(f"keep is {keep!r}; expected a collection of names out of {', '.join(FIELDS)}")
    return frozenset(keep)


def rows_of_sentences(encodings: Sequence[Encoding]) -> list[slice]:
    """Which rows belong to which sentence when all are laid end to end."""
    ends = np.cumsum([len(encoding) for encoding in encodings])
    return [slice(int(end) - len(encoding), int(end)) for encoding, end in zip(encodings, ends, strict=True)]

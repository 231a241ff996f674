"""The whole BERT turns a text into a Trace. `Bert.forward` is the forward pass."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from minibert.checkpoint.config import BertConfig
from minibert.checkpoint.limits import check_fit, check_texts
from minibert.checkpoint.load import read_checkpoint
from minibert.checkpoint.parameters import Weights
from minibert.checkpoint.sentence_transformers import SentenceModules
from minibert.embeddings import embed, rows_of_sentences
from minibert.encoder import encoder_layer
from minibert.errors import UserError
from minibert.heads import classify, label_scores, masked_lm_logits, pooler
from minibert.hub.find import find_model
from minibert.numerics import ACTIVATIONS, softmax
from minibert.speed import twins
from minibert.speed.cores import keep_freed_memory, share_out
from minibert.tokenizer.encoding import Encoding
from minibert.tokenizer.tokenizer import Tokenizer
from minibert.trace import DEFAULT, Recorder, Trace, check_keep, with_requested

if TYPE_CHECKING:
    from minibert.read.build import Reading

Text = str | tuple[str, str] | Encoding
"""A text is a sentence, a pair of sentences, or the Encoding of either."""

BATCH_TOKENS = 1024
"""A batch of `stream` has at most about this many tokens. Its matrix products are fast and need little memory."""


@dataclass(frozen=True, eq=False)
class Bert:
    """A trained BERT. Its weights never change. Calling it with a text returns a Trace: the arrays that it computed."""

    config: BertConfig
    tokenizer: Tokenizer
    weights: Weights
    name: str
    notes: Mapping[str, str] = field(default_factory=dict)
    """For each optional part that could not be loaded, such as "classifier", this has the reason."""
    sentence_modules: SentenceModules | None = field(default=None, repr=False)
    """These are the settings of `embed`, or None if they could not be loaded."""

    def __repr__(self) -> str:
        c = self.config
        heads = f"{c.num_hidden_layers} layers of {c.num_attention_heads} heads"
        heads += f" ({off} off)" if (off := self.notes.get("heads off")) else ""
        return f"Bert({self.name!r}: {heads}, hidden size {c.hidden_size}, vocabulary of {c.vocab_size:,})"

    def __call__(self, text: Text) -> Trace:
        """Run one sentence (or pair) and return its Trace, with the fields of `minibert.trace.DEFAULT`."""
        return self.forward([self.encode(text)])[0]

    def forward(self, encodings: Sequence[Encoding], keep: frozenset[str] = frozenset(DEFAULT)) -> list[Trace]:
        """Run the forward pass of several sentences. Their tokens are in one array, one sentence after another.

            hidden = embed(tokens)
            hidden = encoder_layer(hidden)      once for each layer, with the weights of that layer
            pooled = pooler(hidden)

        Returns one Trace per sentence, with the fields in `keep`.
        """
        sentences = rows_of_sentences(encodings)
        record = Recorder([Trace.begin(encoding) for encoding in encodings], sentences, keep)
        with np.errstate(all="ignore"):  # exp may underflow to 0; this is right, so NumPy must not warn
            hidden_TD = embed(encodings, self.weights.embeddings, self.config.layer_norm_eps)
            record.state(hidden_TD)
            for weights in self.weights.layers:
                hidden_TD, parts = encoder_layer(hidden_TD, sentences, weights, self.config)
                record.layer(with_requested(parts, weights, self.config, keep))
                record.state(hidden_TD)
                del parts  # what is not kept is freed before the next layer runs
            return record.traces(self.pooled(hidden_TD, sentences, keep))

    def pooled(self, hidden_TD: np.ndarray, sentences: Sequence[slice], keep: frozenset[str]) -> list:
        """Return the pooler's vector of each sentence, or None if the model has none or `keep` lacks "pooled"."""
        if self.weights.pooler is None or "pooled" not in keep:
            return [None] * len(sentences)
        act = np.tanh if self.config.pooler_act == "tanh" else ACTIVATIONS[self.config.pooler_act]
        return [pooler(hidden_TD[rows], self.weights.pooler, act) for rows in sentences]

    def batch(self, texts: Iterable[Text], keep: Iterable[str] = DEFAULT) -> list[Trace]:
        """Run many sentences together. Up to rounding, each Trace is the same as for the sentence alone.

        keep: the arrays of the Traces, by their names in `minibert.trace.FIELDS`. The others are None.
        """
        kept = check_keep(keep)
        encodings = [self.encode(text) for text in check_texts(texts)]
        return share_out(lambda chunk: self.forward(chunk, kept), encodings) if encodings else []

    def stream(self, texts: Iterable[Text], keep: Iterable[str] = ("query", "key", "attention")) -> Iterator[Trace]:
        """Run any number of sentences, one batch at a time. Only the texts and arrays of one batch are in memory.

        Traces come in the order of the texts. What is not in `keep` is freed as soon as its layer is done.
        """
        return self._stream(check_texts(texts), check_keep(keep))  # the checks come now, not with the first Trace

    def _stream(self, texts: Iterable[Text], keep: frozenset[str]) -> Iterator[Trace]:
        batch: list[Encoding] = []
        for encoding in map(self.encode, texts):
            if batch and sum(map(len, batch)) + len(encoding) > BATCH_TOKENS:
                yield from self.batch(batch, keep)
                batch = []
            batch.append(encoding)
        yield from self.batch(batch, keep)

    def read(self, text: Text) -> "Reading":
        """Return the page of `minibert read`: the code, with its arrays at every line. `.save(path)` writes it."""
        from minibert.read.build import read

        return read(self, text)

    def resume(self, trace: Trace, *, layer: int | None = None, **changed: np.ndarray) -> Trace:
        """Replace one array and compute what follows: `resume(trace, layer=1, attention=array)`; see `whatif`."""
        from minibert.whatif.changes import resume

        return resume(self, trace, layer=layer, **changed)

    def without_heads(self, heads: Iterable[tuple[int, int]], mean_over: Iterable[Text] | None = None) -> "Bert":
        """Return this BERT without some heads. Each is a pair (layer, head), both from 0. See `whatif.heads`."""
        from minibert.whatif.heads import without_heads

        return without_heads(self, heads, mean_over)

    def embed(self, texts: Iterable[Text], prompt: str | None = None) -> np.ndarray:
        """Return a vector for each text, as sentence-transformers does: [N, size]; see `minibert.sentence_vectors`."""
        from minibert.sentence_vectors.embed import embed

        return embed(self, texts, prompt)

    def encode(self, text: Text) -> Encoding:
        """Tokenize a text. Raise UserError if it is too long for this model, or has unknown ids or segments."""
        encoding = text if isinstance(text, Encoding) else self.tokenizer.encode(text)
        check_fit(encoding, self.config)
        if not encoding.roles:  # it was made from ids alone
            encoding = replace(encoding, roles=self.tokenizer.roles_of(encoding.input_ids))
        return encoding

    @np.errstate(all="ignore")
    def logits(self, text: Text) -> np.ndarray:
        """Return how well each token of the vocabulary fits at each position: [tokens, vocabulary] (masked-LM head)."""
        if self.weights.masked_lm is None:
            why = f"{self.name} has no masked-language-model head; minibert bundles one that has: tiny"
            raise UserError(self.notes.get("masked_lm", why))
        hidden_TD = self.batch([text], keep=("hidden_states",))[0].hidden_states[-1]
        act, eps = self.config.hidden_act, self.config.layer_norm_eps
        logits_TV = masked_lm_logits(hidden_TD, self.weights.masked_lm, act, eps)
        return np.ascontiguousarray(logits_TV)  # sums of rows have smaller rounding errors in C order

    @np.errstate(all="ignore")
    def fill_mask(self, text: Text, top: int = 5) -> list[list[tuple[str, float]]]:
        """Return, for each mask of the text, the `top` likeliest tokens with their probabilities, likeliest first.

        Write the mask as the tokenizer names it: [MASK] for most models.
        """
        if not isinstance(top, int | np.integer) or top < 1:
            raise ValueError(f"top is {top!r}; expected a whole number, 1 or more")
        encoding = self.encode(text)
        probabilities = softmax(self.logits(encoding)[self.tokenizer.find_masks(encoding)])
        best = np.argsort(-probabilities, axis=-1, kind="stable")[:, :top]
        return [
            [(self.tokenizer.token(token_id), float(row[token_id])) for token_id in token_ids]
            for row, token_ids in zip(probabilities, best, strict=True)
        ]

    @np.errstate(all="ignore")
    def classify(self, text: Text) -> list[tuple[str, float]]:
        """Return the labels of a fine-tuned checkpoint with the numbers that it gives them, largest first.

        `bert.config.activation` says what kind of number each label gets. "softmax" gives probabilities of labels that
        exclude each other. "sigmoid" gives each label a number between 0 and 1, even if there is only one label.
        "identity" gives scores of any size.
        """
        if self.weights.classifier is None:
            why = f"{self.name} has no sequence classifier; minibert bundles one that has: tiny-sentiment"
            raise UserError(self.notes.get("classifier", why))
        (trace,) = self.batch([text], keep=("pooled",))
        logits = classify(np.asarray(trace.pooled), self.weights.classifier)
        values = label_scores(logits, self.config.activation)
        order = np.argsort(-values, kind="stable")
        return [(self.config.labels[label], float(values[label])) for label in order]


def load(model: str | Path = "tiny", *, revision: str | None = None) -> Bert:
    """Load a trained BERT. model: the name of a bundled model, a folder, or an id on the hub.

    revision: commit, branch or tag of a hub id. CheckpointError: its message has the file, the fault and what to do.
    """
    config, tokenizer, weights, notes, sentence_modules = read_checkpoint(find_model(model, revision))
    twins.stand_in()
    keep_freed_memory()
    return Bert(config, tokenizer, weights, str(model), notes, sentence_modules)

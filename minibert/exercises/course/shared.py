"""What several exercises use: names of axes, models to measure, sentences about a broken rule."""

import dataclasses

import numpy as np

from minibert.checkpoint.parameters import MaskedLMWeights
from minibert.exercises.draw import Draw, model
from minibert.exercises.material import sentences
from minibert.exercises.text import Text, t
from minibert.model import Bert
from minibert.tokenizer.backend import Backend


def broken_rows(got: np.ndarray, expected: np.ndarray | float, says: Text) -> Text | None:
    """The sentence for the first row where `got` is not `expected`, or None."""
    wrong = np.argwhere(~np.isclose(got, expected, rtol=1e-3, atol=1e-3))
    if not len(wrong):
        return None
    row = tuple(int(i) for i in wrong[0])
    want = np.broadcast_to(expected, got.shape)[row]
    return t(says.english, row=list(row) if len(row) != 1 else row[0], got=f"{got[row]:.4g}", want=f"{want:.4g}")


HTK = ("head", "token", "number")


HTS = ("head", "query", "key")


def with_own_eps(config):
    return dataclasses.replace(config, layer_norm_eps=1e-12)


def bias_twice(weights):
    return weights._replace(bias=2 * weights.bias)


def small_bert(draw: Draw) -> Bert:
    """An untrained model with other sizes each time, none of which is one of the bundled model's."""
    size, heads, head_size = draw.sizes(3, 5, 9)
    return draw.bert({5: 2, 6: 3, 7: 5, 8: 6, 9: 7}[size], heads, head_size)


def called(bert: Bert) -> Text:
    """The words for a model in a case: "the bundled model", or its sizes."""
    if bert.name in ("tiny", "tiny-sentiment"):
        return t("the bundled model")
    config = bert.config
    says = "a model of {layers} layers of {heads} heads"
    return t(says, layers=config.num_hidden_layers, heads=config.num_attention_heads)


LH = ("layer", "head")


def some_sentences(draw: Draw, count: int = 5) -> list[str]:
    return [str(text) for text in draw.rng.choice(sentences(), size=count, replace=False)]


def head_of(table_LH: np.ndarray) -> tuple[int, int]:
    layer, head = np.unravel_index(int(table_LH.argmax()), table_LH.shape)
    return int(layer), int(head)


def models(draw: Draw) -> list[tuple[Bert, int]]:
    """Models to measure, each with a number of sentences; the bundled one the first time only."""
    first = not draw.drawn
    return [(model("tiny"), 5)] * first + [(small_bert(draw), 3)]


def backend_of(bert: Bert) -> Backend:
    """The tokenizer of a model that has one, as all models of the course do."""
    if bert.tokenizer.backend is None:
        raise ValueError(bert.tokenizer.missing)
    return bert.tokenizer.backend


def head_of_words(bert: Bert) -> MaskedLMWeights:
    """The masked-language-model head of a model that has one, as all models of the course do."""
    if bert.weights.masked_lm is None:
        raise ValueError(f"{bert.name} has no masked-language-model head")
    return bert.weights.masked_lm

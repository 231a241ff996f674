"""A checkpoint's tensors, under the names of `parameters`, in the shape of the architecture."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from minibert.checkpoint.config import ONLY, BertConfig
from minibert.checkpoint.families import FAMILIES, Family
from minibert.checkpoint.parameters import (
    AttentionWeights,
    DiscriminatorWeights,
    EmbeddingWeights,
    LayerWeights,
    LinearWeights,
    MaskedLMWeights,
    NormWeights,
    Weights,
)
from minibert.checkpoint.task import Task
from minibert.checkpoint.tensors import find_tensors, read_tensor
from minibert.errors import CheckpointError
from minibert.files import abbreviate

WORD_TABLE = "embeddings.word_embeddings.weight"
"""Every BERT has it. Its prefix, such as "bert." or none, is that of the other tensors too."""

BUFFERS = ("embeddings.position_ids", "embeddings.token_type_ids")
"""The numbers from 0 on, and zeros, which some versions of `transformers` stored."""

TASKS = "embeddings.task_type_embeddings.weight"
NO_TASKS = (
    "has no embedding of the task, but use_task_id in its config.json is true: none is added, and `transformers` would "
    "add one of random numbers; if the model was trained without, set use_task_id to false"
)

RELATIVES = (
    "roberta electra albert distilbert ernie nezha camembert xlm_roberta mpnet deberta data2vec_text convbert rembert "
    "roformer splinter layoutlm megatron_bert mobilebert longformer big_bird bros lilt esm tapas nystromformer realm"
)
"""The prefixes of other families, whose names are otherwise those of BERT."""


def read_weights(folder: Path, config: BertConfig, task: Task | None = None) -> tuple[Weights, dict[str, str]]:
    """The weights of the encoder and of each sound head; and the fault of each other head, by its name in Weights.

    task: that of a classifier of sentences, if the config has one. CheckpointError: the encoder's tensors are not those
    of the architecture; one is missing, one is over, or one has another shape.
    """
    family, notes = FAMILIES[config.model_type], {}
    tensors = Tensors(folder, family)
    embeddings = read_embeddings(tensors, config)
    layers = read_layers(tensors, config)
    if family.tasks:  # as `transformers` does: without use_task_id it leaves the table out, without a table it warns
        tensors.read.add(TASKS)
        if config.use_task_id and not tensors.has(TASKS):
            notes["embeddings"] = f"{folder} {NO_TASKS}"
    if over := tensors.unread("embeddings", "encoder.", "encoder.layer."):
        first = abbreviate(min(over))
        raise CheckpointError(f"{folder} has the tensor {first}, which the BERT of its config.json has not")

    def part(name: str, read: Callable, *arguments: object) -> Any:
        """A part that the encoder does not need. Where it is faulty it is None, and a note has the fault."""
        try:
            return read(tensors, config, *arguments)
        except CheckpointError as error:
            notes[name] = str(error)
            return None

    pooler = part("pooler", read_pooler)
    masked_lm = part("masked_lm", read_masked_lm, embeddings.word)
    classifier, pooler = part("classifier", read_classifier, task, pooler) or (None, pooler)
    discriminator = part("discriminator", read_discriminator)
    if discriminator and not masked_lm:
        told = "has no masked-language-model head, which fills blanks, but a discriminator: see `minibert replaced`"
        notes.setdefault("masked_lm", f"{folder} {told}")
    return Weights(embeddings, layers, pooler, masked_lm, classifier, discriminator), notes


class Tensors:
    """The tensors of a folder by BERT's names. Each is read when `get` needs it."""

    def __init__(self, folder: Path, family: Family):
        self.folder, self.family = folder, family
        self.stored, self.read = find_tensors(folder), set(BUFFERS)
        tables = [name for name in self.stored if name.endswith(WORD_TABLE)]
        if len(tables) != 1:
            raise CheckpointError(f"{folder} has {len(tables)} tensors named ...{WORD_TABLE}; a BERT has one")
        prefix = tables[0].removesuffix(WORD_TABLE)
        if not set(prefix.split(".")).isdisjoint({"bert", *RELATIVES.split()} - {family.prefix}):
            raise CheckpointError(f"{folder} has the tensor {abbreviate(tables[0])}, of another family: {ONLY}")
        self.prefix = {"encoder": prefix, "heads": prefix.removesuffix(f"{family.prefix}.")}

    def name(self, name: str, of: str = "encoder") -> str:
        """The name of a tensor, or the start of a name, in this checkpoint."""
        return self.prefix[of] + self.family.name(name)

    def has(self, start: str, of: str = "encoder") -> bool:
        """Is there a tensor whose name starts so?"""
        return any(name.startswith(self.name(start, of)) for name in self.stored)

    def unread(self, *starts: str) -> list[str]:
        """The encoder's tensors whose names begin so and which were not read."""
        read = set(map(self.name, self.read))
        starts = tuple(map(self.name, starts))
        return [name for name in self.stored if name.startswith(starts) and name not in read]

    def get(self, name: str, *shape: int, of: str = "encoder") -> np.ndarray:
        """One tensor, float32, of this shape."""
        full = self.name(name, of)
        if full not in self.stored:
            needed = f"config.json needs one of shape {list(shape)}"
            raise CheckpointError(f"{self.folder} has no tensor {abbreviate(full)}; {needed}")
        self.read.add(name)
        return read_tensor(full, self.stored[full], shape)

    def linear(self, name: str, size_in: int, size_out: int, of: str = "encoder") -> LinearWeights:
        weight = self.get(name + ".weight", size_out, size_in, of=of)
        return LinearWeights(weight, self.get(name + ".bias", size_out, of=of))

    def norm(self, name: str, size: int, of: str = "encoder") -> NormWeights:
        return NormWeights(self.get(name + ".weight", size, of=of), self.get(name + ".bias", size, of=of))


def read_embeddings(tensors: Tensors, config: BertConfig) -> EmbeddingWeights:
    """The tables of the embeddings.

    Without segments, their embeddings are zeros, which add nothing. An embedding of the task is added to each segment.
    Where positions begin after the padding, so does the table.
    """
    width, family = config.embedding_size or config.hidden_size, tensors.family
    word = tensors.get(WORD_TABLE, config.vocab_size, width)
    first = 0 if config.pad_token_id is None else config.pad_token_id + 1
    position = tensors.get("embeddings.position_embeddings.weight", first + config.max_position_embeddings, width)
    if family.segments:
        segment = tensors.get("embeddings.token_type_embeddings.weight", config.type_vocab_size, width)
    else:
        segment = np.zeros((config.type_vocab_size, width), np.float32)
    if config.use_task_id and tensors.has(TASKS):
        segment = segment + tensors.get(TASKS, *tensors.stored[tensors.name(TASKS)].shape[:1], width)[0]
    norm, projection = tensors.norm("embeddings.LayerNorm", width), None
    if family.projects_always or width != config.hidden_size:
        projection = tensors.linear(family.projection, width, config.hidden_size)
    return EmbeddingWeights(word, position[first:], segment, norm, projection)


def read_layers(tensors: Tensors, config: BertConfig) -> tuple[LayerWeights, ...]:
    """All layers, from the first to the last. The layers of a group share their weights."""
    layers, groups = config.num_hidden_layers, config.num_hidden_groups or config.num_hidden_layers
    read = [read_layer(tensors, config, i) for i in range(groups)]
    return tuple(read[int(i / (layers / groups))] for i in range(layers))


def read_layer(tensors: Tensors, config: BertConfig, i: int) -> LayerWeights:
    at, hidden, inner = tensors.family.layer.format(i), config.hidden_size, config.intermediate_size
    attention = [tensors.linear(f"{at}attention.self.{name}", hidden, hidden) for name in AttentionWeights._fields]
    return LayerWeights(
        AttentionWeights(*attention),
        tensors.linear(at + "attention.output.dense", hidden, hidden),
        tensors.norm(at + "attention.output.LayerNorm", hidden),
        tensors.linear(at + "intermediate.dense", hidden, inner),
        tensors.linear(at + "output.dense", inner, hidden),
        tensors.norm(at + "output.LayerNorm", hidden),
    )


def read_pooler(tensors: Tensors, config: BertConfig) -> LinearWeights | None:
    """The pooler. None: there is none, as in models that were only trained to fill blanks."""
    return tensors.linear("pooler.dense", config.hidden_size, config.hidden_size) if tensors.has("pooler.") else None


def read_masked_lm(tensors: Tensors, config: BertConfig, word: np.ndarray) -> MaskedLMWeights | None:
    """The masked-language-model head. Its decoder is the table of word embeddings, unless it has another."""
    at, hidden, width = "cls.predictions.", config.hidden_size, word.shape[1]
    if not tensors.has(at, "heads"):
        return None
    if (act := tensors.family.masked_lm_act) not in ("", config.hidden_act):
        raise CheckpointError(
            f"{tensors.folder} has a masked-language-model head, inside which this family has {act} in any case, but "
            f"hidden_act is {config.hidden_act}: which of them was meant is not clear, and the head is not used"
        )
    transform = tensors.linear(at + "transform.dense", hidden, width, "heads")
    norm, decoder = tensors.norm(at + "transform.LayerNorm", width, "heads"), word
    if not config.tie_word_embeddings or tensors.has(at + "decoder.weight", "heads"):
        decoder = tensors.get(at + "decoder.weight", config.vocab_size, width, of="heads")
        decoder = word if np.array_equal(decoder, word) else decoder
    name = "decoder.bias" if tensors.has(at + "decoder.bias", "heads") else "bias"
    return MaskedLMWeights(transform, norm, decoder, tensors.get(at + name, config.vocab_size, of="heads"))


def read_classifier(
    tensors: Tensors, config: BertConfig, task: Task | None, pooler: LinearWeights | None
) -> tuple[LinearWeights, LinearWeights] | None:
    """The head for whole sentences and the layer that pools for it.

    None: there are no tensors called `classifier`. CheckpointError: the config does not call them a head for sentences.
    """
    own, hidden = tensors.family.pre_classifier, config.hidden_size
    if not tensors.has("classifier.", "heads"):
        return None
    unused = f"{tensors.folder} has tensors called classifier, but {{}}: they are not used"
    if task is None:
        raise CheckpointError(unused.format("config.json names no head for sentences"))
    classifier = tensors.linear(tensors.family.classifier, hidden, len(task.labels), "heads")
    before = tensors.linear(own, hidden, hidden, "heads") if own else pooler
    if before is None:
        raise CheckpointError(unused.format("there is no pooler before them"))
    return classifier, before


def read_discriminator(tensors: Tensors, config: BertConfig) -> DiscriminatorWeights | None:
    """The head that classifies each token as replaced or not."""
    at, hidden = "discriminator_predictions.dense", config.hidden_size
    if not tensors.has(at, "heads"):
        return None
    dense = tensors.linear(at, hidden, hidden, "heads")
    return DiscriminatorWeights(dense, tensors.linear(at + "_prediction", hidden, 1, "heads"))

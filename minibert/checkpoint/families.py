"""BERT's relatives: what differs in their files. The forward pass is the same, chapter for chapter.

Each family has other names for settings and tensors. It lacks a part of BERT, or it has one more. One table per family.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Family:
    """The names that a `model_type` uses. Every table has BERT's name first, then the family's."""

    prefix: str
    """the start of the names of the encoder's tensors, in a checkpoint with heads"""
    settings: Mapping[str, str] = field(default_factory=dict)
    """names in config.json"""
    defaults: Mapping[str, object] = field(default_factory=dict)
    """the values of settings that config.json may leave out, where they differ from BERT's"""
    fixed: Mapping[str, object] = field(default_factory=dict)
    """settings that are not in config.json"""
    tensors: tuple[tuple[str, str], ...] = ()
    """parts of the names of tensors; they are replaced one after another"""
    layer: str = "encoder.layer.{}."
    """the start of the names of a layer's tensors"""
    segments: bool = True
    """is there an embedding for the first and the second sentence of a pair?"""
    tasks: bool = False
    """may there be an embedding of the task? With `use_task_id`, its first row is added to every token."""
    after_padding: bool = False
    """do positions begin after `pad_token_id`? The rows of the table up to it are for padding."""
    projection: str = ""
    """the layer that maps embeddings of `embedding_size` numbers to the hidden size"""
    projects_always: bool = False
    """does it have the projection even where both sizes are equal?"""
    shared: bool = False
    """do layers share weights, in `num_hidden_groups` groups?"""
    masked_lm_act: str = ""
    """the activation of the masked-language-model head; empty for `hidden_act`"""
    classifier: str = "classifier"
    """the last layer of the classifier"""
    pre_classifier: str = ""
    """a layer of the classifier in the place of the pooler"""
    pre_classifier_act: str = "tanh"

    def name(self, name: str) -> str:
        """The family's name of a tensor of BERT."""
        for ours, theirs in self.tensors:
            name = name.replace(ours, theirs)
        return name


ROBERTA = Family(
    "roberta",
    defaults={"pad_token_id": 1},
    tensors=(
        ("cls.predictions.transform.dense", "lm_head.dense"),
        ("cls.predictions.transform.LayerNorm", "lm_head.layer_norm"),
        ("cls.predictions.", "lm_head."),
    ),
    after_padding=True,
    masked_lm_act="gelu",
    classifier="classifier.out_proj",
    pre_classifier="classifier.dense",
)

FAMILIES = {
    "bert": Family("bert"),
    "distilbert": Family(
        "distilbert",
        settings={
            "hidden_size": "dim",
            "num_hidden_layers": "n_layers",
            "num_attention_heads": "n_heads",
            "intermediate_size": "hidden_dim",
            "hidden_act": "activation",
        },
        fixed={"layer_norm_eps": 1e-12, "type_vocab_size": 2},
        tensors=(
            ("encoder.layer.", "transformer.layer."),
            ("attention.self.query", "attention.q_lin"),
            ("attention.self.key", "attention.k_lin"),
            ("attention.self.value", "attention.v_lin"),
            ("attention.output.dense", "attention.out_lin"),
            ("attention.output.LayerNorm", "sa_layer_norm"),
            ("intermediate.dense", "ffn.lin1"),
            ("output.dense", "ffn.lin2"),
            ("output.LayerNorm", "output_layer_norm"),
            ("cls.predictions.transform.dense", "vocab_transform"),
            ("cls.predictions.transform.LayerNorm", "vocab_layer_norm"),
            ("cls.predictions.decoder", "vocab_projector"),
            ("cls.predictions.", "vocab_"),
        ),
        segments=False,
        pre_classifier="pre_classifier",
        pre_classifier_act="relu",
    ),
    "ernie": Family("ernie", tasks=True),
    "roberta": ROBERTA,
    "xlm-roberta": ROBERTA,
    "camembert": ROBERTA,
    "electra": Family(
        "electra",
        defaults={"embedding_size": 128},
        tensors=(
            ("cls.predictions.transform.", "generator_predictions."),
            ("cls.predictions.decoder.", "generator_lm_head."),
            ("cls.predictions.", "generator_"),
        ),
        projection="embeddings_project",
        masked_lm_act="gelu",
        classifier="classifier.out_proj",
        pre_classifier="classifier.dense",
        pre_classifier_act="gelu",
    ),
    "albert": Family(
        "albert",
        defaults={"hidden_act": "gelu_new", "num_hidden_groups": 1, "embedding_size": 128},
        tensors=(
            ("attention.self.", "attention."),
            ("attention.output.", "attention."),
            ("intermediate.dense", "ffn"),
            (".output.dense", ".ffn_output"),
            (".output.LayerNorm", ".full_layer_layer_norm"),
            ("pooler.dense", "pooler"),
            ("cls.predictions.transform.", "predictions."),
            ("cls.predictions.", "predictions."),
        ),
        layer="encoder.albert_layer_groups.{}.albert_layers.0.",
        projection="encoder.embedding_hidden_mapping_in",
        projects_always=True,
        shared=True,
    ),
}

WHY_NOT = {
    "mpnet": "it has relative positions",
    "deberta": "it has relative positions, and attends to them apart",
    "deberta-v2": "it has relative positions, and attends to them apart",
    "modernbert": "it has rotary positions, and layer norms before the halves of a layer",
    "nomic_bert": "it has rotary positions",
    "nezha": "it has relative positions",
    "xlm-roberta-xl": "it has layer norms before the halves of a layer",
    "gpt2": "it is causal: no token looks at a later one",
    "llama": "it is causal: no token looks at a later one",
}
"""Families that minibert does not compute, and why."""

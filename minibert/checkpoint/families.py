"""BERT's relatives: what differs in their files. The forward pass is the same, chapter for chapter.

Each has other names for settings and tensors, and lacks a part or has one more; a table per family says which.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Family:
    """What a `model_type` calls things. Every table has BERT's name first, then the family's."""

    prefix: str
    """what stands before the names of the encoder's tensors, where heads stand beside it"""
    settings: Mapping[str, str] = field(default_factory=dict)
    """names in config.json"""
    fixed: Mapping[str, object] = field(default_factory=dict)
    """settings that config.json has not"""
    tensors: tuple[tuple[str, str], ...] = ()
    """parts of the names of tensors, replaced one after another"""
    segments: bool = True
    """is there an embedding for the first and the second sentence of a pair?"""
    tasks: bool = False
    """may there be an embedding of the task, of which the first row goes to every token?"""
    pre_classifier: str = ""
    """a layer of the classifier's own, with relu, in the place of the pooler"""

    def name(self, name: str) -> str:
        """The family's name of a tensor of BERT."""
        for ours, theirs in self.tensors:
            name = name.replace(ours, theirs)
        return name


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
    ),
    "ernie": Family("ernie", tasks=True),
}

WHY_NOT = {
    "roberta": "its positions begin after the padding, and its tokenizer is another",
    "xlm-roberta": "its positions begin after the padding, and its tokenizer is another",
    "camembert": "its positions begin after the padding, and its tokenizer is another",
    "electra": "its embeddings may be narrower than the rest",
    "albert": "its layers share one set of weights, and its embeddings are narrower",
    "mpnet": "it has relative positions",
    "deberta": "it has relative positions, and attends to them apart",
    "deberta-v2": "it has relative positions, and attends to them apart",
    "modernbert": "it has rotary positions, and layer norms before the halves of a layer",
    "nomic_bert": "it has rotary positions",
    "gpt2": "it is causal: no token looks at a later one",
    "llama": "it is causal: no token looks at a later one",
}
"""What is not computed here, with a word why."""

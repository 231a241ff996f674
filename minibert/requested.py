"""Arrays of a layer that the forward pass does not need. They are computed only if `keep` names them."""

import numpy as np

from minibert.attention import head_outputs
from minibert.checkpoint.config import BertConfig
from minibert.checkpoint.parameters import LayerWeights
from minibert.encoder import intermediate

Part = dict[str, np.ndarray]


def with_requested(parts: list[Part], weights: LayerWeights, config: BertConfig, keep: frozenset[str]) -> list[Part]:
    """Add `head_outputs` and `intermediate` to what a layer computed for each sentence, if they are in `keep`."""
    for part in parts:
        if "head_outputs" in keep:
            part["head_outputs"] = head_outputs(
                part["context"], weights.attention_output.weight, config.num_attention_heads
            )
        if "intermediate" in keep:
            part["intermediate"] = intermediate(part["attention_output"], weights, config)
    return parts

"""How long the vectors are that heads move: |attention value W_O| (Kobayashi et al. 2020)."""

from collections.abc import Sequence

import numpy as np

from minibert.model import Bert


def output_squares(bert: Bert, layer: int, heads: Sequence[int]) -> np.ndarray:
    """W_h W_h^T of some heads, [H, K, K], with the part W_h [K, D] of W_O that reads head h.

    |v W_h|^2 = v W_h W_h^T v^T
    """
    weight = bert.weights.layers[layer].attention_output.weight.astype(np.float64)  # W_O^T
    of_heads = np.moveaxis(weight.reshape(len(weight), bert.config.num_attention_heads, -1), 0, -1)[list(heads)]
    return (of_heads @ of_heads.mT).astype(np.float32)


def lengths(value: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """|v W_h| of each value [n, L, H, S, K] -> [n, L, H, S]. outputs: `output_squares`, [L, H, K, K]."""
    return np.sqrt(np.maximum(np.vecdot(value @ outputs, value), 0))

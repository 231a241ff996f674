"""21. Rollout: attention through all layers

In layer 3 a token attends to another. But that other is no longer a word alone: layers 1 and 2 have mixed others into
it. Rollout (Abnar and Zuidema, 2020) follows attention back to the words. The residual keeps about half of each token,
so per layer

    M_l     = (mean over heads of attention_l + identity) / 2
    rollout = M_L ... M_2 M_1

Row t then says from which words token t comes, after all layers.

Shapes: attention_LHTS [layers, heads, tokens, tokens], the first layer first -> rollout_TS [tokens, tokens]. Every row
sums to 1.

Worked example: one layer, one head, and all attention goes to the other token. Half stays, half is exchanged.

>>> attention = np.array([[[[0, 1], [1, 0]]]], dtype=np.float32)
>>> rollout(attention).tolist()
[[0.5, 0.5], [0.5, 0.5]]

Predict, before you check: the more layers, the less of a token comes from itself. Does it ever come to nothing?
"""

import numpy as np


def rollout(attention_LHTS: np.ndarray) -> np.ndarray:
    """attention_LHTS -> rollout_TS."""
    raise NotImplementedError

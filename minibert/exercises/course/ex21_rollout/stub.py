"""21. Rollout: attention through all layers

In layer 3, a token attends to other tokens. But the vectors of these tokens are mixtures already: layers 1 and 2 mixed
other tokens into them. Rollout (Abnar and Zuidema, 2020) follows attention back to the input tokens. It assumes that
the residual connection keeps half of each token. So the matrix of one layer is

    M_l     = (mean over heads of attention_l + identity) / 2
    rollout = M_L ... M_2 M_1

Row t of the result contains the share of each input token in token t, after all layers.

Shapes: attention_LHTS [layers, heads, tokens, tokens], the first layer first -> rollout_TS [tokens, tokens]. Every row
sums to 1.

Worked example: one layer, one head, and all attention goes to the other token. Half of each token stays, and the other
half is exchanged.

>>> attention = np.array([[[[0, 1], [1, 0]]]], dtype=np.float32)
>>> rollout(attention).tolist()
[[0.5, 0.5], [0.5, 0.5]]

Predict, before you check: with more layers, a smaller share of a token comes from itself. Can this share become 0?
"""

import numpy as np


def rollout(attention_LHTS: np.ndarray) -> np.ndarray:
    """attention_LHTS -> rollout_TS."""
    raise NotImplementedError

"""Before the first layer, each token consists only of itself: the identity. Each layer mixes the result so far, so its
matrix is on the left of the earlier ones."""

import numpy as np


def rollout(attention_LHTS: np.ndarray) -> np.ndarray:
    identity = np.eye(attention_LHTS.shape[-1])
    total_TS = identity
    for attention_HTS in attention_LHTS:
        mixed_TS = (attention_HTS.mean(axis=0) + identity) / 2
        total_TS = mixed_TS @ total_TS
    return total_TS

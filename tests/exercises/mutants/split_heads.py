import numpy as np


def split_heads__reshape_only(x_TD, heads):
    return x_TD.reshape(heads, x_TD.shape[0], x_TD.shape[1] // heads)


def split_heads__no_transpose(x_TD, heads):
    return x_TD.reshape(x_TD.shape[0], heads, -1)


def split_heads__interleaved(x_TD, heads):
    return np.stack([x_TD[:, h::heads] for h in range(heads)])


def split_heads__all_turned(x_TD, heads):
    return x_TD.T.reshape(heads, -1, x_TD.shape[0])

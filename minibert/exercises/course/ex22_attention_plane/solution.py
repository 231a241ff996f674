"""The gradient of softmax and logarithm together is p minus attention. The rest is the gradient of z: 2 y_j for x_i,
and 2 (x_i - y_j) for y_j."""

import numpy as np

from minibert.numerics import softmax


def drawing_loss(x_NC: np.ndarray, y_NC: np.ndarray, attention_NN: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    z_NN = 2 * x_NC @ y_NC.T - (y_NC**2).sum(axis=1)
    p_NN = softmax(z_NN)
    loss = (attention_NN * np.log(attention_NN / p_NN)).sum(axis=1).mean()
    dz_NN = (p_NN - attention_NN) / len(x_NC)
    dx_NC = 2 * dz_NN @ y_NC
    dy_NC = 2 * (dz_NN.T @ x_NC - dz_NN.sum(axis=0)[:, None] * y_NC)
    return float(loss), dx_NC, dy_NC

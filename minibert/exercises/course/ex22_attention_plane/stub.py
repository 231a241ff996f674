"""22. The attention plane: a drawing that shows attention, and its gradient

Draw query i at x_i and key j at y_j in the plane. The distances in this drawing define an attention too. It is large
where a key is near:

    p_ij = softmax over j of -|x_i - y_j|^2  =  softmax over j of  z_ij,    z_ij = 2 x_i . y_j - |y_j|^2

(|x_i|^2 is the same for a whole row, so it does not change the softmax.) How much of the model's attention is lost in
the drawing?

    loss = mean over queries i of  sum over j of  attention_ij log(attention_ij / p_ij)

The loss is 0 if the two attentions are equal. To move the points so that the loss falls, we need its gradient:

    dz_ij = (p_ij - attention_ij) / N                    N queries
    dx_i  = 2 sum over j of dz_ij y_j
    dy_j  = 2 sum over i of dz_ij (x_i - y_j)

Shapes: x_NC, y_NC [tokens, C], attention_NN [tokens, tokens], every number above 0, every row summing to 1
-> loss, a number; dx_NC and dy_NC.

Worked example: all points are in one place, so every key gets the same share. In the attention, the shares are equal
too. So nothing is lost.

>>> x = y = np.zeros((2, 2), dtype=np.float32)
>>> loss, dx, dy = drawing_loss(x, y, np.full((2, 2), 0.5, dtype=np.float32))
>>> round(float(loss), 6), np.abs(dx).max().item(), np.abs(dy).max().item()
(0.0, 0.0, 0.0)

Predict, before you check: you follow the gradient downhill for many steps, and every point may move freely. Does the
loss become 0?
"""

import numpy as np

from minibert.numerics import softmax


def drawing_loss(x_NC: np.ndarray, y_NC: np.ndarray, attention_NN: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Returns the loss, dx_NC and dy_NC."""
    raise NotImplementedError

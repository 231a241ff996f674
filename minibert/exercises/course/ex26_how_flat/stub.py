"""26. How flat can it be? The most that any picture of a head can show

Exercise 22 drew queries as points x_i and keys as points y_j, so that nearness is attention. In such a picture, the
attention is softmax(-|x_i - y_j|^2). Softmax does not see what all keys of a query have in common, so take the mean of
each row away:

    picture_ij = -|x_i - y_j|^2 - mean_j(-|x_i - y_j|^2)
               = 2 x_i . y_j - |y_j|^2 - mean_j(2 x_i . y_j - |y_j|^2)      |x_i|^2 is the same for all j

With C coordinates, the first term is a matrix of rank C at most, and the second has rank 1. So the picture's scores
have rank C + 1 at most. Eckart and Young (1936): of all matrices of rank r, the one nearest to a given matrix keeps its
first r singular values. So no picture holds more of a head's scores than

    most_held = sum(S[: C + 1]^2) / sum(S^2)        S: the singular values of the scores, minus the mean of each row

Shapes: picture_logits: x_TC [T, C], y_SC [S, C] -> [T, S]
most_held: scores_TS [T, S], dimensions C -> a number from 0 to 1
flatness: bert, the model; texts, a list; dimensions C -> [layers, heads]: the mean of most_held over the texts
    trace.layers[l].scores    [heads, tokens, tokens], a row a query

Worked example: the squared distances of the query from the keys are 1 and 9. Their mean is 5.

>>> picture_logits(np.array([[0.0, 0.0]]), np.array([[1.0, 0.0], [0.0, 3.0]])).tolist()
[[4.0, -4.0]]

Predict, before you run it: is there a head that a plane (C = 2) can show nearly whole, more than 0.9 of it? Then write
the functions, check, run this file (python 26_how_flat.py), and put down the flattest head.
"""

import numpy as np

import minibert
from minibert.exercises import sentences
from minibert.speed.cores import one_thread

FLATTEST_HEAD = None  # (layer, head), both from 0


def picture_logits(x_TC: np.ndarray, y_SC: np.ndarray) -> np.ndarray:
    """The scores of a picture, minus the mean of each row: [T, S]."""
    raise NotImplementedError


def most_held(scores_TS: np.ndarray, dimensions: int) -> float:
    """The largest share of the scores that a picture in so many dimensions can hold."""
    raise NotImplementedError


def flatness(bert: minibert.Bert, texts: list[str], dimensions: int) -> np.ndarray:
    """The mean of most_held over the texts: [layers, heads]."""
    raise NotImplementedError


if __name__ == "__main__":
    print("the most that a plane can hold of each head: rows are layers, columns are heads")
    with one_thread():
        print(flatness(minibert.load("tiny"), sentences(), 2).round(2))

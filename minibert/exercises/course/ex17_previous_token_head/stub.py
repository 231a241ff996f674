"""17. Find the head that looks one token back

Some heads have a simple trade: whatever the token, they look at the one before it. Measure all heads of the
bundled model, and find the one that does so most.

    measurement[l, h] = mean of attention[l, h, t, t - 1] over all tokens t that have one before

Each token counts the same, however long its sentence.

Shapes: bert, the model; sentences, a list of texts -> [layers, heads]
bert.batch(sentences) gives a list of traces; trace.layers[l].attention is [heads, tokens, tokens], a row a query.

Worked example: in this attention, tokens 1 and 2 give 0.9 and 0.5 to the one before.

>>> attention = np.array([[1, 0, 0], [0.9, 0.1, 0], [0.2, 0.5, 0.3]])
>>> np.diagonal(attention, offset=-1).tolist()
[0.9, 0.5]

Predict, before you run it: in an early layer, or in a late one? Then write the function, check, run
this file (python 17_previous_token_head.py), and put down what you found.
"""

import numpy as np

import minibert
from minibert.exercises import sentences
from minibert.speed.cores import one_thread

PREVIOUS_TOKEN_HEAD = None  # (layer, head), both from 0


def previous_token_attention(bert: minibert.Bert, sentences: list[str]) -> np.ndarray:
    """The mean attention to the token before: [layers, heads]."""
    raise NotImplementedError


if __name__ == "__main__":
    print("rows are layers, columns are heads")
    with one_thread():
        print(previous_token_attention(minibert.load("tiny"), sentences()).round(3))

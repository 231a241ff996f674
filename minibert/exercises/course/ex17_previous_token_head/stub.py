"""17. Find the head that attends to the previous token

Some heads do one simple thing: every token attends to the token before it. Measure this for all heads of the bundled
model, and find the head with the largest value.

    measurement[l, h] = mean of attention[l, h, t, t - 1] over all tokens t that have one before

Each token counts the same, however long its sentence is.

Shapes: bert, the model; sentences, a list of texts -> [layers, heads]
bert.batch(sentences) returns a list of traces. trace.layers[l].attention is [heads, tokens, tokens], one row per query.

Worked example: in this attention, tokens 1 and 2 give 0.9 and 0.5 to the previous token.

>>> attention = np.array([[1, 0, 0], [0.9, 0.1, 0], [0.2, 0.5, 0.3]])
>>> np.diagonal(attention, offset=-1).tolist()
[0.9, 0.5]

Predict, before you run it: is this head in an early layer, or in a late one? Then write the function and check it. Run
this file (python 17_previous_token_head.py), and write down the layer and head that you found.
"""

import numpy as np

import minibert
from minibert.exercises import sentences
from minibert.speed.cores import one_thread

PREVIOUS_TOKEN_HEAD = None  # (layer, head), both from 0


def previous_token_attention(bert: minibert.Bert, sentences: list[str]) -> np.ndarray:
    """The mean attention to the previous token: [layers, heads]."""
    raise NotImplementedError


if __name__ == "__main__":
    print("rows are layers, columns are heads")
    with one_thread():
        print(previous_token_attention(minibert.load("tiny"), sentences()).round(3))

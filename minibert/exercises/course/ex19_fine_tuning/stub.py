"""19. How much attention fine-tuning moved

`tiny-sentiment` is the model `tiny`, trained further to separate good reviews from bad ones. Both have the same
architecture, and get the same sentences. How different is their attention? Each row of attention sums to 1, so what one
key loses, other keys gain. The share that moved is half of the sum of all differences:

    moved[l, h] = mean over queries of 1/2 sum over keys |attention after - attention before|

0 means that nothing moved; 1 means that all attention goes to other keys. Each query of each sentence counts the same,
however long its sentence is.

Shapes: before and after, two models; sentences, a list of texts -> [layers, heads]
bert.batch(sentences) returns a list of traces. trace.layers[l].attention is [heads, tokens, tokens], one row per query.

Worked example: there are two keys, and 0.2 moves from the first to the second.

>>> before, after = np.array([0.7, 0.3]), np.array([0.5, 0.5])
>>> float((np.abs(after - before).sum() / 2).round(4))
0.2

Predict, before you run it: does fine-tuning move early layers more, or late ones? Then write the function and check it.
Run this file (python 19_fine_tuning.py), and write down the layer and head that moved most.
"""

import numpy as np

import minibert
from minibert.exercises import sentences
from minibert.speed.cores import one_thread

MOST_MOVED_HEAD = None  # (layer, head), both from 0


def attention_moved(before: minibert.Bert, after: minibert.Bert, sentences: list[str]) -> np.ndarray:
    """The share of attention that moved: [layers, heads]."""
    raise NotImplementedError


if __name__ == "__main__":
    print("rows are layers, columns are heads")
    with one_thread():
        print(attention_moved(minibert.load("tiny"), minibert.load("tiny-sentiment"), sentences()).round(3))

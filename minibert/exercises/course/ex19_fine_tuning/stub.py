"""19. What fine-tuning moved

`tiny-sentiment` is `tiny`, trained further to tell good reviews from bad ones. Same architecture, same
sentences: where do its heads look now? Attention rows sum to 1, so what one key loses another gains; the share
that went elsewhere is half of all differences:

    moved[l, h] = mean over queries of 1/2 sum over keys |attention after - attention before|

0 is unmoved; 1 is all of it elsewhere. Each query of each sentence counts the same, however long its sentence.

Shapes: before and after, two models; sentences, a list of texts -> [layers, heads]
bert.batch(sentences) gives a list of traces; trace.layers[l].attention is [heads, tokens, tokens], a row a query.

Worked example: of two keys, 0.2 moves from the first to the second.

>>> before, after = np.array([0.7, 0.3]), np.array([0.5, 0.5])
>>> float((np.abs(after - before).sum() / 2).round(4))
0.2

Predict, before you run it: does fine-tuning move early layers more, or late ones? Then write the function, check, run
this file (python 19_fine_tuning.py), and put down the head that moved most.
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

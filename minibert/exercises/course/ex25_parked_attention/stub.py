"""25. Parked attention: where does a head look when it has nothing to do?

The attention of a token sums to 1, so a head cannot look nowhere. Many heads of BERT send what they do not need to
[CLS] or [SEP]: they park it there. Measure the share that the words of a text give to special tokens:

    parked[l, h] = sum of attention(t, s) / number of t       t: all words; s: special tokens

Parking is harmless if little is moved from there. A head adds attention(t, s) W_h value(s) to token t,
summed over s. W_h are its K columns of the output matrix. So measure lengths, too:

    moved(t, s)        = attention(t, s) |W_h value(s)|
    parked_moved[l, h] = sum of moved(t, s) / sum of moved(t, u)      u: all tokens

Words here are all tokens that are not special. Every word counts the same, however long its text is.

Shapes: bert, the model; texts, a list -> [layers, heads], for both functions
    trace.roles                                    one entry per token; None: the token is not special
    trace.layers[l].attention                      [heads, tokens, tokens], a row a query
    trace.layers[l].value                          [heads, tokens, K]
    bert.weights.layers[l].attention_output.weight  [D, heads K]; the columns of head h are h K to (h + 1) K - 1

Worked example: the first and the last token are special. The word between them parks 0.3 + 0.2 of its attention.

>>> attention = np.array([[1, 0, 0], [0.3, 0.5, 0.2], [0, 0, 1]])
>>> special = np.array([True, False, True])
>>> attention[~special][:, special].sum(axis=-1).tolist()
[0.5]

Predict, before you run it: which share of its attention does a head of this model park at most, 0.1, 0.2 or more than
half? Then write the functions, check, run this file (python 25_parked_attention.py), and put down the head.
"""

import numpy as np

import minibert
from minibert.exercises import sentences
from minibert.speed.cores import one_thread

PARKING_HEAD = None  # (layer, head), both from 0


def parked(bert: minibert.Bert, texts: list[str]) -> np.ndarray:
    """The share of attention that words give to special tokens: [layers, heads]."""
    raise NotImplementedError


def parked_moved(bert: minibert.Bert, texts: list[str]) -> np.ndarray:
    """The share of what is moved to words that comes from special tokens: [layers, heads]."""
    raise NotImplementedError


if __name__ == "__main__":
    with one_thread():
        print("attention on special tokens: rows are layers, columns are heads")
        print(parked(minibert.load("tiny"), sentences()).round(2))
        print("what is moved from there")
        print(parked_moved(minibert.load("tiny"), sentences()).round(2))

"""The diagonal below the main one contains attention[t, t - 1]. All diagonals are concatenated before the mean is
taken, so each token counts the same."""

import numpy as np

import minibert
from minibert.exercises import sentences
from minibert.speed.cores import one_thread

PREVIOUS_TOKEN_HEAD = (1, 2)  # (layer, head), both from 0


def previous_token_attention(bert: minibert.Bert, sentences: list[str]) -> np.ndarray:
    rows = []
    for trace in bert.batch(sentences):
        attention_LHTS = np.array([layer.attention for layer in trace.layers])
        rows.append(np.diagonal(attention_LHTS, offset=-1, axis1=-2, axis2=-1))
    return np.concatenate(rows, axis=-1).mean(axis=-1)


if __name__ == "__main__":
    print("rows are layers, columns are heads")
    with one_thread():
        print(previous_token_attention(minibert.load("tiny"), sentences()).round(3))

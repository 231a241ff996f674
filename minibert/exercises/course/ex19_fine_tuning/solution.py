"""Attention that one key loses goes to other keys. The sum of the differences counts it twice, so the function takes
half."""

import numpy as np

import minibert
from minibert.exercises import sentences
from minibert.speed.cores import one_thread

MOST_MOVED_HEAD = (1, 3)  # (layer, head), both from 0


def attention_moved(before: minibert.Bert, after: minibert.Bert, sentences: list[str]) -> np.ndarray:
    rows = []
    for old, new in zip(before.batch(sentences), after.batch(sentences), strict=True):
        old_LHTS = np.array([layer.attention for layer in old.layers])
        new_LHTS = np.array([layer.attention for layer in new.layers])
        rows.append(np.abs(new_LHTS - old_LHTS).sum(axis=-1) / 2)
    return np.concatenate(rows, axis=-1).mean(axis=-1)


if __name__ == "__main__":
    print("rows are layers, columns are heads")
    with one_thread():
        print(attention_moved(minibert.load("tiny"), minibert.load("tiny-sentiment"), sentences()).round(3))

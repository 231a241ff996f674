"""A picture's scores are a product of rank C and a row of squared lengths, which is the same for all queries. So their
rank is C + 1 at most, and the squared singular values after the first C + 1 are lost, whatever the picture."""

import numpy as np

import minibert
from minibert.exercises import sentences
from minibert.speed.cores import one_thread

FLATTEST_HEAD = (0, 2)  # (layer, head), both from 0


def picture_logits(x_TC: np.ndarray, y_SC: np.ndarray) -> np.ndarray:
    scores_TS = -((x_TC[:, None] - y_SC) ** 2).sum(axis=-1)
    return scores_TS - scores_TS.mean(axis=-1, keepdims=True)


def most_held(scores_TS: np.ndarray, dimensions: int) -> float:
    centred_TS = scores_TS - scores_TS.mean(axis=-1, keepdims=True)
    squares = np.linalg.svd(centred_TS, compute_uv=False) ** 2
    return float(squares[: dimensions + 1].sum() / squares.sum())


def flatness(bert: minibert.Bert, texts: list[str], dimensions: int) -> np.ndarray:
    tables = []
    for trace in bert.batch(texts):
        rows = [[most_held(scores_TS, dimensions) for scores_TS in layer.scores] for layer in trace.layers]
        tables.append(rows)
    return np.mean(tables, axis=0)


if __name__ == "__main__":
    print("the most that a plane can hold of each head: rows are layers, columns are heads")
    with one_thread():
        print(flatness(minibert.load("tiny"), sentences(), 2).round(2))

"""Both functions are a sum over words and special tokens, divided by the sum over words and all tokens. In the first,
each pair counts as much as its attention. In the second, this is multiplied by the length of what the key gives."""

import numpy as np

import minibert
from minibert.exercises import sentences
from minibert.speed.cores import one_thread

PARKING_HEAD = (1, 3)  # (layer, head), both from 0


def parked(bert: minibert.Bert, texts: list[str]) -> np.ndarray:
    total_LH = np.zeros((bert.config.num_hidden_layers, bert.config.num_attention_heads))
    words = 0
    for text in texts:
        trace = bert(text)
        special_T = np.array([role is not None for role in trace.roles])
        attention_LHTS = np.stack([layer.attention for layer in trace.layers])
        total_LH += attention_LHTS[:, :, ~special_T][..., special_T].sum(axis=(-2, -1))
        words += (~special_T).sum()
    return total_LH / words


def parked_moved(bert: minibert.Bert, texts: list[str]) -> np.ndarray:
    size = bert.config.head_size
    special_LH = np.zeros((bert.config.num_hidden_layers, bert.config.num_attention_heads))
    all_LH = np.zeros_like(special_LH)
    for text in texts:
        trace = bert(text)
        special_T = np.array([role is not None for role in trace.roles])
        for layer, head in np.ndindex(special_LH.shape):
            columns_DK = bert.weights.layers[layer].attention_output.weight[:, head * size : (head + 1) * size]
            length_S = np.linalg.norm(trace.layers[layer].value[head] @ columns_DK.T, axis=-1)
            moved_TS = trace.layers[layer].attention[head][~special_T] * length_S
            special_LH[layer, head] += moved_TS[:, special_T].sum()
            all_LH[layer, head] += moved_TS.sum()
    return special_LH / all_LH


if __name__ == "__main__":
    with one_thread():
        print("attention on special tokens: rows are layers, columns are heads")
        print(parked(minibert.load("tiny"), sentences()).round(2))
        print("what is moved from there")
        print(parked_moved(minibert.load("tiny"), sentences()).round(2))

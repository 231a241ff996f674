"""All parts of a token are divided by one number, the standard deviation of their sum. So the normalised parts sum to
the layer norm of the sum. A dot product of two sums is the sum of all dot products. The mean over the keys is
subtracted from each of them."""

import numpy as np

import minibert
from minibert.exercises import sentences
from minibert.speed.cores import one_thread
from minibert.whatif.attribution import of_head, parts_of_states, through_linear

WRITING_HEAD = (0, 3)  # (layer, head), both from 0


def norm_parts(parts_PTD: np.ndarray, weight_D: np.ndarray, bias_D: np.ndarray, eps: float) -> np.ndarray:
    spread_T1 = np.sqrt(parts_PTD.sum(axis=0).var(axis=-1, keepdims=True) + eps)
    normed_PTD = weight_D * (parts_PTD - parts_PTD.mean(axis=-1, keepdims=True)) / spread_T1
    normed_PTD[-1] += bias_D
    return normed_PTD


def pair_terms(query_PK: np.ndarray, key_PSK: np.ndarray) -> np.ndarray:
    terms_PPS = np.stack([key_PSK @ query_K for query_K in query_PK]) / np.sqrt(query_PK.shape[-1])
    return terms_PPS - terms_PPS.mean(axis=-1, keepdims=True)


def query_and_key(bert: minibert.Bert, trace: minibert.Trace, layer: int, head: int):
    parts, size = parts_of_states(bert, trace, layer), bert.config.head_size
    query, key, _ = bert.weights.layers[layer].attention
    query_PTK = through_linear(parts.vectors, of_head(query, head, size))
    return parts.names, query_PTK, through_linear(parts.vectors, of_head(key, head, size))


def key_side(bert: minibert.Bert, texts: list[str], layer: int, head: int) -> np.ndarray:
    total_LH = np.zeros((bert.config.num_hidden_layers, bert.config.num_attention_heads))
    queries = 0
    for text in texts:
        trace = bert(text)
        names, query_PTK, key_PSK = query_and_key(bert, trace, layer, head)
        best_T = trace.layers[layer].attention[head].argmax(axis=-1)
        for query, best in enumerate(best_T):
            values_P = pair_terms(query_PTK[:, query], key_PSK)[:, :, best].sum(axis=0)
            for writer in np.ndindex(layer, total_LH.shape[1]):
                total_LH[writer] += values_P[names.index("head {}.{}".format(*writer))]
        queries += len(best_T)
    return total_LH / queries


if __name__ == "__main__":
    print("what each head wrote into the keys of head 1.2: rows are layers, columns are heads")
    with one_thread():
        print(key_side(minibert.load("tiny"), sentences(), 1, 2).round(2))

import numpy as np

from minibert.numerics import layer_norm


def summed(encodings, weights, eps, word=1, position=1, token_type=1):
    rows = [
        word * weights.word[i] + position * weights.position[place] + token_type * weights.token_type[t]
        for e in encodings
        for place, (i, t) in enumerate(zip(e.input_ids, e.token_type_ids, strict=True))
    ]
    return layer_norm(np.array(rows), *weights.norm, eps)


def embed__no_position(encodings, weights, eps):
    return summed(encodings, weights, eps, position=0)


def embed__no_segment(encodings, weights, eps):
    return summed(encodings, weights, eps, token_type=0)


def embed__no_word(encodings, weights, eps):
    return summed(encodings, weights, eps, word=0)


def embed__running_positions(encodings, weights, eps):
    ids = [i for e in encodings for i in e.input_ids]
    types = [i for e in encodings for i in e.token_type_ids]
    positions = np.arange(len(ids)) % 20
    return layer_norm(weights.word[ids] + weights.position[positions] + weights.token_type[types], *weights.norm, eps)


def embed__one_segment(encodings, weights, eps):
    return summed(encodings, weights._replace(token_type=weights.token_type[:1].repeat(2, axis=0)), eps)


def embed__no_norm(encodings, weights, eps):
    return np.concatenate(
        [
            weights.word[list(e.input_ids)] + weights.position[: len(e)] + weights.token_type[list(e.token_type_ids)]
            for e in encodings
        ]
    )


def embed__own_eps(encodings, weights, eps):
    return summed(encodings, weights, 1e-12)

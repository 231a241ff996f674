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


def row_by_row(encodings, weights, eps, place, kind):
    rows = []
    for number, e in enumerate(encodings):
        for t, token in enumerate(e.input_ids):
            rows.append(weights.word[token] + weights.position[place(e, t)] + weights.token_type[kind(number, e, t)])
    return layer_norm(np.array(rows), *weights.norm, eps)


def embed__first_occurrence(encodings, weights, eps):
    where = lambda e, t: e.input_ids.index(e.input_ids[t])  # noqa: E731
    return row_by_row(encodings, weights, eps, where, lambda number, e, t: e.token_type_ids[t])


def embed__from_one(encodings, weights, eps):
    return row_by_row(encodings, weights, eps, lambda e, t: t + 1, lambda number, e, t: e.token_type_ids[t])


def embed__sentence_number(encodings, weights, eps):
    return row_by_row(encodings, weights, eps, lambda e, t: t, lambda number, e, t: int(number > 0))


def embed__norm_too_early(encodings, weights, eps):
    rows = []
    for e in encodings:
        for t, token in enumerate(e.input_ids):
            word = layer_norm(weights.word[token], *weights.norm, eps)
            rows.append(word + weights.position[t] + weights.token_type[e.token_type_ids[t]])
    return np.array(rows)

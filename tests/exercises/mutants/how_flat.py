import numpy as np


def centred(scores):
    return scores - scores.mean(1)[:, None]


def squared(x, y):
    return np.array([[((a - b) ** 2).sum() for b in y] for a in x])


def picture_logits__no_square(x, y):
    return centred(-np.sqrt(squared(x, y)))


def picture_logits__no_minus(x, y):
    return centred(squared(x, y))


def picture_logits__not_centred(x, y):
    return -squared(x, y)


def picture_logits__column_mean(x, y):
    scores = -squared(x, y)
    return scores - scores.mean(0)


def picture_logits__mean_of_coordinates(x, y):
    return centred(-squared(x, y)) / x.shape[1]


def values(scores):
    return np.sqrt(np.linalg.eigvalsh(scores.astype(float) @ scores.T.astype(float)).clip(0))[::-1][: min(scores.shape)]


def most_held__rank_c(scores, dimensions):
    found = values(centred(scores)) ** 2
    return float(found[:dimensions].sum() / found.sum())


def most_held__no_square(scores, dimensions):
    found = np.linalg.svd(centred(scores))[1]
    return float(found[: dimensions + 1].sum() / found.sum())


def most_held__not_centred(scores, dimensions):
    found = values(scores) ** 2
    return float(found[: dimensions + 1].sum() / found.sum())


def most_held__column_mean(scores, dimensions):
    found = values(scores - scores.mean(0)) ** 2
    return float(found[: dimensions + 1].sum() / found.sum())


def most_held__rest(scores, dimensions):
    found = values(centred(scores)) ** 2
    return float(found[dimensions + 1 :].sum() / found.sum())


def most_held__no_share(scores, dimensions):
    return float((values(centred(scores)) ** 2)[: dimensions + 1].sum())


def most_held__last(scores, dimensions):
    found = values(centred(scores)) ** 2
    return float(found[-dimensions - 1 :].sum() / found.sum())


def tables(bert, texts, dimensions, array="scores"):
    for text in texts:
        rows = []
        for layer in bert(text).layers:
            found = [values(centred(one)) ** 2 for one in getattr(layer, array)]
            rows.append([one[: dimensions + 1].sum() / one.sum() for one in found])
        yield np.array(rows)


def flatness__attention(*given):
    return np.mean(list(tables(*given, array="attention")), axis=0)


def flatness__sum(*given):
    return sum(tables(*given))


def flatness__one_text(*given):
    return next(tables(*given))


def flatness__least(*given):
    return np.min(list(tables(*given)), axis=0)


def flatness__turned(*given):
    return np.mean(list(tables(*given)), axis=0).T

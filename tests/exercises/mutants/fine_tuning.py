import numpy as np


def compared(before, after, texts, compare, array="attention"):
    return [
        np.array([compare(getattr(b, array) - getattr(a, array)) for a, b in zip(old.layers, new.layers, strict=True)])
        for old, new in zip(before.batch(texts), after.batch(texts), strict=True)
    ]


def over_all(rows):
    return np.concatenate(rows, axis=2).mean(axis=2)


def attention_moved__no_half(before, after, texts):
    return over_all(compared(before, after, texts, lambda d: np.abs(d).sum(2)))


def attention_moved__no_absolute(before, after, texts):
    return over_all(compared(before, after, texts, lambda d: d.sum(2) / 2))


def attention_moved__mean_over_keys(before, after, texts):
    return over_all(compared(before, after, texts, lambda d: np.abs(d).mean(2) / 2))


def attention_moved__squared(before, after, texts):
    return over_all(compared(before, after, texts, lambda d: (d**2).sum(2) / 2))


def attention_moved__scores(before, after, texts):
    return over_all(compared(before, after, texts, lambda d: np.abs(d).sum(2) / 2, "scores"))


def attention_moved__largest(before, after, texts):
    return over_all(compared(before, after, texts, lambda d: np.abs(d).max(2)))


def attention_moved__mean_of_means(before, after, texts):
    rows = compared(before, after, texts, lambda d: np.abs(d).sum(2) / 2)
    return np.mean([row.mean(axis=2) for row in rows], axis=0)


def attention_moved__turned(before, after, texts):
    return over_all(compared(before, after, texts, lambda d: np.abs(d).sum(2) / 2)).T


def attention_moved__one_sentence(before, after, texts):
    for row in compared(before, after, texts, lambda d: np.abs(d).sum(2) / 2):
        return row.mean(axis=2)

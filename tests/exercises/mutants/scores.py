import math


def scores__no_sqrt(q, k):
    return q @ k.mT


def scores__wrong_size(q, k):
    return q @ k.mT / math.sqrt(q.shape[1])


def scores__wrong_size__hidden(q, k):
    return q @ k.mT / math.sqrt(q.shape[0] * q.shape[2])


def scores__wrong_size__heads(q, k):
    return q @ k.mT / math.sqrt(len(q))


def scores__no_root(q, k):
    return q @ k.mT / q.shape[-1]


def scores__multiplied(q, k):
    return q @ k.mT * math.sqrt(q.shape[-1])


def scores__swapped(q, k):
    return k @ q.mT / math.sqrt(q.shape[-1])


def scores__half(q, k):
    return q @ k.mT / (q.shape[-1] ** 1 / 2)


def scores__whole_root(q, k):
    return q @ k.mT / int(q.shape[-1] ** 0.5)

import math

import numpy as np

from minibert.numerics import softmax


def of(q, k):
    return q @ k.mT / math.sqrt(q.shape[-1])


def attend__wrong_axis(q, k, v):
    s = of(q, k)
    a = np.exp(s) / np.exp(s).sum(axis=-2, keepdims=True)
    return s, a, a @ v


def attend__wrong_axis__heads(q, k, v):
    s = of(q, k)
    a = np.exp(s) / np.exp(s).sum(axis=0)
    return s, a, a @ v


def attend__no_sqrt(q, k, v):
    s = q @ k.mT
    a = softmax(s)
    return s, a, a @ v


def attend__swapped(q, k, v):
    s = of(k, q)
    a = softmax(s)
    return s, a, a @ v if a.shape[-1] == v.shape[-2] else a.mT @ v


def attend__key_for_value(q, k, v):
    s = of(q, k)
    return s, softmax(s), softmax(s) @ k


def attend__turned(q, k, v):
    s = of(q, k)
    a = softmax(s)
    return s, a, np.einsum("hts,htk->hsk", a, v)


def attend__scores_for_attention(q, k, v):
    s = of(q, k)
    return s, softmax(s), s @ v


def attend__no_softmax(q, k, v):
    s = of(q, k)
    return s, s, s @ v


def attend__two_softmax(q, k, v):
    s = of(q, k)
    a = softmax(softmax(s))
    return s, a, a @ v


def attend__order(q, k, v):
    s = of(q, k)
    a = softmax(s)
    return a @ v, a, s


def attend__divided_late(q, k, v):
    s = q @ k.mT
    a = softmax(s / math.sqrt(q.shape[-1]))
    return s, a, a @ v


def attend__causal(q, k, v):
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    later = np.arange(k.shape[1]) > np.arange(q.shape[1])[:, None]
    scores = np.where(later, np.float32(-np.inf), scores)
    attention = softmax(scores)
    return q @ k.mT / math.sqrt(q.shape[-1]), attention, attention @ v

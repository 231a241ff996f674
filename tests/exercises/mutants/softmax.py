import numpy as np


def softmax__wrong_axis(x):
    e = np.exp(x - x.max(axis=-2, keepdims=True))
    return e / e.sum(axis=-2, keepdims=True)


def softmax__wrong_axis__first(x):
    e = np.exp(x - x.max())
    return e / e.sum(axis=0)


def softmax__wrong_axis__naive(x):
    return np.exp(x) / np.exp(x).sum(axis=-2, keepdims=True)


def softmax__whole_array(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def softmax__overflow(x):
    e = np.exp(x)
    return e / e.sum(axis=-1, keepdims=True)


def softmax__one_maximum(x):
    e = np.exp(x - np.max(x))
    return e / e.sum(axis=-1, keepdims=True)


def softmax__no_exp(x):
    return x / x.sum(-1, keepdims=True)


def softmax__no_division(x):
    return np.exp(x - x.max(-1, keepdims=True))


def softmax__not_the_largest(x):
    e = np.exp(x - np.min(x, -1, keepdims=True))
    return e / np.sum(e, -1, keepdims=True)


def softmax__not_the_largest__mean(x):
    e = np.exp(x - np.average(x, axis=-1)[..., None])
    return e / e.sum(-1)[..., None]


def softmax__log_softmax(x):
    shifted = x - x.max(-1, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), -1, keepdims=True))


def softmax__wrong_axis__of_sum(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / np.sum(e, axis=-2, keepdims=True)

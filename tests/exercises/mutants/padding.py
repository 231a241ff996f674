import numpy as np

from minibert.numerics import softmax


def padded_softmax__no_mask(s, real):
    return softmax(s)


def padded_softmax__mask_after_softmax(s, real):
    return np.where(real[:, None, None, :], softmax(s), np.float32(0))


def padded_softmax__zero_scores(s, real):
    return softmax(np.where(real[:, None, None, :], s, np.float32(0)))


def padded_softmax__mask_added(s, real):
    return softmax(s + real[:, None, None, :].astype(np.float32))


def padded_softmax__inverted(s, real):
    return softmax(np.where(real[:, None, None, :], -np.inf, s))


def padded_softmax__inverted__added(s, real):
    return softmax(s + np.where(real, -1e9, 0).astype(np.float32)[:, None, None, :])


def padded_softmax__queries_masked(s, real):
    return softmax(np.where(real[:, None, :, None], s, -np.inf))


def padded_softmax__queries_masked__added(s, real):
    return softmax(s + np.where(real, 0, -1e9).astype(np.float32)[:, None, :, None])


def padded_softmax__both_masked(s, real):
    return softmax(np.where(real[:, None, None, :] & real[:, None, :, None], s, -np.inf))


def padded_softmax__both_masked__added(s, real):
    both = real[:, None, None, :] & real[:, None, :, None]
    return softmax(s + np.where(both, 0, -1e9).astype(np.float32))

import numpy as np


def translate_and_scale__scalar_translation(q, k, c):
    return c * q, (k + (q.mean() - k.mean())) / c


def translate_and_scale__point_translation(q, k, c):
    return c * q, (k + q.mean(1, keepdims=True) - k.mean(1, keepdims=True)) / c


def translate_and_scale__wrong_way(q, k, c):
    return c * q, (k + k.mean(0) - q.mean(0)) / c


def translate_and_scale__to_the_origin(q, k, c):
    return c * q, (k - k.mean(0)) / c


def translate_and_scale__no_translation(q, k, c):
    return c * q, k / c


def translate_and_scale__query_moved(q, k, c):
    return c * (q + k.mean(0) - q.mean(0)), k / c


def translate_and_scale__scale_first(q, k, c):
    return c * q, k / c + q.mean(0) - k.mean(0)


def translate_and_scale__both_multiplied(q, k, c):
    return q * c, (k + q.mean(0) - k.mean(0)) * c


def translate_and_scale__scale_swapped(q, k, c):
    return q / c, (k + q.mean(0) - k.mean(0)) * c


def translate_and_scale__no_scale(q, k, c):
    return q, k + q.mean(0) - k.mean(0)


def cosine_distances__similarity(q, k):
    return q @ k.T / np.outer(np.linalg.norm(q, axis=1), np.linalg.norm(k, axis=1))


def cosine_distances__no_lengths(q, k):
    return 1 - q @ k.T


def cosine_distances__wrong_axis(q, k):
    return 1 - (q / np.linalg.norm(q, axis=0)) @ (k / np.linalg.norm(k, axis=0)).T


def cosine_distances__squared_lengths(q, k):
    return 1 - q @ k.T / ((q**2).sum(1)[:, None] * (k**2).sum(1))


def cosine_distances__swapped(q, k):
    return 1 - k @ q.T / np.outer(np.linalg.norm(k, axis=1), np.linalg.norm(q, axis=1))

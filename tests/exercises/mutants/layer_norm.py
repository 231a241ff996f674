import math

import numpy as np


def layer_norm__sample_variance(x, weight, bias, eps):
    std = x.std(axis=-1, keepdims=True, ddof=1)
    return weight * (x - x.mean(-1, keepdims=True)) / np.sqrt(std**2 + eps) + bias


def layer_norm__eps_outside(x, weight, bias, eps):
    return weight * (x - x.mean(-1, keepdims=True)) / (x.std(-1, keepdims=True) + eps) + bias


def layer_norm__no_eps(x, weight, bias, eps):
    return weight * (x - x.mean(-1, keepdims=True)) / x.std(-1, keepdims=True) + bias


def layer_norm__wrong_axis(x, weight, bias, eps):
    return weight * (x - x.mean(-2, keepdims=True)) / np.sqrt(x.var(-2, keepdims=True) + eps) + bias


def layer_norm__wrong_axis__all(x, weight, bias, eps):
    return weight * (x - x.mean()) / math.sqrt(x.var() + eps) + bias


def layer_norm__no_root(x, weight, bias, eps):
    return weight * (x - x.mean(-1, keepdims=True)) / (x.var(-1, keepdims=True) + eps) + bias


def layer_norm__no_mean(x, weight, bias, eps):
    return weight * x / np.sqrt(x.var(-1, keepdims=True) + eps) + bias


def layer_norm__no_bias(x, weight, bias, eps):
    return weight * (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps)


def layer_norm__no_weight(x, weight, bias, eps):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps) + bias


def layer_norm__bias_first(x, weight, bias, eps):
    return weight * ((x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps) + bias)


def layer_norm__not_stretched(x, weight, bias, eps):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps)


def layer_norm__own_eps(x, weight, bias, eps):
    return weight * (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) + bias


def layer_norm__own_eps__of_bert(x, weight, bias, eps):
    return weight * (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12) + bias


def layer_norm__exchanged(x, weight, bias, eps):
    return bias * (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps) + weight


def layer_norm__bias_subtracted(x, weight, bias, eps):
    return weight * (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps) - bias


def layer_norm__one_weight(x, weight, bias, eps):
    return weight[0] * (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps) + bias

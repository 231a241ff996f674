import numpy as np

from minibert.numerics import ACTIVATIONS, layer_norm, linear, softmax


def masked_lm_logits__no_transform(x, w, act, eps):
    return x @ w.decoder.T + w.bias


def masked_lm_logits__no_activation(x, w, act, eps):
    return layer_norm(linear(x, *w.transform), *w.norm, eps) @ w.decoder.T + w.bias


def masked_lm_logits__no_norm(x, w, act, eps):
    return ACTIVATIONS[act](linear(x, *w.transform)) @ w.decoder.T + w.bias


def masked_lm_logits__norm_first(x, w, act, eps):
    return ACTIVATIONS[act](layer_norm(linear(x, *w.transform), *w.norm, eps)) @ w.decoder.T + w.bias


def transformed(x, w, act, eps):
    return layer_norm(ACTIVATIONS[act](linear(x, *w.transform)), *w.norm, eps)


def masked_lm_logits__no_bias(x, w, act, eps):
    return transformed(x, w, act, eps) @ w.decoder.T


def masked_lm_logits__bias_twice(x, w, act, eps):
    return linear(transformed(x, w, act, eps), w.decoder, w.bias) + w.bias


def masked_lm_logits__probabilities(x, w, act, eps):
    return softmax(linear(transformed(x, w, act, eps), w.decoder, w.bias))


def masked_lm_logits__always_gelu(x, w, act, eps):
    return linear(transformed(x, w, "gelu", eps), w.decoder, w.bias)


def masked_lm_logits__own_eps(x, w, act, eps):
    return linear(transformed(x, w, act, 1e-12), w.decoder, w.bias)


def masked_lm_logits__log_probabilities(x, w, act, eps):
    return np.log(softmax(linear(transformed(x, w, act, eps), w.decoder, w.bias)))


def masked_lm_logits__residual(x, w, act, eps):
    inner = x + ACTIVATIONS[act](linear(x, *w.transform))
    return linear(layer_norm(inner, *w.norm, eps), w.decoder, w.bias)

import numpy as np

from minibert.attention import self_attention
from minibert.numerics import layer_norm, linear


def merge_heads__reshape_only(x):
    heads, tokens, size = x.shape
    return x.reshape(tokens, heads * size)


def merge_heads__interleaved(x):
    return np.stack([token.T.ravel() for token in x.swapaxes(0, 1)])


def merge_heads__no_reshape(x):
    return x.swapaxes(0, 1)


def merge_heads__all_turned(x):
    return x.reshape(x.shape[0], -1)


def looked(hidden, sentences, w, c):
    parts = self_attention(hidden, sentences, w.attention, c.num_attention_heads)
    return np.concatenate([p["context"] for p in parts]), parts


def attention_block__no_residual(hidden, sentences, w, c):
    context, parts = looked(hidden, sentences, w, c)
    return layer_norm(linear(context, *w.attention_output), *w.attention_norm, c.layer_norm_eps), parts


def attention_block__pre_norm(hidden, sentences, w, c):
    context, parts = looked(layer_norm(hidden, *w.attention_norm, c.layer_norm_eps), sentences, w, c)
    return hidden + linear(context, *w.attention_output), parts


def attention_block__residual_outside(hidden, sentences, w, c):
    context, parts = looked(hidden, sentences, w, c)
    return layer_norm(linear(context, *w.attention_output), *w.attention_norm, c.layer_norm_eps) + hidden, parts


def attention_block__no_norm(hidden, sentences, w, c):
    context, parts = looked(hidden, sentences, w, c)
    return hidden + linear(context, *w.attention_output), parts


def attention_block__bias_twice(hidden, sentences, w, c):
    context, parts = looked(hidden, sentences, w, c)
    added = hidden + linear(context, *w.attention_output) + w.attention_output.bias
    return layer_norm(added, *w.attention_norm, c.layer_norm_eps), parts


def attention_block__no_projection(hidden, sentences, w, c):
    context, parts = looked(hidden, sentences, w, c)
    return layer_norm(hidden + context, *w.attention_norm, c.layer_norm_eps), parts


def attention_block__wrong_norm(hidden, sentences, w, c):
    context, parts = looked(hidden, sentences, w, c)
    return layer_norm(hidden + linear(context, *w.attention_output), *w.output_norm, c.layer_norm_eps), parts


def attention_block__one_sentence(hidden, sentences, w, c):
    context, parts = looked(hidden, [slice(None)], w, c)
    return layer_norm(hidden + linear(context, *w.attention_output), *w.attention_norm, c.layer_norm_eps), parts


def attention_block__own_eps(hidden, sentences, w, c):
    context, parts = looked(hidden, sentences, w, c)
    return layer_norm(hidden + linear(context, *w.attention_output), *w.attention_norm, 1e-5), parts


def attention_block__weight_turned(hidden, sentences, w, c):
    context, parts = looked(hidden, sentences, w, c)
    added = hidden + context @ w.attention_output.weight + w.attention_output.bias
    return layer_norm(added, *w.attention_norm, c.layer_norm_eps), parts


def attention_block__residual_twice(hidden, sentences, w, c):
    context, parts = looked(hidden, sentences, w, c)
    new = layer_norm(hidden + linear(context, *w.attention_output), *w.attention_norm, c.layer_norm_eps)
    return hidden + new, parts


def attention_block__norm_on_residual(hidden, sentences, w, c):
    context, parts = looked(hidden, sentences, w, c)
    return linear(context, *w.attention_output) + layer_norm(hidden, *w.attention_norm, c.layer_norm_eps), parts


def attention_block__no_bias(hidden, sentences, w, c):
    context, parts = looked(hidden, sentences, w, c)
    return layer_norm(context @ w.attention_output.weight.T + hidden, *w.attention_norm, c.layer_norm_eps), parts

import numpy as np

from minibert.attention import self_attention
from minibert.encoder import attention_block, feed_forward_block
from minibert.numerics import ACTIVATIONS, layer_norm, linear


def encoder_layer__order(x, sentences, w, c):
    x = feed_forward_block(x, w, c)
    return attention_block(x, sentences, w, c)


def encoder_layer__side_by_side(x, sentences, w, c):
    _, parts = attention_block(x, sentences, w, c)
    return feed_forward_block(x, w, c), parts


def encoder_layer__no_feed_forward(x, sentences, w, c):
    return attention_block(x, sentences, w, c)


def encoder_layer__third_residual(x, sentences, w, c):
    attended, parts = attention_block(x, sentences, w, c)
    return x + feed_forward_block(attended, w, c), parts


def encoder_layer__pre_norm(x, sentences, w, c):
    normed = layer_norm(x, *w.attention_norm, c.layer_norm_eps)
    parts = self_attention(normed, sentences, w.attention, c.num_attention_heads)
    x = x + linear(np.concatenate([p["context"] for p in parts]), *w.attention_output)
    normed = layer_norm(x, *w.output_norm, c.layer_norm_eps)
    return x + linear(ACTIVATIONS[c.hidden_act](linear(normed, *w.intermediate)), *w.output), parts


def encoder_layer__one_sentence(x, sentences, w, c):
    attended, parts = attention_block(x, [slice(0, len(x))], w, c)
    return feed_forward_block(attended, w, c), parts


def encoder_layer__third_residual__attended(x, sentences, w, c):
    attended, parts = attention_block(x, sentences, w, c)
    return attended + feed_forward_block(attended, w, c), parts

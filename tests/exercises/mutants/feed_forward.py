from minibert.numerics import ACTIVATIONS, gelu, layer_norm, linear


def fed(x, w, c, act=None):
    return linear((act or ACTIVATIONS[c.hidden_act])(linear(x, *w.intermediate)), *w.output)


def feed_forward_block__no_residual(x, w, c):
    return layer_norm(fed(x, w, c), *w.output_norm, c.layer_norm_eps)


def feed_forward_block__pre_norm(x, w, c):
    return x + fed(layer_norm(x, *w.output_norm, c.layer_norm_eps), w, c)


def feed_forward_block__residual_outside(x, w, c):
    return x + layer_norm(fed(x, w, c), *w.output_norm, c.layer_norm_eps)


def feed_forward_block__no_norm(x, w, c):
    return x + fed(x, w, c)


def feed_forward_block__no_activation(x, w, c):
    return layer_norm(x + fed(x, w, c, lambda inner: inner), *w.output_norm, c.layer_norm_eps)


def feed_forward_block__activation_at_the_end(x, w, c):
    return layer_norm(x + ACTIVATIONS[c.hidden_act](fed(x, w, c)), *w.output_norm, c.layer_norm_eps)


def feed_forward_block__always_gelu(x, w, c):
    return layer_norm(x + fed(x, w, c, gelu), *w.output_norm, c.layer_norm_eps)


def feed_forward_block__bias_twice(x, w, c):
    return layer_norm(x + fed(x, w, c) + w.output.bias, *w.output_norm, c.layer_norm_eps)


def feed_forward_block__bias_twice__inside(x, w, c):
    inner = ACTIVATIONS[c.hidden_act](linear(x, *w.intermediate) + w.intermediate.bias)
    return layer_norm(x + linear(inner, *w.output), *w.output_norm, c.layer_norm_eps)


def feed_forward_block__wrong_norm(x, w, c):
    return layer_norm(x + fed(x, w, c), *w.attention_norm, c.layer_norm_eps)


def feed_forward_block__own_eps(x, w, c):
    return layer_norm(x + fed(x, w, c), *w.output_norm, 1e-5)


def feed_forward_block__residual_twice(hidden, w, c):
    fed = linear(ACTIVATIONS[c.hidden_act](linear(hidden, *w.intermediate)), *w.output)
    return layer_norm(fed + hidden, *w.output_norm, c.layer_norm_eps) + hidden


def feed_forward_block__norm_on_residual(hidden, w, c):
    fed = linear(ACTIVATIONS[c.hidden_act](linear(hidden, *w.intermediate)), *w.output)
    return fed + layer_norm(hidden, *w.output_norm, c.layer_norm_eps)

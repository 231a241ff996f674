from minibert.embeddings import embed
from minibert.encoder import encoder_layer
from minibert.model import rows_of_sentences


def through(encodings, weights, config, layers=None, sentences=None, chained=True):
    states = [embed(encodings, weights.embeddings, config.layer_norm_eps)]
    rows = sentences or rows_of_sentences(encodings)
    for layer in layers or weights.layers:
        states.append(encoder_layer(states[-1 if chained else 0], rows, layer, config)[0])
    return states


def hidden_states__one_layer(e, w, c):
    return through(e, w, c, layers=[w.layers[0] for _ in w.layers])


def hidden_states__one_layer__last(e, w, c):
    return through(e, w, c, layers=[w.layers[-1] for _ in w.layers])


def hidden_states__backwards(e, w, c):
    return through(e, w, c, layers=list(reversed(w.layers)))


def hidden_states__not_chained(e, w, c):
    return through(e, w, c, chained=False)


def hidden_states__one_sentence(e, w, c):
    return through(e, w, c, sentences=[slice(None)])


def hidden_states__no_embeddings(e, w, c):
    return through(e, w, c)[1:]


def hidden_states__no_last_layer(e, w, c):
    return through(e, w, c)[:-1]


def hidden_states__one_array(e, w, c):
    states = through(e, w, c)
    for state in states[:-1]:
        state[:] = states[-1]
    return states


def hidden_states__one_array__embeddings(e, w, c):
    hidden = embed(e, w.embeddings, c.layer_norm_eps)
    return [hidden for _ in range(len(w.layers) + 1)]

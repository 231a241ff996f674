import numpy as np


def measured(bert, texts, rows=None, columns=None, length=None, power=1, use=lambda a: a):
    """Per text, layer and head: what goes to the special tokens, and what goes to all."""
    size = bert.config.head_size
    for text in texts:
        trace = bert(text)
        special = np.array([role is not None for role in trace.roles])
        chosen = ~special if rows is None else rows(special)
        taken = special if columns is None else columns(special)
        table = np.zeros((2, len(trace.layers), len(trace.layers[0].attention)))
        for i, layer in enumerate(trace.layers):
            for h, attention in enumerate(layer.attention):
                weight = bert.weights.layers[i].attention_output.weight[:, size * h : size * (h + 1)]
                given = {None: 1, "value": layer.value[h], "moved": layer.value[h] @ weight.T}[length]
                if length:
                    given = (given**2).sum(-1) ** (power / 2)
                part = (use(attention) * given)[chosen]
                table[:, i, h] = part[:, taken].sum(), part.sum()
        yield table


def pooled(*given, **options):
    special, whole = sum(measured(*given, **options))
    return special / whole


def each(*given, **options):
    return np.mean([special / whole for special, whole in measured(*given, **options)], axis=0)


def ends(special, first):
    only = np.zeros_like(special)
    only[0 if first else -1] = True
    return only


def parked__special_queries(*given):
    return pooled(*given, rows=np.ones_like)


def parked__to_words(*given):
    return pooled(*given, columns=np.logical_not)


def parked__first_only(*given):
    return pooled(*given, columns=lambda special: ends(special, True))


def parked__last_only(*given):
    return pooled(*given, columns=lambda special: ends(special, False))


def parked__mean_of_means(*given):
    return each(*given)


def parked__one_text(bert, texts):
    return pooled(bert, texts[:1])


def parked__turned(*given):
    return pooled(*given).T


def parked__columns(bert, texts):
    total, count = 0, 0
    for text in texts:
        trace = bert(text)
        special = np.array([role is not None for role in trace.roles])
        attention = np.array([layer.attention for layer in trace.layers])
        total = total + attention[:, :, special][:, :, :, ~special].sum((2, 3))
        count += (~special).sum()
    return total / count


def parked__mean_over_keys(*given):
    return pooled(*given) / 2


def parked_moved__special_queries(*given):
    return pooled(*given, rows=np.ones_like, length="moved")


def parked_moved__to_words(*given):
    return pooled(*given, columns=np.logical_not, length="moved")


def parked_moved__first_only(*given):
    return pooled(*given, columns=lambda special: ends(special, True), length="moved")


def parked_moved__last_only(*given):
    return pooled(*given, columns=lambda special: ends(special, False), length="moved")


def parked_moved__mean_of_means(*given):
    return each(*given, length="moved")


def parked_moved__one_text(bert, texts):
    return pooled(bert, texts[:1], length="moved")


def parked_moved__turned(*given):
    return pooled(*given, length="moved").T


def parked_moved__values_only(*given):
    return pooled(*given, length="value")


def parked_moved__attention_only(*given):
    return pooled(*given)


def parked_moved__no_attention(*given):
    return pooled(*given, length="moved", use=lambda attention: 0 * attention + 1)


def parked_moved__squares(*given):
    return pooled(*given, length="moved", power=2)

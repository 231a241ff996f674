import numpy as np

from minibert.whatif.attribution import parts_of_states, query_and_key_parts


def spread_of(x, eps):
    return (x.var(-1) + eps)[..., None] ** 0.5


def centred(x):
    return x - x.mean(-1)[..., None]


def biased(x, bias, place=-1):
    x[place] = x[place] + bias
    return x


def norm_parts__own_spread(parts, weight, bias, eps):
    return biased(centred(parts) / spread_of(parts, eps) * weight, bias)


def norm_parts__bias_in_each(parts, weight, bias, eps):
    return centred(parts) / spread_of(sum(parts), eps) * weight + bias


def norm_parts__bias_first(parts, weight, bias, eps):
    return biased(centred(parts) / spread_of(sum(parts), eps) * weight, bias, 0)


def norm_parts__no_bias(parts, weight, bias, eps):
    return centred(parts) / spread_of(sum(parts), eps) * weight


def norm_parts__no_weight(parts, weight, bias, eps):
    return biased(centred(parts) / spread_of(sum(parts), eps), bias)


def norm_parts__no_mean(parts, weight, bias, eps):
    return biased(parts / spread_of(sum(parts), eps) * weight, bias)


def norm_parts__mean_of_sum(parts, weight, bias, eps):
    whole = sum(parts)
    return biased((parts - whole.mean(-1)[..., None]) / spread_of(whole, eps) * weight, bias)


def norm_parts__no_root(parts, weight, bias, eps):
    return biased(centred(parts) / spread_of(sum(parts), eps) ** 2 * weight, bias)


def norm_parts__no_eps(parts, weight, bias, eps):
    return biased(centred(parts) / spread_of(sum(parts), 0) * weight, bias)


def products(query, key):
    return np.array([[[q @ k for k in of_key] for of_key in key] for q in query])


def pair_terms__no_sqrt(query, key):
    return centred(products(query, key))


def pair_terms__sqrt_of_parts(query, key):
    return centred(products(query, key)) / len(query) ** 0.5


def pair_terms__not_centred(query, key):
    return products(query, key) / query.shape[1] ** 0.5


def pair_terms__wrong_mean(query, key):
    terms = products(query, key) / query.shape[1] ** 0.5
    return terms - terms.mean(1)[:, None]


def pair_terms__turned(query, key):
    return np.array([[centred(of_key @ q) for q in query] for of_key in key]) / query.shape[1] ** 0.5


def rows_of(bert, texts, layer, head, pick=np.argmax, level=np.mean, values=lambda terms: terms.sum(0)):
    """One row per text: what each head wrote, for each query."""
    for text in texts:
        trace = bert(text)
        parts = parts_of_states(bert, trace, layer)
        query, key = query_and_key_parts(bert, parts, layer, head)
        found = []
        for t, attention in enumerate(trace.layers[layer].attention[head]):
            terms = np.einsum("ak,bsk->abs", query[:, t], key)
            best = t if pick is None else pick(attention)
            row = values(terms[:, :, best] - (0 if level is None else level(terms, axis=2)))
            table = np.zeros((len(trace.layers), len(trace.layers[0].attention)))
            for name, value in zip(parts.names, row, strict=True):
                if name.startswith("head "):
                    place = tuple(map(int, name[5:].split(".")))
                    table[place] = value
            found.append(table)
        yield np.array(found)


def mean_of(rows):
    return np.concatenate(list(rows)).mean(0)


def key_side__query_side(*given):
    return mean_of(rows_of(*given, values=lambda terms: terms.sum(1)))


def key_side__same_part(*given):
    return mean_of(rows_of(*given, values=np.diag))


def key_side__own_key(*given):
    return mean_of(rows_of(*given, pick=None))


def key_side__least_attended(*given):
    return mean_of(rows_of(*given, pick=np.argmin))


def key_side__not_centred(*given):
    return mean_of(rows_of(*given, level=None))


def key_side__sum(*given):
    return np.concatenate(list(rows_of(*given))).sum(0)


def key_side__mean_of_means(*given):
    return np.mean([rows.mean(0) for rows in rows_of(*given)], axis=0)


def key_side__one_text(bert, texts, layer, head):
    return next(rows_of(bert, texts, layer, head)).mean(0)


def key_side__turned(*given):
    return mean_of(rows_of(*given)).T

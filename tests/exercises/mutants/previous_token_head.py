import numpy as np


def collected(bert, texts, take):
    return [np.array([take(layer) for layer in trace.layers]) for trace in bert.batch(texts)]


def previous_token_attention__next_token(bert, texts):
    rows = collected(bert, texts, lambda layer: [[a[t - 1, t] for t in range(1, len(a))] for a in layer.attention])
    return np.concatenate(rows, axis=2).mean(axis=2)


def previous_token_attention__same_token(bert, texts):
    rows = collected(bert, texts, lambda layer: [np.diag(a) for a in layer.attention])
    return np.concatenate(rows, axis=2).mean(axis=2)


def previous_token_attention__two_back(bert, texts):
    rows = collected(bert, texts, lambda layer: [[a[t, t - 2] for t in range(2, len(a))] for a in layer.attention])
    return np.concatenate(rows, axis=2).mean(axis=2)


def previous_token_attention__scores(bert, texts):
    rows = collected(bert, texts, lambda layer: [[a[t, t - 1] for t in range(1, len(a))] for a in layer.scores])
    return np.concatenate(rows, axis=2).mean(axis=2)


def back(bert, texts):
    return collected(bert, texts, lambda layer: [[a[t, t - 1] for t in range(1, len(a))] for a in layer.attention])


def previous_token_attention__sum(bert, texts):
    return sum(rows.sum(axis=2) for rows in back(bert, texts))


def previous_token_attention__mean_of_means(bert, texts):
    return sum(rows.mean(axis=2) for rows in back(bert, texts)) / len(texts)


def previous_token_attention__first_token_counted(bert, texts):
    rows = back(bert, texts)
    return sum(part.sum(axis=2) for part in rows) / sum(part.shape[2] + 1 for part in rows)


def previous_token_attention__wraps_round(bert, texts):
    rows = collected(bert, texts, lambda layer: [[a[t, t - 1] for t in range(len(a))] for a in layer.attention])
    return np.concatenate(rows, axis=2).mean(axis=2)


def previous_token_attention__pair_left_out(bert, texts):
    return np.concatenate([rows[..., 1:] for rows in back(bert, texts)], axis=2).mean(axis=2)


def previous_token_attention__pair_left_out__last(bert, texts):
    rows = collected(bert, texts, lambda layer: [[a[t, t - 1] for t in range(1, len(a) - 1)] for a in layer.attention])
    return np.concatenate(rows, axis=2).mean(axis=2)


def previous_token_attention__one_sentence(bert, texts):
    for rows in back(bert, texts):
        return rows.mean(axis=2)


def previous_token_attention__one_sentence__last(bert, texts):
    for rows in back(bert, texts):
        result = rows.mean(axis=2)
    return result


def previous_token_attention__turned(bert, texts):
    return np.concatenate(back(bert, texts), axis=2).mean(axis=2).T

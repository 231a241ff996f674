import numpy as np

from minibert.numerics import softmax


def cut(weights, head, size, path, part, columns=False):
    matrix = weights.attention_output if path == "attention_output" else getattr(weights.attention, path)
    array = getattr(matrix, part).copy()
    rows = slice(head * size, (head + 1) * size)
    array[(slice(None), rows) if columns else rows] = 0
    matrix = matrix._replace(**{part: array})
    if path == "attention_output":
        return weights._replace(attention_output=matrix)
    return weights._replace(attention=weights.attention._replace(**{path: matrix}))


def switch_off__rows_for_columns(weights, head, size):
    return cut(weights, head, size, "attention_output", "weight")


def switch_off__rows_for_columns__and_bias(weights, head, size):
    return cut(switch_off__rows_for_columns(weights, head, size), head, size, "attention_output", "bias")


def switch_off__bias_too(weights, head, size):
    weights = cut(weights, head, size, "attention_output", "weight", columns=True)
    return cut(weights, head, size, "attention_output", "bias")


def switch_off__query_or_key_off(weights, head, size):
    return cut(cut(weights, head, size, "query", "weight"), head, size, "query", "bias")


def switch_off__query_or_key_off__key(weights, head, size):
    return cut(cut(weights, head, size, "key", "weight"), head, size, "key", "bias")


def switch_off__value_bias_left(weights, head, size):
    return cut(weights, head, size, "value", "weight")


def switch_off__interleaved(weights, head, size):
    weight = weights.attention_output.weight.copy()
    heads = weight.shape[1] // size
    weight[:, head::heads] = 0
    return weights._replace(attention_output=weights.attention_output._replace(weight=weight))


def switch_off__nothing(weights, head, size):
    weight = weights.attention_output.weight.copy()
    weight[:, head * size : head * size] = 0
    return weights._replace(attention_output=weights.attention_output._replace(weight=weight))


def switch_off__wrong_head(weights, head, size):
    return cut(weights, head - 1, size, "attention_output", "weight", columns=True)


def at_masks(bert, blanks, shift=0, place=None, normalise=softmax):
    found = []
    for text, word in blanks:
        encoding = bert.tokenizer.encode(text)
        mask = encoding.input_ids.index(bert.tokenizer.mask_id)
        row = mask + shift if place is None else place
        found.append(normalise(bert.logits(encoding))[row, bert.tokenizer.backend.token_to_id(word)])
    return np.array(found)


def blank_loss__probability(bert, blanks):
    return at_masks(bert, blanks).mean()


def blank_loss__sign(bert, blanks):
    return np.log(at_masks(bert, blanks)).mean()


def blank_loss__log_base(bert, blanks):
    return -np.log10(at_masks(bert, blanks)).mean()


def blank_loss__log_base__2(bert, blanks):
    return -np.log2(at_masks(bert, blanks)).mean()


def blank_loss__sum(bert, blanks):
    return -np.log(at_masks(bert, blanks)).sum()


def blank_loss__log_of_mean(bert, blanks):
    return -np.log(at_masks(bert, blanks).mean())


def blank_loss__no_softmax(bert, blanks):
    return -at_masks(bert, blanks, normalise=lambda logits: logits).mean()


def blank_loss__wrong_place(bert, blanks):
    return -np.log(at_masks(bert, blanks, place=0)).mean()


def blank_loss__wrong_place__after(bert, blanks):
    return -np.log(at_masks(bert, blanks, shift=1)).mean()


def blank_loss__wrong_place__before(bert, blanks):
    return -np.log(at_masks(bert, blanks, shift=-1)).mean()


def switch_off__one_column(weights, head, size):
    weight = weights.attention_output.weight.copy()
    weight[:, head] = 0
    return weights._replace(attention_output=weights.attention_output._replace(weight=weight))


def blank_loss__one_blank(bert, blanks):
    for text, word in blanks:
        encoding = bert.encode(text)
        row = softmax(bert.logits(encoding))[encoding.input_ids.index(bert.tokenizer.mask_id)]
        return -np.log(row[bert.tokenizer.backend.token_to_id(word)])

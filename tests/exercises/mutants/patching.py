import numpy as np

from minibert.heads import masked_lm_logits
from minibert.numerics import softmax


def measured(bert, clean, corrupted, word, change, read=lambda row, number: row[number], sign=1):
    a, b = bert(clean), bert(corrupted)
    place, number, c = b.tokens.index("[MASK]"), bert.tokenizer.backend.token_to_id(word), bert.config

    def look(trace):
        rows = masked_lm_logits(trace.hidden_states[-1], bert.weights.masked_lm, c.hidden_act, c.layer_norm_eps)
        return read(rows[place], number)

    table = []
    for layer in range(c.num_hidden_layers):
        row = []
        for head in range(c.num_attention_heads):
            new = b.layers[layer].context.copy()
            change(new, a.layers[layer].context, head, c.head_size)
            row.append(sign * (look(bert.resume(b, layer=layer, context=new)) - look(b)))
        table.append(row)
    return np.array(table)


def right(new, other, head, size):
    new[:, head * size : head * size + size] = other[:, head * size : head * size + size]


def patch_heads__wrong_way(bert, clean, corrupted, word):
    return measured(bert, corrupted, clean, word, right)


def patch_heads__all_but(bert, clean, corrupted, word):
    def change(new, other, head, size):
        keep = new[:, head * size : head * size + size].copy()
        new[:] = other
        new[:, head * size : head * size + size] = keep

    return measured(bert, clean, corrupted, word, change)


def patch_heads__all_heads(bert, clean, corrupted, word):
    def change(new, other, head, size):
        new[:] = other

    return measured(bert, clean, corrupted, word, change)


def patch_heads__interleaved(bert, clean, corrupted, word):
    def change(new, other, head, size):
        heads = new.shape[1] // size
        new[:, head::heads] = other[:, head::heads]

    return measured(bert, clean, corrupted, word, change)


def patch_heads__switched_off(bert, clean, corrupted, word):
    def change(new, other, head, size):
        new[:, head * size : head * size + size] = 0

    return measured(bert, clean, corrupted, word, change)


def patch_heads__nothing(bert, clean, corrupted, word):
    return measured(bert, clean, corrupted, word, lambda *_: None)


def patch_heads__probability(bert, clean, corrupted, word):
    return measured(bert, clean, corrupted, word, right, lambda row, number: softmax(row)[number])


def patch_heads__turned(bert, clean, corrupted, word):
    return measured(bert, clean, corrupted, word, right).T


def patch_heads__sign(bert, clean, corrupted, word):
    return measured(bert, clean, corrupted, word, right, sign=-1)

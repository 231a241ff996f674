"""Only the K columns of one head are exchanged, in a copy. Everything after them is computed again. So this head alone
causes any change at the [MASK]."""

import numpy as np

import minibert
from minibert.exercises import royal_pair
from minibert.heads import masked_lm_logits
from minibert.speed.cores import one_thread

CARRYING_HEAD = (3, 2)  # (layer, head), both from 0


def logits_of(bert: minibert.Bert, trace: minibert.Trace) -> np.ndarray:
    """The logits at the end of a trace: [tokens, vocabulary]."""
    config = bert.config
    return masked_lm_logits(trace.hidden_states[-1], bert.weights.masked_lm, config.hidden_act, config.layer_norm_eps)


def patch_heads(bert: minibert.Bert, clean: str, corrupted: str, word: str) -> np.ndarray:
    good, bad = bert(clean), bert(corrupted)
    place = bad.roles.index("mask")
    number = bert.tokenizer.backend.token_to_id(word)
    before = logits_of(bert, bad)[place, number]
    size = bert.config.head_size
    effect_LH = np.zeros((bert.config.num_hidden_layers, bert.config.num_attention_heads))
    for layer in range(bert.config.num_hidden_layers):
        for head in range(bert.config.num_attention_heads):
            columns = slice(head * size, (head + 1) * size)
            context = bad.layers[layer].context.copy()
            context[:, columns] = good.layers[layer].context[:, columns]
            patched = bert.resume(bad, layer=layer, context=context)
            effect_LH[layer, head] = logits_of(bert, patched)[place, number] - before
    return effect_LH


if __name__ == "__main__":
    print("rows are layers, columns are heads")
    with one_thread():
        print(patch_heads(minibert.load("tiny"), *royal_pair()).round(2))

"""What the guided tour says of a model, in numbers: the model answers the tour's questions before the reader does."""

import re

import numpy as np

from minibert.errors import UserError
from minibert.model import Bert
from minibert.numerics import softmax
from minibert.whatif.lens import logit_lens


def told(bert: Bert) -> dict | None:
    """None where the model cannot read the tour's sentences.

    guess: the likeliest word at the mask. shares: its probability, {"": with all heads, "0.0": without that head, ...}.
    lens: [[word, probability], ...], the likeliest after the embeddings and after each layer.
    across: {"0.0": how much of their attention the words of the second sentence of a pair give to the first, ...}.
    strongest: {"0.0": [word of the second, word of the first, attention of the one to the other, the largest], ...}.
    even: which part of the tokens are the first sentence's.
    """
    from viz.explorer.tour import MASKED, PAIR

    try:
        masked = re.sub(r"\[.*?\]", lambda _: bert.tokenizer.token(bert.tokenizer.mask_id), MASKED)
        encoding, pair = bert.encode(masked), bert(PAIR)
        trace = bert(encoding)
    except UserError:
        return None
    (place,) = bert.tokenizer.find_masks(encoding)
    lens_LV = softmax(logit_lens(bert, trace, place))
    guess = int(lens_LV[-1].argmax())
    shares, across, strongest = {"": float(lens_LV[-1, guess])}, {}, {}
    first, is_word = np.array(pair.token_type_ids) == 0, np.array([word is not None for word in pair.words])
    second = ~first & is_word
    for layer, parts in enumerate(pair.layers):
        for head in range(bert.config.num_attention_heads):
            without = softmax(bert.without_heads([(layer, head)]).logits(encoding)[place])
            shares[f"{layer}.{head}"] = float(without[guess])
            across[f"{layer}.{head}"] = float(parts.attention[head][second][:, first].sum(axis=-1).mean())
            back_TT = np.where(np.outer(second, first & is_word), parts.attention[head], -1)
            query, key = np.unravel_index(back_TT.argmax(), back_TT.shape)
            strongest[f"{layer}.{head}"] = [pair.tokens[query], pair.tokens[key], float(back_TT[query, key])]
    lens = [[bert.tokenizer.token(int(row.argmax())), float(row.max())] for row in lens_LV]
    return {
        "guess": bert.tokenizer.token(guess),
        "shares": shares,
        "lens": lens,
        "across": across,
        "strongest": strongest,
        "even": float(first.mean()),
    }

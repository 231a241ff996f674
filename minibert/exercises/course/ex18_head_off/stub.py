"""18. Switch a head off, and see what the prediction loses

Does a head matter? Take it away and see. The contexts of the heads lie side by side, head h in numbers h K to
(h + 1) K, and attention_output mixes them: context W + b. Where the columns of W that meet head h are 0, the
head has no say.

How much is lost? Mask a word, and ask the model for it:

    loss = mean over blanks of -log(probability of the right word at the [MASK])

Shapes: switch_off: the weights of one layer -> the weights of the layer without this head; nothing else changed.
    weights.attention_output.weight  [D, D], a row an output: columns are what comes in. Copy before you change it.
    weights._replace(name=new)       a copy of the weights with one thing replaced; what lies deeper, from inside out:
                                     weights.attention_output._replace(weight=new) first
blank_loss: blanks, a list of (text with one [MASK], the right word) -> a number.
    encoding = bert.tokenizer.encode(text)    encoding.input_ids
    bert.logits(encoding)                     [tokens, vocabulary]
    bert.tokenizer.mask_id                    the id of [MASK]
    bert.tokenizer.backend.token_to_id(word)  the id of a word

Worked example: the right word has probability 0.5 at one blank and 0.125 at another; the loss is log 4.

>>> float(np.mean(-np.log([0.5, 0.125])).round(4)), float(np.log(4).round(4))
(1.3863, 1.3863)

Predict, before you run it: how many heads will be missed at all? Then write the functions, check, run
this file (python 18_head_off.py), and put down the head that is missed most.
"""

import numpy as np

import minibert
from minibert.checkpoint.parameters import LayerWeights
from minibert.exercises import blanks
from minibert.numerics import softmax
from minibert.speed.cores import one_thread

MOST_NEEDED_HEAD = None  # (layer, head), both from 0


def switch_off(weights: LayerWeights, head: int, head_size: int) -> LayerWeights:
    """The weights of the layer, with what this head hands over multiplied by 0."""
    raise NotImplementedError


def blank_loss(bert: minibert.Bert, blanks: list[tuple[str, str]]) -> float:
    """The mean loss over the blanks."""
    raise NotImplementedError


if __name__ == "__main__":
    bert = minibert.load("tiny")
    with one_thread():
        whole = blank_loss(bert, blanks())
        print(f"all heads on: {whole:.3f}. Switched off, a head costs")
        for layer, head in np.ndindex(bert.config.num_hidden_layers, bert.config.num_attention_heads):
            changed = bert.without_heads([(layer, head)])  # the library's switch_off, for a whole model
            print(f"layer {layer} head {head}: {blank_loss(changed, blanks()) - whole:+.3f}")

"""18. Switch a head off, and measure the loss

How much does the model need one head? Switch it off, and measure what changes. The contexts of the heads are side by
side: head h has the numbers h K to (h + 1) K. attention_output mixes them: context W + b. If the columns of W for head
h are 0, the head has no effect.

To measure the change, mask a word and compute the probability that the model gives to it:

    loss = mean over blanks of -log(probability of the right word at the [MASK])

Shapes: switch_off: the weights of one layer -> the weights of the layer without this head, and otherwise the same.
    weights.attention_output.weight  [D, D], one row per output, one column per input. Copy before you change it.
    weights._replace(name=new)       a copy of the weights with one thing replaced; start with the innermost:
                                     weights.attention_output._replace(weight=new) first
blank_loss: blanks, a list of (text with one [MASK], the right word) -> a number.
    encoding = bert.tokenizer.encode(text)    encoding.input_ids
    bert.logits(encoding)                     [tokens, vocabulary]
    bert.tokenizer.mask_id                    the id of [MASK]
    bert.tokenizer.backend.token_to_id(word)  the id of a word

Worked example: the right word has probability 0.5 at one blank and 0.125 at another. The loss is log 4.

>>> float(np.mean(-np.log([0.5, 0.125])).round(4)), float(np.log(4).round(4))
(1.3863, 1.3863)

Predict, before you run it: for how many heads does the loss grow clearly? Then write the functions and check them. Run
this file (python 18_head_off.py), and write down the layer and head with the largest increase.
"""

import numpy as np

import minibert
from minibert.checkpoint.parameters import LayerWeights
from minibert.exercises import blanks
from minibert.numerics import softmax
from minibert.speed.cores import one_thread

MOST_NEEDED_HEAD = None  # (layer, head), both from 0


def switch_off(weights: LayerWeights, head: int, head_size: int) -> LayerWeights:
    """The weights of the layer, with the context of this head multiplied by 0."""
    raise NotImplementedError


def blank_loss(bert: minibert.Bert, blanks: list[tuple[str, str]]) -> float:
    """The mean loss over the blanks."""
    raise NotImplementedError


if __name__ == "__main__":
    bert = minibert.load("tiny")
    with one_thread():
        whole = blank_loss(bert, blanks())
        print(f"all heads on: {whole:.3f}. Without one head, the loss grows by")
        for layer, head in np.ndindex(bert.config.num_hidden_layers, bert.config.num_attention_heads):
            changed = bert.without_heads([(layer, head)])  # the library's switch_off, for a whole model
            print(f"layer {layer} head {head}: {blank_loss(changed, blanks()) - whole:+.3f}")

"""23. Patching: which head carries the answer?

"The king and the [MASK] lived in a great castle." The model predicts queen. With boy in place of king, it does not. So
some head must carry "king" to the [MASK]. Which head is it?

Run both sentences. Then take the run with boy, and replace the context of one head by its context from the run with
king. Compute the rest of the run again. If the model predicts queen now, that head carried the answer.

    effect[l, h] = logit of the word at [MASK], with head h of layer l patched, minus the logit without any patch

Shapes: bert, the model; clean and corrupted, two texts with equally many tokens and one [MASK] each; word, the right
word of the clean text -> effect [layers, heads]
    trace = bert(text)                              trace.tokens, trace.layers[l].context [tokens, heads K]
    bert.config.head_size                           K; head h has columns h K to (h + 1) K of the context
    bert.resume(trace, layer=l, context=new)        the trace that follows when this context is another
    logits_of(bert, trace)                          [tokens, vocabulary], as in exercise 12
    bert.tokenizer.backend.token_to_id(word)        the id of a word

Worked example: a copy of an array, with some columns of another array.

>>> context, other = np.zeros((2, 4)), np.ones((2, 4))
>>> patched = context.copy()
>>> patched[:, 2:4] = other[:, 2:4]
>>> patched.tolist()
[[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]]

Predict, before you run it: do many heads carry a little, or does one head carry nearly all? Then write the function and
check it. Run this file (python 23_patching.py), and write down the layer and head with the largest effect.
"""

import numpy as np

import minibert
from minibert.exercises import royal_pair
from minibert.heads import masked_lm_logits
from minibert.speed.cores import one_thread

CARRYING_HEAD = None  # (layer, head), both from 0


def logits_of(bert: minibert.Bert, trace: minibert.Trace) -> np.ndarray:
    """The logits at the end of a trace: [tokens, vocabulary]."""
    config = bert.config
    return masked_lm_logits(trace.hidden_states[-1], bert.weights.masked_lm, config.hidden_act, config.layer_norm_eps)


def patch_heads(bert: minibert.Bert, clean: str, corrupted: str, word: str) -> np.ndarray:
    """The increase of the word's logit for each head: [layers, heads]."""
    raise NotImplementedError


if __name__ == "__main__":
    print("rows are layers, columns are heads")
    with one_thread():
        print(patch_heads(minibert.load("tiny"), *royal_pair()).round(2))

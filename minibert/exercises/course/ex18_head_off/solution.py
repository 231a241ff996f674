"""The context of a head reaches the output only through its K columns of attention_output. With zeros there, nothing of
it reaches the token. Without the copy, the model itself would lose the head for good."""

import numpy as np

import minibert
from minibert.checkpoint.parameters import LayerWeights
from minibert.exercises import blanks
from minibert.numerics import softmax
from minibert.speed.cores import one_thread

MOST_NEEDED_HEAD = (1, 2)  # (layer, head), both from 0


def switch_off(weights: LayerWeights, head: int, head_size: int) -> LayerWeights:
    weight = weights.attention_output.weight.copy()
    weight[:, head * head_size : (head + 1) * head_size] = 0
    return weights._replace(attention_output=weights.attention_output._replace(weight=weight))


def blank_loss(bert: minibert.Bert, blanks: list[tuple[str, str]]) -> float:
    losses = []
    for text, word in blanks:
        encoding = bert.tokenizer.encode(text)
        probabilities = softmax(bert.logits(encoding))
        place = encoding.input_ids.index(bert.tokenizer.mask_id)
        losses.append(-np.log(probabilities[place, bert.tokenizer.backend.token_to_id(word)]))
    return float(np.mean(losses))


if __name__ == "__main__":
    bert = minibert.load("tiny")
    with one_thread():
        whole = blank_loss(bert, blanks())
        print(f"all heads on: {whole:.3f}. Without one head, the loss grows by")
        for layer, head in np.ndindex(bert.config.num_hidden_layers, bert.config.num_attention_heads):
            changed = bert.without_heads([(layer, head)])  # the library's switch_off, for a whole model
            print(f"layer {layer} head {head}: {blank_loss(changed, blanks()) - whole:+.3f}")

"""The solutions: the library's own functions, under the names the exercises ask for; the findings are measured."""

from minibert.attention import attend, merge_heads, split_heads
from minibert.embeddings import embed
from minibert.encoder import attention_block, encoder_layer, feed_forward_block
from minibert.exercises import sentences
from minibert.exercises.course.attention import scores
from minibert.exercises.course.encoder import hidden_states, padded_softmax
from minibert.exercises.course.geometry import cosine_distances, exact_embedding, pca, translate_and_scale
from minibert.exercises.course.investigations import (
    attention_moved,
    blank_loss,
    head_of,
    loss_of_each_head,
    previous_token_attention,
    switch_off,
)
from minibert.exercises.draw import model
from minibert.heads import masked_lm_logits
from minibert.numerics import gelu, layer_norm, softmax

__all__ = [
    "attend",
    "attention_block",
    "attention_moved",
    "blank_loss",
    "cosine_distances",
    "embed",
    "encoder_layer",
    "exact_embedding",
    "feed_forward_block",
    "gelu",
    "hidden_states",
    "layer_norm",
    "masked_lm_logits",
    "merge_heads",
    "padded_softmax",
    "pca",
    "previous_token_attention",
    "scores",
    "softmax",
    "split_heads",
    "switch_off",
    "translate_and_scale",
]


def __getattr__(name):
    match name:
        case "PREVIOUS_TOKEN_HEAD":
            return head_of(previous_token_attention(model("tiny"), sentences()))
        case "MOST_NEEDED_HEAD":
            return head_of(loss_of_each_head(model("tiny")))
        case "MOST_MOVED_HEAD":
            return head_of(attention_moved(model("tiny"), model("tiny-sentiment"), sentences()))
    raise AttributeError(name)

"""Exercise 10: look around, then think."""

from minibert.encoder import attention_block, encoder_layer, feed_forward_block
from minibert.exercises.course.ex08_merge_and_residual.exercise import block_cases, block_pre_norm, hidden_and_context
from minibert.exercises.course.ex09_feed_forward.exercise import feed_forward_pre_norm
from minibert.exercises.course.exercise import Exercise, Function, Mistake, Output


def layer_feed_forward_first(hidden_TD, sentences, weights, config):
    return attention_block(feed_forward_block(hidden_TD, weights, config), sentences, weights, config)


def layer_side_by_side(hidden_TD, sentences, weights, config):
    _, parts = attention_block(hidden_TD, sentences, weights, config)
    return feed_forward_block(hidden_TD, weights, config), parts


def layer_no_feed_forward(hidden_TD, sentences, weights, config):
    return attention_block(hidden_TD, sentences, weights, config)


def layer_third_residual(hidden_TD, sentences, weights, config):
    new_TD, parts = encoder_layer(hidden_TD, sentences, weights, config)
    return hidden_TD + new_TD, parts


def layer_half_added_again(hidden_TD, sentences, weights, config):
    attended_TD, parts = attention_block(hidden_TD, sentences, weights, config)
    return attended_TD + feed_forward_block(attended_TD, weights, config), parts


def layer_pre_norm(hidden_TD, sentences, weights, config):
    attended_TD, parts = block_pre_norm(hidden_TD, sentences, weights, config)
    return feed_forward_pre_norm(attended_TD, weights, config), parts


ENCODER_LAYER_MISTAKES = (
    Mistake("order", "the feed-forward half comes first; BERT attends first", layer_feed_forward_first),
    Mistake(
        "side-by-side",
        "the feed-forward half gets the layer's input; it must get what the attention half made of it",
        layer_side_by_side,
    ),
    Mistake("no-feed-forward", "the feed-forward half is left out", layer_no_feed_forward),
    Mistake(
        "third-residual",
        "the layer's input is added once more at the end; both halves do that themselves",
        layer_third_residual,
    ),
    Mistake(
        "third-residual",
        "what the attention half gave is added once more at the end; the feed-forward half does that itself",
        layer_half_added_again,
    ),
    Mistake("pre-norm", "both norms come first (pre-norm, as in GPT-2); BERT normalises last", layer_pre_norm),
    Mistake(
        "one-sentence",
        "all tokens are one sentence to the attention half: pass it `sentences`",
        lambda h, s, w, c: encoder_layer(h, [slice(0, len(h))], w, c),
    ),
)


EXERCISE = Exercise(
    file="10_layer.py",
    title="look around, then think",
    minutes=5,
    difficulty=1,
    parts=(
        Function(
            "encoder_layer",
            encoder_layer,
            (Output("hidden_TD", ("token", "number")), Output("context in the parts", ("token", "number"))),
            block_cases,
            ENCODER_LAYER_MISTAKES,
            hints=(
                (
                    "Two calls, one after the other; what the first returns goes into the second. "
                    "attention_block returns two things."
                ),
                (
                    "hidden, parts = attention_block(hidden, sentences, weights, config), and return "
                    "feed_forward_block(hidden, weights, config), parts."
                ),
            ),
            look=hidden_and_context,
        ),
    ),
    answer=(
        "The same rows, shuffled in the same way. Nothing in a layer knows the order of tokens; only the "
        "position embeddings do."
    ),
    shown=(encoder_layer,),
)

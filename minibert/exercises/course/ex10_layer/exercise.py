"""Exercise 10: attention, then feed-forward."""

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
    Mistake("order", "the feed-forward block comes first. In BERT, attention comes first", layer_feed_forward_first),
    Mistake(
        "side-by-side",
        "the feed-forward block gets the layer's input. Pass it the result of the attention block",
        layer_side_by_side,
    ),
    Mistake("no-feed-forward", "the feed-forward block is missing", layer_no_feed_forward),
    Mistake(
        "third-residual",
        "the layer's input is added once more at the end. Both blocks add their input already",
        layer_third_residual,
    ),
    Mistake(
        "third-residual",
        "the result of the attention block is added once more at the end. The feed-forward block adds it already",
        layer_half_added_again,
    ),
    Mistake("pre-norm", "both layer norms come first (pre-norm, as in GPT-2). BERT normalises last", layer_pre_norm),
    Mistake(
        "one-sentence",
        "the attention block treats all tokens as one sentence. Pass it `sentences`",
        lambda h, s, w, c: encoder_layer(h, [slice(0, len(h))], w, c),
    ),
)


EXERCISE = Exercise(
    file="10_layer.py",
    title="attention, then feed-forward",
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
                    "There are two calls. Pass the result of the first to the second. attention_block returns two "
                    "things."
                ),
                (
                    "Compute hidden, parts = attention_block(hidden, sentences, weights, config). Then return "
                    "feed_forward_block(hidden, weights, config), parts."
                ),
            ),
            look=hidden_and_context,
        ),
    ),
    answer=(
        "It returns the same rows, shuffled in the same way. A layer does not use the order of the tokens. Only the "
        "position embeddings depend on it."
    ),
    shown=(encoder_layer,),
)

"""Exercises 9 to 13: the feed-forward half, a layer, all layers, the masked words, and padding."""

import numpy as np

from minibert.embeddings import embed
from minibert.encoder import attention_block, encoder_layer, feed_forward_block
from minibert.exercises import sentences
from minibert.exercises.course.attention import (
    bias_twice,
    block_cases,
    block_pre_norm,
    hidden_and_context,
    with_own_eps,
)
from minibert.exercises.course.numbers import broken_rows
from minibert.exercises.draw import EPS, Draw, model
from minibert.exercises.exercise import Case, Exercise, Function, Mistake, Output, Wrong
from minibert.exercises.language import t
from minibert.exercises.transport import kind_of
from minibert.heads import masked_lm_logits
from minibert.model import Bert, rows_of_sentences
from minibert.numerics import ACTIVATIONS, gelu, layer_norm, linear, softmax

# --- feed-forward ---------------------------------------------------------------------------------------------------


def feed_forward_cases(draw: Draw) -> list[Case]:
    heads, tokens, head_size, inner = draw.model_sizes()
    hidden_size = heads * head_size
    return [
        Case(
            t(
                "{tokens} tokens of {size} numbers, {inner} inside, hidden_act {act}",
                tokens=tokens,
                size=hidden_size,
                inner=inner,
                act=act,
            ),
            (
                draw.normal(tokens, hidden_size),
                draw.layer(hidden_size, inner),
                draw.config(heads, head_size, inner, act),
            ),
        )
        for act in ("gelu", "silu")
    ]


def fed_with(change):
    """`feed_forward_block`, made of act, what is inside before it, and the rest by `change`."""

    def mistake(hidden_TD, weights, config):
        act, inner_TF = ACTIVATIONS[config.hidden_act], linear(hidden_TD, *weights.intermediate)
        return change(hidden_TD, act, inner_TF, weights, config.layer_norm_eps)

    return mistake


def feed_forward_pre_norm(hidden_TD, weights, config):
    normed_TD = layer_norm(hidden_TD, *weights.output_norm, config.layer_norm_eps)
    act = ACTIVATIONS[config.hidden_act]
    return hidden_TD + linear(act(linear(normed_TD, *weights.intermediate)), *weights.output)


FEED_FORWARD_BLOCK_MISTAKES = (
    Mistake(
        "residual-twice",
        "what was there before is added inside the norm and once more after it",
        fed_with(lambda h, act, i, w, eps: h + layer_norm(h + linear(act(i), *w.output), *w.output_norm, eps)),
    ),
    Mistake(
        "norm-on-residual",
        "only what was there before is normed; the norm is of the sum",
        fed_with(lambda h, act, i, w, eps: layer_norm(h, *w.output_norm, eps) + linear(act(i), *w.output)),
    ),
    Mistake(
        "no-residual",
        "the residual is forgotten: what was there before is not added",
        fed_with(lambda h, act, i, w, eps: layer_norm(linear(act(i), *w.output), *w.output_norm, eps)),
    ),
    Mistake(
        "pre-norm",
        "the norm comes first (pre-norm, as in GPT-2); BERT normalises last, after adding",
        feed_forward_pre_norm,
    ),
    Mistake(
        "residual-outside",
        "the norm is taken before the residual is added, and not after",
        fed_with(lambda h, act, i, w, eps: h + layer_norm(linear(act(i), *w.output), *w.output_norm, eps)),
    ),
    Mistake(
        "no-norm", "the layer norm is forgotten", fed_with(lambda h, act, i, w, eps: h + linear(act(i), *w.output))
    ),
    Mistake(
        "no-activation",
        "the activation between the two linear maps is forgotten; without it they are one linear map",
        fed_with(lambda h, act, i, w, eps: layer_norm(h + linear(i, *w.output), *w.output_norm, eps)),
    ),
    Mistake(
        "activation-at-the-end",
        "the activation comes after the second linear map too; it belongs between the two only",
        fed_with(lambda h, act, i, w, eps: layer_norm(h + act(linear(act(i), *w.output)), *w.output_norm, eps)),
    ),
    Mistake(
        "always-gelu",
        "GELU is used whatever config.hidden_act says; take ACTIVATIONS[config.hidden_act]",
        fed_with(lambda h, act, i, w, eps: layer_norm(h + linear(gelu(i), *w.output), *w.output_norm, eps)),
    ),
    Mistake(
        "own-eps",
        "eps is a number of your own; take config.layer_norm_eps",
        lambda h, w, c: feed_forward_block(h, w, with_own_eps(c)),
    ),
    Mistake(
        "bias-twice",
        "the bias of output is added twice; linear adds it already",
        lambda h, w, c: feed_forward_block(h, w._replace(output=bias_twice(w.output)), c),
    ),
    Mistake(
        "bias-twice",
        "the bias of intermediate is added twice; linear adds it already",
        lambda h, w, c: feed_forward_block(h, w._replace(intermediate=bias_twice(w.intermediate)), c),
    ),
    Mistake(
        "wrong-norm",
        "the layer norm's weights are attention_norm, the attention half's; this half has output_norm",
        lambda h, w, c: feed_forward_block(h, w._replace(output_norm=w.attention_norm), c),
    ),
)

FEED_FORWARD = Exercise(
    file="09_feed_forward.py",
    title="each token by itself, through a wider space",
    minutes=10,
    difficulty=1,
    parts=(
        Function(
            "feed_forward_block",
            feed_forward_block,
            (Output("hidden_TD", ("token", "number")),),
            feed_forward_cases,
            FEED_FORWARD_BLOCK_MISTAKES,
            hints=(
                (
                    "linear out to F numbers, activation, linear back to D; add what was there; normalise. "
                    "linear(x, *weights.output) hands over weight and bias."
                ),
                (
                    "inner = ACTIVATIONS[config.hidden_act](linear(hidden, *weights.intermediate)); then "
                    "layer_norm of hidden + linear(inner, *weights.output), with *weights.output_norm and "
                    "config.layer_norm_eps."
                ),
            ),
        ),
    ),
    answer=(
        "Only row 2 changes: the feed-forward half sees one token at a time. Attention is the only place where "
        "tokens meet."
    ),
    shown=(feed_forward_block,),
)

# --- a layer --------------------------------------------------------------------------------------------------------


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

LAYER = Exercise(
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

# --- the encoder ----------------------------------------------------------------------------------------------------


def encoder_cases(draw: Draw) -> list[Case]:
    cases = []
    first = not draw.drawn
    for bert in (model("tiny"), small_bert(draw)) if first else (small_bert(draw),):
        texts = [str(text) for text in draw.rng.choice(sentences(), size=3 if first else 2, replace=False)]
        encodings = [bert.encode(text) for text in texts]
        about = "{model} and sentences of {lengths} tokens"
        about = t(about, model=called(bert), lengths=", ".join(str(len(encoding)) for encoding in encodings))
        cases.append(Case(about, (encodings, bert.weights, bert.config)))
    return cases


def small_bert(draw: Draw) -> Bert:
    """An untrained model with other sizes each time, none of which is one of the bundled model's."""
    size, heads, head_size = draw.sizes(3, 5, 9)
    return draw.bert({5: 2, 6: 3, 7: 5, 8: 6, 9: 7}[size], heads, head_size)


def called(bert: Bert) -> str:
    """What a case says of a model: the bundled one by that, another by its sizes."""
    if bert.name in ("tiny", "tiny-sentiment"):
        return t("the bundled model")
    config = bert.config
    says = "a model of {layers} layers of {heads} heads"
    return t(says, layers=config.num_hidden_layers, heads=config.num_attention_heads)


def hidden_states(encodings, weights, config) -> list[np.ndarray]:
    """hidden_0 = embed(sentences), hidden_i = encoder_layer(hidden_{i-1})"""
    states_TD, rows = [embed(encodings, weights.embeddings, config.layer_norm_eps)], rows_of_sentences(encodings)
    for layer in weights.layers:
        states_TD.append(encoder_layer(states_TD[-1], rows, layer, config)[0])
    return states_TD


def stacked(arguments: tuple, value: object) -> np.ndarray:
    """A list of hidden_TD -> one array, so that the first axis is the layer."""
    encodings, weights, _ = arguments
    count, tokens = len(weights.layers) + 1, sum(len(encoding) for encoding in encodings)
    size = weights.embeddings.word.shape[1]
    if isinstance(value, np.ndarray) and value.ndim == 3:  # stacked already
        value = list(value)
    if not isinstance(value, list | tuple) or not value:
        wanted = "expected a list of {count} arrays, the embeddings and one after each layer; got {got}"
        raise Wrong(t(wanted, count=count, got=kind_of(value)))
    for i, state in enumerate(value):
        if isinstance(state, tuple):
            wanted = "entry {i} of the list is a pair; take it apart: hidden, parts = encoder_layer(...)"
            raise Wrong(t(wanted, i=i))
        if not isinstance(state, np.ndarray):
            wanted = "entry {i} of the list is to be one array of shape {want}, the tokens of all sentences; got {got}"
            raise Wrong(t(wanted, i=i, want=[tokens, size], got=kind_of(state)))
        if state.shape != (tokens, size):
            wanted = "array {i} of the list has shape {got}; expected {want}"
            raise Wrong(t(wanted, i=i, got=list(state.shape), want=[tokens, size]))
    return np.stack(value)


def states_with(change):
    """`hidden_states` with the weights changed by `change`."""
    return lambda encodings, weights, config: hidden_states(encodings, change(weights), config)


def states_one_sentence(encodings, weights, config):
    hidden_TD = embed(encodings, weights.embeddings, config.layer_norm_eps)
    states = [hidden_TD]
    for layer in weights.layers:
        hidden_TD, _ = encoder_layer(hidden_TD, [slice(0, len(hidden_TD))], layer, config)
        states.append(hidden_TD)
    return states


def states_not_chained(encodings, weights, config):
    hidden_TD = embed(encodings, weights.embeddings, config.layer_norm_eps)
    rows = rows_of_sentences(encodings)
    return [hidden_TD, *(encoder_layer(hidden_TD, rows, layer, config)[0] for layer in weights.layers)]


def encoder_answer() -> str:
    text = "The river was high, and we waited for the river to fall."
    trace = model("tiny")(text)
    first, second = (place for place, token in enumerate(trace.tokens) if token == "river")
    cosines = []
    for state in trace.hidden_states:
        a, b = state[first], state[second]
        cosines.append(float(a @ b / np.linalg.norm(a) / np.linalg.norm(b)))
    return t(
        "Never quite: they share the word, not the position. In {text} the cosine of the two `river`s is {first} "
        "after the embeddings of the bundled model, and {rest} after its layers. Each layer mixes in what stands "
        "around them.",
        text=repr(text),
        first=f"{cosines[0]:.2f}",
        rest=", ".join(f"{cosine:.2f}" for cosine in cosines[1:]),
    )


HIDDEN_STATES_MISTAKES = (
    Mistake(
        "one-layer",
        "every layer uses the weights of layer 0",
        states_with(lambda w: w._replace(layers=w.layers[:1] * len(w.layers))),
    ),
    Mistake(
        "one-layer",
        "every layer uses the weights of the last layer",
        states_with(lambda w: w._replace(layers=w.layers[-1:] * len(w.layers))),
    ),
    Mistake("backwards", "the layers come in reverse order", states_with(lambda w: w._replace(layers=w.layers[::-1]))),
    Mistake(
        "not-chained", "every layer gets the embeddings; each must get what the layer before gave", states_not_chained
    ),
    Mistake(
        "one-sentence",
        "all tokens are one sentence to the layers, so that sentences see each other",
        states_one_sentence,
    ),
    Mistake(
        "no-embeddings",
        "the embeddings are missing at the head of the list",
        lambda e, w, c: hidden_states(e, w, c)[1:],
    ),
    Mistake(
        "no-last-layer",
        "what the last layer gives is missing at the end of the list",
        lambda e, w, c: hidden_states(e, w, c)[:-1],
    ),
    Mistake(
        "one-array",
        "the list holds one array over and over: it was changed in place, or the wrong name was appended",
        lambda e, w, c: hidden_states(e, w, c)[-1:] * (len(w.layers) + 1),
    ),
    Mistake(
        "one-array",
        "the list holds the embeddings over and over: append what the layer gave",
        lambda e, w, c: hidden_states(e, w, c)[:1] * (len(w.layers) + 1),
    ),
)

ENCODER = Exercise(
    file="11_encoder.py",
    title="the whole encoder, against the bundled model",
    minutes=15,
    difficulty=2,
    parts=(
        Function(
            "hidden_states",
            hidden_states,
            (Output("hidden_states", ("layer", "token", "number")),),
            encoder_cases,
            HIDDEN_STATES_MISTAKES,
            hints=(
                (
                    "Start the list with embed(...). Then a loop over weights.layers: each layer takes what "
                    "the one before gave."
                ),
                (
                    "states = [embed(encodings, weights.embeddings, config.layer_norm_eps)]; in the loop "
                    "hidden, parts = encoder_layer(states[-1], rows_of_sentences(encodings), layer, config), "
                    "and append hidden."
                ),
            ),
            look=stacked,
        ),
    ),
    answer=encoder_answer,
    shown=(Bert.batch,),
)

# --- masked words ---------------------------------------------------------------------------------------------------


def masked_lm_cases(draw: Draw) -> list[Case]:
    first = not draw.drawn
    tokens, hidden_size, vocabulary = draw.sizes(3)
    bert = model("tiny")
    return [
        *(
            Case(
                t(
                    "{tokens} tokens of {size} numbers, a vocabulary of {vocabulary}, hidden_act {act}",
                    tokens=tokens,
                    size=hidden_size,
                    vocabulary=vocabulary,
                    act=act,
                ),
                (draw.normal(tokens, hidden_size), draw.masked_lm(hidden_size, vocabulary), act, EPS),
            )
            for act in ("gelu", "silu")
        ),
        *(
            Case(
                t("the bundled model and a sentence"),
                (
                    bert("The old man sat down by the [MASK] and said nothing.").hidden_states[-1],
                    bert.weights.masked_lm,
                    bert.config.hidden_act,
                    bert.config.layer_norm_eps,
                ),
            )
            for _ in range(first)
        ),
    ]


def logits_no_transform(hidden_TD, weights, hidden_act, eps):
    return linear(hidden_TD, weights.decoder, weights.bias)


def logits_no_activation(hidden_TD, weights, hidden_act, eps):
    transformed_TD = layer_norm(linear(hidden_TD, *weights.transform), *weights.norm, eps)
    return linear(transformed_TD, weights.decoder, weights.bias)


def logits_no_norm(hidden_TD, weights, hidden_act, eps):
    return linear(ACTIVATIONS[hidden_act](linear(hidden_TD, *weights.transform)), weights.decoder, weights.bias)


def logits_norm_first(hidden_TD, weights, hidden_act, eps):
    normed_TD = layer_norm(linear(hidden_TD, *weights.transform), *weights.norm, eps)
    return linear(ACTIVATIONS[hidden_act](normed_TD), weights.decoder, weights.bias)


def masked_lm_answer() -> str:
    bert = model("tiny")
    text = "The old man sat down by the [MASK] and said nothing."
    by_hidden = bert.weights.embeddings.word @ bert(text).hidden_states[-1][bert(text).roles.index("mask")]
    without = [bert.tokenizer.token(int(number)) for number in np.argsort(-by_hidden)[:3]]
    with_head = [token for token, _ in bert.fill_mask(text, top=3)[0]]
    return t(
        "With the transform the bundled model says {with_head}; without it, {without}. The transform turns what the "
        "encoder knows about a position into the space where words live.",
        with_head=", ".join(with_head),
        without=", ".join(without),
    )


def logits_residual(hidden_TD, weights, hidden_act, eps):
    transformed_TD = ACTIVATIONS[hidden_act](linear(hidden_TD, *weights.transform))
    return linear(layer_norm(hidden_TD + transformed_TD, *weights.norm, eps), weights.decoder, weights.bias)


def logits_with(transform):
    """The logits, what is normed made of hidden_TD, act and the transform's weights by `transform`."""

    def mistake(hidden_TD, weights, hidden_act, eps):
        transformed_TD = transform(hidden_TD, ACTIVATIONS[hidden_act], weights.transform)
        return linear(layer_norm(transformed_TD, *weights.norm, eps), weights.decoder, weights.bias)

    return mistake


MASKED_LM_LOGITS_MISTAKES = (
    Mistake("residual", "hidden_TD is added before the norm; this head has no residual", logits_residual),
    Mistake(
        "log-probabilities",
        "the logarithm of softmax is taken; logits are what comes before",
        lambda h, w, act, eps: np.log(softmax(masked_lm_logits(h, w, act, eps))),
    ),
    Mistake("no-transform", "the transform is left out: the decoder gets hidden_TD itself", logits_no_transform),
    Mistake("no-activation", "the activation in the transform is forgotten", logits_no_activation),
    Mistake("no-norm", "the layer norm in the transform is forgotten", logits_no_norm),
    Mistake(
        "always-gelu",
        "GELU is used whatever hidden_act says; take ACTIVATIONS[hidden_act]",
        lambda h, w, act, eps: masked_lm_logits(h, w, "gelu", eps),
    ),
    Mistake(
        "own-eps",
        "eps is a number of your own; use the argument",
        lambda h, w, act, eps: masked_lm_logits(h, w, act, 1e-12),
    ),
    Mistake(
        "weight-turned",
        "hidden_TD meets the transform's weight as it is; linear takes its transpose, for the weight has a row an "
        "output",
        logits_with(lambda h, act, w: act(h @ w.weight + w.bias)),
    ),
    Mistake(
        "no-bias",
        "the transform's bias is forgotten",
        logits_with(lambda h, act, w: act(h @ w.weight.T)),
    ),
    Mistake(
        "activation-first",
        "the activation comes before the linear map of the transform; it comes after",
        logits_with(lambda h, act, w: linear(act(h), *w)),
    ),
    Mistake("norm-first", "the layer norm comes before the activation; it comes after", logits_norm_first),
    Mistake(
        "no-bias",
        "the decoder's bias is forgotten",
        lambda h, w, act, eps: masked_lm_logits(h, w._replace(bias=0 * w.bias), act, eps),
    ),
    Mistake(
        "bias-twice",
        "the decoder's bias is added twice; linear adds it already",
        lambda h, w, act, eps: masked_lm_logits(h, w._replace(bias=2 * w.bias), act, eps),
    ),
    Mistake(
        "probabilities",
        "softmax is applied: those are probabilities; logits are what comes before",
        lambda h, w, act, eps: softmax(masked_lm_logits(h, w, act, eps)),
    ),
)

MASKED_LM = Exercise(
    file="12_masked_lm.py",
    title="which word would fit here?",
    minutes=10,
    difficulty=2,
    parts=(
        Function(
            "masked_lm_logits",
            masked_lm_logits,
            (Output("logits_TV", ("token", "word")),),
            masked_lm_cases,
            MASKED_LM_LOGITS_MISTAKES,
            hints=(
                (
                    "First transform: linear, activation, layer norm, in this order. Then every word's "
                    "embedding is held against it."
                ),
                (
                    "layer_norm(ACTIVATIONS[hidden_act](linear(hidden, *weights.transform)), *weights.norm, "
                    "eps), and that through linear(..., weights.decoder, weights.bias): linear transposes the "
                    "decoder for you."
                ),
            ),
        ),
    ),
    answer=masked_lm_answer,
    shown=(masked_lm_logits,),
)

# --- padding --------------------------------------------------------------------------------------------------------


def padding_cases(draw: Draw) -> list[Case]:
    sentences, heads, tokens = sorted(draw.sizes(3, 2, 9))
    lengths = [*(int(n) for n in draw.rng.integers(2, tokens, size=sentences - 1)), tokens]
    real_BS = np.arange(tokens) < np.array(lengths)[:, None]
    scores_BHTS = draw.normal(sentences, heads, tokens, tokens, spread=1.5)
    about = t(
        "{sentences} sentences of {lengths} tokens padded to {tokens}, {heads} heads",
        sentences=sentences,
        lengths=", ".join(map(str, lengths)),
        tokens=tokens,
        heads=heads,
    )
    low = t("the same, with scores about -500")  # there -100 in place of -infinity is the largest
    return [Case(about, (scores_BHTS, real_BS)), Case(low, (scores_BHTS - 500, real_BS))]


def padded_softmax(scores_BHTS: np.ndarray, real_BS: np.ndarray) -> np.ndarray:
    """attention = softmax(scores where the key is a real token, -infinity where it is padding): exp(-infinity) is 0."""
    return softmax(np.where(real_BS[:, None, None, :], scores_BHTS, np.float32(-np.inf)))


def masked_where(hidden, score):
    """softmax with `score` put where `hidden(real_BS)` says."""
    return lambda scores_BHTS, real_BS: softmax(np.where(hidden(real_BS), np.float32(score), scores_BHTS))


def padding_gets_nothing(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> str | None:
    _, real_BS = arguments
    wasted = np.argwhere((outputs[0] > 1e-4) & ~real_BS[:, None, None, :])
    if not len(wasted):
        return None
    sentence, head, query, key = (int(i) for i in wasted[0])
    got = outputs[0][sentence, head, query, key]
    says = "in sentence {sentence}, head {head}, query {query} gives {got} of its attention to key {key}: padding"
    return t(says, sentence=sentence, head=head, query=query, got=f"{got:.4g}", key=key)


def shares_sum_to_one(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> str | None:
    return broken_rows(
        outputs[0].sum(axis=-1), 1.0, t("attention of [sentence, head, query] {row} sums to {got}; it must sum to 1")
    )


PADDED_SOFTMAX_MISTAKES = (
    Mistake("no-mask", "nothing is masked", lambda s, real: softmax(s)),
    Mistake(
        "one-mask",
        "the mask of one sentence is used for all of them",
        lambda s, real: padded_softmax(s, real[:1].repeat(len(real), axis=0)),
    ),
    *(
        Mistake(
            "not-low-enough",
            "padding gets a score that is low, but not lower than every other: use -infinity, or -1e9",
            masked_where(lambda real_BS: ~real_BS[:, None, None, :], score),
        )
        for score in (-10, -50, -99, -100)
    ),
    Mistake(
        "mask-after-softmax",
        "padding is set to 0 after softmax: it has had its share by then, and the rest no longer sums to 1. Mask the "
        "scores, before softmax",
        lambda s, real: softmax(s) * real[:, None, None, :],
    ),
    Mistake(
        "zero-scores",
        "the scores of padding are set to 0, or close to it: exp(0) is 1, not 0. Use -infinity, or a huge negative "
        "number such as -1e9 (1e-9 is close to 0)",
        lambda s, real: softmax(s * real[:, None, None, :]),
    ),
    Mistake(
        "mask-added",
        "the mask's ones and zeros are added to the scores; what must be added is 0 and a huge negative number",
        lambda s, real: softmax(s + real[:, None, None, :]),
    ),
    *(
        Mistake(
            "inverted",
            "the mask is the wrong way round: padding is kept, and real tokens are hidden",
            masked_where(lambda real_BS: real_BS[:, None, None, :], score),
        )
        for score in (-np.inf, -1e9)
    ),
    *(
        Mistake(
            "both-masked",
            "the rows of queries that are padding are masked as well: nothing is left in them for softmax to share out",
            masked_where(lambda real_BS: ~(real_BS[:, None, None, :] & real_BS[:, None, :, None]), score),
        )
        for score in (-np.inf, -1e9)
    ),
    *(
        Mistake(
            "queries-masked",
            "the mask lies over the queries (axis -2); it is the keys (axis -1) that must not be looked at",
            masked_where(lambda real_BS: ~real_BS[:, None, :, None], score),
        )
        for score in (-np.inf, -1e9)
    ),
)

PADDING = Exercise(
    file="13_padding.py",
    title="the mask that other implementations need",
    minutes=10,
    difficulty=2,
    parts=(
        Function(
            "padded_softmax",
            padded_softmax,
            (Output("attention_BHTS", ("sentence", "head", "query", "key")),),
            padding_cases,
            PADDED_SOFTMAX_MISTAKES,
            hints=(
                (
                    "softmax gives 0 to a score of minus infinity. real_BS[:, None, None, :] lines the mask "
                    "up with the keys."
                ),
                "softmax(np.where(real_BS[:, None, None, :], scores_BHTS, -np.inf))",
            ),
            laws=(padding_gets_nothing, shares_sum_to_one),
            advice=(
                "The mask has the axes [sentence, key], and the scores have [sentence, head, query, key]. "
                "real_BS[:, None, None, :] lines the mask up with the scores."
            ),
        ),
    ),
    answer=(
        "No. Each row is the shares of the real keys alone, and they are what the sentence on its own would "
        "give. That is why minibert lays sentences end to end: there is nothing to mask, and no work is spent on "
        "padding."
    ),
    shown=(padded_softmax,),
)

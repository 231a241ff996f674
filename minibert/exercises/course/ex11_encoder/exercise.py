"""Exercise 11: the whole encoder, compared with the bundled model."""

import numpy as np

from minibert.embeddings import embed
from minibert.encoder import encoder_layer
from minibert.exercises.course.exercise import Case, Exercise, Function, Mistake, Output, Wrong, kind_of
from minibert.exercises.course.shared import called, small_bert
from minibert.exercises.draw import Draw, model
from minibert.exercises.material import sentences
from minibert.exercises.text import Text, t
from minibert.model import Bert, rows_of_sentences


def encoder_cases(draw: Draw) -> list[Case]:
    cases = []
    first = not draw.drawn
    for bert in (model("tiny"), small_bert(draw)) if first else (small_bert(draw),):
        texts = [str(text) for text in draw.rng.choice(sentences(), size=3 if first else 2, replace=False)]
        encodings = [bert.encode(text) for text in texts]
        says = "{model} and sentences of {lengths} tokens"
        about = t(says, model=called(bert), lengths=", ".join(str(len(encoding)) for encoding in encodings))
        cases.append(Case(about, (encodings, bert.weights, bert.config)))
    return cases


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
        wanted = "expected a list of {count} arrays, the embeddings and one per layer; got {got}"
        raise Wrong(t(wanted, count=count, got=kind_of(value)))
    for i, state in enumerate(value):
        if isinstance(state, tuple):
            wanted = "entry {i} of the list is a pair. Unpack it: hidden, parts = encoder_layer(...)"
            raise Wrong(t(wanted, i=i))
        if not isinstance(state, np.ndarray):
            wanted = (
                "entry {i} of the list must be one array of shape {want}, with the tokens of all sentences; got {got}"
            )
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


def encoder_answer() -> Text:
    text = "The river was high, and we waited for the river to fall."
    trace = model("tiny")(text)
    first, second = (place for place, token in enumerate(trace.tokens) if token == "river")
    cosines = []
    for state in trace.hidden_states:
        a, b = state[first], state[second]
        cosines.append(float(a @ b / np.linalg.norm(a) / np.linalg.norm(b)))
    return t(
        "No, never exactly. They share the word embedding, but not the position. In {text} the cosine of the two "
        "`river`s is {first} after the embeddings of the bundled model, and {rest} after its layers. Each layer "
        "mixes in the tokens around them.",
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
    Mistake("backwards", "the layers run in reverse order", states_with(lambda w: w._replace(layers=w.layers[::-1]))),
    Mistake(
        "not-chained",
        "every layer gets the embeddings. Pass each layer the result of the layer before",
        states_not_chained,
    ),
    Mistake(
        "one-sentence",
        "the layers treat all tokens as one sentence, so tokens attend to other sentences",
        states_one_sentence,
    ),
    Mistake(
        "no-embeddings",
        "the embeddings are missing at the start of the list",
        lambda e, w, c: hidden_states(e, w, c)[1:],
    ),
    Mistake(
        "no-last-layer",
        "the result of the last layer is missing at the end of the list",
        lambda e, w, c: hidden_states(e, w, c)[:-1],
    ),
    Mistake(
        "one-array",
        "all entries of the list are one array. It was changed in place, or the wrong name was appended",
        lambda e, w, c: hidden_states(e, w, c)[-1:] * (len(w.layers) + 1),
    ),
    Mistake(
        "one-array",
        "all entries of the list are the embeddings. Append the result of each layer",
        lambda e, w, c: hidden_states(e, w, c)[:1] * (len(w.layers) + 1),
    ),
)


EXERCISE = Exercise(
    file="11_encoder.py",
    title="the whole encoder, compared with the bundled model",
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
                    "Start the list with the result of embed(...). Then loop over weights.layers. Each layer gets "
                    "the result of the layer before."
                ),
                (
                    "Start with states = [embed(encodings, weights.embeddings, config.layer_norm_eps)]. In the loop, "
                    "compute hidden, parts = encoder_layer(states[-1], rows_of_sentences(encodings), layer, config), "
                    "and append hidden."
                ),
            ),
            look=stacked,
        ),
    ),
    answer=encoder_answer,
    shown=(Bert.batch,),
)

"""Exercise 12: which word would fit here?"""

import numpy as np

from minibert.exercises.course.exercise import Case, Exercise, Function, Mistake, Output
from minibert.exercises.draw import EPS, Draw, model
from minibert.exercises.text import Text, t
from minibert.heads import masked_lm_logits
from minibert.numerics import ACTIVATIONS, layer_norm, linear, softmax


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


def masked_lm_answer() -> Text:
    bert = model("tiny")
    text = "The old man sat down by the [MASK] and said nothing."
    by_hidden = bert.weights.embeddings.word @ bert(text).hidden_states[-1][bert(text).roles.index("mask")]
    without = [bert.tokenizer.token(int(number)) for number in np.argsort(-by_hidden)[:3]]
    with_head = [token for token, _ in bert.fill_mask(text, top=3)[0]]
    return t(
        "With the transform, the bundled model predicts {with_head}. Without it, the model predicts {without}. The "
        "transform maps the encoder's vector at a position into the space of the word embeddings.",
        with_head=", ".join(with_head),
        without=", ".join(without),
    )


def logits_residual(hidden_TD, weights, hidden_act, eps):
    transformed_TD = ACTIVATIONS[hidden_act](linear(hidden_TD, *weights.transform))
    return linear(layer_norm(hidden_TD + transformed_TD, *weights.norm, eps), weights.decoder, weights.bias)


def logits_with(transform):
    """The logits, where `transform` computes the input of the layer norm from hidden_TD, act and the weights."""

    def mistake(hidden_TD, weights, hidden_act, eps):
        transformed_TD = transform(hidden_TD, ACTIVATIONS[hidden_act], weights.transform)
        return linear(layer_norm(transformed_TD, *weights.norm, eps), weights.decoder, weights.bias)

    return mistake


MASKED_LM_LOGITS_MISTAKES = (
    Mistake(
        "residual", "hidden_TD is added before the layer norm. This head has no residual connection", logits_residual
    ),
    Mistake(
        "log-probabilities",
        "the logarithm of softmax is returned. Return the logits, before softmax",
        lambda h, w, act, eps: np.log(softmax(masked_lm_logits(h, w, act, eps))),
    ),
    Mistake("no-transform", "the transform is missing: the decoder gets hidden_TD itself", logits_no_transform),
    Mistake("no-activation", "the activation in the transform is missing", logits_no_activation),
    Mistake("no-norm", "the layer norm in the transform is missing", logits_no_norm),
    Mistake(
        "always-gelu",
        "GELU is used for every hidden_act. Use ACTIVATIONS[hidden_act]",
        lambda h, w, act, eps: masked_lm_logits(h, w, "gelu", eps),
    ),
    Mistake(
        "own-eps",
        "eps is a constant in your code. Use the argument eps",
        lambda h, w, act, eps: masked_lm_logits(h, w, act, 1e-12),
    ),
    Mistake(
        "weight-turned",
        "hidden_TD is multiplied by the transform's weight without a transpose. linear transposes the weight, which "
        "has one row per output",
        logits_with(lambda h, act, w: act(h @ w.weight + w.bias)),
    ),
    Mistake(
        "no-bias",
        "the transform's bias is missing",
        logits_with(lambda h, act, w: act(h @ w.weight.T)),
    ),
    Mistake(
        "activation-first",
        "the activation comes before the linear map of the transform. Apply it after the linear map",
        logits_with(lambda h, act, w: linear(act(h), *w)),
    ),
    Mistake(
        "norm-first", "the layer norm comes before the activation. Apply it after the activation", logits_norm_first
    ),
    Mistake(
        "no-bias",
        "the decoder's bias is missing",
        lambda h, w, act, eps: masked_lm_logits(h, w._replace(bias=0 * w.bias), act, eps),
    ),
    Mistake(
        "bias-twice",
        "the decoder's bias is added twice. linear adds it already",
        lambda h, w, act, eps: masked_lm_logits(h, w._replace(bias=2 * w.bias), act, eps),
    ),
    Mistake(
        "probabilities",
        "softmax is applied, which gives probabilities. Return the logits, before softmax",
        lambda h, w, act, eps: softmax(masked_lm_logits(h, w, act, eps)),
    ),
)


EXERCISE = Exercise(
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
                    "First apply the transform: linear, activation, layer norm, in this order. Then compute the dot "
                    "product with the embedding of every word."
                ),
                (
                    "Compute layer_norm(ACTIVATIONS[hidden_act](linear(hidden, *weights.transform)), *weights.norm, "
                    "eps). Then apply linear(..., weights.decoder, weights.bias). linear transposes the decoder for "
                    "you."
                ),
            ),
        ),
    ),
    answer=masked_lm_answer,
    shown=(masked_lm_logits,),
)

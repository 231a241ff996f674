"""Exercise 4: from token ids to vectors."""

import dataclasses

import numpy as np

from minibert.embeddings import embed
from minibert.exercises.course.exercise import Case, Exercise, Function, Mistake, Output
from minibert.exercises.draw import EPS, Draw
from minibert.exercises.text import t
from minibert.numerics import layer_norm


def embed_cases(draw: Draw) -> list[Case]:
    first, second, third, size = draw.sizes(4)
    return [
        Case(
            t(
                "three sentences of {first}, {second} and {third} tokens, each with one word twice, {size} numbers per "
                "token",
                first=first,
                second=second,
                third=third,
                size=size,
            ),
            (draw.encodings(first, second, third), draw.embeddings(size), EPS),
        )
    ]


def embed_without(table: str):
    return lambda encodings, weights, eps: embed(
        encodings, weights._replace(**{table: 0 * getattr(weights, table)}), eps
    )


def embed_running_on(encodings, weights, eps):
    joined = dataclasses.replace(
        encodings[0],
        input_ids=sum((encoding.input_ids for encoding in encodings), ()),
        token_type_ids=sum((encoding.token_type_ids for encoding in encodings), ()),
    )
    room = np.concatenate([weights.position, weights.position])[: len(joined.input_ids)]
    return embed([joined], weights._replace(position=room), eps)


def embed_one_segment(encodings, weights, eps):
    return embed(encodings, weights._replace(token_type=weights.token_type[[0, 0]]), eps)


def embed_unnormed(encodings, weights, eps):
    return np.concatenate(
        [
            weights.word[list(e.input_ids)]
            + weights.position[: len(e.input_ids)]
            + weights.token_type[list(e.token_type_ids)]
            for e in encodings
        ]
    )


def embed_at(places, types=None):
    """embed, with each token at the position (and of the type) that `places(encoding)` returns."""

    def mistake(encodings, weights, eps):
        rows = [
            weights.word[list(e.input_ids)]
            + weights.position[list(places(e))]
            + weights.token_type[list(e.token_type_ids if types is None else types(i, e))]
            for i, e in enumerate(encodings)
        ]
        return layer_norm(np.concatenate(rows), *weights.norm, eps)

    return mistake


def embed_word_normed(encodings, weights, eps):
    rest = embed_unnormed(encodings, weights._replace(word=0 * weights.word), eps)
    ids = np.concatenate([e.input_ids for e in encodings])
    return layer_norm(weights.word[ids], *weights.norm, eps) + rest


EMBED_MISTAKES = (
    Mistake(
        "first-occurrence",
        "a token that occurs twice gets its first position both times, as from ids.index(id). Count the tokens instead",
        embed_at(lambda e: [e.input_ids.index(number) for number in e.input_ids]),
    ),
    Mistake(
        "from-one", "positions count from 1. The first token is at position 0", embed_at(lambda e: range(1, len(e) + 1))
    ),
    Mistake(
        "sentence-number",
        "the token type is the number of the sentence in the batch. Take it from token_type_ids",
        embed_at(lambda e: range(len(e)), lambda i, e: [i] * len(e)),
    ),
    Mistake(
        "sentence-number",
        "the token type is 0 for the first sentence of the batch and 1 for the others. Take it from token_type_ids",
        embed_at(lambda e: range(len(e)), lambda i, e: [min(i, 1)] * len(e)),
    ),
    Mistake(
        "segment-positions",
        "positions start at 0 again where the token type changes. Count through the whole sentence",
        embed_at(lambda e: [e.token_type_ids[:i].count(kind) for i, kind in enumerate(e.token_type_ids)]),
    ),
    Mistake(
        "norm-too-early", "only the word embedding is normalised. Apply the layer norm to the sum", embed_word_normed
    ),
    Mistake("no-position", "the position embedding is missing", embed_without("position")),
    Mistake(
        "running-positions",
        "positions count on from one sentence to the next. Start at 0 in each sentence",
        embed_running_on,
    ),
    Mistake("no-segment", "the token type embedding is missing", embed_without("token_type")),
    Mistake("one-segment", "every token gets token type 0", embed_one_segment),
    Mistake("no-word", "the word embedding is missing", embed_without("word")),
    Mistake("no-norm", "the layer norm at the end is missing", embed_unnormed),
    Mistake("own-eps", "eps is a constant in your code. Use the argument eps", lambda e, w, eps: embed(e, w, 1e-12)),
)


EXERCISE = Exercise(
    file="04_embeddings.py",
    title="from token ids to vectors",
    minutes=15,
    difficulty=2,
    parts=(
        Function(
            "embed",
            embed,
            (Output("hidden_TD", ("token", "number")),),
            embed_cases,
            EMBED_MISTAKES,
            hints=(
                (
                    "weights.word[list(ids)] picks one row for each id, all at once. np.concatenate puts the "
                    "sentences one below another."
                ),
                (
                    "For each sentence, add word[list(input_ids)] + position[:length] + "
                    "token_type[list(token_type_ids)]. Concatenate the sums. Then call layer_norm(..., "
                    "weights.norm.weight, weights.norm.bias, eps)."
                ),
            ),
        ),
    ),
    answer=(
        "No. Each word is added to the vector of another position. Without positions, a shuffled sentence would give "
        "the same rows in another order. The model would treat a sentence as a bag of words."
    ),
    shown=(embed,),
)

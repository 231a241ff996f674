"""Exercise 26: how flat can it be?"""

from collections.abc import Callable

import numpy as np

from minibert.exercises.course.exercise import Case, Exercise, Finding, Function, Mistake, Output
from minibert.exercises.course.shared import LH, broken_rows, called, head_of, models, some_sentences
from minibert.exercises.draw import Draw, model
from minibert.exercises.material import sentences
from minibert.exercises.text import Text, t
from minibert.model import Bert
from viz.measures.held import Held, products


def row_mean(scores_TS: np.ndarray) -> np.ndarray:
    return np.asarray(scores_TS.mean(axis=-1, keepdims=True))


def column_mean(scores_TS: np.ndarray) -> np.ndarray:
    return np.asarray(scores_TS.mean(axis=0))


def no_mean(scores_TS: np.ndarray) -> np.ndarray:
    return np.zeros_like(scores_TS)


def drawn(scores: Callable = lambda apart_TSC: -(apart_TSC**2).sum(axis=-1), level: Callable = row_mean) -> Callable:
    """picture_logits, with other scores, or with something else taken away."""

    def function(x_TC: np.ndarray, y_SC: np.ndarray) -> np.ndarray:
        scores_TS = scores(x_TC[:, None] - y_SC)
        return np.asarray(scores_TS - level(scores_TS))

    return function


picture_logits = drawn()


def picture_cases(draw: Draw) -> list[Case]:
    dimensions, queries, keys = draw.sizes(3, 2, 9)
    about = t(
        "{queries} queries, {keys} keys and {dimensions} dimensions", queries=queries, keys=keys, dimensions=dimensions
    )
    return [Case(about, (draw.normal(queries, dimensions, mean=0.3), draw.normal(keys, dimensions, mean=-0.4)))]


def low_rank(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> Text | None:
    x_TC, _ = arguments
    values = np.linalg.svd(outputs[0].astype(float), compute_uv=False)[x_TC.shape[1] + 1 :]
    return broken_rows(values, 0.0, t("singular value {row} after the first C + 1 is {got}; in a picture it is {want}"))


PICTURE_MISTAKES = (
    Mistake(
        "no-square",
        "the distance is not squared",
        drawn(lambda apart_TSC: -np.linalg.norm(apart_TSC, axis=-1)),
    ),
    Mistake(
        "no-minus", "the minus sign is missing: a near key must have a high score", lambda x, y: -picture_logits(x, y)
    ),
    Mistake("not-centred", "the mean of each row is not subtracted", drawn(level=no_mean)),
    Mistake(
        "column-mean", "the mean of each column is subtracted. Subtract that of each row", drawn(level=column_mean)
    ),
    Mistake(
        "mean-of-coordinates",
        "the mean over the coordinates is taken. Take their sum",
        drawn(lambda apart_TSC: -(apart_TSC**2).mean(axis=-1)),
    ),
)


def held(
    more: int = 1,
    power: int = 2,
    level: Callable = row_mean,
    share: Callable = lambda kept, total: kept / total,
    first: Callable = lambda values, rank: values[:rank],
) -> Callable:
    """most_held, with another rank, power of the singular values, mean or share."""

    def function(scores_TS: np.ndarray, dimensions: int) -> float:
        values = np.linalg.svd(scores_TS - level(scores_TS), compute_uv=False) ** power
        return float(share(first(values, dimensions + more).sum(), values.sum()))

    return function


most_held = held()


def held_cases(draw: Draw) -> list[Case]:
    cases = []
    for dimensions in (1, 2, 3):
        queries, keys = (size + 3 for size in draw.sizes(2, 3, 12))
        about = t("{queries} queries, {keys} keys, C = {dimensions}", queries=queries, keys=keys, dimensions=dimensions)
        cases.append(Case(about, (draw.normal(queries, keys, mean=0.5, spread=1.5), dimensions)))
    return cases


HELD_MISTAKES = (
    Mistake("rank-c", "the first C singular values are taken. The rank is C + 1", held(more=0)),
    Mistake("no-square", "the singular values are not squared", held(power=1)),
    Mistake("not-centred", "the mean of each row is not subtracted from the scores", held(level=no_mean)),
    Mistake("column-mean", "the mean of each column is subtracted. Subtract that of each row", held(level=column_mean)),
    Mistake("rest", "the share that is lost is returned", held(share=lambda kept, total: 1 - kept / total)),
    Mistake("no-share", "the sum is not divided by that of all", held(share=lambda kept, total: kept)),
    Mistake(
        "last",
        "the smallest singular values are taken. np.linalg.svd returns the largest first",
        held(first=lambda values, rank: values[-rank:]),
    ),
)


def flat(
    array: str = "scores",
    one: Callable = most_held,
    of_texts: Callable = lambda tables: np.mean(tables, axis=0),
    change: Callable = lambda scores_TS: scores_TS,
) -> Callable:
    """flatness of another array, by another function, or another mean over the texts."""

    def function(bert: Bert, texts: list[str], dimensions: int) -> np.ndarray:
        tables = [
            [[one(change(x_TS), dimensions) for x_TS in getattr(layer, array)] for layer in trace.layers]
            for trace in bert.batch(texts)
        ]
        return np.asarray(of_texts(tables))

    return function


flatness = flat()


def flat_cases(draw: Draw) -> list[Case]:
    return [
        Case(
            t("{model}, {count} sentences, C = {dimensions}", model=called(bert), count=count, dimensions=dimensions),
            (bert, some_sentences(draw, count), dimensions),
        )
        for (bert, count), dimensions in zip(models(draw), (2, 1), strict=False)
    ]


FLAT_MISTAKES = (
    Mistake("attention", "the attention is measured. Measure the scores, before softmax", flat("attention")),
    Mistake(
        "sum", "the sum over the texts is returned. Take the mean", flat(of_texts=lambda tables: np.sum(tables, axis=0))
    ),
    Mistake(
        "one-text",
        "only the first text is measured. Is there a `return` inside the loop?",
        flat(of_texts=lambda tables: tables[0]),
    ),
    Mistake(
        "least",
        "the smallest value of the texts is returned. Take the mean",
        flat(of_texts=lambda tables: np.min(tables, axis=0)),
    ),
    Mistake("turned", "the rows are heads; they must be layers", lambda *given: flatness(*given).T),
)


def flat_answer() -> Text:
    table_LH = flatness(model("tiny"), sentences(), 2)
    layer, head = head_of(table_LH)
    least_layer, least_head = head_of(-table_LH)
    return t(
        "Yes, head {layer}.{head}: a plane can hold {most} of its scores at most. Of head {least_layer}.{least_head} "
        "it can hold {least} at most, however it is drawn; with three dimensions {more}. The mean over all heads is "
        "{mean}. This is a bound for each sentence by itself. It does not say that there is a picture which "
        "holds so much.",
        layer=layer,
        head=head,
        most=f"{table_LH[layer, head]:.2f}",
        least_layer=least_layer,
        least_head=least_head,
        least=f"{table_LH[least_layer, least_head]:.2f}",
        more=f"{flatness(model('tiny'), sentences(), 3)[least_layer, least_head]:.2f}",
        mean=f"{table_LH.mean():.2f}",
    )


EXERCISE = Exercise(
    file="26_how_flat.py",
    title="the most that any picture of a head can show",
    minutes=30,
    difficulty=2,
    parts=(
        Function(
            "picture_logits",
            picture_logits,
            (Output("scores", ("query", "key")),),
            picture_cases,
            PICTURE_MISTAKES,
            hints=(
                "x_TC[:, None] - y_SC is [T, S, C]: all differences. Square them, and sum over the last axis.",
                (
                    "scores = -((x_TC[:, None] - y_SC) ** 2).sum(axis=-1). Return scores - scores.mean(axis=-1, "
                    "keepdims=True)."
                ),
            ),
            laws=(low_rank,),
        ),
        Function(
            "most_held",
            most_held,
            (Output("share", ()),),
            held_cases,
            HELD_MISTAKES,
            hints=(
                (
                    "Subtract the mean of each row. np.linalg.svd(centred, compute_uv=False) returns the singular "
                    "values, the largest first."
                ),
                (
                    "squares = np.linalg.svd(centred, compute_uv=False) ** 2. Return squares[: dimensions + 1].sum() / "
                    "squares.sum()."
                ),
            ),
        ),
        Function(
            "flatness",
            flatness,
            (Output("measurement", LH),),
            flat_cases,
            FLAT_MISTAKES,
            hints=(
                "Write loops over the texts, the layers and the heads. Take the mean over the texts at the end.",
                (
                    "For each trace make the list [[most_held(scores, dimensions) for scores in layer.scores] for "
                    "layer in trace.layers]. Return np.mean of these lists over axis 0."
                ),
            ),
        ),
        Finding("FLATTEST_HEAD", lambda: flatness(model("tiny"), sentences(), 2), "the most that a plane can hold"),
    ),
    answer=flat_answer,
    shown=(products, Held.bound),
)

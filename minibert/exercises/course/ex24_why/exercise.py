"""Exercise 24: why a head attends to a token."""

from collections.abc import Callable

import numpy as np

from minibert.exercises.course.exercise import Case, Exercise, Finding, Function, Mistake, Output
from minibert.exercises.course.shared import LH, broken_rows, called, some_sentences
from minibert.exercises.draw import EPS, Draw, model
from minibert.exercises.material import sentences
from minibert.exercises.text import Text, t
from minibert.model import Bert
from minibert.numerics import layer_norm, softmax
from minibert.whatif.attribution import (
    parts_of_states,
    query_and_key_parts,
    score_parts,
    strongest_terms,
    through_norm,
    without_terms,
)


def normed(
    spread: Callable = lambda parts, eps: np.sqrt(parts.sum(axis=0).var(axis=-1, keepdims=True) + eps),
    mean: Callable = lambda parts: parts.mean(axis=-1, keepdims=True),
    biased: slice | None = slice(-1, None),
    weighted: bool = True,
) -> Callable:
    """norm_parts, with another spread or mean, the bias added to other parts or to none, or without the weight."""

    def function(parts_PTD: np.ndarray, weight_D: np.ndarray, bias_D: np.ndarray, eps: float) -> np.ndarray:
        normed_PTD = (parts_PTD - mean(parts_PTD)) / spread(parts_PTD, eps) * (weight_D if weighted else 1)
        if biased is not None:
            normed_PTD[biased] += bias_D
        return normed_PTD

    return function


def norm_cases(draw: Draw) -> list[Case]:
    count, tokens, size = draw.sizes(3, 3, 9)
    parts_PTD = draw.normal(count, tokens, size, mean=0.4) * np.arange(1, count + 1, dtype=np.float32)[:, None, None]
    about = t("{count} parts of {tokens} tokens with {size} numbers", count=count, tokens=tokens, size=size)
    return [Case(about, (parts_PTD, *draw.norm(size), EPS))]


def norm_sum(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> Text | None:
    parts_PTD, weight_D, bias_D, eps = arguments
    says = t("token and number {row}: the parts sum to {got}; the norm of their sum is {want}")
    return broken_rows(outputs[0].sum(axis=0), layer_norm(parts_PTD.sum(axis=0), weight_D, bias_D, eps), says)


NORM_MISTAKES = (
    Mistake(
        "own-spread",
        "each part is divided by its own standard deviation. Divide all parts by that of their sum",
        normed(spread=lambda parts, eps: np.sqrt(parts.var(axis=-1, keepdims=True) + eps)),
    ),
    Mistake("bias-in-each", "every part gets the bias. Add it only to the last one", normed(biased=slice(None))),
    Mistake("bias-first", "the first part gets the bias. Add it to the last one", normed(biased=slice(1))),
    Mistake("no-bias", "the bias is not added", normed(biased=None)),
    Mistake("no-weight", "the weight is not used", normed(weighted=False)),
    Mistake("no-mean", "the mean of each part is not subtracted", normed(mean=lambda parts: 0)),
    Mistake(
        "mean-of-sum",
        "the mean of the sum is subtracted from each part. Subtract the mean of the part",
        normed(mean=lambda parts: parts.sum(axis=0).mean(axis=-1, keepdims=True)),
    ),
    Mistake(
        "no-root",
        "the code divides by the variance. Divide by its square root",
        normed(spread=lambda parts, eps: parts.sum(axis=0).var(axis=-1, keepdims=True) + eps),
    ),
    Mistake(
        "no-eps", "eps is not added to the variance", normed(lambda parts, eps: parts.sum(0).std(-1, keepdims=True))
    ),
)


def paired(
    scale: Callable = lambda query_PK, key_PSK: np.sqrt(query_PK.shape[-1]),
    level: Callable = lambda terms_PPS: terms_PPS.mean(axis=-1, keepdims=True),
) -> Callable:
    """pair_terms, divided by another number, or with something else taken off."""

    def function(query_PK: np.ndarray, key_PSK: np.ndarray) -> np.ndarray:
        terms_PPS = np.einsum("ak,bsk->abs", query_PK, key_PSK) / scale(query_PK, key_PSK)
        return terms_PPS - level(terms_PPS)

    return function


pair_terms = paired()


def pair_cases(draw: Draw) -> list[Case]:
    count, keys, size = draw.sizes(3, 3, 9)
    about = t("{count} parts, {keys} keys and head size {size}", count=count, keys=keys, size=size)
    return [Case(about, (draw.normal(count, size, mean=0.3), draw.normal(count, keys, size, mean=-0.4, spread=1.3)))]


def pair_sum(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> Text | None:
    query_PK, key_PSK = arguments
    scores_S = key_PSK.sum(axis=0) @ query_PK.sum(axis=0) / np.sqrt(query_PK.shape[-1])
    says = t("key {row}: all terms sum to {got}; the score less its mean over the keys is {want}")
    return broken_rows(outputs[0].sum(axis=(0, 1)), scores_S - scores_S.mean(), says)


PAIR_MISTAKES = (
    Mistake("no-sqrt", "the terms are not divided by sqrt(K)", paired(lambda query_PK, key_PSK: 1)),
    Mistake(
        "sqrt-of-parts",
        "the terms are divided by the root of the number of parts. Take the root of K, the length of a query",
        paired(lambda query_PK, key_PSK: np.sqrt(len(query_PK))),
    ),
    Mistake("not-centred", "the mean over the keys is not subtracted", paired(level=lambda terms_PPS: 0)),
    Mistake(
        "wrong-mean",
        "the mean over the parts of the key is subtracted. Subtract the mean over the keys",
        paired(level=lambda terms_PPS: terms_PPS.mean(axis=1, keepdims=True)),
    ),
    Mistake(
        "turned",
        "the first two axes are exchanged. The part of the query comes first, then the part of the key",
        lambda query_PK, key_PSK: pair_terms(query_PK, key_PSK).swapaxes(0, 1),
    ),
)


def summed(
    values: Callable = lambda terms_PPS, best: terms_PPS[:, :, best].sum(axis=0),
    terms: Callable = pair_terms,
    place: Callable = lambda attention_S, query: int(attention_S.argmax()),
    of_texts: Callable = lambda totals, counts: sum(totals) / sum(counts),
) -> Callable:
    """key_side, with other values of the parts, other terms, another key, or another mean over the texts."""

    def function(bert: Bert, texts: list[str], layer: int, head: int) -> np.ndarray:
        totals, counts = [], []
        for trace in bert.batch(texts):
            parts = parts_of_states(bert, trace, layer)
            query_PTK, key_PSK = query_and_key_parts(bert, parts, layer, head)
            query_PTK = query_PTK * np.sqrt(bert.config.head_size)
            total_LH = np.zeros((bert.config.num_hidden_layers, bert.config.num_attention_heads))
            for query, attention_S in enumerate(trace.layers[layer].attention[head]):
                values_P = values(terms(query_PTK[:, query], key_PSK), place(attention_S, query))
                for writer in np.ndindex(layer, total_LH.shape[1]):
                    total_LH[writer] += values_P[parts.names.index("head {}.{}".format(*writer))]
            totals.append(total_LH)
            counts.append(len(trace.tokens))
        return of_texts(totals, counts)

    return function


key_side = summed()


def key_side_cases(draw: Draw) -> list[Case]:
    first, cases = not draw.drawn, []
    heads, head_size = draw.sizes(2, 3, 9)
    for bert in [model("tiny")] * first + [draw.bert(3, heads, head_size)]:
        layer, head = (1, 2) if bert.name == "tiny" else (2, int(draw.rng.integers(heads)))
        about = t("{model}, layer {layer} and head {head}", model=called(bert), layer=layer, head=head)
        cases.append(Case(about, (bert, some_sentences(draw, 2), layer, head)))
    return cases


KEY_SIDE_MISTAKES = (
    Mistake(
        "query-side",
        "the terms with the head as the part of the query are summed. Sum those with the head as the part of the key",
        summed(lambda terms_PPS, best: terms_PPS[:, :, best].sum(axis=1)),
    ),
    Mistake(
        "same-part",
        "only the terms with the head on both sides are summed. Sum over all parts of the query",
        summed(lambda terms_PPS, best: np.diagonal(terms_PPS[:, :, best])),
    ),
    Mistake(
        "own-key",
        "the key is that of the query's own token. Take the most attended key",
        summed(place=lambda attention_S, query: query),
    ),
    Mistake(
        "least-attended",
        "the least attended key is taken. Take the most attended one",
        summed(place=lambda attention_S, query: int(attention_S.argmin())),
    ),
    Mistake(
        "not-centred",
        "the means over the keys are not subtracted from the terms",
        summed(terms=paired(level=lambda terms_PPS: 0)),
    ),
    Mistake(
        "sum", "the sum over the queries is returned. Divide it by their number", summed(of_texts=lambda a, n: sum(a))
    ),
    Mistake(
        "mean-of-means",
        "each text has the same weight. Each query must have the same weight",
        summed(of_texts=lambda a, n: sum(total / count for total, count in zip(a, n, strict=True)) / len(a)),
    ),
    Mistake(
        "one-text",
        "only the first text is measured. Is there a `return` inside the loop?",
        lambda bert, texts, layer, head: key_side(bert, texts[:1], layer, head),
    ),
    Mistake(
        "turned",
        "the rows are heads; they must be layers",
        lambda bert, texts, layer, head: key_side(bert, texts, layer, head).T,
    ),
)


def why_answer() -> Text:
    bert, terms, diagonals, queries = model("tiny"), [], [], 0
    for trace in bert.batch(sentences()):
        parts = parts_of_states(bert, trace, 1)
        terms.append(strongest_terms(bert, trace, 1, 2, parts) * len(trace.tokens))
        without = without_terms(bert, trace, 1, 2, [(name, "head 0.3") for name in parts.names], parts)
        both = np.stack([trace.layers[1].attention[2], softmax(without[2])])
        diagonals.append(both.diagonal(offset=-1, axis1=1, axis2=2))
        queries += len(trace.tokens)
    terms_PP = np.sum(terms, axis=0) / queries
    place, writer = (parts.names.index(name) for name in ("position", "head 0.3"))
    before, after = np.concatenate(diagonals, axis=-1).mean(axis=-1)
    return t(
        "No. Over the sentences of the course, the score of its most attended key is {lead} above the mean. {position} "
        "of it is position x position, and {written} is what head 0.3 wrote into the key. Head 0.3 attends to the "
        "token after, so it writes into each key which word comes next. Without this part of the scores, the attention "
        "to the token before falls from {before} to {after}.",
        lead=f"{terms_PP.sum():.2f}",
        position=f"{terms_PP[place, place]:.2f}",
        written=f"{terms_PP[:, writer].sum():.2f}",
        before=f"{before:.2f}",
        after=f"{after:.2f}",
    )


EXERCISE = Exercise(
    file="24_why.py",
    title="why a head attends to a token",
    minutes=40,
    difficulty=3,
    parts=(
        Function(
            "norm_parts",
            normed(),
            (Output("parts", ("part", "token", "number")),),
            norm_cases,
            NORM_MISTAKES,
            hints=(
                (
                    "First sum the parts over axis 0. The standard deviation is that of the sum: one number for each "
                    "token."
                ),
                (
                    "Compute spread = np.sqrt(parts_PTD.sum(axis=0).var(axis=-1, keepdims=True) + eps). Then compute "
                    "weight_D * (parts_PTD - parts_PTD.mean(axis=-1, keepdims=True)) / spread, and add bias_D to the "
                    "last part."
                ),
            ),
            laws=(norm_sum,),
        ),
        Function(
            "pair_terms",
            pair_terms,
            (Output("terms", ("part", "part", "key")),),
            pair_cases,
            PAIR_MISTAKES,
            hints=(
                (
                    "Compute one dot product for each part of the query, each part of the key and each key. "
                    "np.einsum can do it."
                ),
                (
                    'Compute terms = np.einsum("ak,bsk->abs", query_PK, key_PSK) / np.sqrt(K). Return terms - '
                    "terms.mean(axis=-1, keepdims=True)."
                ),
            ),
            laws=(pair_sum,),
        ),
        Function(
            "key_side",
            key_side,
            (Output("measurement", LH),),
            key_side_cases,
            KEY_SIDE_MISTAKES,
            hints=(
                (
                    "Write two loops, over texts and over queries. pair_terms returns [parts, parts, keys]. Choose "
                    "the most attended key, and sum over axis 0."
                ),
                (
                    "Compute values = pair_terms(query_PTK[:, t], key_PSK)[:, :, attention[t].argmax()].sum(axis=0). "
                    'Add values[names.index(f"head {l}.{h}")] to total[l, h] for each head of an earlier layer. At '
                    "the end, divide by the number of queries."
                ),
            ),
        ),
        Finding(
            "WRITING_HEAD",
            lambda: key_side(model("tiny"), sentences(), 1, 2),
            "what the head wrote into the keys of head 1.2",
        ),
    ),
    answer=why_answer,
    shown=(through_norm, score_parts, strongest_terms),
)

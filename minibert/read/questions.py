"""The questions at the top of the page, each with the array it is about and an answer in this text's numbers."""

import linecache
import math
from pathlib import Path
from typing import Any

import numpy as np

from minibert.numerics import softmax
from minibert.read.fit import FIRST_LAYER
from minibert.read.recorder import Recording, Ref
from minibert.trace import Trace

HEAD = 2
"""The head that the questions are about, or the last one where there are fewer."""
SCORES, ATTENTION, CONTEXT, PROJECTED = "scores_HTS", "attention_HTS", "context_HTK", "projected_TD"
"""Names of the chapters: the arrays that the questions open. A test checks that the chapters make them."""


def questions(recording: Recording, trace: Trace) -> list[dict[str, Any]]:
    """For each question its "text", the "name" of an array and "where" it is, and the "answer".

    "where" is {"layer", "at": index}. "table": rows that belong to the answer.
    """
    number = min(FIRST_LAYER, len(trace.layers) - 1)
    layer = trace.layers[number]
    moves, adds = line_of(recording, CONTEXT), line_of(recording, PROJECTED, after=1)
    if layer.query is None or layer.scores is None or layer.attention is None or not (moves and adds):
        return []
    head = min(HEAD, len(layer.scores) - 1)
    query, key = largest(layer.attention[head])
    score, share = float(layer.scores[head, query, key]), float(layer.attention[head, query, key])
    asking, asked = (f"“{trace.tokens[i]}” ({i})" for i in (query, key))
    tokens, size = layer.query.shape[1:]
    root, shape = math.sqrt(size), [tokens, size * len(layer.scores)]
    found: list[tuple[str, str, list[int], str]] = [
        (
            f"Where does the largest share of attention in layer {number}, head {head} come from?",
            ATTENTION,
            [head, query, key],
            f"From the query {asking} to the key {asked}: {share:.4f}. Their dot product is {score * root:.2f}. "
            f"Divided by √{size}, it is the score {score:.2f}. Softmax over the {tokens} scores of this query makes "
            "the share.",
        ),
        (
            "Which line moves information from one token to another?",
            CONTEXT,
            [head, query, 0],
            f"{moves}. Only this line computes the vector of one token from the vectors of other tokens. Here {asking} "
            f"gets {share:.2f} of the value of {asked}.",
        ),
        (
            "Why must what is added (the residual) have the same shape?",
            PROJECTED,
            [query, 0],
            f"{adds}, adds two arrays number by number, each {shape}. So number 7 of a token stays number 7 of this "
            "token through all layers, and a layer can read what an earlier one has written there.",
        ),
        (
            "What would change without the division by √K?",
            SCORES,
            [head, query, key],
            f"Every score would be {root:.3g} times as large, and softmax would give more of the attention to a single "
            "key:",
        ),
    ]
    made: list[dict[str, Any]] = [
        {"text": text, "name": name, "where": {"layer": number, "at": at}, "answer": answer}
        for text, name, at, answer in found
    ]
    made[-1]["table"] = undivided(layer.scores[head], (query, key), size)
    return made


def largest(attention_TS: np.ndarray) -> tuple[int, int]:
    """The query and key with the largest share; not of the first and last token, unless there are no others."""
    tokens = len(attention_TS)
    inner = slice(1, -1) if tokens > 3 else slice(None)
    row, column = np.unravel_index(attention_TS[inner, inner].argmax(), attention_TS[inner, inner].shape)
    first = inner.start or 0
    return int(row) + first, int(column) + first


def undivided(scores_TS: np.ndarray, place: tuple[int, int], size: int) -> list[list[str]]:
    """The score and the shares with the division by sqrt(K) and without: a head and two rows."""
    root = math.sqrt(size)
    rows = [["", "score", "its share", "largest share, mean over all queries"]]
    for words, factor in ((f"divided by √{size} = {root:.3g}", 1.0), ("not divided", root)):
        scores = factor * scores_TS.astype(np.float64)
        shares = softmax(scores)
        numbers = (scores[place], shares[place], shares.max(axis=-1).mean())
        rows.append([words, *(f"{x:.2f}" for x in numbers)])
    return rows


def line_of(recording: Recording, name: str, after: int = 0) -> str:
    """'Line 45 of attention.py, `context_HTK = ...`': the line that makes an array of this name; or "".

    after: how many lines of the same call later.
    """
    for number, visit in enumerate(recording.visits):
        if isinstance(visit.made.get(name), Ref):
            lines = [v.line for v in recording.visits[number:] if v.call == visit.call]
            line, file = lines[after], recording.calls[visit.call].file
            source = linecache.getline(file, line).split("  #")[0].strip()
            return f"Line {line} of {Path(file).name}, `{source}`"
    return ""

"""The questions at the top of the page, each with the array it is about and an answer in this text's numbers."""

import linecache
import math
from pathlib import Path
from typing import Any

import numpy as np

from minibert.read.fit import FIRST_LAYER
from minibert.read.recorder import Recording, Ref
from minibert.trace import Trace

HEAD = 2
"""The head that the questions are about, or the last one where there are fewer."""
SCORES, ATTENTION, CONTEXT, PROJECTED = "scores_HTS", "attention_HTS", "context_HTK", "projected_TD"
"""Names of the chapters: the arrays that the questions open. A test checks that the chapters make them."""


def questions(recording: Recording, trace: Trace) -> list[dict[str, Any]]:
    """For each question its "text", the "name" of an array and "where" it is, and the "answer".

    "where" is {"layer", "at": index}. "table" may hold rows.
    """
    number = min(FIRST_LAYER, len(trace.layers) - 1)
    scores, attention = trace.layers[number].scores, trace.layers[number].attention
    lines = {name: line_of(recording, name) for name in (SCORES, ATTENTION, CONTEXT, PROJECTED)}
    if scores is None or attention is None or not all(lines.values()):
        return []
    head = min(HEAD, len(scores) - 1)
    query, key = largest(attention[head])
    one = Cell(trace, number, head, query, key)
    place, at = {"layer": number}, [head, query, key]
    return [
        {
            "text": f"Where does the largest share of attention in layer {number}, head {head} come from?",
            "name": ATTENTION,
            "where": place | {"at": at},
            "answer": one.share(),
        },
        {
            "text": "Which line moves information from one token to another?",
            "name": CONTEXT,
            "where": place | {"at": [head, query, 0]},
            "answer": f"{lines[CONTEXT]}. Only this line computes the vector of one token from the vectors of other "
            f"tokens. Here {one.query} gets {one.attention:.2f} of the value of {one.key}.",
        },
        {
            "text": "Why must what is added (the residual) have the same shape?",
            "name": PROJECTED,
            "where": place | {"at": [query, 0]},
            "answer": residual(recording),
        },
        {
            "text": "What would change without the division by √K?",
            "name": SCORES,
            "where": place | {"at": at},
            "answer": f"Every score would be {one.root:.3g} times as large, and softmax would give more of the "
            "attention to a single key:",
            "table": undivided(scores[head], one),
        },
    ]


class Cell:
    """One query and one key of one head."""

    def __init__(self, trace: Trace, layer: int, head: int, query: int, key: int):
        part = trace.layers[layer]
        self.place = query, key
        self.query, self.key = (f"“{trace.tokens[i]}” ({i})" for i in (query, key))
        self.score = float(part.scores[head, query, key]) if part.scores is not None else math.nan
        self.attention = float(part.attention[head, query, key]) if part.attention is not None else math.nan
        self.size = part.query.shape[-1] if part.query is not None else 1
        self.root = math.sqrt(self.size)
        self.tokens = len(trace.tokens)

    def share(self) -> str:
        return (
            f"From the query {self.query} to the key {self.key}: {self.attention:.4f}. Their dot product is "
            f"{self.score * self.root:.2f}. Divided by √{self.size} it is the score {self.score:.2f}, and softmax over "
            f"the {self.tokens} scores of this query makes the share of it."
        )


def largest(attention_TS: np.ndarray) -> tuple[int, int]:
    """The query and key with the largest share; not of the first and last token, unless there are no others."""
    tokens = len(attention_TS)
    inner = slice(1, -1) if tokens > 3 else slice(None)
    row, column = np.unravel_index(attention_TS[inner, inner].argmax(), attention_TS[inner, inner].shape)
    first = inner.start or 0
    return int(row) + first, int(column) + first


def undivided(scores_TS: np.ndarray, one: Cell) -> list[list[str]]:
    """The score and the shares with the division by sqrt(K) and without: a head and two rows."""
    rows = [["", "score", "its share", "largest share, mean over all queries"]]
    for words, factor in ((f"divided by √{one.size} = {one.root:.3g}", 1.0), ("not divided", one.root)):
        scores = factor * scores_TS.astype(np.float64)
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        rows.append(
            [
                words,
                f"{scores[one.place]:.2f}",
                f"{shares[one.place]:.2f}",
                f"{shares.max(axis=-1).mean():.2f}",
            ]
        )
    return rows


def residual(recording: Recording) -> str:
    shapes = {recording.arrays[n].shape for _, name, n in recording.named() if name == PROJECTED}
    return (
        f"{line_of(recording, PROJECTED, after=1)}, adds two arrays number by number, each {list(min(shapes))}. So "
        "number 7 of a token stays number 7 of this token through all layers, and a layer can read what an earlier one "
        "has written there."
    )


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

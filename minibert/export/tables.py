"""A Trace as rows, and in files."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from minibert.trace import LAYER_FIELDS, Trace

BY_PAIR = ("scores", "attention")
BY_HEAD = ("query", "key", "value", "head_outputs")


def rows_of(trace: Trace, name: str) -> Iterator[dict[str, Any]]:
    """One field as rows, `pandas.DataFrame(trace.to_rows("query"))`.

    scores, attention     layer, head, query, query_token, key, key_token, and the number under the field's name
    other fields          layer (not for pooled), head (where there is one), position, token, sentence, word, segment,
                          and the numbers of the vector under 0, 1, 2, ...

    position, query and key are positions in the sentence of tokens; sentence and word, from 0, are None for special
    tokens. For hidden_states, layer 0 is the embeddings, i what layer i - 1 gives. ValueError: not kept, or no field.
    """
    if name == "pooled":
        if trace.pooled is None:
            raise ValueError("the trace holds no pooled")
        yield dict(enumerate(trace.pooled.tolist()))
        return
    for layer, array in enumerate(trace.stacked(name)):
        if name in BY_PAIR:
            for head, query, key in np.ndindex(array.shape):
                yield {
                    "layer": layer,
                    "head": head,
                    "query": query,
                    "query_token": trace.tokens[query],
                    "key": key,
                    "key_token": trace.tokens[key],
                    name: float(array[head, query, key]),
                }
            continue
        heads = enumerate(array) if name in BY_HEAD else [(None, array)]
        for head, vectors in heads:
            for position, vector in enumerate(vectors):
                sentence, word = trace.words[position] or (None, None)
                where = {"layer": layer} if head is None else {"layer": layer, "head": head}
                where |= {"position": position, "token": trace.tokens[position], "sentence": sentence, "word": word}
                yield where | {"segment": trace.token_type_ids[position]} | dict(enumerate(vector.tolist()))


def save(trace: Trace, path: str | Path, name: str = "attention") -> None:
    """Write a trace: one field as rows to a .csv or .tsv file, all that it holds as arrays to an .npz file.

    An .npz has, under the names of the fields, what `trace.stacked` gives, and tokens, words ([tokens, 2]: sentence and
    word, -1 for special tokens) and token_type_ids. ValueError: another ending, or the field is not there.
    """
    from viz.files import whole_file

    path = Path(path)
    if path.suffix not in (".csv", ".tsv", ".npz"):
        raise ValueError(f"{path} ends in {path.suffix!r}; expected .csv, .tsv or .npz")
    if path.suffix == ".npz":
        arrays = {field: trace.stacked(field) for field in (*LAYER_FIELDS, "hidden_states") if trace.holds(field)}
        if trace.pooled is not None:
            arrays["pooled"] = trace.pooled
        words = np.array([word or (-1, -1) for word in trace.words])
        with whole_file(path) as beside, beside.open("wb") as file:
            np.savez(file, tokens=np.array(trace.tokens), words=words, token_type_ids=trace.token_type_ids, **arrays)
        return
    rows = rows_of(trace, name)
    first = next(rows)
    with whole_file(path) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, first, delimiter="\t" if path.suffix == ".tsv" else ",", lineterminator="\n")
        writer.writeheader()
        writer.writerow(first)
        writer.writerows(rows)

"""Queries, keys, attention and tokens in a file, for those who have no model: written once, drawn anywhere.

export.npz      query, key [L, H, N, K]; tokens, sentences [N];
                attention_0 [L, H, S, S] of the first sentence, attention_1 of the second, ...
export.parquet  a row per layer, head and token: layer, head, sentence, position, token, query, key (K numbers each)
                and attention (S numbers: of this token, as query, to those of its sentence)
manifest.json   beside it: of which model and text, drawn how, by which version
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from viz.files import whole_file


@dataclass(frozen=True)
class Export:
    """What was exported. Tokens of all sentences stand end to end; attention is one array [L, H, S, S] a sentence.

    layers, heads: which ones of the model the axes L and H are. manifest: what was said about it.
    """

    query: np.ndarray
    key: np.ndarray
    attention: list[np.ndarray]
    tokens: list[str]
    sentences: np.ndarray
    layers: list[int]
    heads: list[int]
    manifest: dict[str, Any]


def write_export(export: Export, path: str | Path) -> None:
    """As path's ending says, .npz or .parquet, with manifest.json beside it.

    The manifest is written last: where there is one, the rest is whole. ValueError: .parquet, and there is no pyarrow.
    """
    path = Path(path)
    with whole_file(path) as beside, beside.open("wb") as file:
        if path.suffix == ".parquet":
            arrow().parquet.write_table(arrow().table(columns(export)), file)
        else:
            blocks = {f"attention_{number}": block for number, block in enumerate(export.attention)}
            names = ("query", "key", "tokens", "sentences")
            np.savez(file, **{name: getattr(export, name) for name in names}, **blocks)
    with whole_file(path.with_name("manifest.json")) as beside:
        facts = export.manifest | {"file": path.name, "layers": export.layers, "heads": export.heads}
        text = json.dumps(facts, indent=2, ensure_ascii=False)
        beside.write_text(text + "\n", encoding="utf-8")


def read_export(path: str | Path) -> Export:
    """What `minibert viz --export` wrote: the file, or the folder that it lies in.

        e = viz.read_export("out/tiny/books")
        n = viz.normalize(e.query[0, 3], e.key[0, 3], e.sentences)
        viz.measure(n, [block[0, 3] for block in e.attention], e.sentences).plane.nearest1

    ValueError: there is no such file, or no manifest beside it.
    """
    path = Path(path)
    folder = path if path.is_dir() else path.parent
    if not path.exists():
        raise ValueError(f"{path} is not there; expected what `minibert viz --export` wrote, or the folder of it")
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} has no manifest.json of an export with it ({error})") from None
    path = folder / manifest["file"] if path.is_dir() else path
    if path.suffix == ".parquet":
        return from_columns(arrow().parquet.read_table(path), manifest)
    with np.load(path) as held:
        blocks = [held[f"attention_{number}"] for number in range(len(np.unique(held["sentences"])))]
        tokens = held["tokens"].tolist(), held["sentences"], manifest["layers"], manifest["heads"]
        return Export(held["query"], held["key"], blocks, *tokens, manifest)


def columns(export: Export) -> dict[str, Sequence]:
    """One entry per token; arrays of it as one list of numbers, layer by layer and head by head."""
    blocks = [np.moveaxis(block, -2, 0) for block in export.attention]  # [S, L, H, S]: queries first
    return {
        "sentence": export.sentences,
        "token": export.tokens,
        "query": [x.ravel() for x in np.moveaxis(export.query, -2, 0)],
        "key": [x.ravel() for x in np.moveaxis(export.key, -2, 0)],
        "attention": [row.ravel() for block in blocks for row in block],
    }


def from_columns(table: Any, manifest: dict[str, Any]) -> Export:
    column = {name: table[name].to_numpy() for name in table.column_names}
    heads, sentences = (len(manifest["layers"]), len(manifest["heads"])), column["sentence"]

    def together(rows: np.ndarray) -> np.ndarray:  # of some tokens -> [L, H, tokens, ...]
        return np.moveaxis(np.stack(rows).reshape(len(rows), *heads, -1), 0, -2)

    blocks = [together(column["attention"][sentences == number]) for number in np.unique(sentences)]
    tokens = column["token"].tolist(), sentences, manifest["layers"], manifest["heads"]
    return Export(together(column["query"]), together(column["key"]), blocks, *tokens, manifest)


def arrow() -> Any:
    try:
        import pyarrow.parquet
    except ImportError:
        raise ValueError("parquet takes pyarrow: pip install 'minibert[parquet]'") from None
    return pyarrow

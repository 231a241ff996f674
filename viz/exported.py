"""Queries, keys, attention and tokens in a file, for those who have no model: written once, drawn anywhere.

export.npz      query, key [L, H, N, K]; tokens, sentences [N];
                attention_0 [L, H, S, S] of the first sentence, attention_1 of the second, ...
export.parquet  a row per token: sentence, token, and lists of numbers, layer by layer and head by head:
                query, key (K numbers a head), attention (S numbers a head: to the tokens of its sentence)
manifest.json   beside it: of which model and text, drawn how, by which version
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from viz.errors import InputError
from viz.files import whole_file


@dataclass(frozen=True)
class Export:
    """What was exported. Tokens of all sentences stand end to end; attention is one array [L, H, S, S] a sentence.

    manifest: what was said about it; among it layers and heads, which ones of the model the axes L and H are.
    """

    query: np.ndarray
    key: np.ndarray
    attention: list[np.ndarray]
    tokens: list[str]
    sentences: np.ndarray
    manifest: dict[str, Any]

    @property
    def layers(self) -> list[int]:
        return self.manifest["layers"]

    @property
    def heads(self) -> list[int]:
        return self.manifest["heads"]


def write_export(export: Export, path: str | Path) -> None:
    """As path's ending says, .npz or .parquet, with manifest.json beside it.

    The manifest is written last: where there is one in a new folder, the rest is whole.
    ValueError: .parquet, and there is no pyarrow.
    """
    path = Path(path)
    with whole_file(path) as beside, beside.open("wb") as file:
        arrays = {"query": export.query, "key": export.key}
        if path.suffix == ".parquet":
            lists = {name: by_token(array) for name, array in arrays.items()}
            lists["attention"] = [row for block in export.attention for row in by_token(block)]
            write_table({"sentence": export.sentences, "token": export.tokens, **lists}, file)
        else:
            blocks = {f"attention_{number}": block for number, block in enumerate(export.attention)}
            np.savez(file, tokens=export.tokens, sentences=export.sentences, **arrays, **blocks)
    with whole_file(path.with_name("manifest.json")) as beside:
        text = json.dumps(export.manifest | {"file": path.name}, indent=2, ensure_ascii=False)
        beside.write_text(text + "\n", encoding="utf-8")


def read_export(path: str | Path) -> Export:
    """What `minibert viz --export` wrote: the file, or the folder that it lies in.

        e = viz.read_export("out/tiny/books")
        n = viz.normalize(e.query[0, 3], e.key[0, 3], e.sentences)
        viz.measure(n, [block[0, 3] for block in e.attention], e.sentences).plane.nearest1

    ValueError: there is no such file, no manifest of it beside it, or it is not whole; or it is .parquet, and there is
    no pyarrow.
    """
    path = Path(path)
    if not path.exists():
        raise ValueError(f"{path} is not there; expected what `minibert viz --export` wrote, or the folder of it")
    folder = path if path.is_dir() else path.parent
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        file, heads = folder / manifest["file"], (len(manifest["layers"]), len(manifest["heads"]))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path} has no manifest.json of an export with it ({error!r})") from None
    if path not in (file, folder):
        raise ValueError(f"{folder / 'manifest.json'} is that of {file.name}, not of {path.name}")
    read = read_parquet if file.suffix == ".parquet" and parquet() else read_npz
    try:
        query, key, attention, tokens, sentences = read(file, heads)
        lengths = [block.shape[-1] for block in attention]
        counts = np.unique(sentences, return_counts=True)[1].tolist()
        if not (len(tokens) == query.shape[-2] == key.shape[-2] and lengths == counts):
            raise ValueError("some tokens are missing")
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        raise ValueError(f"{file} is no export, or not whole ({error})") from None
    return Export(query, key, attention, tokens, sentences, manifest)


def read_npz(file: Path, heads: tuple[int, int]) -> tuple:
    with np.load(file) as held:
        blocks = [held[f"attention_{number}"] for number in range(len(np.unique(held["sentences"])))]
        return held["query"], held["key"], blocks, held["tokens"].tolist(), held["sentences"]


def read_parquet(file: Path, heads: tuple[int, int]) -> tuple:
    table = parquet().read_table(file)
    sentences, rows = table["sentence"].to_numpy(), table["attention"].to_numpy()
    query, key = (from_tokens(table[name].to_numpy(), heads) for name in ("query", "key"))
    blocks = [from_tokens(rows[sentences == number], heads) for number in np.unique(sentences)]
    return query, key, blocks, table["token"].to_pylist(), sentences


def by_token(array_LHNx: np.ndarray) -> list[np.ndarray]:
    """One list of numbers per token: [L, H, N, x] -> N of [L H x]."""
    return [rows.ravel() for rows in np.moveaxis(array_LHNx, -2, 0)]


def from_tokens(rows: np.ndarray, heads: tuple[int, int]) -> np.ndarray:
    """And back again."""
    return np.moveaxis(np.stack(rows).reshape(len(rows), *heads, -1), 0, -2)


def parquet() -> Any:
    try:
        import pyarrow.parquet
    except ImportError:
        raise InputError("parquet takes pyarrow: pip install 'minibert-numpy[parquet]'") from None
    return pyarrow.parquet


def write_table(columns: dict[str, Any], file: Any) -> None:
    """Columns as a file of parquet. ValueError: there is no pyarrow."""
    writer = parquet()
    import pyarrow

    writer.write_table(pyarrow.table(columns), file)

"""Queries, keys, attention and tokens in a file: written once with a model, read and drawn anywhere without one.

export.npz      query, key [L, H, N, K]; tokens, sentences [N];
                attention_0 [L, H, S, S] of the first sentence, attention_1 of the second, ...
export.parquet  a row per token: sentence, token, and lists of numbers, layer by layer and head by head:
                query, key (K numbers a head), attention (S numbers a head: to the tokens of its sentence)
manifest.json   beside it: the model, the text, how the sample was drawn, the version of minibert
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from viz.errors import InputError
from viz.files import whole_file


@dataclass(frozen=True)
class Export:
    """The content of an export. The tokens of all sentences are end to end; attention has [L, H, S, S] per sentence.

    manifest: facts about the rest; its "layers" and "heads" are those of the model that the axes L and H have.
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
    """Write the file, .npz or .parquet by its ending, and manifest.json beside it.

    The manifest is written last: where a new folder has one, the file is whole. InputError: pyarrow is missing.
    """
    path = Path(path)
    with whole_file(path) as beside, beside.open("wb") as file:
        if path.suffix == ".parquet":
            lists = {"query": by_token(export.query), "key": by_token(export.key)}
            lists["attention"] = [row for block in export.attention for row in by_token(block)]
            write_table({"sentence": export.sentences, "token": export.tokens, **lists}, file)
        else:
            arrays: dict[str, Any] = {f"attention_{number}": block for number, block in enumerate(export.attention)}
            arrays |= {"query": export.query, "key": export.key}
            np.savez(file, tokens=export.tokens, sentences=export.sentences, **arrays)
    with whole_file(path.with_name("manifest.json")) as beside:
        text = json.dumps(export.manifest | {"file": path.name}, indent=2, ensure_ascii=False)
        beside.write_text(text + "\n", encoding="utf-8")


def read_export(path: str | Path) -> Export:
    """Read what `minibert viz --export` wrote. path: the file, or its folder.

        e = viz.read_export("out/tiny/books")
        n = viz.normalize(e.query[0, 3], e.key[0, 3], e.sentences)
        viz.measure(n, [block[0, 3] for block in e.attention], e.sentences).plane.nearest1

    InputError: there is no such file, it has no manifest beside it, it is not whole, or it is .parquet and pyarrow is
    missing.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path} is not there; expected what `minibert viz --export` wrote, or its folder")
    folder = path if path.is_dir() else path.parent
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        file, heads = folder / manifest["file"], (len(manifest["layers"]), len(manifest["heads"]))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path} has no manifest.json of an export with it ({error!r})") from None
    if path not in (file, folder):
        raise InputError(f"{folder / 'manifest.json'} is that of {file.name}, not of {path.name}")
    read = read_parquet if file.suffix == ".parquet" and parquet() else read_npz
    try:
        query, key, attention, tokens, sentences = read(file, heads)
        lengths = [block.shape[-1] for block in attention]
        counts = np.unique(sentences, return_counts=True)[1].tolist()
        if not (len(tokens) == query.shape[-2] == key.shape[-2] and lengths == counts):
            raise ValueError("some tokens are missing")
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        raise InputError(f"{file} is no export, or not whole ({error})") from None
    return Export(query, key, attention, tokens, sentences, manifest)


def read_npz(file: Path, heads: tuple[int, int]) -> tuple[Any, ...]:
    """query, key, attention, tokens, sentences of an .npz file."""
    with np.load(file) as held:
        blocks = [held[f"attention_{number}"] for number in range(len(np.unique(held["sentences"])))]
        return held["query"], held["key"], blocks, held["tokens"].tolist(), held["sentences"]


def read_parquet(file: Path, heads: tuple[int, int]) -> tuple[Any, ...]:
    """The same of a .parquet file. heads: how many layers and heads it has."""
    table = parquet().read_table(file)
    sentences, rows = table["sentence"].to_numpy(), table["attention"].to_numpy()
    query, key = (from_tokens(table[name].to_numpy(), heads) for name in ("query", "key"))
    blocks = [from_tokens(rows[sentences == number], heads) for number in np.unique(sentences)]
    return query, key, blocks, table["token"].to_pylist(), sentences


def by_token(array_LHNx: np.ndarray) -> list[np.ndarray]:
    """One list of numbers per token: [L, H, N, x] -> N of [L H x]."""
    return [rows.ravel() for rows in np.moveaxis(array_LHNx, -2, 0)]


def from_tokens(rows: Iterable[np.ndarray], heads: tuple[int, int]) -> np.ndarray:
    """And back again. heads: L and H."""
    rows = list(rows)
    return np.moveaxis(np.stack(rows).reshape(len(rows), *heads, -1), 0, -2)


def parquet() -> Any:
    """pyarrow.parquet, which is imported only here. InputError: it is missing."""
    try:
        return import_module("pyarrow.parquet")
    except ImportError:
        raise InputError("parquet takes pyarrow: pip install 'minibert-numpy[parquet]'") from None


def write_table(columns: dict[str, Any], file: Any) -> None:
    """Write columns to a .parquet file. InputError: pyarrow is missing."""
    parquet().write_table(import_module("pyarrow").table(columns), file)

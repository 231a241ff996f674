"""Tensors in safetensors files: where they lie, and reading them as float32."""

import json
from pathlib import Path, PureWindowsPath
from typing import NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open

from minibert.errors import CheckpointError
from minibert.files import POINTER, PULL, abbreviate, is_there, read_json

DTYPES = {"F32": "<f4", "F16": "<f2", "BF16": "<u2", "F64": "<f8"}
"""safetensors' names of what can be made float32, and how NumPy reads them."""


class Stored(NamedTuple):
    """A tensor as it lies in a safetensors file."""

    path: Path
    dtype: str
    shape: tuple[int, ...]
    content: np.ndarray
    """its bytes, a view of the mapped file: nothing is read before it is used"""


def find_tensors(folder: Path) -> dict[str, Stored]:
    """Where each tensor of a checkpoint lies, by name, in one safetensors file or in those its index lists.

    `gamma` and `beta` are what the weight and bias of a layer norm were called in TensorFlow.
    """
    index = folder / "model.safetensors.index.json"
    if is_there(folder / "model.safetensors"):
        found = read_header(folder / "model.safetensors")
    elif is_there(index):
        found = read_shards(index)
    else:
        from minibert.checkpoint.layout import check_listing, names_in  # only needed for what is no checkpoint

        check_listing(folder, names_in(folder))
        raise CheckpointError(f"{folder}: model.safetensors is no file; get it from where the folder came from")
    new = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}
    for old, name in new.items():
        found = {key.replace(old, name) if key.endswith(old) else key: tensor for key, tensor in found.items()}
    return found


def read_map(index: Path) -> dict[str, str]:
    """The `weight_map` of an index: the file of each tensor, which lies beside the index."""
    places = read_json(index).get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(shard, str) for shard in places.values()):
        raise CheckpointError(f"{index}: weight_map is {abbreviate(places)}; expected tensor names with file names")
    for shard in places.values():
        if PureWindowsPath(shard).name != shard or not shard.endswith(".safetensors"):
            raise CheckpointError(
                f"{index} names the file {abbreviate(shard)}; expected a .safetensors beside it, without a path"
            )
    return places


def shards_of(index: Path) -> list[str]:
    """The files that an index shares the tensors out to."""
    return sorted(set(read_map(index).values()))


def read_shards(index: Path) -> dict[str, Stored]:
    """The tensors of several files, as `weight_map` of the index shares them out."""
    places = read_map(index)
    beside = {path.name for path in index.parent.iterdir() if path.is_file()}
    shards = {}
    for shard in sorted(set(places.values())):
        if shard not in beside:
            raise CheckpointError(
                f"{index} names the file {abbreviate(shard)}, which is not there; get it where the folder came from"
            )
        shards[shard] = read_header(index.parent / shard)
    for name, shard in places.items():
        if name not in shards[shard]:
            raise CheckpointError(f"{index} says that {abbreviate(name)} is in {shard}, where it is not")
    return {name: shards[shard][name] for name, shard in places.items()}


def read_header(path: Path) -> dict[str, Stored]:
    """The names, types, shapes and places of a safetensors file: 8 bytes of length, that much JSON, then the tensors.

    `safetensors` checks it first: that offsets stay in the file, do not overlap, and agree with shapes and types. Then
    the file is mapped, not read: its pages are shared by all who use the model, and float32 is never copied. A change
    to an array stays in memory. (So replace a model.safetensors that is in use, never write into it.)
    """
    try:
        with path.open("rb") as file:  # safetensors has one word for all that can go wrong in opening it
            if file.read(len(POINTER)) == POINTER.encode():
                raise CheckpointError(f"{path} is a pointer of git-lfs, not the file itself; {PULL}")
        with safe_open(path, framework="numpy"):
            mapped = np.asarray(np.memmap(path, np.uint8, mode="c"))
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read ({error.strerror or error}); check the file and its permissions"
        ) from None
    except SafetensorError as error:
        raise CheckpointError(f"{path} is broken or cut short ({str(error)[:200]}); get the file again") from None
    start = 8 + int.from_bytes(mapped[:8].tobytes(), "little")
    header = json.loads(mapped[8:start].tobytes())
    header.pop("__metadata__", None)
    return {
        name: Stored(path, entry["dtype"], tuple(entry["shape"]), mapped[start:][slice(*entry["data_offsets"])])
        for name, entry in header.items()
    }


def read_tensor(name: str, stored: Stored, shape: tuple[int, ...]) -> np.ndarray:
    """The tensor as float32. bfloat16, which NumPy does not know, is the upper half of a float32."""
    what = f"{stored.path}: {abbreviate(name)}"
    if stored.shape != shape:
        got = abbreviate(list(stored.shape))
        raise CheckpointError(f"{what} has shape {got}, but config.json asks for {list(shape)}; are they of one model?")
    if stored.dtype not in DTYPES:
        raise CheckpointError(f"{what} is {stored.dtype}; expected one of {', '.join(DTYPES)}")
    raw = stored.content.view(DTYPES[stored.dtype])
    if not raw.flags.aligned:  # older files: the header ends anywhere
        raw = raw.copy()
    if stored.dtype == "BF16":
        raw = (raw.astype(np.uint32) << 16).view(np.float32)
    with np.errstate(over="ignore"):  # what is too large for float32 becomes infinite
        tensor = raw.astype(np.float32, copy=False).reshape(shape)
        squares = np.vdot(tensor, tensor)  # one quick pass, which finite values may overflow: then look at each
    if not np.isfinite(squares) and not np.isfinite(tensor).all():
        raise CheckpointError(f"{what} has infinite values, or some that are no numbers; get it again")
    return tensor

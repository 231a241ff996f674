"""Tensors in safetensors files: where they lie, and reading them as float32.

A file is 8 bytes with the length of its header, the header in JSON, and the tensors, one after another without a gap.
"""

import json
import math
from pathlib import Path, PureWindowsPath
from typing import NamedTuple

import numpy as np

from minibert.errors import CheckpointError
from minibert.files import POINTER, PULL, abbreviate, is_there, read_json

DTYPES = {"F32": "<f4", "F16": "<f2", "BF16": "<u2", "F64": "<f8"}
"""The names in a header of what can be made float32, and how NumPy reads them."""

BITS = {"BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "C64": 64}
BITS |= {"BF16": 16, "F16": 16, "F32": 32, "F64": 64}
BITS |= {f"{kind}{bits}": bits for kind in "UI" for bits in (8, 16, 32, 64)}
"""The bits of a number of each type. Files also have tensors that minibert does not read."""

LONGEST_HEADER = 10_000_000
"""Bytes. The header of BERT-large has 50,000."""

MOST_AXES = 64
"""As NumPy has it."""


class Stored(NamedTuple):
    """A tensor as it lies in a safetensors file."""

    path: Path
    dtype: str
    shape: tuple[int, ...]
    content: np.ndarray
    """its bytes, a view of the mapped file; none is read before it is used"""


def find_tensors(folder: Path) -> dict[str, Stored]:
    """name -> place of each tensor of a checkpoint, in one safetensors file or in those that its index lists.

    In TensorFlow the weight and the bias of a layer norm were called `gamma` and `beta`.
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
            wanted = "expected a .safetensors beside it, without a path"
            raise CheckpointError(f"{index} names the file {abbreviate(shard)}; {wanted}")
    return places


def shards_of(index: Path) -> list[str]:
    """The files that an index lists."""
    return sorted(set(read_map(index).values()))


def read_shards(index: Path) -> dict[str, Stored]:
    """The tensors of several files, each from the file that `weight_map` of the index lists for it."""
    places = read_map(index)
    beside = {path.name for path in index.parent.iterdir() if path.is_file()}
    shards = {}
    for shard in sorted(set(places.values())):
        if shard not in beside:
            missing = "which is not there; get it where the folder came from"
            raise CheckpointError(f"{index} names the file {abbreviate(shard)}, {missing}")
        shards[shard] = read_header(index.parent / shard)
    for name, shard in places.items():
        if name not in shards[shard]:
            raise CheckpointError(f"{index} lists {abbreviate(name)} under {shard}, where it is not")
    return {name: shards[shard][name] for name, shard in places.items()}


def read_header(path: Path) -> dict[str, Stored]:
    """The names, types, shapes and places of the tensors in a safetensors file.

    CheckpointError: they do not follow each other from the header to the end of the file, each with the length of its
    shape and type.
    """
    try:
        content = bytes_of(path)
    except OSError as error:
        why = f"({error.strerror or error}); check the file and its permissions"
        raise CheckpointError(f"{path} cannot be read {why}") from None
    if content[: len(POINTER)].tobytes() == POINTER.encode():
        raise CheckpointError(f"{path} is a pointer of git-lfs, not the file itself; {PULL}")
    try:
        start = 8 + int.from_bytes(content[:8].tobytes(), "little")
        if start > min(len(content), LONGEST_HEADER):
            raise ValueError("its header does not end in the file")
        header = json.loads(content[8:start].tobytes().decode("utf-8"))
        header.pop("__metadata__", None)
        return follow_each_other(path, header, content[start:])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        what = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{path} is broken or cut short ({what}); get the file again") from None


def bytes_of(path: Path) -> np.ndarray:
    """[bytes] A file. It is mapped: all who use the model share its pages, and nothing is read before it is used.

    A change to the array stays in memory. (So replace a model.safetensors that is in use, never write into it.)
    """
    try:
        return np.asarray(np.memmap(path, np.uint8, mode="c"))
    except (ImportError, OSError, ValueError):  # a Python in a browser has no mmap, an empty file cannot be mapped
        content = bytearray(path.stat().st_size)
        with path.open("rb") as file:
            file.readinto(content)
        return np.frombuffer(content, np.uint8)


def follow_each_other(path: Path, header: dict, data: np.ndarray) -> dict[str, Stored]:
    """The tensors of a header, by name. ValueError: one does not begin where the one before it ends."""
    found, place = {}, 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        dtype, shape, (begin, end) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
        if not all(type(number) is int and 0 <= number < 2**63 for number in (*shape, begin, end)):
            raise ValueError(f"the shape or the place of {abbreviate(name)} is no whole number")
        if len(shape) > MOST_AXES or begin != place or 8 * (end - begin) != BITS[dtype] * math.prod(shape):
            raise ValueError(f"{abbreviate(name)} does not lie where its shape and type have it")
        found[name], place = Stored(path, dtype, shape, data[begin:end]), end
    if place != len(data):
        raise ValueError(f"the tensors end after {place} of {len(data)} bytes")
    return found


def read_tensor(name: str, stored: Stored, shape: tuple[int, ...]) -> np.ndarray:
    """The tensor as float32. NumPy has no bfloat16; it is the upper half of a float32."""
    what = f"{stored.path}: {abbreviate(name)}"
    if stored.shape != shape:
        got = abbreviate(list(stored.shape))
        raise CheckpointError(f"{what} has shape {got}, but config.json needs {list(shape)}; are they of one model?")
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

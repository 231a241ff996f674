"""Tensors in safetensors files: where they lie, and reading them as float32."""

import json
import math
from pathlib import Path, PureWindowsPath
from typing import NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open

from minibert.config import CheckpointError, abbreviate, read_json

DTYPES = {"F32": "<f4", "F16": "<f2", "BF16": "<u2", "F64": "<f8"}
"""safetensors' names of what can be made float32, and how NumPy reads them."""

CONVERT = (
    'if you trust it, make a model.safetensors in that folder with: python -c "import torch, safetensors.torch; '
    "tensors = torch.load('pytorch_model.bin', weights_only=True); "
    "safetensors.torch.save_file({n: t.clone() for n, t in tensors.items()}, 'model.safetensors')\""
)


class Stored(NamedTuple):
    """Where a tensor lies: bytes from `start` of a safetensors file."""

    path: Path
    dtype: str
    shape: tuple[int, ...]
    start: int


def find_tensors(folder: Path) -> dict[str, Stored]:
    """Where each tensor of a checkpoint lies, by name, in one safetensors file or in those its index lists.

    `gamma` and `beta` are what the weight and bias of a layer norm were called in TensorFlow.
    """
    index = folder / "model.safetensors.index.json"
    if (folder / "model.safetensors").is_file():
        found = read_header(folder / "model.safetensors")
    elif index.is_file():
        found = read_shards(index)
    elif any(folder.glob("pytorch_model*.bin")):
        raise CheckpointError(f"{folder} has only a pytorch_model.bin, and unpickling runs what is in it; {CONVERT}")
    else:
        raise CheckpointError(f"{folder} has no model.safetensors; get it from where the folder came from")
    new = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}
    for old, name in new.items():
        found = {key.replace(old, name) if key.endswith(old) else key: tensor for key, tensor in found.items()}
    return found


def read_shards(index: Path) -> dict[str, Stored]:
    """The tensors of several files, as `weight_map` of the index shares them out."""
    places = read_json(index).get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(shard, str) for shard in places.values()):
        raise CheckpointError(f"{index}: weight_map is {abbreviate(places)}; expected tensor names with file names")
    shards = {}
    for shard in sorted(set(places.values())):
        if PureWindowsPath(shard).name != shard or shard == "..":
            raise CheckpointError(f"{index} names the file {abbreviate(shard)}; expected one beside it, without a path")
        shards[shard] = read_header(index.parent / shard)
    for name, shard in places.items():
        if name not in shards[shard]:
            raise CheckpointError(f"{index} says that {abbreviate(name)} is in {shard}, where it is not")
    return {name: shards[shard][name] for name, shard in places.items()}


def read_header(path: Path) -> dict[str, Stored]:
    """The names, types, shapes and places of a safetensors file: 8 bytes of length, that much JSON, then the tensors.

    `safetensors` checks it first: that offsets stay in the file, do not overlap, and agree with shapes and types.
    """
    try:
        with safe_open(path, framework="numpy"), path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length))
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror or error}); get the file again") from None
    except (SafetensorError, ValueError) as error:
        raise CheckpointError(f"{path} is broken or cut short ({str(error)[:200]}); get the file again") from None
    header.pop("__metadata__", None)
    return {
        name: Stored(path, entry["dtype"], tuple(entry["shape"]), 8 + length + entry["data_offsets"][0])
        for name, entry in header.items()
    }


def read_tensor(name: str, stored: Stored, shape: tuple[int, ...]) -> np.ndarray:
    """The tensor as float32. bfloat16, which NumPy does not know, is the upper half of a float32."""
    if stored.shape != shape:
        expected, got = list(shape), list(stored.shape)
        raise CheckpointError(f"{stored.path}: {name} has shape {got}, but config.json asks for {expected}")
    if stored.dtype not in DTYPES:
        raise CheckpointError(f"{stored.path}: {name} is {stored.dtype}; expected one of {', '.join(DTYPES)}")
    raw = np.fromfile(stored.path, DTYPES[stored.dtype], math.prod(shape), offset=stored.start)
    if raw.size != math.prod(shape):
        raise CheckpointError(f"{stored.path} was cut short while it was read; get the file again")
    if stored.dtype == "BF16":
        raw = (raw.astype(np.uint32) << 16).view(np.float32)
    with np.errstate(over="ignore"):  # what is too large for float32 becomes infinite
        tensor = raw.astype(np.float32, copy=False).reshape(shape)
        finite = (
            np.isfinite(np.vdot(tensor, tensor)) or np.isfinite(tensor).all()
        )  # the first is fast, and may overflow
    if not finite:
        raise CheckpointError(
            f"{stored.path}: {name} has values that are infinite, or not numbers; train or get it again"
        )
    return tensor

"""What a student's function returned, on its way from the worker's process to the checker's.

Nothing is unpickled: a reply is JSON, and arrays beside it in NumPy's own format, so that a student's file can send
numbers and nothing else. The JSON contains how values were nested; `[number]` in it is an array.
"""

import io
import json
import struct
from typing import Any, BinaryIO

import numpy as np

from minibert.exercises.course.exercise import Other

LARGEST = 64_000_000
"""bytes; of larger arrays only dtype and shape are sent"""
MOST_ITEMS = 1000
DEEPEST = 8


def pack(reply: dict, values: list[object]) -> bytes:
    """One message: the JSON `reply`, and the values a student's function returned."""
    arrays: list[np.ndarray] = []
    reply = {**reply, "values": [describe(value, arrays, 0) for value in values]}
    buffer = io.BytesIO()
    named: dict[str, Any] = {str(i): array for i, array in enumerate(arrays)}
    np.savez(buffer, header=np.frombuffer(json.dumps(reply).encode(), np.uint8), **named)
    return struct.pack(">Q", buffer.getbuffer().nbytes) + buffer.getvalue()


def describe(value: object, arrays: list[np.ndarray], depth: int) -> dict:
    """A value in JSON; the arrays in it are appended to `arrays`."""
    kind = type(value).__name__
    if value is None or type(value) in (bool, str):
        return {"plain": value[:1000] if isinstance(value, str) else value}
    if isinstance(value, int | float) and not isinstance(value, np.generic):
        return {"number": repr(float(value)) if isinstance(value, float) else str(value)[:50]}
    if isinstance(value, np.ma.MaskedArray):
        return {"other": "a masked array; what is masked has no number in it: .filled(0) gives it one"}
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        if array.dtype.kind not in "biuf":
            return {"other": f"an array of dtype {array.dtype}"}
        if array.nbytes + sum(other.nbytes for other in arrays) > LARGEST:
            return {"other": f"an array of shape {list(array.shape)}"}
        arrays.append(array)
        return {"array": len(arrays) - 1}
    if isinstance(value, list | tuple | dict) and depth < DEEPEST and len(value) <= MOST_ITEMS:
        if isinstance(value, dict):
            return {"dict": {str(key): describe(item, arrays, depth + 1) for key, item in value.items()}}
        return {"list" if isinstance(value, list) else "tuple": [describe(item, arrays, depth + 1) for item in value]}
    if isinstance(value, list | tuple | dict):
        return {"other": f"a {kind} of {len(value)} items"}
    return {"other": "..." if value is ... else f"a value of type {kind}"}


def read_message(stream: BinaryIO) -> dict:
    """The next message, its "values" rebuilt. Raises EOFError if the other process has ended."""
    (length,) = struct.unpack(">Q", read_exactly(stream, 8))
    if length > 2 * LARGEST:
        raise EOFError
    with np.load(io.BytesIO(read_exactly(stream, length)), allow_pickle=False) as file:
        reply = json.loads(file["header"].tobytes())
        reply["values"] = [rebuild(value, file) for value in reply["values"]]
    return reply


def read_exactly(stream: BinaryIO, length: int) -> bytes:
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return data


def rebuild(described: dict, arrays) -> object:
    ((kind, value),) = described.items()
    match kind:
        case "array":
            return arrays[str(value)]
        case "number":
            return float(value)
        case "list":
            return [rebuild(item, arrays) for item in value]
        case "tuple":
            return tuple(rebuild(item, arrays) for item in value)
        case "dict":
            return {key: rebuild(item, arrays) for key, item in value.items()}
        case "other":
            return Other(value)
    return value

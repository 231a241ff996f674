"""Arrays as text: 16 bits where they are only drawn, float32 where a number is shown."""

import base64
import zlib

import numpy as np

QUANTA = 32767


def text(array: np.ndarray) -> str:
    """Little-endian bytes as base64."""
    return base64.b64encode(np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"))).tobytes()).decode()


def signed(array: np.ndarray, largest: float) -> str:
    """-largest .. largest as 16 bits; off by at most largest / 65534."""
    return text(np.rint(array * (QUANTA / (largest or 1))).astype(np.int16))


def unsigned(array: np.ndarray, largest: float) -> str:
    """0 .. largest as 16 bits; off by at most largest / 131070."""
    return text(np.rint(np.clip(array / (largest or 1), 0, 1) * 65535).astype(np.uint16))


def ratios(array: np.ndarray) -> str:
    """Numbers from 0 as shares of the largest of them, in 16 bits."""
    return unsigned(array, float(array.max(initial=0)))


def float32(array: np.ndarray) -> str:
    """float32, as it is."""
    return text(array.astype(np.float32))


def deflated(array: np.ndarray) -> str:
    """Numbers as they are, compressed by deflate without a header, as base64.

    The lowest bytes of all numbers come first, then the next, up to those with the sign: bytes of one place are alike.
    """
    array = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<")))
    planes = array.reshape(-1).view(np.uint8).reshape(-1, array.itemsize).T
    squeeze = zlib.compressobj(6, zlib.DEFLATED, -15)
    return base64.b64encode(squeeze.compress(planes.tobytes()) + squeeze.flush()).decode()

"""Which arrays a page of limited size keeps whole."""

import re

import numpy as np

from minibert.read.recorder import LARGE_WEIGHT, Recording, Snapshot
from viz.explorer import pack

LONGEST_ROW = 16_384
"""bytes: of an array that does not fit, the first row is kept if it is no longer"""
LARGE = 10
"""An array that takes more than one part in LARGE of the page is large."""
LEAST_PACKED = 3
"""An array is taken to fit where it has at most so many bytes for each byte of room: deflate rarely saves more."""
ROUNDS = 2
"""of a loop: the arrays of later rounds are kept last"""
FIRST_LAYER = 1
"""The layer that the page's questions are about; its attention is kept before that of the others."""
ATTENTION, LAYER = "self_attention", "encoder_layer"
"""The functions of the chapters below which attention, and one layer, is computed."""


def what_fits(recording: Recording, limit: int) -> list[tuple[np.ndarray, str]]:
    """For each array what is kept of it, and that as text; `limit` is the length of all texts together, about.

    An array is kept whole, or only its `first_row`.

    The order: the attention of FIRST_LAYER, then of the other layers; arrays with letters in their names; all others;
    later rounds of loops; arrays that are large for this page (logits) or belong to no token (reshaped weights). Small
    arrays come first in each group.
    """
    kept = [(row, as_text(row)) for row in map(first_row, recording.arrays)]
    ranks, room = order(recording, limit // LARGE), limit - sum(len(text) for _, text in kept)
    for i in sorted(range(len(kept)), key=lambda i: (ranks[i], recording.arrays[i].numbers.nbytes)):
        numbers = recording.arrays[i].numbers
        if numbers.nbytes <= LEAST_PACKED * room:  # else it cannot fit: no need to try
            text = as_text(numbers)
            if len(text) - len(kept[i][1]) <= room:
                room -= len(text) - len(kept[i][1])
                kept[i] = numbers, text
    return kept


def as_text(numbers: np.ndarray) -> str:
    return pack.deflated(numbers.astype(np.float64 if is_wide(numbers) else np.float32))


def is_wide(numbers: np.ndarray) -> bool:
    """Whether float32 would round the numbers."""
    return numbers.dtype == np.float64 or (numbers.dtype.kind in "iu" and numbers.itemsize > 4)


def order(recording: Recording, large: int) -> list[int]:
    """For each array the number of its group in `what_fits`, from 0. large: in bytes."""
    layers = layers_of_attention(recording)
    early = {number for _, _, number in recording.named(ROUNDS)}
    rank = [2 if i in recording.letters else 3 if i in early else 4 for i in range(len(recording.arrays))]
    for i, array in enumerate(recording.arrays):
        letters = recording.letters.get(i, "")
        of_tokens = not letters or re.search("[TSN]", letters)
        if array.numbers.nbytes > large or (array.numbers.size > LARGE_WEIGHT and not of_tokens):
            rank[i] = 5
    for call, _, number in recording.named():
        layer = layers.get(id(call))
        if layer is not None:
            rank[number] = min(rank[number], 0 if layer == FIRST_LAYER else 1)
    return rank


def layers_of_attention(recording: Recording) -> dict[int, int]:
    """id of a call -> layer, for each call of ATTENTION and all calls below it."""
    layers: dict[int, int] = {}
    current = -1
    for call in recording.calls:  # a call stands after the one that made it
        above = None if call.parent is None else recording.calls[recording.visits[call.parent].call]
        current += call.name == LAYER
        if call.name == ATTENTION:
            layers[id(call)] = current
        elif above is not None and id(above) in layers:
            layers[id(call)] = layers[id(above)]
    return layers


def first_row(array: Snapshot) -> np.ndarray:
    """What is kept of an array that does not fit: its first row, or nothing where that is long."""
    if not array.shape:
        return array.numbers
    return array.numbers[: 1 if array.numbers[:1].nbytes <= LONGEST_ROW else 0]

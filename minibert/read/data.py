"""What was recorded, as the JSON that the page reads."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from minibert.read.fit import is_wide, what_fits
from minibert.read.recorder import Call, Recording, Ref, Snapshot, Visit
from minibert.read.source import chapter


def recorded(recording: Recording, names: Mapping[str, str], limit: int) -> tuple[dict[str, Any], dict[int, int], int]:
    """Chapters, calls, visits and arrays; the new numbers of the visits; how many arrays are not whole.

    names: the page's name of each source file.  limit: bytes that the arrays may take.
    """
    pages = [chapter(Path(file).read_text(encoding="utf-8"), name) for file, name in names.items()]
    number = {file: i for i, file in enumerate(names)}
    place = {(i, f["first"]): j for i, page in enumerate(pages) for j, f in enumerate(page["functions"])}
    calls, visits, numbers = without_the_empty(recording)
    kept = what_fits(recording, limit)
    letters = all_letters(recording)
    arrays = [packed_array(array, letters.get(i, ""), *kept[i]) for i, array in enumerate(recording.arrays)]
    data = {
        "chapters": pages,
        "calls": [
            [number[c.file], place[number[c.file], c.line], c.parent, packed(c.given), returned(c)] for c in calls
        ],
        "visits": [[v.call, v.line, packed(v.made), v.end] for v in visits],
        "arrays": arrays,
        "legend": legend(arrays),
    }
    partly = sum(len(rows) < len(a.numbers) for (rows, _), a in zip(kept, recording.arrays, strict=True) if a.shape)
    return data, numbers, partly


def without_the_empty(recording: Recording) -> tuple[list[Call], list[Visit], dict[int, int]]:
    """The calls in which, or below which, an array was seen, and their visits; both numbered anew.

    Also returns {old number of a visit: new number}.
    """
    full = [any(isinstance(x, Ref) for x in call.given.values()) for call in recording.calls]
    for visit in recording.visits:
        full[visit.call] |= any(isinstance(x, Ref) for x in visit.made.values())
    for i in range(len(full) - 1, 0, -1):  # a call stands after the one that made it
        parent = recording.calls[i].parent
        if full[i] and parent is not None:
            full[recording.visits[parent].call] = True
    kept_calls = [i for i, keep in enumerate(full) if keep]
    kept_visits = [i for i, visit in enumerate(recording.visits) if full[visit.call]]
    call_number = {old: new for new, old in enumerate(kept_calls)}
    visit_number = {old: new for new, old in enumerate(kept_visits)}
    calls = []
    for i in kept_calls:
        parent = recording.calls[i].parent
        calls.append(replace(recording.calls[i], parent=None if parent is None else visit_number[parent]))
    visits = [
        replace(v, call=call_number[v.call], end=bisect_left(kept_visits, v.end))
        for v in (recording.visits[i] for i in kept_visits)
    ]
    return calls, visits, visit_number


def all_letters(recording: Recording) -> dict[int, str]:
    """The letters of every array: those in its own name, else those of an array of its shape in the same call.

    An axis of length 1, such as that of a sum, gets "1" where the other array is longer.
    """
    letters = dict(recording.letters)
    by_call: dict[int, list[int]] = {}
    for call, _, number in recording.named():
        by_call.setdefault(id(call), []).append(number)
    for numbers in by_call.values():
        named = [n for n in dict.fromkeys(numbers) if n in recording.letters]
        for n in dict.fromkeys(numbers):
            shape = recording.arrays[n].shape
            for other in named:
                like = recording.arrays[other].shape
                if n in letters or len(like) != len(shape) or not shape:
                    continue
                if all(a in (b, 1) for a, b in zip(shape, like, strict=True)):
                    pairs = zip(shape, like, recording.letters[other], strict=True)
                    letters[n] = "".join(c if a == b else "1" for a, b, c in pairs)
    return letters


def legend(arrays: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """Each letter with its size; where it has several (ALBERT's embeddings have a smaller D), with the usual one."""
    sizes: dict[str, Counter[int]] = {letter: Counter() for letter in "TSHKDEFVN"}
    for array in arrays:
        for letter, size in zip(array["letters"], array["shape"], strict=False):
            if letter in sizes:
                sizes[letter][size] += 1
    usual = {letter: counts.most_common(1)[0][0] for letter, counts in sizes.items() if counts}
    return [(letter, size) for letter, size in usual.items() if letter != "E" or size != usual.get("D")]


def packed(names: dict[str, object]) -> dict[str, object]:
    """Names and what they were bound to: [number of an array], or a scalar, or its text."""
    return {name: value(x) for name, x in names.items()}


def value(x: object) -> object:
    if isinstance(x, Ref):
        return [x.number]
    if isinstance(x, slice):
        return f"{'' if x.start is None else x.start}:{'' if x.stop is None else x.stop}"
    if isinstance(x, float) and not np.isfinite(x):
        return str(x)
    return x if isinstance(x, bool | int | float | str) or x is None else str(x)


def returned(call: Call) -> list[int | None]:
    """The numbers of the arrays that a call returned, None for what is no array."""
    parts = call.returned if isinstance(call.returned, tuple) else (call.returned,)
    return [x.number if isinstance(x, Ref) else None for x in parts]


def packed_array(array: Snapshot, letters: str, numbers: np.ndarray, text: str) -> dict[str, Any]:
    """What the page knows about an array. numbers: those of its rows that are kept; text: the same, packed."""
    finite = array.numbers[np.isfinite(array.numbers)].astype(np.float64)
    rows = len(numbers) if array.shape and len(numbers) < array.shape[0] else None
    which = f"every {array.step}th" if array.step > 1 else f"the first {rows}"
    some = f"This page has {which} of its {array.shape[0]} rows." if rows else "Its numbers did not fit into this page."
    return {
        "shape": list(array.shape),
        "letters": letters,
        "rows": rows,
        "partly": "" if rows is None else some,
        "low": float(finite.min()) if finite.size else None,
        "high": float(finite.max()) if finite.size else None,
        "mean": short(finite.mean()) if finite.size > 1 else None,
        "spread": short(finite.std()) if finite.size > 1 else None,
        "step": array.step,
        "wide": is_wide(numbers),
        "data": text,
    }


def short(x: float) -> float:
    """Four digits: enough for a caption."""
    return float(f"{x:.4g}")

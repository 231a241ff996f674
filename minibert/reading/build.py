"""A sentence -> the page: run the model under the eyes of the recorder, and pack what was seen beside the source."""

import ast
import importlib
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import numpy as np

import minibert
import viz.geometry.normalize
from minibert.checkpoint.tokenizer import Encoding
from minibert.heads import classify, masked_lm_logits
from minibert.model import Bert, Text
from minibert.reading.plain import plain_equations, replaced
from minibert.reading.recorder import FIRST_ROWS, PARTS, Call, Recording, Ref, watching
from minibert.reading.source import chapter
from minibert.trace import Trace
from viz.explorer import pack
from viz.explorer.assemble import assemble, framed
from viz.explorer.build import Explorer

CHAPTERS = ("numerics", "embeddings", "attention", "encoder", "heads", "model")
ROOM, ROOM_PER_TOKEN, MOST_ROOM = 500_000, 280_000, 11_500_000
"""bytes that the arrays of a page may take; as text, compressed, they take 1.2 times as much"""
ROUNDS = 2
"""of a loop, whose arrays are kept before those of the rounds that follow"""
GEOMETRY_LAYER = 1
"""whose queries and keys the geometry is shown with"""
PAGE = files("minibert.reading") / "page"


@dataclass(frozen=True, repr=False)
class Reading(Explorer):
    """The page. In a notebook it shows itself in a frame of its own; `.save(path)` writes it."""

    def _repr_html_(self) -> str:
        return framed(self.html, 860, "the code that ran, beside its arrays")

    def __repr__(self) -> str:
        return f"Reading({len(self.html) / 1e6:.1f} MB; .save(path) writes it)"


def read(bert: Bert, text: Text, *, explorer: str = "", room: int | None = None) -> Reading:
    """The chapters' source and, at each line, the arrays it made of this text.

    explorer: the address of a page of `minibert explore`, seen from this page; it is linked to where it shows the same.
    room: bytes that the arrays may take. Of those that do not fit only the first rows are there, and the page says so.
    """
    encoding = bert.encode(text)
    modules = chapters()
    with replaced(modules, plain_equations(modules)), watching({m.__file__ for m in modules}) as recording:
        run(bert, encoding, recording)
    if room is None:
        room = min(MOST_ROOM, ROOM + ROOM_PER_TOKEN * max(12, len(encoding)))
    data, left_out = page_data(bert, encoding, recording, modules, room)
    data["explorer"] = explorer
    html = assemble("read.html", "read.mjs", "read.css", data, data["title"], PAGE)
    return Reading(html, left_out)


def run(bert: Bert, encoding: Encoding, recording: Recording) -> Trace:
    """All that is watched: the forward pass, what is built on it, and the geometry of its queries and keys."""
    trace = bert(encoding)
    if bert.weights.masked_lm:
        config = bert.config
        masked_lm_logits(trace.hidden_states[-1], bert.weights.masked_lm, config.hidden_act, config.layer_norm_eps)
    if bert.weights.classifier and trace.pooled is not None:
        classify(trace.pooled, bert.weights.classifier)
    layer = trace.layers[min(GEOMETRY_LAYER, len(trace.layers) - 1)]
    recording.name(query_HNK=layer.query, key_HNK=layer.key)
    viz.geometry.normalize.normalize(layer.query, layer.key)
    return trace


def chapters() -> list[ModuleType]:
    """The chapters in reading order: the model's, then the geometry's, each after those it imports."""
    geometry = {p.stem: p for p in Path(viz.geometry.__file__).parent.glob("*.py") if not p.stem.startswith("_")}
    order: list[str] = []

    def add(name: str) -> None:
        for node in ast.walk(ast.parse(geometry[name].read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                needed = (node.module or "").removeprefix("viz.geometry.")
                if needed in geometry and needed != name and needed not in order:
                    add(needed)
        if name not in order:
            order.append(name)

    for name in sorted(geometry):
        add(name)
    names = [f"minibert.{name}" for name in CHAPTERS] + [f"viz.geometry.{name}" for name in order]
    return [importlib.import_module(name) for name in names]


def page_data(
    bert: Bert, encoding: Encoding, recording: Recording, modules: Sequence[ModuleType], room: int
) -> tuple[dict, str]:
    """What the page is made of, and a sentence on what did not fit."""
    names = {module.__file__: f"{module.__name__.replace('.', '/')}.py" for module in modules}
    pages = [chapter(inspect.getsource(module), names[module.__file__]) for module in modules]
    number = {name: i for i, name in enumerate(names)}
    place = {(i, f["first"]): j for i, page in enumerate(pages) for j, f in enumerate(page["functions"])}
    calls, visits = without_the_empty(recording)
    kept, left_out = what_fits(recording, room)
    letters = all_letters(recording)
    config = bert.config
    data = {
        "title": f"minibert read · {' '.join(encoding.tokens)}",
        "text": encoding.text if isinstance(encoding.text, str) else " ||| ".join(encoding.text or ()),
        "model": Path(bert.name).name,
        "tokens": list(encoding.tokens),
        "vocabulary": [],
        "chapters": pages,
        "calls": [
            [number[c.file], place[number[c.file], c.line], c.parent, packed(c.given), returned(c)] for c in calls
        ],
        "visits": [[v.call, v.line, packed(v.made), v.end] for v in visits],
        "arrays": [
            packed_array(a.shape, a.numbers, letters.get(i, ""), kept[i]) for i, a in enumerate(recording.arrays)
        ],
        "leftOut": left_out,
        "rows": FIRST_ROWS,
        "version": getattr(minibert, "__version__", ""),
    }
    if any("V" in array["letters"] for array in data["arrays"]):
        data["vocabulary"] = [bert.tokenizer.token(i) for i in range(config.vocab_size)]
    return data, left_out


def without_the_empty(recording: Recording) -> tuple[list[Call], list]:
    """The calls in which, or below which, an array was seen, and their visits; numbered anew."""
    full = [any(isinstance(x, Ref) for x in call.given.values()) for call in recording.calls]
    for visit in recording.visits:
        full[visit.call] |= any(isinstance(x, Ref) for x in visit.made.values())
    for i in range(len(full) - 1, 0, -1):  # a call stands after the one that made it
        parent = recording.calls[i].parent
        if full[i] and parent is not None:
            full[recording.visits[parent].call] = True
    call_number, visit_number = {}, {None: None}
    for i, keep in enumerate(full):
        if keep:
            call_number[i] = len(call_number)
    count = [0]
    for i, visit in enumerate(recording.visits):
        if full[visit.call]:
            visit_number[i] = count[-1]
        count.append(count[-1] + full[visit.call])
    calls = [
        Call(c.file, c.name, c.line, visit_number[c.parent], c.given, c.returned)
        for i, c in enumerate(recording.calls)
        if full[i]
    ]
    visits = [type(v)(call_number[v.call], v.line, v.made, count[v.end]) for v in recording.visits if full[v.call]]
    return calls, visits


def what_fits(recording: Recording, room: int) -> tuple[list[bool], str]:
    """Which arrays are kept whole, and what is to be said of the others. First come those with letters in their names,
    last those of a loop's later rounds; and of each kind, small ones first."""
    sizes = [array.numbers.nbytes for array in recording.arrays]
    late = set(range(len(sizes))) - {number for _, _, number in recording.named(ROUNDS)}
    order = sorted(range(len(sizes)), key=lambda i: (i not in recording.letters, i in late, sizes[i]))
    kept, total = [False] * len(sizes), 0
    for i in order:
        if total + sizes[i] <= room:
            kept[i], total = True, total + sizes[i]
    missing = sum(not k and len(a.numbers) > FIRST_ROWS for k, a in zip(kept, recording.arrays, strict=True))
    weights = f"Of weights with more than {PARTS:,} numbers the first {FIRST_ROWS} rows are here."
    if not missing:
        return kept, weights
    return kept, (
        f"Of {missing} of the {len(kept)} arrays (steps inside the numerics, later rounds of loops) the first "
        f"{FIRST_ROWS} rows are here, to keep the page small. {weights}"
    )


def all_letters(recording: Recording) -> dict[int, str]:
    """The letters of every array: of its own name; else of an array in the same call that has its shape, where an axis
    of length 1 (a sum over it, say) is called "1"."""
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


def packed(names: dict[str, object]) -> dict:
    """Names and what they were bound to: [number of an array], or a scalar, or the text of one."""
    return {name: value(x) for name, x in names.items()}


def value(x: object) -> object:
    if isinstance(x, Ref):
        return [x.number]
    if isinstance(x, slice):
        return f"{'' if x.start is None else x.start}:{'' if x.stop is None else x.stop}"
    if isinstance(x, float) and not np.isfinite(x):
        return str(x)
    return x if isinstance(x, bool | int | float | str) or x is None else str(x)


def returned(call: Call) -> list:
    """The numbers of the arrays a call returned, None for what is no array."""
    parts = call.returned if isinstance(call.returned, tuple) else (call.returned,)
    return [x.number if isinstance(x, Ref) else None for x in parts]


def packed_array(shape: tuple[int, ...], numbers: np.ndarray, letters: str, whole: bool) -> dict:
    numbers = numbers if whole else numbers[:FIRST_ROWS]
    finite = numbers[np.isfinite(numbers)]
    wide = numbers.dtype == np.float64 or (numbers.dtype.kind in "iu" and numbers.itemsize > 4)
    return {
        "shape": list(shape),
        "letters": letters,
        "rows": len(numbers) if shape and len(numbers) < shape[0] else None,
        "low": float(finite.min()) if finite.size else None,
        "high": float(finite.max()) if finite.size else None,
        "wide": wide,
        "data": pack.deflated(numbers.astype(np.float64 if wide else np.float32)),
    }

"""A sentence -> the page: run the model under the eyes of the recorder, and pack what was seen beside the source."""

import ast
import importlib
import inspect
from bisect import bisect_left
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import numpy as np

import viz.geometry.normalize
from minibert.heads import classify, masked_lm_logits
from minibert.model import Bert, Text
from minibert.read.plain import plain_equations, replaced
from minibert.read.recorder import PARTS, ROWS, Call, Recording, Ref, Snapshot, Visit, watching
from minibert.read.source import chapter
from minibert.speed.cores import one_thread
from minibert.tokenizer.tokenizer import Encoding
from minibert.trace import Trace
from viz.explorer import pack
from viz.explorer.build import Explorer
from viz.geometry.attention_plane import attention_plane
from viz.web.assemble import assemble, framed

CHAPTERS = ("numerics", "embeddings", "attention", "encoder", "heads", "model")
ROOM, ROOM_PER_TOKEN, MOST_ROOM = 500_000, 340_000, 10_500_000
"""bytes that the arrays of a page may take; as text, compressed, they take about 1.3 times as much"""
LONGEST_ROW = 16_384
"""bytes: of an array that does not fit, the first row is kept if it is no longer"""
ROUNDS = 2
"""of a loop, whose arrays are kept before those of the rounds that follow"""
GEOMETRY_LAYER = 1
"""whose queries and keys the geometry is shown with"""
PLANE_STEPS = 3
"""of the descent to the attention plane; all are alike"""
PAGE = files("minibert.read") / "page"


@dataclass(frozen=True, repr=False)
class Reading(Explorer):
    """The page. In a notebook it shows itself in a frame of its own; `.save(path)` writes it."""

    student: str = ""
    """whose functions ran, where not all were the library's"""

    def _repr_html_(self) -> str:
        return framed(self.html, 860, "the code that ran, beside its arrays")

    def __repr__(self) -> str:
        return f"Reading({len(self.html) / 1e6:.1f} MB; .save(path) writes it)"


def read(
    bert: Bert, text: Text, *, explorer: str = "", exercises: str | Path | None = None, room: int | None = None
) -> Reading:
    """The chapters' source and, at each line, the arrays it made of this text.

    explorer: the address of a page of `minibert explore`, seen from this page; it is linked to where it shows the same.
    exercises: a folder of the course. Functions in it that are right run in place of the library's.
    room: bytes that the arrays may take. Of those that do not fit only the first row is there, and the page says so.
    """
    encoding = bert.encode(text)
    if room is None:
        room = min(MOST_ROOM, ROOM + ROOM_PER_TOKEN * max(12, len(encoding)))
    modules = chapters()
    plain = plain_equations(modules)
    names = {module.__file__: f"{module.__name__.replace('.', '/')}.py" for module in modules}
    library = student = None
    if exercises is not None:
        from minibert.read.student import own_functions

        others, yours = own_functions(Path(exercises), bert, modules)
        library = record(bert, encoding, modules, plain, names)
        plain |= others
        mine = {inspect.unwrap(f).__code__.co_filename for f in others.values() if inspect.isfunction(f)}
        mine = {file: f"yours/{Path(file).name}" for file in sorted(mine) if file not in names}
        names = mine | names
        student = about(yours)
    recording = record(bert, encoding, modules, plain, names)
    data, left_out = page_data(bert, encoding, recording, names, room)
    data["explorer"] = explorer
    if library is not None:
        from minibert.read.student import first_difference

        found = first_difference(recording, library, mine)
        data["differs"] = {} if found is None else {data["visitNumbers"][found[0]]: found[1]}
        student += (
            " Every array that the library has under the same name is equal to it."
            if found is None
            else (f" The first line whose array differs is marked: {found[1]}.")
        )
    del data["visitNumbers"]
    data["student"] = student or ""
    html = assemble("read.html", "read.mjs", "read.css", data, data["title"], PAGE)
    return Reading(html, left_out, student=student or "")


def about(yours: Sequence[str]) -> str:
    if not yours:
        return "None of the functions is yours yet: all of this is the library's."
    return f"Yours: {', '.join(yours)}. They are right, and ran in place of the library's."


def record(
    bert: Bert,
    encoding: Encoding,
    modules: Sequence[ModuleType],
    others: Mapping[Callable, Callable],
    files: Collection[str],
) -> Recording:
    """Watch the model run with other functions in place of its own: their plain equations, or a student's."""
    with replaced(modules, others), watching(files) as recording:
        run(bert, encoding, recording)
    return recording


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
    with one_thread():  # of many small products
        viz.geometry.normalize.normalize(layer.query, layer.key)
        attention_plane(layer.query, layer.key, [slice(0, len(encoding))], steps=PLANE_STEPS)
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
    bert: Bert, encoding: Encoding, recording: Recording, names: Mapping[str, str], room: int
) -> tuple[dict, str]:
    """What the page is made of, and a sentence on what did not fit. names: what the page calls each file."""
    pages = [chapter(Path(file).read_text(encoding="utf-8"), name) for file, name in names.items()]
    number = {file: i for i, file in enumerate(names)}
    place = {(i, f["first"]): j for i, page in enumerate(pages) for j, f in enumerate(page["functions"])}
    calls, visits, numbers = without_the_empty(recording)
    kept, left_out = what_fits(recording, room)
    letters = all_letters(recording)
    text = encoding.text
    data = {
        "title": f"minibert read · {' '.join(encoding.tokens)}",
        "text": text if isinstance(text, str) else " / ".join(text or ()),
        "model": Path(bert.name).name,
        "tokens": list(encoding.tokens),
        "vocabulary": [],
        "chapters": pages,
        "calls": [
            [number[c.file], place[number[c.file], c.line], c.parent, packed(c.given), returned(c)] for c in calls
        ],
        "visits": [[v.call, v.line, packed(v.made), v.end] for v in visits],
        "visitNumbers": numbers,
        "arrays": [packed_array(a, letters.get(i, ""), kept[i]) for i, a in enumerate(recording.arrays)],
        "leftOut": left_out,
    }
    if any("V" in array["letters"] for array in data["arrays"]):
        data["vocabulary"] = [bert.tokenizer.token(i) for i in range(bert.config.vocab_size)]
    return data, left_out


def without_the_empty(recording: Recording) -> tuple[list[Call], list[Visit], dict]:
    """The calls in which, or below which, an array was seen, and their visits, numbered anew; and the new numbers."""
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
    calls = [
        replace(recording.calls[i], parent=visit_number.get(recording.calls[i].parent))  # a root has none
        for i in kept_calls
    ]
    visits = [
        replace(v, call=call_number[v.call], end=bisect_left(kept_visits, v.end))
        for v in (recording.visits[i] for i in kept_visits)
    ]
    return calls, visits, visit_number


def what_fits(recording: Recording, room: int) -> tuple[list[bool], str]:
    """Which arrays are kept whole, and what is to be said of the others. First come those with letters in their names,
    last those of a loop's later rounds; and of each kind, small ones first."""
    first_rows = [first_row(array).nbytes for array in recording.arrays]
    sizes = [array.numbers.nbytes for array in recording.arrays]
    late = set(range(len(sizes))) - {number for _, _, number in recording.named(ROUNDS)}
    order = sorted(range(len(sizes)), key=lambda i: (i not in recording.letters, i in late, sizes[i]))
    kept, total = [False] * len(sizes), sum(first_rows)
    for i in order:
        if total + sizes[i] - first_rows[i] <= room:
            kept[i], total = True, total + sizes[i] - first_rows[i]
    missing = sum(not k and len(a.numbers) > 1 for k, a in zip(kept, recording.arrays, strict=True))
    weights = (
        f"Of weights with more than {PARTS:,} numbers {ROWS} rows are here, evenly spaced; of the descent to the "
        f"attention plane {PLANE_STEPS} steps."
    )
    if not missing:
        return kept, weights
    return kept, (
        f"Of {missing} of the {len(kept)} arrays (steps inside functions, later rounds of loops) only the first row is "
        f"here, or nothing where it is long, to keep the page small. {weights}"
    )


def first_row(array: Snapshot) -> np.ndarray:
    """What is kept of an array that does not fit: its first row, or nothing where that is long."""
    if not array.shape:
        return array.numbers
    return array.numbers[: 1 if array.numbers[:1].nbytes <= LONGEST_ROW else 0]


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


def packed_array(array: Snapshot, letters: str, whole: bool) -> dict:
    numbers = array.numbers if whole else first_row(array)
    finite = array.numbers[np.isfinite(array.numbers)]
    wide = numbers.dtype == np.float64 or (numbers.dtype.kind in "iu" and numbers.itemsize > 4)
    return {
        "shape": list(array.shape),
        "letters": letters,
        "rows": len(numbers) if array.shape and len(numbers) < array.shape[0] else None,
        "low": float(finite.min()) if finite.size else None,
        "high": float(finite.max()) if finite.size else None,
        "step": array.step,
        "wide": wide,
        "data": pack.deflated(numbers.astype(np.float64 if wide else np.float32)),
    }

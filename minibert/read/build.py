"""A sentence -> the page: the recorder watches the model run, and what it saw is packed beside the source."""

import importlib
import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import viz.geometry.normalize
from minibert.heads import classify, masked_lm_logits
from minibert.model import Bert, Text
from minibert.read.data import recorded
from minibert.read.questions import questions
from minibert.read.recorder import LARGE_WEIGHT, ROWS, Recording, watching
from minibert.speed.cores import one_thread
from minibert.speed.twins import plain
from minibert.tokenizer.encoding import Encoding
from minibert.trace import Trace
from viz.explorer.build import Explorer
from viz.geometry.attention_plane import attention_plane
from viz.web.assemble import assemble, framed

if TYPE_CHECKING:
    from minibert.read.student import Own

CHAPTERS = ("numerics", "embeddings", "attention", "encoder", "heads", "model")
MOVES = ("moves", "normalize", "sentences", "scale", "distances")
PLANES = ("pca", "score_plane", "attention_plane", "descent", "unfolding", "properties", "neighbor_maps")
"""The chapters of the geometry in reading order: how queries and keys are moved, then how they are drawn."""
PARTS = (
    ("yours", "Your functions", "They ran in place of the library's."),
    ("minibert", "The model", "The forward pass, leaves first: each chapter uses only what stands above it."),
    (
        "viz",
        "The geometry of queries and keys",
        "How the pictures of `minibert viz` are made: queries and keys are moved so that attention is nearness, then "
        "drawn in a plane.",
    ),
)
"""What divides the chapters, by the folder of their file: a title, and a sentence on what follows."""
LIMIT, LIMIT_PER_TOKEN, LARGEST_LIMIT = 440_000, 340_000, 10_800_000
"""bytes that the arrays of a page may take, as text"""
GEOMETRY_LAYER = 1
"""The geometry runs on the queries and keys of this layer."""
PLANE_STEPS = 3
"""of the descent to the attention plane; all steps are alike"""
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


def read(bert: Bert, text: Text, *, explorer: str = "", own: "Own | None" = None, limit: int | None = None) -> Reading:
    """The chapters' source and, at each line, the arrays it made of this text.

    explorer: the address of a page of `minibert explore`, relative to this page; links lead to the same numbers there.
    own: what `minibert.exercises.own.assemble(folder)` returns. Its functions run in place of the library's.
    limit: bytes that the arrays may take. Of an array beyond that, only the first row is kept, and the page says so.
    """
    encoding = bert.encode(text)
    if limit is None:
        limit = min(LARGEST_LIMIT, LIMIT + LIMIT_PER_TOKEN * max(12, len(encoding)))
    modules = chapters()
    names = {str(module.__file__): f"{module.__name__.replace('.', '/')}.py" for module in modules}
    library = None
    student, mine = "", {}
    others: Mapping[Callable[..., Any], Callable[..., Any]] = {}
    if own is not None:
        from minibert.read.student import own_functions

        others, yours = own_functions(own, modules)
        library, _ = record(bert, encoding, modules, {}, names)
        found = {inspect.unwrap(f).__code__.co_filename for f in others.values() if inspect.isfunction(f)}
        mine = {file: f"yours/{Path(file).name}" for file in sorted(found) if file not in names}
        student = about(yours)
    recording, trace = record(bert, encoding, modules, others, mine | names)
    data, numbers, partly = recorded(recording, mine | names, limit)
    data |= about_the_run(bert, encoding, data["arrays"]) | {
        "parts": PARTS,
        "questions": questions(recording, trace),
        "leftOut": left_out(partly, len(recording.arrays)),
        "explorer": explorer,
    }
    if library is not None:
        from minibert.read.student import first_difference

        difference = first_difference(recording, library, mine)
        data["differs"] = {} if difference is None else {numbers[difference[0]]: difference[1]}
        student += (
            " Every array that the library has under the same name is equal to it."
            if difference is None
            else f" The first line whose array differs is marked: {difference[1]}."
        )
    data["student"] = student
    html = assemble("read.html", "read.mjs", "read.css", data, data["title"], PAGE)
    return Reading(html, data["leftOut"], student=student)


def about(yours: Sequence[str]) -> str:
    if not yours:
        return "None of the functions is yours yet: all of this is the library's."
    return f"Yours: {', '.join(yours)}. They are right, and ran in place of the library's."


def record(
    bert: Bert,
    encoding: Encoding,
    modules: Sequence[ModuleType],
    others: Mapping[Callable[..., Any], Callable[..., Any]],
    files: Collection[str],
) -> tuple[Recording, Trace]:
    """Watch the model run the chapters' own functions, or others (a student's) in their place."""
    replacing: Any = nullcontext()
    if others:
        from minibert.read.student import replaced

        replacing = replaced(modules, others)
    with plain(), replacing, watching(files) as recording:
        trace = run(bert, encoding, recording)
    return recording, trace


def run(bert: Bert, encoding: Encoding, recording: Recording) -> Trace:
    """All that is watched: the forward pass, what is built on it, and the geometry of its queries and keys."""
    trace = bert(encoding)
    hidden, config = (trace.hidden_states or ())[-1], bert.config
    if bert.weights.masked_lm:
        masks = [i for i, role in enumerate(trace.roles) if role == "mask"]
        rows = hidden[masks or slice(None)]
        logits = masked_lm_logits(rows, bert.weights.masked_lm, config.hidden_act, config.layer_norm_eps)
        recording.name(logits_TV=logits)
    if bert.weights.classifier and trace.pooled is not None:
        classify(trace.pooled, bert.weights.classifier)
    layer = trace.layers[min(GEOMETRY_LAYER, len(trace.layers) - 1)]
    if layer.query is not None and layer.key is not None:
        recording.name(query_HNK=layer.query, key_HNK=layer.key)
        with one_thread():  # of many small products
            viz.geometry.normalize.normalize(layer.query, layer.key)
            attention_plane(layer.query, layer.key, [slice(0, len(encoding))], steps=PLANE_STEPS)
    return trace


def chapters() -> list[ModuleType]:
    """The chapters in reading order: the model's, then the geometry's."""
    found = sorted(p.stem for p in Path(str(viz.geometry.__file__)).parent.glob("*.py") if not p.stem.startswith("_"))
    known = [name for name in MOVES + PLANES if name in found]
    order = known + [name for name in found if name not in known]
    names = [f"minibert.{name}" for name in CHAPTERS] + [f"viz.geometry.{name}" for name in order]
    return [importlib.import_module(name) for name in names]


def about_the_run(bert: Bert, encoding: Encoding, arrays: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The text, its tokens, the model; the vocabulary only where an array has an axis for it."""
    text = encoding.text
    words = any("V" in array["letters"] for array in arrays)
    return {
        "title": f"minibert read · {' '.join(encoding.tokens)}",
        "text": text if isinstance(text, str) else " / ".join(text or ()),
        "model": Path(bert.name).name,
        "tokens": list(encoding.tokens),
        "vocabulary": [bert.tokenizer.token(i) for i in range(bert.config.vocab_size)] if words else [],
    }


def left_out(partly: int, arrays: int) -> str:
    """A sentence for the page on what is not in it."""
    always = (
        f"A weight with more than {LARGE_WEIGHT:,} numbers is shown with {ROWS} rows, evenly spaced, and the descent "
        f"to the attention plane with {PLANE_STEPS} steps."
    )
    if not partly:
        return always
    return (
        f"To keep the page small, {partly} of its {arrays} arrays (most are steps inside functions, or logits) are not "
        f"whole: only the first row is here, or nothing where a row is long. {always}"
    )

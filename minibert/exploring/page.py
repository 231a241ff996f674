"""Sentences through a model, and what it computed into one page."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from minibert.errors import UserError
from minibert.exploring.live import BY_ITSELF, MOST, live_parts, parameters
from minibert.model import Bert, Text, check_texts
from minibert.speed.cores import one_thread
from minibert.trace import Trace

if TYPE_CHECKING:
    from viz.explorer import Explorer


def explore(
    bert: Bert,
    texts: Iterable[Text],
    *,
    points: int = 10_000,
    room: int = 15_000_000,
    seed: int = 0,
    chosen: Sequence[tuple[int, int]] = (),
    drawn: str | None = None,
    live: bool | None = None,
    tour: list[dict] | None = None,
    language: str = "en",
    code: str = "",
    progress: Callable[[Iterable, int, str], Iterable] = lambda things, count, unit: things,
) -> "Explorer":
    """The page for these sentences or (first, second) pairs: it has `.save(path)` and shows itself in a notebook.

    Where the sentences have more than `points` points (two per token), the model reads a seeded sample of them only.
    live: put the model into the page; None: if it is a small one. progress: goes through things, so many of a unit,
    and may show how far it is. The others are as in `viz.explore`.

    ValueError: no text, one without words or too long for the model; a model that cannot be live; a `room` too small.
    """
    import viz
    from viz.explorer.words import WORDS

    say = WORDS.of(language)
    encodings = [bert.encode(text) for text in check_texts(texts)]
    if not encodings:
        raise UserError("texts is empty; expected at least one sentence")
    count = len(encodings)
    wanted = sample([len(encoding) for encoding in encodings], points, seed)
    encodings = [encodings[i] for i in wanted]
    name = Path(bert.name).resolve().name if Path(bert.name).is_dir() else bert.name  # no need to tell where it lies
    notes = [say["note_model"].format(name=name)]
    if len(encodings) < count:
        most = max(points, 2 * sum(map(len, encodings)))  # one sentence alone may have more
        counts = {"chosen": len(encodings), "count": count, "seed": seed, "points": f"{most:,}"}
        notes.append(say["note_sample"].format(**counts))
    model, why = live_model(bert, live)
    size = parameters(bert)
    notes.append(say["note_live"].format(numbers=f"{size:,}") if model else say["note_not_live"].format(why=why))
    traces = bert.stream(encodings, keep=("query", "key", "value"))
    parts = [arrays(trace) for trace in progress(traces, len(wanted), "sentences")]
    tokens, words, segments, query, key, value_length = zip(*parts, strict=True)
    with one_thread():  # hundreds of small products: BLAS's own threads would only wait for each other
        page = viz.explore(
            tokens,
            query,
            key,
            value_length=value_length,
            words=words,
            segments=segments,
            texts=[e.text if isinstance(e.text, str) else " ||| ".join(e.text) for e in encodings],
            spans=[[None if w is None else o for o, w in zip(e.offsets, e.words, strict=True)] for e in encodings],
            title=f"minibert · {Path(bert.name).resolve().name}",
            notes=notes,
            room=room,
            chosen=chosen,
            drawn=drawn,
            live=model,
            tour=tour,
            language=language,
            code=code,
            progress=lambda layers: progress(layers, bert.config.num_hidden_layers, "layers"),
        )
        return replace(page, why_not_live=why)


def live_model(bert: Bert, wanted: bool | None) -> tuple:
    """The model for the page, or None and why not. ValueError: it was asked for and cannot be."""
    size = parameters(bert)
    try:
        if wanted is False:
            raise UserError("--no-live")
        if size > MOST:
            raise UserError(f"{bert.name} has {size / 1e6:.1f} million parameters; a page can hold {MOST / 1e6:.0f}")
        if wanted is None and size > BY_ITSELF:
            raise UserError(f"{bert.name} has {size / 1e6:.1f} million parameters; --live puts them in")
        return live_parts(bert), ""
    except UserError as why:
        if wanted:
            raise UserError(f"--live: {why}") from None
        return None, str(why)


def sample(sizes: Sequence[int], points: int, seed: int) -> list[int]:
    """Which sentences of so many tokens have at most `points` points (two per token) together: all, or a seeded sample
    of them, in their order; one at least."""
    if 2 * sum(sizes) <= points:
        return list(range(len(sizes)))
    order = np.random.default_rng(seed).permutation(len(sizes))
    enough = int(np.searchsorted(2 * np.cumsum(np.array(sizes)[order]), points, side="right"))
    return sorted(order[: max(enough, 1)].tolist())


def arrays(trace: Trace) -> tuple:
    """What the page needs of a trace; of the values only their lengths."""
    query, key, value = (
        np.stack([getattr(layer, name) for layer in trace.layers]) for name in ("query", "key", "value")
    )
    return trace.tokens, trace.words, segments(trace), query, key, np.linalg.norm(value, axis=-1)


def segments(trace: Trace) -> Sequence[int]:
    """Of the first or the second text, for each token: as the model is told, or, where it is not, as the words are."""
    if any(trace.token_type_ids):
        return trace.token_type_ids
    return np.maximum.accumulate([0 if word is None else word[0] for word in trace.words]).tolist()

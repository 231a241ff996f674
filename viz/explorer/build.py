"""From the queries and keys of many sentences to the page."""

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from viz.explorer.columns import LayerNumbers, columns, evidence
from viz.explorer.heads import explore_layer
from viz.explorer.model import Live
from viz.explorer.sentence import Sentence, check
from viz.explorer.size import PICTURES, SIZE, Contents, fit
from viz.explorer.tour import check_tour, default_tour, facts
from viz.explorer.words import WORDS
from viz.files import whole_file
from viz.measures.habits import OFFSETS
from viz.web.assemble import assemble, framed, script

PAGE = files("viz.explorer") / "page"
LIVE = files("viz.explorer") / "live"  # the model in JavaScript


@dataclass(frozen=True)
class Explorer:
    """The page. In a notebook it shows itself in a frame of its own."""

    html: str
    left_out: str = ""
    """Which sentences did not fit in whole, and what would help; empty where all did."""
    why_not_live: str = ""
    """Why there is no field to type in; empty where there is one, or where nobody said."""

    def save(self, path: str | Path) -> Path:
        """Write the page to a file and return its path; parent folders are made, and no half of a page is ever left."""
        with whole_file(path) as beside:
            beside.write_text(self.html, encoding="utf-8")
        return Path(path)

    def _repr_html_(self) -> str:
        return framed(self.html, 740, "explorer of attention")

    def __repr__(self) -> str:
        return f"Explorer({len(self.html) / 1e6:.1f} MB; .save(path) writes it)"


@np.errstate(all="ignore")  # whatever the caller has set: what underflows here is 0
def explore(
    sentences: Sequence[Sentence],
    *,
    title: str = "attention",
    notes: Sequence[str] = (),
    drawn: str | None = None,
    size: int = SIZE,
    chosen: Sequence[tuple[int, int]] = (),
    live: Live | None = None,
    tour: list[dict[str, Any]] | None = None,
    language: str = "en",
    code: str = "",
    unknown: str = "",
    progress: Callable[[Iterable[int]], Iterable[int]] = iter,
) -> Explorer:
    """The queries and keys of all heads of all layers, as a page to explore in a browser.

    drawn: "raw", "paper", "exact" or "attention", the picture shown first, which has all sentences in any case;
        None: the one in whose plane the nearest key is most often the most attended one.
    size: the largest page, in characters, without a live model. Where not everything fits, short sentences are whole,
        long ones are whole in as many heads as fit, the `chosen` (layer, head) first. Of the rest the page has only the
        points in the 2-D picture `drawn`, and it says so.
    live: a model to run in the page, so that sentences can be typed there.
    tour: the steps of the guided tour, see `viz.explorer.tour`; None: those that come with the page.
    language: one of `viz.web.words.LANGUAGES`.
    code: the address of a page with the code that computes the first sentence's numbers; the page links to it.
    unknown: the token in the place of what the model does not know. A page without a model counts those of a sentence.
    progress: wraps the layers while they are worked on; for example tqdm.

    Attention is softmax(query key^T / sqrt(head_size)): the page has those scores and computes the rest itself.
    InputError: the points do not fit into `size`; a tour that is not one. ValueError: no sentences, or sentences of
    different heads; numbers that are not finite; an unknown picture or language.
    """
    check(sentences)
    say = WORDS.of(language)
    if drawn is not None and drawn not in PICTURES:
        raise ValueError(f"drawn must be one of {', '.join(PICTURES)}, not {drawn!r}")
    if tour is not None:
        check_tour(tour)
    contents = fit(sentences, size, chosen, drawn, live is not None)
    found = [explore_layer(sentences, layer, contents) for layer in progress(range(len(sentences[0].query)))]
    layers = [numbers for numbers, _ in found]
    drawn = contents.drawn or truest(layers)
    known = facts(layers, drawn, sentences[0], live.facts if live else None)
    left_out = not_whole(contents, drawn, say)
    data = {
        "title": title,
        "notes": [*notes, *describe(sentences, contents, left_out, say)],
        "drawn": drawn,
        **pack_sentences(sentences, contents),
        "columns": columns(layers, say),
        "evidence": evidence(layers),
        "start": {"layer": known["layer"], "head": known["head"]},  # a head whose habit is plain to see
        "tour": tour or default_tour(say, known),
        "live": live and live.head,
        "code": code,
        "unknown": unknown,
        "packed": [head for _, heads in found for head in heads],
    }
    model = {"weights": live.text, "worker": script("worker.mjs", LIVE)} if live else {}
    page = assemble("page.html", "main.mjs", "style.css", data, title, PAGE, words=say, language=language, **model)
    return Explorer(page, left_out)


def truest(layers: Sequence[LayerNumbers]) -> str:
    """The picture in whose plane the nearest key is most often the most attended one."""
    share = {name: np.mean([one.measures[name].plane.nearest1 for one in layers]) for name in layers[0].measures}
    return max(share, key=lambda name: float(share[name]))


def pack_sentences(sentences: Sequence[Sentence], contents: Contents) -> dict[str, Any]:
    """The sentences and the sizes of everything, as the page's data has them."""
    _, layers, heads = contents.whole.shape
    tokens = {token: None for sentence in sentences for token in sentence.tokens}
    number = {token: i for i, token in enumerate(tokens)}
    return {
        "layers": layers,
        "heads": heads,
        "headSize": sentences[0].query.shape[-1],
        "methods": list(contents.methods),
        "reach": int(OFFSETS[-1]),
        "across": contents.across,
        "vocabulary": list(tokens),
        "sentences": [pack_sentence(s, number, whole) for s, whole in zip(sentences, contents.whole, strict=True)],
    }


def pack_sentence(sentence: Sentence, number: Mapping[str, int], whole: np.ndarray) -> dict[str, Any]:
    """A sentence as the page's data has it. whole: [layers, heads]; words get numbers for names."""
    words: dict[Hashable, int] = {}
    return {
        "tokens": [number[token] for token in sentence.tokens],
        "words": [None if word is None else words.setdefault(word, len(words)) for word in sentence.words],
        "segments": list(sentence.segments),
        "text": sentence.text,
        "spans": sentence.spans_in_utf16(),
        "kept": None if whole.all() else np.flatnonzero(whole).tolist(),
    }


def not_whole(contents: Contents, drawn: str, say: Mapping[str, str]) -> str:
    """Which sentences are not whole, and what would help; empty where all are."""
    whole = contents.whole.reshape(len(contents.whole), -1)
    if whole.all():
        return ""
    nowhere, partly = ~whole.any(axis=1), whole.any(axis=1) & ~whole.all(axis=1)
    counts = {"count": len(whole), "none": nowhere.sum(), "some": partly.sum()}
    parts = []
    if nowhere.any():
        parts.append(say["left_out"].format(**counts, drawn=say[f"method_{drawn}"]))
    if partly.any():
        parts.append(say["left_out_some"].format(**counts, heads=whole[partly].any(axis=0).sum()))
    return " ".join([*parts, say["left_out_size"].format(size=math.ceil(contents.needed / 1e6))])


def describe(sentences: Sequence[Sentence], contents: Contents, left_out: str, say: Mapping[str, str]) -> list[str]:
    """What the page has and what it has not."""
    _, layers, heads = contents.whole.shape
    sizes = [len(sentence.tokens) for sentence in sentences]
    tokens, points = f"{sum(sizes):,}", f"{2 * sum(sizes):,}"
    lines = [
        say["note_size"].format(layers=layers, heads=heads, sentences=len(sizes), tokens=tokens, points=points),
        say["note_numbers"],
        left_out or say["note_whole"],
        say["note_bits"],
    ]
    if not contents.vectors:
        lines.append(say["note_vectors"])
    if max(sizes) > min(contents.across, OFFSETS[-1] + 1):
        lines.append(say["note_averages"].format(across=contents.across, reach=OFFSETS[-1]))
    return lines

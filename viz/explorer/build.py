"""Queries and keys of many sentences -> the page."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from viz.explorer import pack
from viz.explorer.assemble import assemble, framed
from viz.explorer.columns import by_position, columns
from viz.files import whole_file
from viz.geometry.normalize import Normalized, normalize
from viz.measures.habits import OFFSETS, habits
from viz.measures.measure import measure_all

METHODS = ("none", "paper", "exact")  # as the page names them
ROOM = 15_000_000  # characters: what still goes by mail
FOR_VECTORS = 1_500_000  # bytes: vectors are for looking at coordinates, and worth it where there are few
ACROSS = 32  # positions in the averages


@dataclass(frozen=True)
class Explorer:
    """The page. In a notebook it shows itself in a frame of its own."""

    html: str
    left_out: str = ""
    """Which sentences did not fit in whole, and what would help; empty where all did."""

    def save(self, path: str | Path) -> Path:
        """Write the page to a file and return its path; parent folders are made, and no half of a page is ever left."""
        with whole_file(path) as beside:
            beside.write_text(self.html, encoding="utf-8")
        return Path(path)

    def _repr_html_(self) -> str:
        return framed(self.html, 740, "explorer of attention")

    def __repr__(self) -> str:
        return f"Explorer({len(self.html) / 1e6:.1f} MB; .save(path) writes it)"


def explore(
    tokens: Sequence[Sequence[str]],
    query: Sequence[np.ndarray],
    key: Sequence[np.ndarray],
    *,
    value_length: Sequence[np.ndarray] | None = None,
    words: Sequence[Sequence] | None = None,
    segments: Sequence[Sequence[int]] | None = None,
    title: str = "attention",
    notes: Sequence[str] = (),
    drawn: str = "exact",
    room: int = ROOM,
    progress: Callable[[Iterable[int]], Iterable[int]] = iter,
) -> Explorer:
    """The queries and keys of all heads of all layers, as a page to explore in a browser.

    tokens: for each sentence its T tokens.
    query, key: for each sentence an array [layers, heads, T, head_size].
    value_length: for each sentence an array [layers, heads, T], the length |v| of each value.
    words: for each sentence, which word each token is a piece of, by any name; None for tokens such as [CLS].
    segments: for each sentence, 0 or 1 for the tokens of the first and second of a pair.
    drawn: "none", "paper" or "exact", the picture shown first, and the one that has room for all sentences in any case.
    room: the largest page, in characters. Where not everything fits, the first sentences are kept whole, and the others
        lend only their points to the 2-D picture `drawn`; the page says so.
    progress: wraps the layers while they are worked on; for example tqdm.

    Attention is softmax(query key^T / sqrt(head_size)); the page holds those scores and computes the rest itself.
    ValueError: shapes that do not fit, values that are not finite, too many points for `room`.
    """
    check(tokens, query, key, drawn)
    words = words or [range(len(t)) for t in tokens]
    segments = segments or [[0] * len(t) for t in tokens]

    sizes = np.array([len(t) for t in tokens])
    layers, heads, _, head_size = query[0].shape
    needed = needed_room(sizes, layers * heads)
    whole = kept_whole(sizes, layers * heads, room)
    vectors = layers * heads * sizes[:whole].sum() * head_size * 4
    with_vectors = vectors <= FOR_VECTORS and needed[whole] + vectors * 4 / 3 <= room
    across = int(min(ACROSS, sizes.max()))

    found, packed = [], []  # for each layer, for each head
    for layer in progress(range(layers)):
        result = explore_layer(
            tokens,
            [q[layer] for q in query],
            [k[layer] for k in key],
            [v[layer] for v in value_length] if value_length else None,
            whole,
            drawn,
            with_vectors,
            across,
        )
        found.append(result[0])
        packed.extend(result[1])

    left_out = not_whole(whole, len(tokens), needed[-1], drawn)
    vocabulary = {token: None for sentence in tokens for token in sentence}
    number = {token: i for i, token in enumerate(vocabulary)}
    data = {
        "title": title,
        "notes": [*notes, *describe(sizes, layers, heads, left_out, with_vectors, across)],
        "layers": layers,
        "heads": heads,
        "headSize": head_size,
        "methods": list(METHODS),
        "drawn": drawn,
        "whole": whole,
        "reach": int(OFFSETS[-1]),
        "across": across,
        "vocabulary": list(vocabulary),
        "sentences": [
            {"tokens": [number[token] for token in t], "words": numbered(w), "segments": list(s)}
            for t, w, s in zip(tokens, words, segments, strict=True)
        ],
        "columns": [
            {**same[0], "values": [value for part in same for value in part["values"]]}
            for same in zip(*found, strict=True)
        ],
        "packed": packed,
    }
    page = assemble("page.html", "main.mjs", "style.css", data, title)
    return Explorer(page, left_out)


def explore_layer(tokens, query, key, lengths, whole, drawn, with_vectors, across):
    """One layer: the columns of its heads, and each head packed.

    query, key: [H, T, K] a sentence; lengths: [H, T] a sentence or None.
    """
    root = math.sqrt(query[0].shape[-1])
    scores = [q @ k.mT / root for q, k in zip(query, key, strict=True)]
    attention = [softmax(s) for s in scores]
    sentence_of = np.repeat(np.arange(len(tokens)), [len(t) for t in tokens])
    query_HNK, key_HNK = np.concatenate(query, axis=1), np.concatenate(key, axis=1)
    count, inner = len(sentence_of), sum(len(t) for t in tokens[:whole])

    components = min(3, 2 * count, query_HNK.shape[-1])
    moved = [normalize(query_HNK, key_HNK, sentence_of, method, components=components) for method in METHODS]
    flat = [replace(m, plane=replace(m.plane, components=m.plane.components[:, :2])) for m in moved]
    measures = dict(zip(METHODS, measure_all(flat, attention, sentence_of), strict=True))
    by_method = dict(zip(METHODS, moved, strict=True))
    scales = {method: m.scale for method, m in by_method.items()}
    translations = {method: np.linalg.norm(m.translation, axis=-1) for method, m in by_method.items()}
    variances = {method: m.plane.explained_variance_ratio[..., :2].sum(axis=-1) for method, m in by_method.items()}
    first, *others = (with_three(m) for m in moved)
    pictures = dict(zip(METHODS, [first, *(facing(other, first) for other in others)], strict=True))

    norms = np.linalg.norm(np.concatenate([query_HNK, key_HNK], axis=1), axis=-1)
    each = [habits(a, t) for a, t in zip(attention, tokens, strict=True)]
    habit = sum(each[1:], each[0])
    places = by_position(attention, across)
    packed = []
    for head in range(len(query_HNK)):
        data = {"xy": {}, "z": {}, "extent": {}, "variance": {}}
        for method, (points, variance) in pictures.items():
            largest = float(np.abs(points[head]).max())
            shown = count if method == drawn else inner
            sides = points[head].reshape(2, count, 3)
            data["xy"][method] = pack.signed(sides[:, :shown, :2], largest)
            data["z"][method] = pack.signed(sides[:, :inner, 2], largest)
            data["extent"][method] = largest
            data["variance"][method] = [round(float(v), 4) for v in variance[head]]
        data["longest"] = float(norms[head].max())
        data["norms"] = pack.unsigned(norms[head], data["longest"])
        data["scores"] = pack.float32(np.concatenate([s[head].ravel() for s in scores[:whole]] or [np.empty(0)]))
        data["relative"] = pack.unsigned(habit.by_offset[head], 1)
        data["average"] = pack.unsigned(places[head], 1)
        if lengths:
            data["values"] = pack.float32(np.concatenate([v[head] for v in lengths[:whole]] or [np.empty(0)]))
        if with_vectors:
            vectors = np.stack([query_HNK[head, :inner], key_HNK[head, :inner]])
            data["steepest"] = float(np.abs(vectors).max(initial=0))
            data["vectors"] = pack.signed(vectors, data["steepest"])
        packed.append(data)
    sizes = [len(t) for t in tokens]
    return columns(habit, sizes, measures, scales, translations, variances), packed


def numbered(words: Sequence) -> list[int | None]:
    """Names of words as numbers; None stays None."""
    seen: dict = {}
    return [None if word is None else seen.setdefault(word, len(seen)) for word in words]


def softmax(scores: np.ndarray) -> np.ndarray:
    """exp(scores) / their sum, along the last axis."""
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def with_three(moved: Normalized) -> tuple[np.ndarray, np.ndarray]:
    """Places [H, 2 N, 3] and shares of the variance [H, 3]; 0 where there are not three components."""
    points = np.concatenate([moved.query_drawn, moved.key_drawn], axis=-2)
    missing = 3 - points.shape[-1]
    return (
        np.pad(points, ((0, 0), (0, 0), (0, missing))),
        np.pad(moved.plane.explained_variance_ratio, ((0, 0), (0, missing))),
    )


def facing(picture, other):
    """The picture mirrored, axis by axis, to look most like another: a component may point either way, and points that
    only swap sides would say nothing when one picture moves into the other."""
    (points, variance), (there, _) = picture, other
    agree = np.einsum("hnc,hnc->hc", points, there)
    return points * np.where(agree < 0, -1, 1).astype(points.dtype)[:, None], variance


def needed_room(sizes: np.ndarray, heads: int) -> np.ndarray:
    """Characters of a page that keeps the first 0, 1, 2, ... all sentences whole, beside the points of all."""
    around = 200_000 + heads * (4 * ACROSS**2 + 3000) + 12 * sizes.sum()  # the program, averages, tokens
    points = heads * 12 * sizes.sum()
    whole = heads * np.concatenate([[0], np.cumsum(4 * sizes**2 + 32 * sizes)])
    return around + (points + whole) * 4 / 3  # base64 takes 4 characters for 3 bytes


def kept_whole(sizes: np.ndarray, heads: int, room: int) -> int:
    """How many sentences, the first ones, fit whole into a page of `room` characters."""
    needed = needed_room(sizes, heads)
    if needed[0] > room:
        empty = needed_room(np.zeros(1, int), heads)[0]
        share = max(0, (room - empty) / (needed[0] - empty))
        raise ValueError(
            f"{2 * sizes.sum():,} points in {heads} heads do not fit into {room / 1e6:.3g} MB; "
            f"ask for at most {int(share * 2 * sizes.sum()):,} points, or for a larger page"
        )
    return int(np.searchsorted(needed, room, side="right")) - 1


def not_whole(whole: int, count: int, needed: float, drawn: str) -> str:
    """What is said of the sentences that are not kept whole: nothing is left out in silence."""
    if whole == count:
        return ""
    kept = {0: "No sentence is", 1: "The first sentence is"}.get(whole, f"The first {whole} sentences are")
    return (
        f"{kept} kept whole: for {count - whole} of {count} there is room only for their points in the 2-D picture "
        f"{drawn!r}, without attention. With {math.ceil(needed / 1e6)} MB, all would be whole."
    )


def describe(sizes, layers, heads, left_out, with_vectors, across) -> list[str]:
    """What is in the page and what is not."""
    count = len(sizes)
    sentences = "1 sentence" if count == 1 else f"{count} sentences"
    lines = [
        f"{layers} layers x {heads} heads; {sentences}, {sizes.sum():,} tokens, {2 * sizes.sum():,} points a head. "
        "Each head is moved on its own, and each picture shows its own principal components.",
        "All numbers about heads and all averages are over all sentences.",
        left_out or "Every sentence is kept whole: all pictures in 2-D and 3-D, and the scores of all heads.",
        "Points are stored in 16 bits: off by less than 0.002 % of the picture. Scores are stored as they are, and "
        "attention is computed from them here.",
    ]
    if not with_vectors:
        lines.append("Coordinates of single queries and keys are left out: there are too many.")
    if sizes.max() > min(across, OFFSETS[-1] + 1):
        lines.append(f"Averages show the first {across} positions, and up to {OFFSETS[-1]} tokens to either side.")
    return lines


def check(tokens, query, key, drawn) -> None:
    if not len(tokens):
        raise ValueError("there are no sentences to explore; give at least one")
    if not len(tokens) == len(query) == len(key):
        raise ValueError(f"there are {len(tokens)} sentences, but {len(query)} queries and {len(key)} keys")
    if drawn not in METHODS:
        raise ValueError(f"drawn must be one of {', '.join(METHODS)}, not {drawn!r}")
    layers, heads, _, size = query[0].shape if query[0].ndim == 4 else (0, 0, 0, 0)
    for i, (sentence, q, k) in enumerate(zip(tokens, query, key, strict=True)):
        if not (q.shape == k.shape == (layers, heads, len(sentence), size)) or not q.size:
            raise ValueError(
                f"query and key of sentence {i} must be [layers, heads, {len(sentence)}, head_size], as those of the "
                f"others, not {list(q.shape)} and {list(k.shape)}"
            )

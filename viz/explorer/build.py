"""Queries and keys of many sentences -> the page."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np

from viz.explorer.columns import columns, evidence
from viz.explorer.facts import facts
from viz.explorer.heads import PICTURES, explore_layer
from viz.explorer.model import Live
from viz.explorer.room import ACROSS, ROOM, TEXT, kept, needed
from viz.explorer.tour import check_tour, default_tour
from viz.explorer.words import WORDS
from viz.files import whole_file
from viz.geometry.normalize import METHODS
from viz.measures.habits import OFFSETS
from viz.web.assemble import assemble, framed, script

PAGE = files("viz.explorer") / "page"
LIVE = files("viz.explorer") / "live"  # the model in JavaScript

FOR_A_PLANE = 2_000  # tokens: the attention plane takes seconds per layer, and minutes for very many
FOR_VECTORS = 1_500_000  # bytes: vectors are for looking at coordinates, and worth it where there are few


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
    tokens: Sequence[Sequence[str]],
    query: Sequence[np.ndarray],
    key: Sequence[np.ndarray],
    *,
    value_length: Sequence[np.ndarray] | None = None,
    words: Sequence[Sequence] | None = None,
    segments: Sequence[Sequence[int]] | None = None,
    texts: Sequence[str] | None = None,
    spans: Sequence[Sequence[tuple[int, int] | None]] | None = None,
    title: str = "attention",
    notes: Sequence[str] = (),
    drawn: str | None = None,
    room: int = ROOM,
    chosen: Sequence[tuple[int, int]] = (),
    live: Live | None = None,
    tour: Sequence[dict] | None = None,
    language: str = "en",
    code: str = "",
    progress: Callable[[Iterable[int]], Iterable[int]] = iter,
) -> Explorer:
    """The queries and keys of all heads of all layers, as a page to explore in a browser.

    tokens: for each sentence its T tokens.
    query, key: for each sentence an array [layers, heads, T, head_size].
    value_length: for each sentence an array [layers, heads, T], the length |v| of each value.
    words: for each sentence, which word each token is a piece of, by any name; None for special tokens such as [CLS].
    segments: for each sentence, 0 or 1 for the tokens of the first and second of a pair.
    texts: for each sentence its text as it was written; a pair has " ||| " between both.
    spans: for each sentence, where each token stands in its text (start, end), counted in characters, each of a pair
        by itself; None for special tokens.
    drawn: "raw", "paper", "exact" or "attention", the picture shown first, which has all sentences in any case;
        None: the one in whose plane the nearest key is most often the most attended one.
    room: the largest page, in characters, without a live model. Where not everything fits, short sentences are kept
        whole, long ones in as many heads as there is room for, the `chosen` (layer, head) first; of what is not kept
        only the points are there, in the 2-D picture `drawn`. The page says so.
    live: a model to run in the page, so that sentences can be typed there.
    code: the address of a page with the code that computes the first sentence's numbers; it is linked to from them.
    tour: the steps of the guided tour, see `viz.explorer.tour`; None: those that come with the page.
    language: of the page, one of `viz.web.words.LANGUAGES`.
    progress: wraps the layers while they are worked on; for example tqdm.

    Attention is softmax(query key^T / sqrt(head_size)); the page holds those scores and computes the rest itself.
    ValueError: shapes that do not fit, values that are not finite, too many points for `room`, an unknown language, a
    tour that is not one.
    """
    check(tokens, query, key, drawn)
    check_lengths(tokens, words=words, segments=segments, texts=texts, spans=spans, value_length=value_length)
    say = WORDS.of(language)
    words = words or [range(len(t)) for t in tokens]
    segments = segments or [[0] * len(t) for t in tokens]
    if tour is not None:
        check_tour(tour)
    sizes = np.array([len(t) for t in tokens])
    layers, heads, _, head_size = query[0].shape
    whole = kept(sizes, layers * heads, room, [layer * heads + head for layer, head in chosen])
    vectors = (whole * sizes[:, None]).sum() * head_size * 4
    drawn = drawn or (None if whole.all() else "exact")
    methods = PICTURES if drawn == "attention" or sizes.sum() <= FOR_A_PLANE else METHODS
    with_vectors = bool(live) or (vectors <= FOR_VECTORS and needed(sizes, layers * heads) + vectors * TEXT <= room)
    across = int(min(ACROSS, sizes.max()))

    found, packed = [], []  # per layer, per head
    for layer in progress(range(layers)):
        result = explore_layer(
            (tokens, words, segments),
            [q[layer] for q in query],
            [k[layer] for k in key],
            [v[layer] for v in value_length] if value_length else None,
            whole[:, layer * heads : (layer + 1) * heads],
            drawn,
            with_vectors,
            bool(live),
            across,
            methods,
        )
        found.append(result[0])
        packed.extend(result[1])
    drawn = drawn or truest(found)

    known = facts(found, drawn, query[0], key[0], words[0], live and live.told)
    left_out = not_whole(whole, needed(sizes, layers * heads), drawn, say)
    vocabulary = {token: None for sentence in tokens for token in sentence}
    number = {token: i for i, token in enumerate(vocabulary)}
    data = {
        "title": title,
        "notes": [*notes, *describe(sizes, layers, heads, left_out, with_vectors, across, say)],
        "layers": layers,
        "heads": heads,
        "headSize": head_size,
        "methods": list(methods),
        "drawn": drawn,
        "reach": int(OFFSETS[-1]),
        "across": across,
        "vocabulary": list(vocabulary),
        "sentences": [
            {
                "tokens": [number[token] for token in tokens[s]],
                "words": numbered(words[s]),
                "segments": list(segments[s]),
                "text": texts[s] if texts else None,
                "spans": in_utf16(texts[s], spans[s], segments[s]) if texts and spans else None,
                "kept": None if whole[s].all() else np.flatnonzero(whole[s]).tolist(),
            }
            for s in range(len(tokens))
        ],
        "columns": columns(found, say),
        "evidence": evidence(found),
        "start": {"layer": known["layer"], "head": known["head"]},  # a head whose habit is plain to see
        "tour": tour or default_tour(say, known),
        "live": live and live.head,
        "code": code,
        "packed": packed,
    }
    page = assemble(
        "page.html",
        "main.mjs",
        "style.css",
        data,
        title,
        PAGE,
        words=say,
        language=language,
        weights=live.text if live else "",
        worker=script("worker.mjs", LIVE) if live else "",
    )
    return Explorer(page, left_out)


def truest(found: Sequence[dict]) -> str:
    """The method whose flat picture keeps its promise for most queries."""
    share = {m: np.mean([layer["measures"][m].plane.nearest1 for layer in found]) for m in found[0]["measures"]}
    return max(share, key=share.get)


def in_utf16(text: str, spans: Sequence, segments: Sequence[int]) -> list:
    """Spans counted as JavaScript counts: a letter beyond U+FFFF is two."""
    parts = text.split(" ||| ", 1) if 1 in segments else [text]
    width = [np.concatenate([[0], np.cumsum([1 + (ord(letter) > 0xFFFF) for letter in part])]) for part in parts]
    return [
        None if span is None else [int(width[min(s, len(parts) - 1)][end]) for end in span]
        for span, s in zip(spans, segments, strict=True)
    ]


def numbered(words: Sequence) -> list[int | None]:
    """Names of words as numbers; None stays None."""
    seen: dict = {}
    return [None if word is None else seen.setdefault(word, len(seen)) for word in words]


def not_whole(whole: np.ndarray, needed: float, drawn: str, say: dict[str, str]) -> str:
    """What is said of the sentences that are not kept whole: nothing is left out in silence."""
    if whole.all():
        return ""
    none, some = (~whole.any(axis=1)).sum(), (whole.any(axis=1) & ~whole.all(axis=1)).sum()
    parts = []
    if none:
        parts.append(say["left_out"].format(none=none, count=len(whole), drawn=say[f"method_{drawn}"]))
    if some:
        parts.append(
            say["left_out_some"].format(
                some=some, count=len(whole), heads=int(whole[~whole.all(axis=1)].any(axis=0).sum())
            )
        )
    return " ".join([*parts, say["left_out_size"].format(size=math.ceil(needed / 1e6))])


def describe(sizes, layers, heads, left_out, with_vectors, across, say) -> list[str]:
    """What is in the page and what is not."""
    lines = [
        say["note_size"].format(
            layers=layers, heads=heads, sentences=len(sizes), tokens=f"{sizes.sum():,}", points=f"{2 * sizes.sum():,}"
        ),
        say["note_numbers"],
        left_out or say["note_whole"],
        say["note_bits"],
    ]
    if not with_vectors:
        lines.append(say["note_vectors"])
    if sizes.max() > min(across, OFFSETS[-1] + 1):
        lines.append(say["note_averages"].format(across=across, reach=OFFSETS[-1]))
    return lines


def check(tokens, query, key, drawn) -> None:
    if not len(tokens):
        raise ValueError("there are no sentences to explore; give at least one")
    if not len(tokens) == len(query) == len(key):
        raise ValueError(f"there are {len(tokens)} sentences, but {len(query)} queries and {len(key)} keys")
    if drawn is not None and drawn not in PICTURES:
        raise ValueError(f"drawn must be one of {', '.join(PICTURES)}, not {drawn!r}")
    layers, heads, _, size = query[0].shape if query[0].ndim == 4 else (0, 0, 0, 0)
    for i, (sentence, q, k) in enumerate(zip(tokens, query, key, strict=True)):
        if not (q.shape == k.shape == (layers, heads, len(sentence), size)) or not q.size:
            raise ValueError(
                f"query and key of sentence {i} must be [layers, heads, {len(sentence)}, head_size], as those of the "
                f"others, not {list(q.shape)} and {list(k.shape)}"
            )


def check_lengths(tokens, **given) -> None:
    """Of each that is given, there is one entry per sentence; and in it, but for a text, one per token."""
    for name, entries in given.items():
        if entries is None:
            continue
        if len(entries) != len(tokens):
            raise ValueError(f"{name} has {len(entries)} entries; expected one for each of {len(tokens)} sentences")
        for i, (sentence, entry) in enumerate(zip(tokens, entries, strict=True)):
            count = len(sentence) if name == "texts" else np.shape(entry)[-1] if name == "value_length" else len(entry)
            if count != len(sentence):
                raise ValueError(f"{name} of sentence {i} has {count}; expected one for each of {len(sentence)} tokens")

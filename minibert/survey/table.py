"""What a survey found, as lines to print."""

from collections.abc import Mapping, Sequence

import numpy as np

import viz
from minibert.survey.result import Survey
from minibert.terminal import counted, text_line
from viz.geometry.pca import PcaPlane

Pair = tuple[viz.Normalized, viz.Measures]


def summary(found: Survey) -> list[str]:
    """What was measured, and what was fitted."""
    tokens, queries = found.habits.queries[0, 0], found.seen[0].every.space.queries[0, 0]
    sample, plane = found.sample, of_the_plane(*found.pairs[-1], found.measured[0])
    plane += [
        "  fitted among words: without special tokens, attention shared out anew; first table: all tokens"
    ] * found.among_words
    if found.corpus.path is None:
        some = [f"  measured: {queries} queries of {tokens} tokens"] if queries < tokens else []
        return [*(f"  {text_line(text)}" for text in sample.texts), *some, *plane]
    of_what = f"{tokens} tokens, {queries} queries among them{found.left_out}"
    if found.held_step > 1:
        plane.append(f"  scores held: measured in one of {found.held_step} sentences")
    drawn = f"{counted(len(sample.texts), 'sentence')}, {len(sample.tokens)} tokens, drawn with seed {found.seed}"
    return [
        f"  measured: {counted(found.done, 'sentence')}{found.of_files}, {of_what}",
        f"  fitted and drawn: {drawn}",
        *plane,
    ]


def of_the_plane(way: viz.Normalized, measured: viz.Measures, of_all: viz.Measures) -> list[str]:
    """In which sentences a plane that is not PCA's was measured; the whole space is measured in all of them."""
    if isinstance(way.plane, PcaPlane):
        return []
    fresh = way.has_map and bool((measured.plane.queries < of_all.plane.queries).any())
    which = "the sentences that it was not fitted to" if fresh else "the very sentences that it was fitted to"
    return [f"  plane {way.name}: measured on {which}"]


def head_table(found: Survey) -> str:
    """A line per head, with a column per way and measure; then what heads park and hold, and the means of several.

    Unlike in the pictures, the measures of the first table are those of all tokens whatever was fitted.
    """
    moved, others = by_plane(found, [seen.every for seen in found.seen])
    scaled = [(way, result) for way, result in moved if way.method != "raw"]
    groups: list[tuple[str, list[tuple[viz.Normalized, np.ndarray]]]] = [
        ("scale", [(way, way.scale) for way, _ in scaled]),
        ("correlation", [(way, result.pairs.correlation) for way, result in moved]),
        (f"nearest@1 in {found.dims}-D", [(way, result.plane.nearest1) for way, result in moved + others]),
        ("nearest@1 in full", [(way, result.space.nearest1) for way, result in moved]),
        ("nats lost", [(way, result.lost) for way, result in others if way.plane.is_attention]),
    ]
    named = [(heading, [(way.name, values) for way, values in columns]) for heading, columns in groups]
    doubts: dict[tuple[int, ...], str] = {
        (i, j): "; ".join(f"{way.method}: {way[i, j].doubt}" for way, _ in scaled if way[i, j].doubt)
        for i, j in np.ndindex(len(found.layers), len(found.heads))
    }
    lines = [*one_line_a_head(found, named, doubts), "", *word_table(found)]
    if not found.single:
        of_words = by_plane(found, [seen.words for seen in found.seen])
        what = f"mean over {len(found.layers) * len(found.heads)} heads"
        lines += ["", *mean_table(moved, others, what, found.dims)]
        lines += ["", *mean_table(*of_words, f"{what}, among words", found.dims)]
    return "\n".join(lines)


def by_plane(found: Survey, measured: Sequence[viz.Measures]) -> tuple[list[Pair], list[Pair]]:
    """Each way with its measures: those in PCA's plane, and the others."""
    pairs = list(zip(found.ways, measured, strict=True))
    is_pca = [isinstance(way.plane, PcaPlane) for way, _ in pairs]
    moved, others = ([pair for pair, is_one in zip(pairs, is_pca, strict=True) if is_one is x] for x in (True, False))
    return moved, others


def word_table(found: Survey) -> list[str]:
    """A line per head: what words park on special tokens, nearness among words, and what the planes hold of the scores.

    The scores are those of all tokens; those of words alone with --among words, as in the pictures.
    """
    parked, dims = found.parked, f"{found.dims}-D"
    of = ", words" if found.among_words else ""
    groups = [
        ("special tokens", [("parked", parked.parked), ("moved", parked.moved)]),
        (f"nearest@1 in {dims}, words", [(w.name, s.words.plane.nearest1) for w, s in found.each]),
        (
            f"scores held in {dims}{of}",
            [(way.name, held.share) for way, held in zip(found.ways, found.held, strict=True)],
        ),
        ("at most", [("bound", found.held[0].bound(found.dims))]),
        ("90 % has", [("rank", found.held[0].dimensions(0.9))]),
    ]
    notes: dict[tuple[int, ...], str] = {place: str(kind) for place, kind in np.ndenumerate(parked.kinds)}
    return one_line_a_head(found, groups, notes)


def one_line_a_head(
    found: Survey, groups: Sequence[tuple[str, Sequence[tuple[str, np.ndarray]]]], notes: Mapping[tuple[int, ...], str]
) -> list[str]:
    """Groups of columns [L, H], each with a heading and names, as lines. notes: what ends the line of a head."""
    headings, names = " " * 5, " head"
    cells: list[tuple[np.ndarray, str]] = []
    for heading, columns in groups:
        widths = [max(7, len(name) + 2, (len(heading) + 2) // len(columns)) for name, _ in columns]
        headings += heading.rjust(sum(widths)) if columns else ""
        names += "".join(name.rjust(width) for (name, _), width in zip(columns, widths, strict=True))
        digits = [0 if name == "rank" else 2 for name, _ in columns]
        cells += [(values, f"z{width}.{n}f") for (_, values), width, n in zip(columns, widths, digits, strict=True)]
    lines = [headings, names]
    for i, j in np.ndindex(len(found.layers), len(found.heads)):
        numbers = "".join(f"{values[i, j]:{form}}" for values, form in cells)
        head = f"{found.layers[i]}.{found.heads[j]}"
        lines.append(f"{head:>5}{numbers}" + "  " * bool(notes[i, j]) + notes[i, j])
    return lines


def mean_table(moved: Sequence[Pair], others: Sequence[Pair], what: str, dims: int) -> list[str]:
    """Means over the heads, one line per way."""
    indent = max(5, *(len(way.name) for way, _ in (*moved, *others)))
    lines = [
        what,
        " " * (indent - 5) + "       nearest@1     nearest@3     rank corr.      corr.  weighted  explained",
        " " * (indent - 5)
        + f"        full {dims}-D      full {dims}-D      full {dims}-D               corr.   variance",
    ]
    for way, result in moved:
        near = [(s.nearest1, s.nearest3, s.rank_correlation) for s in (result.space, result.plane)]
        cells = [value.mean() for pair in zip(*near, strict=True) for value in pair]
        cells += [result.pairs.correlation.mean(), result.close_pairs.correlation.mean()]
        if isinstance(way.plane, PcaPlane):  # always
            cells.append(way.plane.explained_variance_ratio.sum(axis=-1).mean())
        lines.append(f"{way.name:>{indent}}" + "".join(f"{c:7.2f}" for c in cells))
    for way, result in others:
        plane = result.plane
        cells = [value.mean() for value in (plane.nearest1, plane.nearest3, plane.rank_correlation)]
        lost = f"   {result.lost.mean():.2f} nats lost" if way.plane.is_attention else ""
        lines.append(f"{way.name:>{indent}}" + "".join(f"{'':7}{c:7.2f}" for c in cells) + lost)
    return lines

"""`minibert why --properties --file`: which properties of a text the scores of heads carry."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minibert.commands import arguments as arg
from minibert.commands.output import print_json
from minibert.commands.why_file import prepared
from minibert.files import write_csv
from minibert.numerics import softmax
from minibert.survey.properties import (
    OF_KEYS,
    OF_PAIRS,
    PERCENTILE,
    PLACES,
    PROPERTIES,
    SHUFFLES,
    Half,
    Properties,
    Row,
    properties,
)
from minibert.terminal import counted, printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from viz.figures.properties import PropertyPanel

SHARE = "the share of the head's scores that the property's two strongest directions of queries and keys carry"
NULL = f"null: {PERCENTILE} of {SHUFFLES} shares with shuffled labels are smaller"
AMONG = "all properties but “special token” are measured among words: special tokens are left out"
HALVES = "one half of the sentences gave the directions, the other half the shares"
OF_MOST = ("distance", "same half", "special token")
"""So many pairs have these properties that only those with most attention are drawn."""
MOST_TOKENS = 16
"""Of the sentence that is drawn with labels, where one is so short."""


def run(args: argparse.Namespace) -> None:
    """A table, and a picture: the shares of all heads, or the planes of one head."""
    arg.refuse(args, "query key instead guess steps top", "with --properties, which is about all pairs of tokens")
    bert, folder = prepared(args, "properties")
    head = None if args.layer is None else (args.layer, args.head)
    found = properties(bert, file=args.file, column=args.column, skip_bad=args.skip_bad, head=head)
    if args.csv is not None:
        write_csv(args.csv, [row.as_dict() | {"sentences": found.sentences} for row in found.rows])
    if folder is None:
        print_json(as_json(found))
        return
    print("\n".join(map(printable, lines(found))))
    import viz

    of_head = "" if head is None else f"-{head[0]}.{head[1]}"
    figure = draw_heads(found, args.width) if head is None else draw_planes(found, args.width)
    if figure is not None:
        print(viz.save(figure, folder / f"properties{of_head}.{args.format}"))


def lines(found: Properties) -> Iterator[str]:
    """The heads with their properties, or the properties of one head."""
    drawn = f"{found.sentences} of {counted(found.scan.sentences, 'sentence')}"
    yield f"{found.model}: {drawn} of {found.source}{found.left_out}"
    if len(found.layers) * len(found.heads) == 1:
        yield "share   null  correlation  of position x position  property"
        yield from map(line, found.rows)
    else:
        yield " head  position x position  properties above their null: share (null)"
        yield from (line_of_head(found, i, j) for i in found.layers for j in found.heads)
    yield f"share: {SHARE}"
    yield f"{NULL}; *: the share is not above it"
    yield HALVES
    yield AMONG
    yield "position x position: the exact term, as a share of the scores, and the share of this term that is carried"


def line(row: Row) -> str:
    """One property of one head."""
    if row.share is None or row.null is None:
        return f"{'':32}{'':15}{row.property}: too few pairs ({row.pairs})"
    term = "" if row.of_position_term is None else f"{row.of_position_term:.2f} of {row.position_term:.2f}"
    correlation = 0.0 if row.correlation is None else row.correlation
    return f"{row.share:5.2f}{mark(row)}{row.null:6.2f}{correlation:+z13.2f}  {term:>22}  {row.property}"


def line_of_head(found: Properties, layer: int, head: int) -> str:
    """One head, its largest shares first."""
    rows = [row for row in found.of_head(layer, head) if row.above_null]
    told = ", ".join(f"{r.property} {r.share:.2f} ({r.null:.2f})" for r in sorted(rows, key=lambda r: -(r.share or 0)))
    term = next((r.position_term for r in found.of_head(layer, head) if r.position_term is not None), 0.0)
    return f"{f'{layer}.{head}':>5}{term:21.2f}  {told or 'none'}"


def mark(row: Row) -> str:
    return " " if row.above_null else "*"


def title(found: Properties) -> str:
    return f"{found.model} · {counted(found.sentences, 'sentence')} of {found.source}"


def draw_heads(found: Properties, width: float) -> "Figure":
    """A heatmap per property: the shares of all heads; 0 where the share is not above its null."""
    import viz

    shape = len(found.layers), len(found.heads)
    of_all = {name: [row for row in found.rows if row.property == name] for name in PROPERTIES}
    maps = {
        name: np.reshape([(row.share or 0.0) * row.above_null for row in rows], shape)
        for name, rows in of_all.items()
        if any(row.share is not None for row in rows)
    }
    caption = f"Colour: {SHARE}; 0 where it is not above its null. {NULL[0].upper()}{NULL[1:]}; {HALVES}; {AMONG}. "
    caption += "One row per layer, one column per head."
    limits = dict.fromkeys(maps, (0.0, max(0.1, *(float(array.max()) for array in maps.values()))))
    return viz.heatmap_figure(
        maps, found.layers, found.heads, limits=limits, title=title(found), caption=caption, width=width
    )


def draw_planes(found: Properties, width: float) -> "Figure | None":
    """The planes of one head's properties that are above their null; None if none is."""
    import viz

    panels = [panel_of(found, p) for p, row in enumerate(found.rows) if row.above_null]
    if not panels:
        return None
    caption = (
        "Each panel is the plane of one property: the two strongest directions of queries and of keys. The dot product "
        "of a query and a key in it is what these directions carry of their score, before the division by sqrt(head "
        "size). Small: all tokens that were not fitted. With labels: one sentence. Colour: the token's place, or the "
        "words and tokens that have the property. Lines: the pairs of this sentence with the property, as wide as "
        f"their attention; for {', '.join(OF_MOST)}, each query and its most attended key. Share: {SHARE}; {NULL}; "
        f"{AMONG}."
    )
    heading = f"{title(found)} · head {found.layers[0]}.{found.heads[0]}"
    return viz.property_figure(panels, title=heading, caption=caption, width=width)


def panel_of(found: Properties, p: int) -> "PropertyPanel":
    """The plane of one property, with the sentence that has most pairs with it among the short ones."""
    from viz.figures.properties import PropertyPanel

    row = found.rows[p]
    held = found.held[row.property]
    query, key = held.query[0, 0], held.key[0, 0]
    x, y = found.planes[0, 0, p].draw(query, key)
    name = row.property
    place = 0 if name in OF_KEYS else OF_PAIRS.index(name)
    has = [each[place] for each in held.has]
    number = drawn_sentence(held, has)
    span = held.spans[number]
    attention = softmax(query[span] @ key[span].T / np.sqrt(query.shape[-1]))
    pairs = np.argwhere(has[number])
    if name in OF_MOST:
        best = attention.argmax(axis=-1)
        pairs = np.stack([np.arange(len(best)), best], axis=-1)
    kinds, names = kinds_of(held, name, span)
    note = f"share {row.share:.2f}, null {row.null:.2f}"
    of_pairs = attention[tuple(pairs.T)]
    return PropertyPanel(name, note, x, y, kinds, names, span, held.tokens[span], pairs + span.start, of_pairs)


def drawn_sentence(held: Half, has: list[np.ndarray]) -> int:
    """The number of the sentence with most pairs, among those that are short, or else of all."""
    lengths = np.array([span.stop - span.start for span in held.spans])
    short = np.flatnonzero(lengths <= max(MOST_TOKENS, lengths.min()))
    return int(max(short, key=lambda i: has[i].sum()))


def kinds_of(held: Half, name: str, span: slice) -> tuple[np.ndarray, list[str]]:
    """What gives each token its colour, and what the colours mean; places have none."""
    places = np.concatenate([np.arange(span.stop - span.start) for span in held.spans])
    if name in PLACES:
        return places.astype(float), []
    if name == "special token":
        return (held.words < 0).astype(float), ["word", "special token"]
    numbers = held.spellings if name == "same word" else held.words
    of_sentence = numbers[span]
    repeated = sorted(n for n in set(of_sentence.tolist()) if n >= 0 and (of_sentence == n).sum() > 1)
    kinds = np.full(len(numbers), np.nan)
    for color, n in enumerate(repeated):
        kinds[span.start : span.stop][of_sentence == n] = color
    return kinds, [str(n) for n in repeated]


def as_json(found: Properties) -> dict[str, object]:
    """All rows."""
    about = {"model": found.model, "sentences": found.sentences, "skipped": found.scan.skipped}
    return about | {"properties": [row.as_dict() for row in found.rows]}

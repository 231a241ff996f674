"""`minibert why --file`: what heads are made of and which earlier heads feed them, as means over many sentences."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minibert.commands import arguments as arg
from minibert.commands.output import check_whole, folder_name, folder_of_run, name_of_texts, print_json
from minibert.errors import UserError
from minibert.files import write_csv
from minibert.model import Bert, load
from minibert.survey.circuits import ERRORS, LEAST_SHARE, Circuits, Row, circuits
from minibert.terminal import counted, printable, rounded
from minibert.whatif.composition import KINDS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TERMS, TERMS_OF_ONE = 8, 20
"""How many terms of each head are measured: of all heads, and of one."""
ARROWS = 20
"""How many arrows are printed and drawn."""
FALL = 0.01
"""An arrow is pale if the attention falls by less than this without it."""

NULL = f"above its null: more than twice as large, and larger by more than {ERRORS} standard errors"
SHUFFLED = "null: the same value with the part shuffled among the words of its sentence"
LEAD = "the lead of the most attended key: its score less the mean over the keys, as a mean over the queries"


def run(args: argparse.Namespace) -> None:
    """Tables, and two pictures: what the heads are made of, and the heads as a graph."""
    arg.refuse(args, "query key instead guess steps", "with --file, which is about all queries")
    bert, folder = prepared(args, "parts", "graph")
    heads = None if args.layer is None else [(args.layer, args.head)]
    top = args.top or (TERMS if heads is None else TERMS_OF_ONE)
    found = circuits(bert, file=args.file, column=args.column, skip_bad=args.skip_bad, heads=heads, top=top)
    if args.csv is not None:
        write_csv(args.csv, [row.numbers | {"sentences": found.done} for row in found.rows])
    if folder is None:
        print_json(as_json(found))
    else:
        print("\n".join(map(printable, lines(found))))
        draw(folder / "stopped" if found.stopped else folder, found, args.format, args.width)
    check_whole(found)


def prepared(args: argparse.Namespace, *pictures: str) -> tuple[Bert, Path | None]:
    """The model, and the folder of the pictures, None with --json. UserError: options that do not go together."""
    if args.json:
        arg.refuse(args, "out format width", "with --json, which has no picture")
    check_both(args)
    bert = load(args.model)
    check_head(args, bert.config.num_hidden_layers, bert.config.num_attention_heads)
    if args.json:
        return bert, None
    name = name_of_texts([], args.file, arg.given(args, "layer head top skip-bad column"))
    files = [f"{picture}*.{args.format}" for picture in pictures]
    return bert, folder_of_run(args.out, "why", folder_name(bert), name, files=files)


def check_both(args: argparse.Namespace) -> None:
    """Raises UserError for a layer without a head, or a head without a layer."""
    if (args.layer is None) != (args.head is None):
        raise UserError("--layer and --head come together; give both or none")


def check_head(args: argparse.Namespace, layers: int, heads: int) -> None:
    """Raises UserError for a layer or head that is not there."""
    for name, number, count in (("layer", args.layer, layers), ("head", args.head, heads)):
        if number is not None and number >= count:
            raise UserError(f"--{name} is {number}; this model has {name}s 0 to {count - 1}")


def lines(found: Circuits) -> Iterator[str]:
    """What is measured, the heads or the terms of one head, and the arrows."""
    yield f"{found.model}: {found.how_many} of {found.source}{found.left_out}"
    yield from all_heads(found) if len(found.asked) > 1 else one_head(found)
    arrows = found.arrows
    yield ""
    if not arrows:
        yield f"no earlier head has a share of {LEAST_SHARE:.2f} or more that is above its null"
        return
    yield " from  into        share  1st half  2nd half   null  without"
    yield from map(arrow_line, arrows[:ARROWS])
    if arrows[ARROWS:]:
        yield f"  ...  and {counted(len(arrows) - ARROWS, 'share')} more of {LEAST_SHARE:.2f} or more"
    yield "share: of what the earlier head wrote, in the lead (query, key) or in what the later head moves (value)"
    yield "halves: the share in each half of the sentences; without: the attention, or the length moved, without it"


def all_heads(found: Circuits) -> Iterator[str]:
    """A line per head, with its largest terms."""
    yield " head   lead  attention  special  largest terms, and the attention without them"
    for head in found.asked:
        lead, attention, special = found.of_head(head)
        terms = "; ".join(
            f"{row.mean:+z.2f}{mark(row)} {name(row)} ({row.attention_without:.2f})" for row in pairs(found, head)[:2]
        )
        yield f"{f'{head[0]}.{head[1]}':>5}{lead:7.2f}{attention:11.2f}{special:9.2f}  {terms}"
    yield from legend()
    yield "special: the share of the queries whose most attended key is a special token"


def one_head(found: Circuits) -> Iterator[str]:
    """The terms of one head, and the others in one line, so that all add up to the lead."""
    (head,) = found.asked
    (lead, attention, special), rows = found.of_head(head), pairs(found, head)
    yield f"head {head[0]}.{head[1]}: the most attended key gets {attention:.2f} of the attention"
    yield f"for {special:.2f} of the queries, the most attended key is a special token"
    yield "    mean  1st half  2nd half  spread   null  without  part of query x part of key"
    for row in rows:
        numbers = "".join(
            f"{half:+z10.2f}" if half is not None else " " * 10 for half in (row.first_half, row.second_half)
        )
        check = f"{row.attention_without:9.2f}"
        yield f"{row.mean:+z8.2f}{mark(row) or ' '}{numbers[1:]}{row.spread:8.2f}{row.null:+z7.2f}{check}  {name(row)}"
    yield f"{lead - sum(row.mean for row in rows):+z8.2f}  all other terms"
    yield f"{lead:+z8.2f}  sum: the lead of the most attended key"
    yield from legend()


def legend() -> Iterator[str]:
    yield LEAD.replace("the lead of the most attended key: its score", "lead: the score of the most attended key")
    yield f"*: not {NULL}"
    yield SHUFFLED


def pairs(found: Circuits, head: tuple[int, int]) -> list[Row]:
    """The terms of a head, the largest first."""
    rows = [row for row in found.rows if (row.layer, row.head) == head and row.side == "pair"]
    return sorted(rows, key=lambda row: -abs(row.mean))


def name(row: Row) -> str:
    return f"{row.part_of_query} x {row.part_of_key}"


def mark(row: Row) -> str:
    return "" if row.above_null else "*"


def arrow_line(row: Row) -> str:
    """Which head feeds which, with what share, and the check."""
    unit = 1.0 if row.side == "value" else row.mean / row.share
    each = "".join(" " * 10 if half is None else f"{half / unit:10.2f}" for half in (row.first_half, row.second_half))
    if row.length_without is not None:
        check = f"length {row.length_without:.2f}"
    else:
        check = f"attention {row.attention:.2f} -> {row.attention_without:.2f}"
    source, target = f"{row.writer[0]}.{row.writer[1]}" if row.writer else "", f"{row.layer}.{row.head} {row.side}"
    return f"{source:>5}  {target:<10}{row.share:7.2f}{each}{row.null / unit:z7.2f}  {check}"


def draw(folder: Path, found: Circuits, format: str, width: float) -> None:
    """Write both pictures, and print their paths."""
    import viz

    title = f"{found.model} · {counted(found.done, 'sentence')} of {found.source}"
    at = ""
    if len(found.asked) == 1:
        ((layer, head),) = found.asked
        at, title = f"-{layer}.{head}", f"{title} · head {layer}.{head}"
    figures = {"parts": draw_parts(found, title, width), "graph": draw_graph(found, title, width)}
    for picture, figure in figures.items():
        print(viz.save(figure, folder / f"{picture}{at}.{format}"))


def draw_parts(found: Circuits, title: str, width: float) -> "Figure":
    """What one head is made of, part by part; or all heads, by kinds of parts."""
    import viz

    heads = list(found.asked)
    if len(heads) == 1:
        rows = pairs(found, heads[0])
        (of_queries, of_keys), (lead, attention, _) = ordered(rows), found.of_head(heads[0])
        values, checks, grey = np.full((3, len(of_queries), len(of_keys)), np.nan)
        for row in rows:
            place = of_queries.index(row.part_of_query), of_keys.index(row.part_of_key)
            values[place], checks[place], grey[place] = row.mean, row.attention_without, not row.above_null
        rest = lead - sum(row.mean for row in rows)
        caption = (
            f"The {len(rows)} largest terms of {LEAD}. The lead is {lead:.2f}; all other terms together are "
            f"{rest:.2f}. Small, below: the attention on this key without the term; with it, {attention:.2f}. "
            f"Grey: not {NULL}; {SHUFFLED}."
        )
        options: dict[str, Any] = {"title": title, "caption": caption, "width": width}
        return viz.parts_figure(values, of_queries, of_keys, checks=checks, grey=grey == 1, **options)
    layers, columns = (sorted({head[axis] for head in heads}) for axis in (0, 1))
    shares = np.full((len(layers), len(columns), len(KINDS), len(KINDS)), np.nan)
    grey = np.zeros(shares.shape, bool)
    for row in found.rows:
        if row.side == "kinds":
            cell = KINDS.index(row.part_of_query), KINDS.index(row.part_of_key)
            of_head = layers.index(row.layer), columns.index(row.head)
            shares[of_head][cell], grey[of_head][cell] = row.share, not row.above_null
    caption = (
        f"Each map is one head: a row per part of the query, a column per part of the key, in this order: "
        f"{', '.join(KINDS)}. Colour: the share in {LEAD}. Shades of grey: a share that is not {NULL}; {SHUFFLED}."
    )
    return viz.parts_grid_figure(shares, layers, columns, KINDS, grey=grey, title=title, caption=caption, width=width)


def ordered(rows: list[Row]) -> tuple[list[str], list[str]]:
    """The parts of the query and those of the key, in the order of their largest terms."""
    return list(dict.fromkeys(r.part_of_query for r in rows)), list(dict.fromkeys(r.part_of_key for r in rows))


def draw_graph(found: Circuits, title: str, width: float) -> "Figure":
    """The heads as nodes; the largest arrows."""
    import viz

    rows = found.arrows
    arrows = [
        viz.Arrow(row.writer, (row.layer, row.head), row.side, row.share, pale=not holds(row))
        for row in rows[:ARROWS]
        if row.writer
    ]
    which = f"the {len(arrows)} largest of {len(rows)} shares" if rows[ARROWS:] else counted(len(rows), "share")
    caption = (
        f"Each node is a head: layer.head. Drawn: {which} of {LEAST_SHARE:.2f} or more, {NULL}; {SHUFFLED}. Width and "
        f"number: the share of what the earlier head wrote. Query, key: the share in {LEAD}. Value: the share in what "
        f"the later head moves to a token. Pale circles: heads without an arrow."
    )
    if any(arrow.pale for arrow in arrows):
        caption += f" Pale arrows: without this share, the attention falls by less than {FALL}."
    layers, heads = found.shape
    return viz.circuit_figure(arrows, range(layers), range(heads), title=title, caption=caption, width=width)


def holds(row: Row) -> bool:
    """Whether the attention falls without the share; what is moved has no such check."""
    return row.attention is None or row.attention_without is None or row.attention - row.attention_without >= FALL


def as_json(found: Circuits) -> dict[str, object]:
    """All heads and all rows."""
    heads = []
    for head in found.asked:
        numbers = dict(zip(("lead", "attention", "special"), map(rounded, found.of_head(head)), strict=True))
        heads.append({"layer": head[0], "head": head[1]} | numbers)
    about = {"model": found.model, "sentences": found.done, "skipped": found.scan.skipped}
    return about | {"heads": heads, "rows": [row.numbers for row in found.rows]}

"""Expected beside got, as small heatmaps: in the terminal by shaded blocks, on a page by colours."""

import html

import numpy as np

from minibert.exercises.judge.report import Picture
from minibert.exercises.text import Text, t
from minibert.terminal import columns, padded, shades

MOST_COLUMNS, MOST_ROWS = 16, 12
"""of a matrix that is drawn; of a larger one, the part with the first wrong number"""
TITLES = (t("expected"), t("got"), t("difference"))
TWO_CHARACTERS = 11
"""how many columns of a matrix fit three times into a terminal of 80, with two characters a number"""


def window(picture: Picture) -> tuple[slice, slice]:
    """The rows and columns that are drawn: from the first, unless the first wrong number is further on."""

    def part(first: int, size: int, most: int) -> slice:
        start = 0 if first < most else min(first - 2, size - most)
        return slice(start, min(start + most, size))

    row, column = map(int, np.argwhere(picture.wrong)[0])
    rows, columns = picture.wrong.shape
    return part(row, rows, MOST_ROWS), part(column, columns, MOST_COLUMNS)


def drawn(picture: Picture) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Expected, got and, where it is wrong, their difference, cut to what is drawn; what is not finite is nan."""
    expected, got, wrong = (matrix[window(picture)] for matrix in picture)
    expected, got = (np.where(np.isfinite(matrix), matrix, np.nan).astype(np.float64) for matrix in (expected, got))
    return expected, got, np.where(wrong, np.abs(got - expected), 0)


def part_drawn(picture: Picture) -> Text:
    """Which rows and columns these are, where they are not all; else ""."""
    rows, columns = window(picture)
    size = picture.wrong.shape
    if (rows.stop - rows.start, columns.stop - columns.start) == size:
        return t("")
    return t(
        "rows {top} to {bottom} of {rows}, columns {left} to {right} of {columns}, all from 0",
        top=rows.start,
        bottom=rows.stop - 1,
        rows=size[0],
        left=columns.start,
        right=columns.stop - 1,
        columns=size[1],
    )


def shares(matrices: tuple[np.ndarray, ...]) -> list[np.ndarray]:
    """Each number as a share of the way from the smallest of expected to its largest; the difference, from 0."""
    expected, got, gap = matrices
    least, most = np.nanmin(expected, initial=np.inf), np.nanmax(expected, initial=-np.inf)
    width = max(most - least, 1e-30)
    largest = max(np.nanmax(gap, initial=0), 1e-30)
    return [np.clip((expected - least) / width, 0, 1), np.clip((got - least) / width, 0, 1), gap / largest]


def in_blocks(picture: Picture, encoding: str | None, language: str) -> list[str]:
    """Lines of text: expected, got and difference side by side, one or two characters a number, `?` for nan and inf."""
    matrices = drawn(picture)
    count = matrices[0].shape[1]
    each = 2 if count <= TWO_CHARACTERS else 1
    signs = shades(encoding)
    painted = []
    for share in shares(matrices):
        levels = np.nan_to_num(share * (len(signs) - 1), nan=-1).round().astype(int)
        painted.append(["".join("?" * each if level < 0 else signs[level] * each for level in row) for row in levels])
    titles = [title.to(language) for title in TITLES]
    widths = [max(each * count, columns(title)) for title in titles]
    lines = ["   ".join(map(padded, titles, widths))]
    for rows in zip(*painted, strict=True):
        lines.append("   ".join(row.ljust(width) for row, width in zip(rows, widths, strict=True)))
    part = part_drawn(picture).to(language)
    return [line.rstrip() for line in lines] + ([f"({part})"] if part else [])


def in_colors(picture: Picture, language: str) -> str:
    """The same as HTML tables, each number also to be read by pointing at it."""
    matrices, tables = drawn(picture), []
    for title, numbers, share in zip(TITLES, matrices, shares(matrices), strict=True):
        hue = 8 if title is TITLES[-1] else 215
        rows = []
        for row, levels in zip(numbers, share, strict=True):
            cells = []
            for number, level in zip(row, levels, strict=True):
                light = f"hsl({hue} 70% {97 - 60 * level:.0f}%)" if np.isfinite(level) else "#ff0"
                cells.append(f'<td style="background:{light}" title="{number:.6g}"></td>')
            rows.append(f"<tr>{''.join(cells)}</tr>")
        tables.append(
            f"<figure><figcaption>{html.escape(title.to(language))}</figcaption><table>{''.join(rows)}</table></figure>"
        )
    part = part_drawn(picture).to(language)
    below = f"<p>({html.escape(part)})</p>" if part else ""
    return f'<div class="picture">{"".join(tables)}</div>{below}'


STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; }
.picture { display: flex; gap: 1.5rem; flex-wrap: wrap; } .picture figure { margin: 0.5rem 0; }
.picture td { width: 1.1rem; height: 1.1rem; border: 1px solid #fff; }
.passed { color: #17642c; } .failed { color: #a3270f; } .todo, .missing { color: #6b6b6b; }
pre { white-space: pre-wrap; background: #f4f4f4; padding: 0.5rem 0.8rem; }
.class { display: block; overflow-x: auto; }
.class th, .class td { border: 1px solid #ccc; padding: 0.2rem 0.5rem; text-align: center; }
.class th:first-child, .class td:first-child { text-align: left; }
.class td.passed { background: #d9f2df; } .class td.failed { background: #f9ddd6; }
.class td.flag { background: #fdf0c0; }
"""


def page(title: str, body: str, language: str) -> str:
    """A whole HTML page, which needs no other file."""
    title = html.escape(title)
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    start = f'<!doctype html>\n<html lang="{language}"><head>{head}<style>{STYLE}</style></head>'
    return f"{start}\n<body><h1>{title}</h1>\n{body}\n</body></html>\n"

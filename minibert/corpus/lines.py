"""Lines of text out of files of several kinds, one after another: never more than a block of them is held."""

import csv
import glob
import gzip
import io
import itertools
import json
import sys
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from minibert.checkpoint.encoding import Encoding
from minibert.model import Bert

PAIR = "|||"
KINDS = (".txt", ".jsonl", ".csv", ".parquet")
"""Of files, by their endings; with .gz after it, too. Whatever ends otherwise is text."""
BLOCK = 256
"""Lines that are worked on together. What a model computes depends, in the last digits, on what it computes beside it:
so this is one number, and not as many as there are workers."""

MOST_HELD = 1 << 28
"""Bytes of what gives them only once, such as standard input."""


class Line(NamedTuple):
    """A text, and where it was found: line `number` of the file `path`, line `at` of all. fault: why it is no text."""

    at: int
    text: str | tuple[str, str]
    path: str = ""
    number: int = 0
    fault: str = ""


class Corpus:
    """Texts as they were typed, or those in files, a line each: read as often as needed."""

    def __init__(self, texts: Sequence[str] = (), path: Path | None = None, column: str | None = None):
        """path: a file, a folder, a pattern such as books/*.txt, or "-", standard input. column: of .jsonl, .csv and
        .parquet, where the text stands; None is "text". ValueError: there is no such file."""
        self.texts, self.path, self.column = texts, path, column or "text"
        self.files = [] if path is None else files_of(path)
        self.name = "standard input" if str(path) == "-" else str(path)
        self.held = {file: held for file in self.files if (held := read_once(file)) is not None}

    @property
    def short_name(self) -> str:
        """Of the file or files, for a title."""
        name = self.name if self.path is None else Path(self.name).name
        return f"{name} ({len(self.files):,} files)" if len(self.files) > 1 else name

    def blocks(self) -> Iterator[list[Line]]:
        """BLOCK lines each, but for the last."""
        lines = iter(self)
        while block := list(itertools.islice(lines, BLOCK)):
            yield block

    def __iter__(self) -> Iterator[Line]:
        """All lines, but those with nothing in them."""
        at = itertools.count()
        yield from (Line(next(at), text) for text in self.texts if self.path is None)
        for file in self.files:
            name = self.name if str(file) == "-" else str(file)
            try:
                for number, text, fault in read(file, self.held.get(file), self.column):
                    if fault or text.strip():
                        yield Line(next(at), text, name, number, fault)
            except (ValueError, OSError, EOFError, zlib.error, csv.Error) as error:
                raise ValueError(f"{name} cannot be read: {error}") from None


def files_of(path: Path) -> list[Path]:
    """The files that are meant, in order: this one, those of a known kind in a folder, or those that a pattern fits."""
    if path.is_dir():
        known = [file for file in path.rglob("*") if kind_of(file) in KINDS]
        files = [file for file in known if file.is_file()]
        why = f"is a folder without a file to read; expected some that end in {', '.join(KINDS)}"
    elif glob.has_magic(str(path)) and not path.exists():
        files = [Path(name) for name in glob.glob(str(path), recursive=True) if Path(name).is_file()]
        why = "fits no file; expected the pattern of some"
    else:
        return [path]
    if not files:
        raise ValueError(f"--file {path} {why}")
    return sorted(files)


def kind_of(path: Path) -> str:
    """One of KINDS, or what else its name ends in."""
    return Path(path.name.removesuffix(".gz")).suffix


def read_once(path: Path) -> bytes | None:
    """What standard input or a pipe has to give, for it gives it only once; None for a file that can be read again."""
    if str(path) == "-":
        content = getattr(sys.stdin, "buffer", sys.stdin).read(MOST_HELD + 1)
        content = content.encode() if isinstance(content, str) else content  # of a caller who has put a stream there
    elif path.is_file():
        return None
    else:
        with path.open("rb") as file:
            content = file.read(MOST_HELD + 1)
    if len(content) > MOST_HELD:
        raise ValueError(f"--file {path} has more than {MOST_HELD:,} bytes; save them in a file, and name it")
    return content


def read(path: Path, held: bytes | None, column: str) -> Iterator[tuple[int, str, str]]:
    """Of each line of a file its number, the text, and why there is none."""
    kind = kind_of(path)
    if kind == ".parquet":
        yield from parquet(path, column)
        return
    opened = gzip.open if path.suffix == ".gz" else open
    with io.BytesIO(held) if held is not None else opened(path, "rb") as raw:
        if raw.read(2) in (b"\xff\xfe", b"\xfe\xff"):
            raise ValueError("it is UTF-16; expected UTF-8: save it anew in that encoding")
        raw.seek(0)
        # lines may end as they like; bytes that are not UTF-8 become what cannot be encoded again
        lines = io.TextIOWrapper(raw, "utf-8-sig", "surrogateescape", "" if kind == ".csv" else None)
        if kind == ".jsonl":
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, *json_cell(line, column)
        elif kind == ".csv":
            table = csv.DictReader(lines)
            check_column(column, table.fieldnames or [])
            for row in table:
                yield table.line_num, *cell(row, column)
        else:
            for number, line in enumerate(lines, start=1):
                yield number, line.removesuffix("\n"), ""


def parquet(path: Path, column: str) -> Iterator[tuple[int, str, str]]:
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise ValueError("this takes pyarrow: pip install 'minibert[parquet]'") from None
    with ParquetFile(path) as file:
        check_column(column, file.schema_arrow.names)
        rows = (row for batch in file.iter_batches(BLOCK, columns=[column]) for row in batch.to_pylist())
        for number, row in enumerate(rows, start=1):
            yield number, *cell(row, column)


def json_cell(line: str, column: str) -> tuple[str, str]:
    """The text in a line of .jsonl, and why there is none."""
    try:
        return cell(json.loads(line), column)
    except (ValueError, RecursionError) as error:
        return "", f"it is not JSON ({error})"


def cell(row: object, column: str) -> tuple[str, str]:
    """The text in a row, and why there is none."""
    text = row.get(column) if isinstance(row, dict) else None
    if isinstance(text, str):
        return text.replace("\n", " "), ""
    return "", f"there is no text under {column!r}; --column names another"


def check_column(column: str, known: Sequence[str]) -> None:
    if column not in known:
        raise ValueError(f"it has no column {column!r}; --column names one of {', '.join(known) or 'none at all'}")


def as_text(text: str) -> str | tuple[str, str]:
    """ "first ||| second" is a pair, as in the scripts BERT was published with; anything else is a sentence."""
    parts = [part.strip() for part in text.split(PAIR)]
    if len(parts) == 1:
        return text
    if len(parts) > 2:
        raise ValueError(f"the text has {len(parts)} parts; expected a sentence, or two with one {PAIR} between")
    if not all(parts):
        raise ValueError(f"one side of {PAIR} is empty; expected a sentence before it and one after it")
    return parts[0], parts[1]


def encoded(bert: Bert, lines: Iterator[Line] | Sequence[Line], skip_bad: bool) -> Iterator[tuple[Line, Encoding]]:
    """The lines as the model sees them. ValueError, which says where, for one that it cannot: or none of such."""
    for line in lines:
        try:
            yield line, encode(bert, line)
        except ValueError as error:
            if skip_bad:
                continue
            raise at_line(line, error) from None


def at_line(line: Line, error: ValueError) -> ValueError:
    """The error, with the place of the line in its file."""
    if not line.path:
        return error
    where = f"{line.path}, {'row' if line.path.endswith('.parquet') else 'line'} {line.number}"
    return ValueError(f"{where}: {error}; mend it, or go on without such lines by --skip-bad")


def encode(bert: Bert, line: Line) -> Encoding:
    if line.fault:
        raise ValueError(line.fault)
    if not line.text.strip():
        raise ValueError("the text is empty; expected a sentence")
    try:
        line.text.encode()
    except UnicodeEncodeError:
        raise ValueError("the text is not UTF-8") from None
    return bert.encode(as_text(line.text))

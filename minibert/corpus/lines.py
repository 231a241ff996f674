"""Lines of text out of files of several kinds. No more than a block of them is in memory, but for a list in a .json."""

import csv
import glob
import gzip
import io
import itertools
import json
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from minibert.errors import UserError

TABLES = {".csv": ",", ".tsv": "\t"}
"""Tables of text, and what stands between two cells."""
WITH_COLUMNS = (".jsonl", ".ndjson", ".json", *TABLES, ".parquet")
"""The kinds of files with columns, by their endings; .gz may follow. A .json has a list, or is read as .jsonl is."""
KINDS = (".txt", *(kind for kind in WITH_COLUMNS if kind != ".json"))
"""What is read of a folder, where a .json is rarely one of texts. A file with another ending is text."""
PACKED = {
    b"PK\x03\x04": "a zip file, as .docx and .xlsx are too",
    b"\x1f\x8b": "of gzip, but its name does not end in .gz",
    b"PAR1\x15": "of parquet, but its name does not end in .parquet",
    b"BZh91AY&SY": "of bzip2",
    b"\xfd7zXZ": "of xz",
    b"(\xb5/\xfd": "of zstd",
    b"%PDF-": "a PDF",
}
"""What is no text, by its first bytes."""
BLOCK = 256
"""Lines that are worked on together. The last digits of what a model computes depend on what it computes beside it, so
this number does not depend on the number of workers."""

MOST_HELD = 1 << 28
"""The most bytes that are kept of a source that can be read only once, such as standard input."""


class Line(NamedTuple):
    """A text, and its place: line `number` of the file `path`, line `at` of all. fault: why it is no text."""

    at: int
    text: str
    path: str = ""
    number: int = 0
    fault: str = ""


class Corpus:
    """Texts as typed, or the lines of files, which are read again for each iteration."""

    def __init__(self, texts: Sequence[str] = (), path: Path | None = None, column: str | None = None):
        """path: a file, a folder, a pattern such as books/*.txt, or "-", standard input. column: in WITH_COLUMNS, the
        name of the column with the text; None is "text". Raises UserError where there is no file."""
        self.texts, self.path, self.column = texts, path, column or "text"
        self.files = [] if path is None else files_of(path)
        self.name = "standard input" if str(path) == "-" else str(path)
        self.held = {file: held for file in self.files if (held := read_once(file)) is not None}

    @property
    def short_name(self) -> str:
        """The name of the file or files, for a title."""
        name = self.name if self.path is None else Path(self.name).name
        return f"{name} ({len(self.files):,} files)" if len(self.files) > 1 else name

    def raw(self, file: Path) -> BinaryIO:
        return io.BytesIO(self.held[file]) if file in self.held else file.open("rb")

    def blocks(self, size: int | None = None) -> Iterator[list[Line]]:
        """Lists of so many lines, BLOCK for None; the last may be shorter."""
        lines = iter(self)
        return iter(lambda: list(itertools.islice(lines, size or BLOCK)), [])

    def __iter__(self) -> Iterator[Line]:
        """All lines that are not blank."""
        at = itertools.count()
        yield from (Line(next(at), text) for text in self.texts if self.path is None)
        for file in self.files:
            name = self.name if str(file) == "-" else str(file)
            try:
                with self.raw(file) as raw:
                    for number, text, fault in read(raw, file, self.column):
                        if fault or text.strip():
                            yield Line(next(at), text, name, number, fault)
            except (ValueError, OSError, EOFError, zlib.error, csv.Error) as error:
                raise UserError(f"{name} cannot be read: {error}") from None


def files_of(path: Path) -> list[Path]:
    """The files, in order: this one, those of a known kind in a folder, or those that fit a pattern.

    Hidden files and folders, whose names begin with ".", are left out.
    """
    if not path.is_dir() and (path.exists() or not glob.has_magic(str(path))):
        return [path]
    inside = (file for file in path.rglob("*") if not any(part[0] == "." for part in file.relative_to(path).parts))
    found = inside if path.is_dir() else map(Path, glob.glob(str(path), recursive=True))
    files = {file.resolve(): file for file in found if file.is_file() and (kind_of(file) in KINDS or not path.is_dir())}
    if not files:
        raise UserError(f"{path}: no file; expected one, or 'a/*.txt', or a folder of {', '.join(KINDS)}")
    return sorted(files.values())


def kind_of(path: Path) -> str:
    """The ending of a name, without .gz: one of KINDS or WITH_COLUMNS, or another."""
    return Path(path.name.lower().removesuffix(".gz")).suffix


def read_once(path: Path) -> bytes | None:
    """The content of standard input or a pipe, which can be read only once; None for a file."""
    if path.is_file():
        return None
    with nullcontext(getattr(sys.stdin, "buffer", sys.stdin)) if str(path) == "-" else path.open("rb") as source:
        content = source.read(MOST_HELD + 1)
    if len(content) > MOST_HELD:
        raise UserError(f"{path} has more than {MOST_HELD:,} bytes; save them in a file, and name it")
    return content if isinstance(content, bytes) else content.encode()  # a caller may have put a stream of text there


def read(raw: BinaryIO, path: Path, column: str) -> Iterator[tuple[int, str, str]]:
    """Yield the number of each line of a file, its text, and why it has none."""
    kind = kind_of(path)
    if kind == ".parquet":
        yield from ((number, *cell(row, column)) for number, row in enumerate(parquet(raw, column), start=1))
        return
    source = gzip.GzipFile(fileobj=raw) if path.suffix.lower() == ".gz" else raw
    start = source.read(10)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UserError("it is UTF-16; expected UTF-8: save it anew in that encoding")
    if what := next((what for first, what in PACKED.items() if start.startswith(first)), ""):
        raise UserError(f"it is {what}; expected text")
    source.seek(0)
    # lines may end as they like; bytes that are not UTF-8 become what cannot be encoded again
    lines = io.TextIOWrapper(cast(BinaryIO, source), "utf-8-sig", "surrogateescape", "" if kind in TABLES else None)
    if kind in TABLES:
        csv.field_size_limit(2**31 - 1)  # a text may be too long for the model, but not for this
        table = csv.DictReader(lines, strict=True, delimiter=TABLES[kind])
        check_column(column, table.fieldnames or [])
        yield from ((table.line_num, *cell(row, column)) for row in table)
        return
    if kind == ".json":
        listed = lines.read(1000).lstrip().startswith("[")
        lines.seek(0)
        if listed:
            yield from ((number, *cell(row, column)) for number, row in enumerate(json_list(lines.read()), start=1))
            return
    read_line = json_cell if kind in WITH_COLUMNS else plain_line
    yield from ((number, *read_line(line.removesuffix("\n"), column)) for number, line in enumerate(lines, start=1))


def plain_line(line: str, column: str) -> tuple[str, str]:
    return line, ""


def json_list(text: str) -> list:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"it is not JSON ({error})") from None


def json_cell(line: str, column: str) -> tuple[str, str]:
    """The text in a line of JSON, and why there is none."""
    try:
        return cell(json.loads(line), column) if line.strip() else ("", "")
    except (ValueError, RecursionError) as error:
        return "", f"it is not JSON ({error}); expected an object on each line"


def parquet(raw: BinaryIO, column: str) -> Iterator[dict]:
    try:
        from pyarrow.parquet import ParquetFile  # type: ignore[import-untyped]
    except ImportError:
        raise UserError("this takes pyarrow: pip install 'minibert-numpy[parquet]'") from None
    with ParquetFile(raw) as file:
        check_column(column, file.schema_arrow.names)
        for batch in file.iter_batches(BLOCK, columns=[column]):
            yield from batch.to_pylist()


def cell(row: object, column: str) -> tuple[str, str]:
    """The text in a row, and why there is none. A row of JSON may be the text itself."""
    text = row.get(column) if isinstance(row, dict) else row
    if isinstance(text, str):
        return text.replace("\n", " "), ""
    return "", f"there is no text under {column!r}; name another column"


def check_column(column: str, known: Sequence[str]) -> None:
    if column not in known:
        raise UserError(f"it has no column {column!r}; expected {', '.join(known) or 'a file with columns'}")
    if (count := list(known).count(column)) > 1:
        raise UserError(f"it has {count} columns {column!r}; give all but one another name")

"""Small files: those of a checkpoint, read with care; and those that are written, checked before the work."""

import errno
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from minibert.errors import CheckpointError, UserError

MOST_TEXT = 64_000_000
"""Bytes: several times the largest tokenizer.json of a BERT."""


def read_value(path: Path) -> Any:
    """What a JSON file has in it. CheckpointError: it is not JSON."""
    text = read_text(path)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        page = ": it is a web page" if text.lstrip().startswith("<") else ""
        raise CheckpointError(f"{path} is not JSON ({error}){page}; get the file again") from None


def read_json(path: Path) -> dict:
    """The object in a JSON file. CheckpointError: there is none."""
    settings = read_value(path)
    if not isinstance(settings, dict):
        raise CheckpointError(f"{path} holds {abbreviate(settings)}; expected an object, {{...}}")
    return settings


def read_text(path: Path) -> str:
    """The text of a file. CheckpointError: it cannot be read."""
    try:
        if not is_there(path):
            problem = "there is no such file; a checkpoint is a folder that has it"
        elif path.stat().st_size > MOST_TEXT:
            problem = f"it has more than {MOST_TEXT:,} bytes; the file of a BERT is far smaller"
        else:
            text = path.read_text(encoding="utf-8-sig")
            if not text.startswith(POINTER):
                return text
            problem = f"it is a pointer of git-lfs, not the file itself; {PULL}"
    except OSError as error:
        problem = f"it cannot be read ({error.strerror}); check the file and its permissions"
    except UnicodeDecodeError as error:
        if error.object[:2] in (b"\xff\xfe", b"\xfe\xff"):
            error.reason = "but UTF-16"
        problem = f"it is not UTF-8 text ({error.reason} at byte {error.start}); get the file again"
    raise CheckpointError(f"{path}: {problem}")


POINTER = "version https://git-lfs.github.com/spec/"
"""The start of the small file that git puts in the place of a large one where git-lfs is missing."""

PULL = "run `git lfs pull` in the folder, or get the file again"


def is_there(path: Path) -> bool:
    """Is it a file? CheckpointError: a permission or a broken link hides it."""
    try:
        if path.is_symlink() and not path.exists():
            where = f"it is a link to {path.readlink()}, where there is no file"
            raise CheckpointError(f"{path}: {where}; get the folder again")
        return path.is_file()
    except OSError as error:
        raise CheckpointError(f"{path}: it cannot be read ({error.strerror}); check the folder's permissions") from None


def abbreviate(value: object) -> str:
    """A value as text, short enough for one line."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits; a deep nest
        text = f"a {type(value).__name__} too large to show"
    return text if len(text) <= 100 else text[:97] + "..."


# --- files that are written: checked before the work, whole or not at all --------------------------------------------


UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EBADF)
"""The numbers of an OSError where a file cannot be written, such as on a full disk. Such an error names no file."""


def check_writable(folder: Path, name: str) -> None:
    """Raises UserError where nothing can be written into this folder, there or not. `name` is the option.

    One byte is written, since a file of none fits a full disk.
    """
    import tempfile  # only needed here

    nearest = folder
    try:
        while not nearest.exists() and nearest != nearest.parent:
            nearest = nearest.parent
        if not nearest.is_dir():
            raise UserError(f"{name} is {folder}, which is a file or lies in one; expected a folder")
        with tempfile.TemporaryFile(dir=nearest) as file:
            file.write(b"\n")
    except OSError as error:
        why = f"where this user cannot write ({error.strerror}); name another folder by {name}"
        raise UserError(f"{name} is {folder}, {why}") from None


def check_new_file(path: Path | None, name: str, ending: str = "") -> None:
    """Raises UserError where this file cannot be written; None is no file. `name` is the option, "" any ending."""
    if path is None:
        return
    if path.is_dir() or path.suffix != (ending or path.suffix):
        raise UserError(f"{name} is {path}; expected the name of a file" + f", which ends in {ending}" * bool(ending))
    if not path.parent.exists():
        raise UserError(f"{name} is {path}, but there is no folder {path.parent}; make it, or name another")
    check_writable(path.parent, name)


def check_not_folders(folder: Path, names: Iterable[str], option: str) -> None:
    """Raises UserError where a folder stands in this folder in the place of a file. names: of files, or patterns."""
    for name in names:
        for path in folder.glob(name):
            if path.is_dir():
                raise UserError(f"{path} is a folder where a file is to be written; name another place by {option}")


def write_csv(path: Path, rows: Iterable[Mapping[Any, object]]) -> None:
    """Write a table whose columns are those of the first row; numbers have six digits."""
    with csv_table(path) as add:
        add(rows)


@contextmanager
def csv_table(path: Path | None) -> Iterator[Callable[[Iterable[Mapping[Any, object]]], None]]:
    """A function that adds rows to a table, which is there when the block ends; for no path it does nothing."""
    if path is None:
        yield lambda rows: None
        return
    import csv  # only needed here

    from viz.files import whole_file

    with whole_file(path) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        writer: csv.DictWriter | None = None

        def add(rows: Iterable[Mapping[Any, object]]) -> None:
            nonlocal writer
            for row in rows:
                if writer is None:
                    writer = csv.DictWriter(file, list(row), lineterminator="\n")
                    writer.writeheader()
                writer.writerow({name: f"{x:.6g}" if isinstance(x, float) else x for name, x in row.items()})

        yield add

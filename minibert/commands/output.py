"""Where results go: folders and tables, whole or not at all."""

import csv
import io
import os
from pathlib import Path

from minibert.model import Bert


def writable_folder(path: Path) -> Path:
    """The folder, made if need be; asked before any work is done."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise ValueError(f"--out is {path}, which is a file or lies in one; expected a folder") from None
    except OSError as error:
        raise ValueError(f"--out is {path}, which cannot be made: {error.strerror}; expected a folder") from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise ValueError(f"--out is {path}, where this user may not write; expected a folder that can be written")
    return path


def write_csv(path: Path, rows: list[dict]) -> None:
    """Whole or not at all."""
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    beside = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        beside.write_text(text.getvalue(), encoding="utf-8")
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def quoted(texts: list[str]) -> str:
    """Texts for a title: the first, shortened, and how many more there are."""
    short = texts[0] if len(texts[0]) <= 60 else texts[0][:59] + "…"
    return f"“{short}”" + (f" and {len(texts) - 1} more" if len(texts) > 1 else "")


def model_name(bert: Bert) -> str:
    """A bundled name or hub id as it is; the last two parts of a folder."""
    return "/".join(Path(bert.name).parts[-2:])

"""Files that are written completely or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """A temporary path in the same folder, which becomes `path` when the block ends without an exception.

        with whole_file("table.csv") as beside:
            beside.write_text(table, encoding="utf-8")

    After an exception the temporary file is removed, and an older file at `path` is as before. Parent folders are made.
    The temporary name is new each time, so two programs may write to one path at once: the last file stays. A new file
    has the permissions of the user's umask, an older one keeps its own; a link stays a link.

    OSError: the file cannot be written.
    """
    target = Path(os.path.realpath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with naming(path, beside):
            beside.open("xb").close()
            yield beside
            with suppress(FileNotFoundError):
                beside.chmod(target.stat().st_mode & 0o777)
            os.replace(beside, target)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


@contextmanager
def naming(path: str | Path, beside: Path) -> Iterator[None]:
    """Put the name that the user knows into an OSError: one of a full disk has no name, others have the temporary."""
    try:
        yield
    except OSError as error:
        if error.errno and (error.filename is None or str(error.filename).startswith(str(beside))):
            raise type(error)(error.errno, error.strerror, str(path)) from None
        raise

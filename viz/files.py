"""Files that appear whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Gives a path to write to, in the same folder; what was written there becomes `path` when the block ends well.

        with whole_file("table.csv") as beside:
            beside.write_text(table, encoding="utf-8")

    Otherwise nothing is left, and what was at `path` before is still there. Parent folders are made. The name is a new
    one each time, so that two may write to one path at once: the last one stays. A new file gets the rights that the
    user's umask gives, an old one keeps those it has; a link stays a link. OSError: it cannot be written.
    """
    target = Path(os.path.realpath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        beside.open("xb").close()
        yield beside
        with suppress(FileNotFoundError):
            beside.chmod(target.stat().st_mode & 0o777)
        os.replace(beside, target)
    except OSError as error:
        if error.filename == str(beside):  # a name that nobody has ever seen
            raise type(error)(error.errno, error.strerror, str(path)) from None
        raise
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)

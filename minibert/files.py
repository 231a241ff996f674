"""The small files of a checkpoint, read with care: text and JSON, or a CheckpointError that says what is wrong."""

import json
from pathlib import Path

from minibert.errors import CheckpointError

MOST_TEXT = 64_000_000
"""Bytes: several times the largest tokenizer.json of a BERT."""


def read_json(path: Path) -> dict:
    """The object in a JSON file. Raises CheckpointError where there is none."""
    text = read_text(path)
    try:
        settings = json.loads(text)
    except (ValueError, RecursionError) as error:
        page = ": it is a web page" if text.lstrip().startswith("<") else ""
        raise CheckpointError(f"{path} is not JSON ({error}){page}; get the file again") from None
    if not isinstance(settings, dict):
        raise CheckpointError(f"{path} holds {abbreviate(settings)}; expected an object, {{...}}")
    return settings


def read_text(path: Path) -> str:
    """What is in a text file. Raises CheckpointError where it cannot be read."""
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
"""How the small file begins that stands in the place of a large one where git cloned without git-lfs."""

PULL = "run `git lfs pull` in the folder, or get the file again"


def is_there(path: Path) -> bool:
    """Is it a file? Raises CheckpointError where that cannot be seen, which is not as if it were missing."""
    try:
        if path.is_symlink() and not path.exists():
            where = f"it is a link to {path.readlink()}, where there is no file"
            raise CheckpointError(f"{path}: {where}; get the folder again")
        return path.is_file()
    except OSError as error:
        raise CheckpointError(f"{path}: it cannot be read ({error.strerror}); check the folder's permissions") from None


def abbreviate(value: object) -> str:
    """What came, short enough for one line."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits; a deep nest
        text = f"a {type(value).__name__} too large to show"
    return text if len(text) <= 100 else text[:97] + "..."

"""Where results go: folders and tables, whole or not at all; names for titles and folders; progress."""

import csv
import glob
import hashlib
import io
import json
import re
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from minibert.model import Bert

Thing = TypeVar("Thing")

LONGEST_NAME = 40  # characters of a text in the name of a folder


def check_writable(path: Path, option: str = "--out") -> None:
    """ValueError where nothing can be written to this folder, there already or not; asked before any work is done."""
    nearest = path
    try:
        while not nearest.exists() and nearest != nearest.parent:
            nearest = nearest.parent
        if not nearest.is_dir():
            raise ValueError(f"{option} is {path}, which is a file or lies in one; expected a folder")
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        raise ValueError(
            f"{option} is {path}, where this user cannot write ({error.strerror}); name another folder by {option}"
        ) from None


def check_new_file(path: Path | None, option: str, ending: str) -> None:
    """ValueError where this file cannot be written; asked before any work is done. None is no file."""
    if path is None:
        return
    if path.suffix != ending or path.is_dir():
        raise ValueError(f"{option} is {path}; expected the name of a file, which ends in {ending}")
    check_writable(path.parent, option)


def check_page(out: Path, name: str) -> Path:
    """The file that --out names, or in the folder that it names the file `name`. ValueError: it cannot be written."""
    if out.is_dir() or not out.suffix:
        check_writable(out)
        return out / name
    if out.suffix not in (".html", ".htm"):
        raise ValueError(f"--out is {out}; expected a folder, or a file that ends in .html")
    check_writable(out.parent)
    return out


def folder_of_run(out: Path | None, *parts: str) -> Path:
    """The folder for what is written: the one named by --out, or one of its own under out/, named after the run."""
    folder = Path("out", *parts) if out is None else out
    check_writable(folder)
    return folder


def name_of_texts(texts: Sequence[str | tuple[str, str]], path: Path | None, options: dict[str, object]) -> str:
    """A name for a folder that says which sentences, and with which options: other ones have another folder."""
    if path is not None:
        meant = path.absolute()
        while glob.has_magic(meant.name) and not meant.exists():  # of a pattern, the folder that it looks into
            meant = meant.parent
        name = "standard-input" if str(path) == "-" else slug(meant.stem)
        if str(path) not in ("-", f"{name}.txt"):
            name += digest(str(path.absolute()))
    else:
        text = text_line(texts[0])
        name = slug(text)
        if len(texts) > 1:
            name += f"-and-{len(texts) - 1}-more"
        if text != name.replace("-", " ").capitalize() + ".":  # "A dog!" has the same words as "A dog."
            name += digest("\n".join(map(text_line, texts)))
    for option, value in options.items():
        name += f"_{option}" if value is True else f"_{option}-{path_part(str(value))}"
    return name


def digest(text: str) -> str:
    """For the end of a name: other texts have another."""
    return f"-{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()[:6]}"


def slug(text: str, longest: int = LONGEST_NAME) -> str:
    """The words of a text with hyphens between them, shortened: something that may be part of a path everywhere."""
    words = re.findall(r"\w[\w.]*\w|\w", text.lower())  # none begins with a dot: such folders are hidden
    while len("-".join(words)) > longest and len(words) > 1:
        words.pop()
    return "-".join(words)[:longest] or "text"


def path_part(text: str) -> str:
    """A text with nothing in it that could not stand in the name of a file."""
    return re.sub(r"[^\w.,-]+", "-", text)


def write_csv(path: Path, rows: list[dict]) -> None:
    """Whole or not at all."""
    from viz.files import whole_file

    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with whole_file(path) as beside:
        beside.write_text(text.getvalue(), encoding="utf-8", newline="")


def print_json(result: object) -> None:
    print(json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False))


def rounded(x: float) -> float:
    """Six digits are what float32 holds for sure."""
    return float(f"{x:.6g}")


def printable(text: str) -> str:
    """A text of a file, for a terminal: what is no character to be seen, but would do something there, is written out.

    (A token may be anything, an escape sequence or a line break as well.)
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def columns(text: str) -> int:
    """Of a terminal that a text takes: wide characters, such as 猫, take two, and accents of their own none."""
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def padded(text: str, width: int) -> str:
    """With spaces after it, as many columns wide."""
    return text + " " * (width - columns(text))


def text_line(text: str | tuple[str, str]) -> str:
    """A text as it is typed, pairs with ||| between."""
    return text if isinstance(text, str) else " ||| ".join(text)


def quoted(texts: Sequence[str | tuple[str, str]]) -> str:
    """Texts for a title: the first, shortened, and how many more there are."""
    first = text_line(texts[0])
    short = first
    if len(first) > 60:  # cut between words, where there are any
        short = (first[:59].rpartition(" ")[0] or first[:59]).rstrip(" ,;:-") + " …"
    return f"“{short}”" + (f" and {len(texts) - 1} more" if len(texts) > 1 else "")


def counted(count: int, noun: str) -> str:
    """ "1 sentence", "2 sentences"."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def folder_name(bert: Bert) -> str:
    """The model's name as part of a path; those of a hub may be long, and differ at their ends."""
    return slug(model_name(bert), longest=100)


def model_name(bert: Bert) -> str:
    """A bundled name or hub id as it is; the last two parts of a folder."""
    return "/".join(Path(bert.name).parts[-2:])


def progress(total: int | None, unit: str):
    """A bar on standard error, where that is a terminal: `.update(n)` moves it; a context manager."""
    from huggingface_hub.utils import tqdm

    terminal = sys.stderr is not None and sys.stderr.isatty()
    return tqdm(total=total, unit=f" {unit}", leave=False, disable=not terminal)


def with_bar(things: Iterable[Thing], count: int, unit: str) -> Iterator[Thing]:
    """The things, one after another, and a bar that shows how many of them are done."""
    with progress(count, unit) as bar:
        for thing in things:
            yield thing
            bar.update()


@contextmanager
def until_interrupted(done: Callable[[], object]) -> Iterator[None]:
    """Ctrl-C ends the block, and what is `done` by then is gone on with; where nothing is, it ends everything."""
    try:
        yield
    except KeyboardInterrupt:
        if not done():
            raise

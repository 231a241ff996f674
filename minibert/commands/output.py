"""What commands print and where they write: JSON, and folders and files named after what they are of."""

import glob
import hashlib
import json
import re
import webbrowser
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from minibert.corpus.doubts import Doubts
from minibert.errors import UserError
from minibert.files import check_not_folders, check_writable
from minibert.model import Bert
from minibert.terminal import model_name, note, text_line

if TYPE_CHECKING:
    from minibert.survey.sample import Run
    from viz.explorer import Explorer

LONGEST_NAME = 40  # characters of a text in the name of a folder


def check_page(out: Path, name: str) -> Path:
    """The page that --out names: this file, or `name` in this folder. Raises UserError where it cannot be written."""
    if out.is_dir() or not out.suffix:
        check_writable(out, "--out")
        check_not_folders(out, [name], "--out")
        return out / name
    if out.suffix not in (".html", ".htm"):
        raise UserError(f"--out is {out}; expected a folder, or a file that ends in .html")
    check_writable(out.parent, "--out")
    return out


def address_of(given: str | None, out: Path, name: str) -> str:
    """The address of the other page: the given one; otherwise `name`, if it lies beside `out`; otherwise none."""
    if given is not None:
        return given
    return name if (out.parent / name).is_file() else ""


def write_page(page: "Explorer", out: Path, notes: Sequence[str], *, show: bool) -> None:
    """Write a page; print its name, its size and the notes; `show` opens it in the browser."""
    page.save(out)
    print(f"{out}  {out.stat().st_size / 1e6:.1f} MB: open it in any browser, with or without a network")
    print(*notes, sep="\n", end="\n" if notes else "")
    if show:
        webbrowser.open(out.resolve().as_uri())


def folder_of_run(out: Path | None, *parts: str, files: Iterable[str]) -> Path:
    """The folder for what is written: the one named by --out, or one of its own under out/, named after the run.

    files: the names of what is written there, or patterns of them. Raises UserError where that cannot be written.
    """
    folder = Path("out", *parts) if out is None else out
    check_writable(folder, "--out")
    check_not_folders(folder, files, "--out")
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


def print_doubts(doubts: Doubts) -> None:
    """Print on standard error what the model does not read as it was meant."""
    for line in doubts.lines:
        note(line)


def print_json(result: object) -> None:
    print(json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False))


def folder_name(bert: Bert) -> str:
    """The model's name as part of a path; those of a hub may be long, and differ at their ends."""
    return slug(model_name(bert), longest=100)


def check_whole(found: "Run") -> None:
    """Raises KeyboardInterrupt where Ctrl-C came before the end, once what was measured is written."""
    if found.stopped:
        written = f"what is written is of {found.done:,} sentences, not of all {found.scan.sentences:,}"
        raise KeyboardInterrupt(f"; {written}")

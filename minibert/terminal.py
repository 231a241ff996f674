"""Text for a terminal: how wide it is, what of it can be printed, counts, spelling, and a progress bar.

The commands and the course share it. It imports nothing of the package.
"""

import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

Thing = TypeVar("Thing")

SHADES, PLAIN_SHADES = " ░▒▓█", " .+#@"


def print_anything() -> None:
    """Make both outputs print tokens of every language: a character that they cannot encode appears as \\u732b."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # None without a console; another class in a test or a notebook
            stream.reconfigure(errors="backslashreplace")


def note(text: str) -> None:
    """Say something beside the output of a command, on standard error."""
    if sys.stderr is not None:
        print(f"minibert: {printable(text)}", file=sys.stderr)


def printable(text: str) -> str:
    """The text with escape sequences, line breaks and other control characters written out, such as \\x1b."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def columns(text: str) -> int:
    """The number of columns that a text fills: a wide character, such as 猫, fills two, a combining accent none."""
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def padded(text: str, width: int) -> str:
    """The text, followed by spaces up to `width` columns."""
    return text + " " * (width - columns(text))


def shades(encoding: str | None) -> str:
    """Five characters from light to dark that the encoding has; None counts as ASCII."""
    try:
        SHADES.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return PLAIN_SHADES
    return SHADES


def text_line(text: str | tuple[str, str]) -> str:
    """A text as it is typed: a pair has ||| between its sentences."""
    return text if isinstance(text, str) else " ||| ".join(text)


def quoted(texts: Sequence[str | tuple[str, str]]) -> str:
    """Texts for a title: the first, shortened, and the number of the others."""
    first = text_line(texts[0])
    short = first
    if len(first) > 60:  # cut between words, where there are any
        short = (first[:59].rpartition(" ")[0] or first[:59]).rstrip(" ,;:-") + " …"
    return f"“{short}”" + (f" and {len(texts) - 1} more" if len(texts) > 1 else "")


def model_name(bert: Any) -> str:
    """The name of a Bert: a bundled name or hub id as it is, the last two parts of a folder; and what was changed."""
    off, own = bert.notes.get("heads off"), getattr(bert, "yours", ())
    changed = f" without heads {off}" * bool(off) + f" with {counted(len(own), 'own function')}" * bool(own)
    return "/".join(Path(bert.name).parts[-2:]) + changed


def counted(count: int, noun: str) -> str:
    """ "1 sentence", "2 sentences"."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def rounded(x: float) -> float:
    """The number in six digits, which float32 surely has."""
    return float(f"{x:.6g}")


def close_to(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known name that is spelled most like `name`, whatever the case; None where none is like it."""
    import difflib  # only needed here

    lower = {each.lower(): each for each in known}
    close = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=cutoff)
    return lower[close[0]] if close else None


def suggest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """ "did you mean viz?" where a known name is spelled like this one; otherwise ""."""
    close = close_to(name, known, cutoff)
    return "" if close is None else f"did you mean {close}?"


def progress(total: int | None, unit: str) -> Any:
    """A bar on standard error, where that is a terminal; a context manager. `.update(n)` moves the bar."""
    from tqdm import tqdm  # type: ignore[import-untyped] # huggingface-hub requires it

    terminal = sys.stderr is not None and sys.stderr.isatty()
    return tqdm(total=total, unit=f" {unit}", leave=False, disable=not terminal)


def with_bar(things: Iterable[Thing], count: int, unit: str) -> Iterator[Thing]:
    """Yield the things, with a bar that shows how many of them are done."""
    with progress(count, unit) as bar:
        for thing in things:
            yield thing
            bar.update()


@contextmanager
def until_interrupted(done: Callable[[], object]) -> Iterator[None]:
    """Ctrl-C ends the block. Raises KeyboardInterrupt only where nothing is `done` by then."""
    try:
        yield
    except KeyboardInterrupt:
        if not done():
            raise

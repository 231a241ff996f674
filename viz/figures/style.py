"""The house style: what all figures have in common, whatever matplotlib is told elsewhere.

Figures are made, drawn and saved inside `house_style()`: a matplotlibrc, a style sheet, TeX, MPLBACKEND, warnings that
are errors or NumPy's `seterr` of whoever calls change nothing in them, and they change nothing for the caller.
"""

import contextlib
import functools
import os
import sys
import threading
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import ParamSpec, TypeVar

import numpy as np

from viz.web.theme import theme

Parameters = ParamSpec("Parameters")
Made = TypeVar("Made")


def _import_matplotlib() -> None:
    """matplotlib reads MPLBACKEND as it is imported, and fails where that names nothing; no window is wanted here."""
    wanted = os.environ.pop("MPLBACKEND", None)
    try:
        import matplotlib
    finally:
        if wanted is not None:
            os.environ["MPLBACKEND"] = wanted
    if wanted:
        with contextlib.suppress(ValueError):
            matplotlib.rcParams["backend"] = wanted


with warnings.catch_warnings(), np.errstate(all="ignore"):
    warnings.simplefilter("ignore")
    if "matplotlib" not in sys.modules:
        _import_matplotlib()
    import matplotlib.style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure
    from matplotlib.font_manager import (
        FontManager,
        OSXFontDirectories,
        findSystemFonts,
        fontManager,
        get_font,
        json_dump,
    )
    from matplotlib.text import Text

# The pages' colours on white. Query and key also differ in shape (dot and diamond) and, in grey, in lightness.
_LIGHT, _FIGURES = theme()["light"], theme()["figures"]
QUERY, KEY = _LIGHT["query"], _LIGHT["key"]
QUERY_MARK, KEY_MARK = "o", "D"
KEY_TEXT = KEY
INK, FAINT, RULE = _LIGHT["ink"], _LIGHT["faint"], _LIGHT["rule"]
LINE, LINK = _FIGURES["line"], _FIGURES["link"]
ATTENTION, DIFFERENCE, DOTS, LAYERS = (
    LinearSegmentedColormap.from_list(name, _FIGURES[name]) for name in ("attention", "difference", "dots", "layers")
)

WIDTH = 7.0  # inches: both columns of a printed page
SMALL, NORMAL, LARGE = 6, 7, 8.5  # points; nothing is smaller
DPI = 300

FALLBACKS = [
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans CJK TC",
    "Noto Sans CJK KR",
    "Noto Sans JP",
    "Noto Sans SC",
    "Noto Sans TC",
    "Noto Sans KR",
    "Source Han Sans JP",
    "Source Han Sans SC",
    "IPAexGothic",
    "IPAGothic",
    "TakaoPGothic",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "Nanum Gothic",
    "NanumGothic",
    "UnDotum",
    "Baekmuk Dotum",
    "Hiragino Sans",
    "Hiragino Kaku Gothic ProN",
    "Yu Gothic",
    "Meiryo",
    "MS Gothic",
    "Microsoft YaHei",
    "SimHei",
    "PingFang SC",
    "Heiti TC",
    "Apple SD Gothic Neo",
    "Malgun Gothic",
    "Noto Sans",
    "Noto Sans Arabic",
    "Noto Sans Hebrew",
    "Noto Sans Devanagari",
    "Noto Sans Bengali",
    "Noto Sans Tamil",
    "Noto Sans Thai",
    "Noto Sans Ethiopic",
    "Noto Sans Khmer",
    "Noto Sans Symbols",
    "Noto Sans Symbols2",
    "Noto Emoji",
    "Symbola",
    "Segoe UI Emoji",
    "Segoe UI Symbol",
    "Nirmala UI",
    "Leelawadee UI",
    "Thonburi",
    "FreeSans",
    "FreeSerif",
    "Garuda",
    "Loma",
    "Waree",
    "Lohit Devanagari",
    "Tahoma",
    "Arial Unicode MS",
    "Droid Sans Fallback",
    "Unifont",
]
"""Fonts for what DejaVu Sans, which comes with matplotlib, has no glyphs for; those that are installed are used."""

CJK = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "FULLWIDTH", "IDEOGRAPHIC")
"""How the Unicode names of Chinese, Japanese and Korean characters begin."""


@functools.cache
def fonts() -> tuple[str, ...]:
    """DejaVu Sans, and those of the fallbacks that are installed."""
    _add_new_fonts()
    installed = {entry.name for entry in fontManager.ttflist if entry.name in FALLBACKS and Path(entry.fname).is_file()}
    return ("DejaVu Sans", *(name for name in FALLBACKS if name in installed))


def _add_new_fonts() -> None:
    """Add to matplotlib's list of fonts, which it keeps in a file and never renews, what was installed since."""
    known = {entry.fname for entry in fontManager.ttflist}
    folders = OSXFontDirectories if sys.platform == "darwin" else None  # asking macOS itself takes seconds
    new = [path for path in findSystemFonts(folders) if path not in known]
    for path in new:
        with contextlib.suppress(Exception):  # as matplotlib does: a font that it cannot read is not there
            fontManager.addfont(path)
    if len(known) < len({entry.fname for entry in fontManager.ttflist}):
        json_dump(fontManager, Path(matplotlib.get_cachedir(), f"fontlist-v{FontManager.__version__}.json"))


def _settings() -> dict:
    return {
        "font.family": list(fonts()),
        "font.size": NORMAL,
        "text.parse_math": False,  # a dollar in a text is a dollar
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": FAINT,
        "axes.linewidth": 0.5,
        "axes.labelsize": NORMAL,
        "axes.titlesize": NORMAL,
        "axes.labelpad": 2.5,
        "axes.titlepad": 4,
        "xtick.color": FAINT,
        "ytick.color": FAINT,
        "xtick.labelsize": SMALL,
        "ytick.labelsize": SMALL,
        "xtick.major.width": 0.5,
        "ytick.major.width": 0.5,
        "xtick.major.size": 2,
        "ytick.major.size": 2,
        "xtick.major.pad": 2,
        "ytick.major.pad": 2,
        "grid.color": RULE,
        "grid.linewidth": 0.4,
        "legend.fontsize": NORMAL,
        "pdf.fonttype": 42,  # whole fonts, as journals want them, no drawings of letters
        "ps.fonttype": 42,
        "svg.fonttype": "none",  # text stays text
        "svg.hashsalt": "viz",
    }


_LOCK = threading.RLock()  # rcParams, warnings and errstate of a process are one for all threads


@contextlib.contextmanager
def house_style() -> Iterator[None]:
    """matplotlib's defaults and the house's settings, and nobody else's, for as long as this lasts."""
    with _LOCK, warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        with matplotlib.style.context(["default", _settings()]):
            yield


def in_house_style(draw: Callable[Parameters, Made]) -> Callable[Parameters, Made]:
    """A function that makes a figure, made to do so in the house style."""

    @functools.wraps(draw)
    def drawn(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Made:
        with house_style():
            return draw(*args, **kwargs)

    return drawn


class Picture(Figure):
    """A matplotlib figure that is always drawn in the house style, and that a notebook shows."""

    def draw(self, renderer) -> None:
        with house_style():
            super().draw(renderer)

    def savefig(self, *args, **kwargs) -> None:
        report_what_is_not_drawn([text.get_text() for text in self.findobj(Text)])
        with house_style():
            super().savefig(*args, **kwargs)

    def _repr_png_(self) -> bytes:
        import io

        file = io.BytesIO()
        self.savefig(file, format="png", dpi=150)
        return file.getvalue()


def new_figure(width: float, height: float) -> Picture:
    """An empty figure, in inches. No pyplot: nothing is kept anywhere else, and no window opens."""
    with house_style():
        figure = Picture(figsize=(width, height), dpi=DPI)
        FigureCanvasAgg(figure)
        return figure


_REPORTED: set[str] = set()

INDIC = ("DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL", "TELUGU", "KANNADA", "MALAYALAM", "SINHALA")
INDIC += ("KHMER", "MYANMAR", "TIBETAN")
"""How the Unicode names of scripts begin whose letters change places and shapes beside each other."""


def report_what_is_not_drawn(texts: Iterable[str]) -> None:
    """Says in a line on standard error, once each, in which way a picture will not look as its texts should."""
    characters = {c for text in texts for c in text if c > "~"}
    report_missing_glyphs(characters)
    if matplotlib.__version_info__ < (3, 11) and any(map(_takes_shaping, characters)):
        _say_once(
            "viz: this matplotlib writes Arabic, Hebrew and Indic scripts letter by letter, from the left; 3.11 and "
            "later ones write them as they are read: pip install -U matplotlib"
        )
    joined = "\u200d" in characters and any(unicodedata.category(c) == "So" for c in characters)
    if joined or any("\U0001f1e6" <= c <= "\U0001f1ff" or "\U0001f3fb" <= c <= "\U0001f3ff" for c in characters):
        _say_once(
            "viz: emoji are drawn in black, and those joined of several, such as flags and families, part by part"
        )


def _takes_shaping(character: str) -> bool:
    return unicodedata.bidirectional(character) in ("R", "AL") or unicodedata.name(character, "").startswith(INDIC)


def report_missing_glyphs(texts: Iterable[str]) -> None:
    """Says in one line on standard error, once for each, which characters no installed font has."""
    missing = {c for text in texts for c in text if c > "~"} - _glyphs("DejaVu Sans") - _REPORTED
    missing = sorted(c for c in missing if not c.isspace() and unicodedata.category(c) not in ("Cf", "Mn"))
    missing = [c for c in missing if not any(c in _glyphs(name) for name in fonts())]
    if not missing:
        return
    _REPORTED.update(missing)
    some = " ".join(missing[:5]) + (f" and {len(missing) - 5} more characters" if len(missing) > 5 else "")
    packages = " and ".join(sorted({_package(c) for c in missing}))
    colour = " (fonts of coloured emoji cannot be drawn)" if "fonts-symbola" in packages else ""
    _say_once(
        f"viz: no installed font has {some}, so boxes are drawn; install a font that has them: {packages} on Debian "
        f"and Ubuntu, elsewhere one of https://fonts.google.com/noto{colour}"
    )


def _say_once(said: str) -> None:
    """On standard error, in characters that it can show."""
    if said in _REPORTED:
        return
    _REPORTED.add(said)
    encoding = getattr(sys.stderr, "encoding", None) or "ascii"
    with contextlib.suppress(AttributeError, OSError, ValueError):  # no standard error, or a closed one
        print(said.encode(encoding, "backslashreplace").decode(encoding), file=sys.stderr)


def _package(character):
    """The package of Debian and Ubuntu with a font that has it."""
    if unicodedata.name(character, "").replace("-", " ").split(" ")[0] in CJK:
        return "fonts-noto-cjk"
    return "fonts-symbola" if unicodedata.category(character).startswith("S") else "fonts-noto-core"


@functools.cache
def _glyphs(family):
    """All characters that an installed font has."""
    paths = {entry.fname for entry in fontManager.ttflist if entry.name == family and Path(entry.fname).is_file()}
    return frozenset(chr(code) for path in paths for code in get_font(path).get_charmap())

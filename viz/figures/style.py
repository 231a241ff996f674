"""The style that all figures have in common, whatever the settings of matplotlib.

Figures are made, drawn and saved inside `house_style()`. So a matplotlibrc, a style sheet, TeX, MPLBACKEND, warnings
that are errors, or the caller's `np.seterr` do not change them, and they do not change the caller's settings.
"""

import contextlib
import functools
import os
import re
import sys
import threading
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np

from viz.web.theme import theme

Parameters = ParamSpec("Parameters")
Made = TypeVar("Made")


def _import_matplotlib() -> None:
    """Import matplotlib without MPLBACKEND: it fails for an unknown backend, and no window is needed here."""
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
    from matplotlib import font_manager
    from matplotlib.backend_bases import RendererBase
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure
    from matplotlib.font_manager import fontManager, get_font
    from matplotlib.text import Text

# The pages' colours on white. Query and key also differ in shape (dot and diamond) and, in grey, in lightness.
_LIGHT, _FIGURES = theme()["light"], theme()["figures"]
QUERY, KEY = _LIGHT["query"], _LIGHT["key"]
QUERY_MARK, KEY_MARK = "o", "D"
INK, FAINT, RULE = _LIGHT["ink"], _LIGHT["faint"], _LIGHT["rule"]
LINE, LINK = _FIGURES["line"], _FIGURES["link"]
ATTENTION, DIFFERENCE, DOTS, LAYERS = (
    LinearSegmentedColormap.from_list(name, _FIGURES[name]) for name in ("attention", "difference", "dots", "layers")
)

WIDTH = 7.0  # inches: both columns of a printed page
SMALL, NORMAL, LARGE = 6, 7, 8.5  # points; nothing is smaller
DPI = 300

FALLBACKS = re.split(
    ", |\n",
    """Noto Sans CJK JP, Noto Sans CJK SC, Noto Sans CJK TC, Noto Sans CJK KR, Noto Sans JP, Noto Sans SC, Noto Sans TC
Noto Sans KR, Source Han Sans JP, Source Han Sans SC, IPAexGothic, IPAGothic, TakaoPGothic, WenQuanYi Zen Hei
WenQuanYi Micro Hei, Nanum Gothic, NanumGothic, UnDotum, Baekmuk Dotum, Hiragino Sans, Hiragino Kaku Gothic ProN
Yu Gothic, Meiryo, MS Gothic, Microsoft YaHei, SimHei, PingFang SC, Heiti TC, Apple SD Gothic Neo, Malgun Gothic
Noto Sans, Noto Sans Arabic, Noto Sans Hebrew, Noto Sans Devanagari, Noto Sans Bengali, Noto Sans Tamil
Noto Sans Thai, Noto Sans Ethiopic, Noto Sans Khmer, Noto Sans Symbols, Noto Sans Symbols2, Noto Emoji, Symbola
Segoe UI Emoji, Segoe UI Symbol, Nirmala UI, Leelawadee UI, Thonburi, FreeSans, FreeSerif, Garuda, Loma, Waree
Lohit Devanagari, Tahoma, Arial Unicode MS, Droid Sans Fallback, Unifont""",
)
"""Fonts for characters that DejaVu Sans, which comes with matplotlib, lacks. Those that are installed are used."""

CJK = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "FULLWIDTH", "IDEOGRAPHIC")
"""First words of the Unicode names of Chinese, Japanese and Korean characters."""


@functools.cache
def fonts() -> tuple[str, ...]:
    """DejaVu Sans, and the fallbacks that are installed."""
    _add_new_fonts()
    installed = {entry.name for entry in fontManager.ttflist if entry.name in FALLBACKS and Path(entry.fname).is_file()}
    return ("DejaVu Sans", *(name for name in FALLBACKS if name in installed))


def _add_new_fonts() -> None:
    """Add fonts that were installed since matplotlib made its list of fonts, which it keeps in a file, to that list."""
    known = {entry.fname for entry in fontManager.ttflist}
    folders = font_manager.OSXFontDirectories if sys.platform == "darwin" else None  # a call of macOS takes seconds
    new = [path for path in font_manager.findSystemFonts(folders) if path not in known]
    for path in new:
        with contextlib.suppress(Exception):  # as in matplotlib, unreadable fonts are left out
            fontManager.addfont(path)
    if len(known) < len({entry.fname for entry in fontManager.ttflist}):
        name = f"fontlist-v{font_manager.FontManager.__version__}.json"
        font_manager.json_dump(fontManager, Path(matplotlib.get_cachedir(), name))


def _settings() -> dict[str, Any]:
    ticks = {"color": FAINT, "labelsize": SMALL, "major.width": 0.5, "major.size": 2, "major.pad": 2}
    axes = {"labelcolor": INK, "edgecolor": FAINT, "linewidth": 0.5, "labelpad": 2.5, "titlepad": 4}
    return {
        "font.family": list(fonts()),
        **dict.fromkeys(("font.size", "axes.labelsize", "axes.titlesize", "legend.fontsize"), NORMAL),
        "text.parse_math": False,  # a dollar in a text is a dollar
        "text.color": INK,
        **{f"axes.{name}": value for name, value in axes.items()},
        **{f"{axis}tick.{name}": value for axis in "xy" for name, value in ticks.items()},
        "grid.color": RULE,
        "grid.linewidth": 0.4,
        "pdf.fonttype": 42,  # whole fonts, as journals want them, no drawings of letters
        "ps.fonttype": 42,
        "svg.fonttype": "none",  # text stays text
        "svg.hashsalt": "viz",
    }


_LOCK = threading.RLock()  # rcParams, warnings and errstate of a process are one for all threads


@contextlib.contextmanager
def house_style() -> Iterator[None]:
    """A context with matplotlib's defaults and the settings of this file, and no others."""
    with _LOCK, warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        with matplotlib.style.context(["default", _settings()]):
            yield


def in_house_style(draw: Callable[Parameters, Made]) -> Callable[Parameters, Made]:
    """Decorator: the function makes its figure inside `house_style()`."""

    @functools.wraps(draw)
    def drawn(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Made:
        with house_style():
            return draw(*args, **kwargs)

    return drawn


class Picture(Figure):
    """A matplotlib figure that is drawn and saved inside `house_style()`, and that a notebook shows."""

    def draw(self, renderer: RendererBase) -> None:
        with house_style():
            super().draw(renderer)

    def savefig(self, *args: Any, **kwargs: Any) -> None:
        report_what_is_not_drawn([text.get_text() for text in self.findobj(Text)])
        with house_style():
            super().savefig(*args, **kwargs)

    def _repr_png_(self) -> bytes:
        import io

        file = io.BytesIO()
        self.savefig(file, format="png", dpi=150)
        return file.getvalue()


def new_figure(width: float, height: float) -> Picture:
    """An empty figure; width and height in inches. Without pyplot, no list of figures grows and no window opens."""
    with house_style():
        figure = Picture(figsize=(width, height), dpi=DPI)
        FigureCanvasAgg(figure)
        return figure


_REPORTED: set[str] = set()

INDIC: tuple[str, ...] = ("DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL", "TELUGU", "KANNADA")
INDIC += ("MALAYALAM", "SINHALA", "KHMER", "MYANMAR", "TIBETAN")
"""First words of the Unicode names of scripts whose letters change places and shapes beside each other."""


def report_what_is_not_drawn(texts: Iterable[str]) -> None:
    """Print one line on standard error, once for each reason, if a picture cannot show its texts as they should be."""
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
    """Print one line on standard error with the characters that no installed font has, once for each character."""
    characters = {c for text in texts for c in text if c > "~"} - _glyphs("DejaVu Sans") - _REPORTED
    missing = sorted(c for c in characters if not c.isspace() and unicodedata.category(c) not in ("Cf", "Mn"))
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
    """Print on standard error, in characters of its encoding."""
    if said in _REPORTED:
        return
    _REPORTED.add(said)
    encoding = getattr(sys.stderr, "encoding", None) or "ascii"
    with contextlib.suppress(AttributeError, OSError, ValueError):  # no standard error, or a closed one
        print(said.encode(encoding, "backslashreplace").decode(encoding), file=sys.stderr)


def _package(character: str) -> str:
    """The package of Debian and Ubuntu with a font for the character."""
    if unicodedata.name(character, "").replace("-", " ").split(" ")[0] in CJK:
        return "fonts-noto-cjk"
    return "fonts-symbola" if unicodedata.category(character).startswith("S") else "fonts-noto-core"


@functools.cache
def _glyphs(family: str) -> frozenset[str]:
    """All characters of an installed font."""
    paths = {entry.fname for entry in fontManager.ttflist if entry.name == family and Path(entry.fname).is_file()}
    return frozenset(chr(code) for path in paths for code in get_font(path).get_charmap())

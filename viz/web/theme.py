"""The colours of pages and figures: `theme.json`."""

import functools
import json
from importlib.resources import files


@functools.cache
def theme() -> dict:
    """The colours by name: "light" and "dark" for the pages, "viridis" for scales, "figures" for figures on paper."""
    return json.loads((files("viz.web") / "theme.json").read_text(encoding="utf-8"))


def variables() -> str:
    """The colours of both themes as CSS variables: `--paper` is the paper of the theme that is chosen."""
    return "".join(
        f"{selector} {{ {_declarations(theme()[name])} color-scheme: {name}; }}\n"
        for selector, name in ((":root", "light"), (':root[data-theme="dark"]', "dark"))
    )


def _declarations(colors: dict) -> str:
    return " ".join(f"--{name}: {color};" for name, color in colors.items() if str(color).startswith("#"))

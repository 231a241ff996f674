"""Chromium for the tests of the pages, the pictures of the README and the benchmarks: one way to find and start it."""

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def find_chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def launch(playwright: "Playwright", **environment: str) -> "Browser":
    """A running Chromium, with these variables in its environment."""
    return playwright.chromium.launch(
        executable_path=find_chromium(), args=ARGUMENTS, env={**os.environ, **environment}
    )


def only_dejavu(folder: Path) -> dict[str, str]:
    """The environment in which no font is installed but DejaVu Sans, the widest of the usual ones (Linux only)."""
    import matplotlib

    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    settings = folder / "fonts.conf"
    settings.write_text(
        f"<fontconfig><dir>{fonts}</dir><cachedir>{folder / 'cache'}</cachedir></fontconfig>", encoding="utf-8"
    )
    return {"FONTCONFIG_FILE": str(settings)}

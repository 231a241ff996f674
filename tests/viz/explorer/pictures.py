"""The README's pictures of the explorer, made in the tests' browser: `python -m tests.viz.explorer.pictures`."""

import io
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

import minibert
from minibert.commands.explore import EXAMPLES
from tests.support.browser import launch
from tests.viz.explorer.test_typing import answered

FOLDER = Path(__file__).parents[3] / ".github" / "pictures"
TYPED = "She opened the door and went out."
FRAME = 160  # milliseconds
SIZE = (800, 512)
COLOURS = 255


def main() -> None:
    bert = minibert.load("tiny")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        texts = [tuple(text.split(" ||| ")) if "|||" in text else text for text in EXAMPLES]
        file = minibert.explore(bert, texts).save(Path(folder) / "tiny.html")
        browser = launch(playwright)
        page = browser.new_page(viewport={"width": 1280, "height": 820}, reduced_motion="reduce")
        page.goto(file.as_uri())
        page.wait_for_timeout(3000)
        page.screenshot(path=FOLDER / "explorer-heads.png")
        page.evaluate("explorer.visit('view=near&layer=1&head=2&query=2&key=1&method=exact')")
        page.wait_for_timeout(1500)
        page.screenshot(path=FOLDER / "explorer-points.png")

        page.set_viewport_size({"width": 1000, "height": 640})
        page.evaluate("explorer.visit('view=heads')")
        page.fill("#text", "")
        shots, times = [], []

        def shot(milliseconds: int = FRAME) -> None:
            shots.append(Image.open(io.BytesIO(page.screenshot())).convert("RGB").resize(SIZE, Image.LANCZOS))
            times.append(milliseconds)

        for end in range(1, len(TYPED) + 1):
            page.fill("#text", TYPED[:end])
            answered(page, TYPED[:end])
            shot()
        times[-1] = 900
        page.locator("#words-row button").nth(3).click()
        answered(page, TYPED.replace("door", "[MASK]"))
        shot(1800)
        page.locator("#head-switches button", has_text="0.2").click()
        answered(page, TYPED.replace("door", "[MASK]"))
        page.wait_for_timeout(500)
        shot(2400)
        palette = shots[-1].quantize(COLOURS, kmeans=4)  # one for all: only what changes is stored anew
        frames = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in shots]
        file = FOLDER / "explorer-typing.gif"
        frames[0].save(file, save_all=True, append_images=frames[1:], duration=times, loop=0, optimize=True)
        print(f"{sum(times) / 1000:.1f} s, {file.stat().st_size / 1e6:.2f} MB")
        browser.close()


if __name__ == "__main__":
    main()

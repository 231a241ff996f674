"""How long a keystroke takes in the explorer, from the key to the painted picture, and how long the page takes to open.

    python -m tests.benchmarks.explorer

Prints medians and the time that 95 of 100 stay under; asserts nothing. The machine should have nothing else to do.
"""

import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

import minibert
from tests.support.browser import launch

WORDS = (
    "the old man opened the door and went out into the garden where the children sat under the trees and " * 3
).split()
KEYS = 40
TYPE = """async (texts) => {
  const input = document.getElementById("text");
  const paint = explorer.paint.bind(explorer);
  const times = [];
  for (const text of texts) {
    const began = performance.now();
    times.push(await new Promise((done) => {
      explorer.paint = (time) => {
        paint(time);
        if (explorer.data.typed?.request.text === text && !explorer.live.model.busy) done(performance.now() - began);
      };
      input.value = text;
      input.dispatchEvent(new Event("input"));
    }));
  }
  explorer.paint = paint;
  return times;
}"""


def main() -> None:
    bert = minibert.load("tiny")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = minibert.explore(bert, ["The brown capybara is sleeping now.", "It was cold in May."]).save(
            Path(folder) / "tiny.html"
        )
        browser = launch(playwright)
        opened = []
        for _ in range(5):
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            began = time.perf_counter()
            page.goto(file.as_uri())
            while not page.evaluate("document.documentElement.dataset.busy === 'false' && !explorer.live.model.busy"):
                page.wait_for_timeout(10)
            opened.append(time.perf_counter() - began)
        print(f"opening, until the model is there: median {np.median(opened):.2f} s, best {min(opened):.2f} s")
        for tokens in (10, 20, 40):
            base = " ".join(WORDS[: tokens - 3])
            texts = [f"{base} {'abcdefghij'[i % 10]}" for i in range(KEYS)]
            for view in ("heads", "sentence"):
                page.evaluate(f"explorer.visit('view={view}')")
                times = page.evaluate(TYPE, texts)
                model = page.evaluate("explorer.data.typed.milliseconds")
                size = page.evaluate("explorer.data.typed.encoding.ids.length")
                print(
                    f"{size} tokens, {view}: keystroke to picture {np.median(times):.0f} ms, "
                    f"95 of 100 under {np.percentile(times, 95):.0f} ms (of the last the model took {model:.0f} ms)"
                )
        browser.close()


if __name__ == "__main__":
    main()

"""How long a keystroke takes in the explorer, from the key to the painted picture, how long the page takes to open, and
how long it takes to say why a query attends to a key.

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
WHY = """async (pairs) => {
  const paint = explorer.paint.bind(explorer);
  const times = [];
  for (const [sentence, layer, head, query] of pairs) {
    explorer.choose({ sentence, view: "sentence", layer, head });
    do await new Promise((done) => setTimeout(done, 50));
    while (explorer.live.model.busy);
    const began = performance.now();
    times.push(await new Promise((done) => {
      explorer.paint = (time) => {
        paint(time);
        const { request: { why } = {} } = explorer.why.found ?? {};
        if (why?.layer === layer && why.head === head && why.query === query) done(performance.now() - began);
      };
      explorer.set({ view: "why", layer, head, query, key: -1 });
    }));
  }
  explorer.paint = paint;
  return times;
}"""


def main() -> None:
    bert = minibert.load("tiny")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        twenty = [" ".join(WORDS[start : start + 18]) for start in range(KEYS)]  # with [CLS] and [SEP] 20 tokens
        file = minibert.explore(bert, twenty).save(Path(folder) / "tiny.html")
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
        pairs = [[i, i % 4, i // 4 % 4, 5] for i in range(KEYS)]
        times = page.evaluate(WHY, pairs)
        most = np.percentile(times, 95)
        print(f"20 tokens: a pair to its reasons {np.median(times):.0f} ms, 95 of 100 under {most:.0f} ms")
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

"""What the tests share: the real weights they are held against, sentences to run, and a browser."""

import os
import signal
import time
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
# On a busy machine, threads that share out small products wait for each other longer than they work. Tests that are
# about threads ask for some.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Random models are others in every run; the processes of one run (pytest -n) must collect the same.
os.environ.setdefault("MINIBERT_SEED", str(time.time_ns() % 1_000_000_000))

import minibert
from tests.material import SENTENCES, find_minilm
from tests.support.browser import find_chromium, launch

# Shells switch Ctrl-C off for what they start in the background, and what the tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("any machine", deadline=None)  # how long something takes is for the benchmarks
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def minilm_folder() -> Path:
    return find_minilm()


@pytest.fixture(scope="session")
def minilm(minilm_folder: Path) -> minibert.Bert:
    return minibert.load(minilm_folder)


@pytest.fixture(scope="session")
def sentences() -> list[str]:
    """Fifty English sentences of 5 to 60 words."""
    return SENTENCES.read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def playwright():
    """Playwright, where it and a browser are installed. It keeps an event loop running, so it does not last long."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="no playwright here: pip install playwright")
    if find_chromium() is None:
        pytest.skip("no browser here: apt-get install chromium")
    with sync_api.sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def browser(playwright):
    """A browser for the pages, opened from files."""
    running = launch(playwright)
    yield running
    running.close()


@pytest.fixture
def open_page(browser):
    """open_page(file, "state", (width, height), **options of the context): a page without a network.

    Whatever goes wrong in it (a message on the console, an error, a request to anywhere) fails the test at its end.
    """
    contexts, wrong = [], []

    def open_page(file, state, size, **options):
        context = browser.new_context(offline=True, viewport={"width": size[0], "height": size[1]}, **options)
        context.set_default_timeout(120_000)  # for machines with much else to do
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: wrong.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("request", lambda r: r.url.startswith(("file:", "data:", "blob:")) or wrong.append(f"request: {r.url}"))
        page.on("requestfailed", lambda request: wrong.append(f"failed: {request.url}"))
        page.goto(f"{Path(file).as_uri()}#{state}" if state else Path(file).as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not wrong

"""A browser for the explorer's pages: without a network, and with an ear for everything that goes wrong in them."""

import shutil

import pytest


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="no playwright here: pip install playwright")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no browser here: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        running = playwright.chromium.launch(executable_path=path, args=arguments)
        yield running
        running.close()


@pytest.fixture
def show(browser):
    """show(file, "view=points") opens a page; whatever goes wrong in it is told at the end of the test."""
    contexts, wrong = [], []

    def show(file, state="", size=(1280, 720), motion="reduce", **options):
        context = browser.new_context(
            offline=True, viewport={"width": size[0], "height": size[1]}, reduced_motion=motion, **options
        )
        context.set_default_timeout(120_000)  # for machines with much else to do
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: wrong.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("request", lambda r: r.url.startswith(("file:", "data:", "blob:")) or wrong.append(f"request: {r.url}"))
        page.on("requestfailed", lambda request: wrong.append(f"failed: {request.url}"))
        page.goto(f"{file.as_uri()}#{state}")
        ready(page)
        return page

    yield show
    for context in contexts:
        context.close()
    assert not wrong


def ready(page):
    """Wait until nothing moves any more."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))")
    page.wait_for_selector("html[data-busy=false]", state="attached")

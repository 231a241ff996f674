"""The explorer's page in a browser."""

import json

import pytest

import minibert
from minibert.explorer import explore


@pytest.fixture
def show(open_page):
    """show(file, "view=points") opens a page; whatever goes wrong in it is told at the end of the test."""

    def show(file, state="", size=(1280, 720), motion="reduce", **options):
        page = open_page(file, state, size, reduced_motion=motion, **options)
        ready(page)
        return page

    return show


def ready(page):
    """Wait until nothing moves any more."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))")
    page.wait_for_selector("html[data-busy=false]", state="attached")


@pytest.fixture(scope="module")
def tiny():
    return minibert.load("tiny")


@pytest.fixture(scope="module")
def live(tiny, tmp_path_factory):
    texts = [
        "The brown capybara is sleeping now.",
        "Where is the captain? ||| He is in his cabin.",
        "It was cold in May.",
    ]
    return explore(tiny, texts).save(tmp_path_factory.mktemp("live") / "tiny.html")


def until(page, true: str) -> None:
    """Wait until an expression is true; the page's policy forbids Playwright's own way, which evaluates text there."""
    for _ in range(1200):
        if page.evaluate(f"Boolean({true})"):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never: {true}")


def answered(page, text=None, second=""):
    """Wait until the model has answered what is asked, and the picture is there."""
    wanted = json.dumps([text, second])
    until(
        page,
        f"(([text, second]) => explorer.data.typed && !explorer.live.model.busy && (text === null || "
        f"(explorer.data.typed.request.text === text && explorer.data.typed.request.second === second)))({wanted})",
    )
    ready(page)

"""The explorer's page in a browser."""

import pytest


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

"""The page of `minibert read` in a browser."""

import pytest


@pytest.fixture
def show(open_page):
    """show(file, "#...") opens a page; whatever goes wrong in it is told at the end of the test."""

    def show(file, address="", size=(1400, 900), scheme="light", ready="html[data-ready]", **options):
        page = open_page(file, address.removeprefix("#"), size, color_scheme=scheme, **options)
        page.wait_for_selector(ready)
        if "array=" in address:
            page.wait_for_selector("#arithmetic .block")
        return page

    return show

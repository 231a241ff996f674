"""From a number of the explorer to the line that computes it, and back; and the site that holds both pages."""

import ast
import re
from pathlib import Path

from minibert.commands.main import main

BUILD = Path(__file__).parents[2] / ".github/site/build.py"


def test_the_published_site_leads_both_ways(show, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    commands = re.findall(r"command\((\[.*\])\)", BUILD.read_text(encoding="utf-8"))
    assert len(commands) == 2
    for command in commands:
        main(ast.literal_eval(re.sub(r'str\(folder / "(.*?)"\)', r'"site/\1"', command)))
    site = tmp_path / "site"
    page = show(site / "explorer.html", "#view=sentence&layer=1&head=2&query=2&key=1", ready="#to-code")
    share = page.text_content("#pair-attention")
    link = page.get_attribute("#to-code", "href")
    page = show(site / "read.html", link.removeprefix("read.html"))
    assert page.text_content("#cell .where") == "head 2, query brown (2), key the (1)"
    assert round(float(page.text_content("#cell b")), 3) == float(share)
    assert page.get_attribute("#elsewhere a", "href") == "explorer.html#view=sentence&layer=1&head=2&query=2&key=1"

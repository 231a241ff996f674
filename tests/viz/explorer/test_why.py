"""Why this key, and circuits, in a browser: the numbers are Python's, every part leads on, all can use it."""

import json
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import minibert
from minibert.explorer import explore
from minibert.whatif.attribution import score_terms
from minibert.whatif.composition import Question, answer
from tests.material import everything
from tests.viz.explorer.conftest import ready
from tests.viz.explorer.test_typing import answered, until

OWN = "The old man sat down in his chair."
PAIR = ("Where is the captain?", "He is in his cabin.")
TYPED = "In the morning the old fisherman pushed his boat into the water."
OF_TYPED = "text=In%20the%20morning%20the%20old%20fisherman%20pushed%20his%20boat%20into%20the%20water."
LINKED = f"view=why&layer=1&head=2&query=6&key=5&{OF_TYPED}"


@pytest.fixture(scope="module")
def tiny():
    return minibert.load("tiny")


@pytest.fixture(scope="module")
def live(tiny, tmp_path_factory):
    return explore(tiny, [OWN, PAIR]).save(tmp_path_factory.mktemp("why") / "tiny.html")


def explained(page, *pair):
    """Wait until the page explains a layer, head and query."""
    wanted = json.dumps(pair, separators=(",", ":"))
    until(page, f"JSON.stringify(Object.values(explorer.why.found?.request.why ?? {{}})) === '{wanted}'")
    until(page, "!explorer.live.model.busy")
    ready(page)


def rows(page):
    """The table beside the picture: [[term, number, attention without it], ...]."""
    cells = page.locator("#why tbody tr").evaluate_all("rows => rows.map((r) => [...r.cells].map((c) => c.innerText))")
    return [[name, *(number.replace("−", "-") for number in numbers)] for name, *numbers in cells]


def check(page, bert, text, layer, head, query, key, instead=None):
    """The table has Python's largest terms, the rest and the sum, which is the score less its mean."""
    (trace,) = everything(bert, text)
    terms = score_terms(bert, trace, layer, head, query, key, instead)
    found = rows(page)
    for (name, value, without), term in zip(found[:8], terms[:8], strict=True):
        assert name.replace(" × ", " x ") == term.name
        assert float(value) == pytest.approx(term.value, abs=0.006)
        assert float(without) == pytest.approx(term.without, abs=0.006)
    scores = trace.layers[layer].scores[head, query]
    less = scores.mean() if instead is None else scores[instead]
    assert float(found[-1][1]) == pytest.approx(scores[key] - less, abs=0.006)
    assert float(found[-1][2]) == pytest.approx(trace.layers[layer].attention[head, query, key], abs=0.006)
    assert found[8][0] == f"{len(terms) - 8} other terms"
    assert sum(float(value) for _, value, _ in found[:9]) == pytest.approx(scores[key] - less, abs=0.05)
    shown = page.evaluate("explorer.views.why.rows.map((row) => row.value)")
    if shown:  # the picture has the same
        np.testing.assert_allclose(shown, [float(value) for _, value, _ in found], atol=0.006)


def at_cell(page, i, j):
    box = page.locator("#canvas").bounding_box()
    x, y = page.evaluate(
        f"(({{map, widest, cell}}) => [map.x + widest + 6 + {j + 0.5} * cell, map.y + 26 + widest + {i + 0.5} * cell])"
        "(explorer.views.sentence)"
    )
    return box["x"] + x, box["y"] + y


def test_a_click_on_a_connection_asks_why_and_another_shows_the_picture(show, live, tiny):
    page = show(live, "view=sentence&layer=1&head=2")
    until(page, "explorer.live.typing.ready")
    assert page.locator("#why-section").is_hidden()
    page.mouse.click(*at_cell(page, 4, 3))
    explained(page, 1, 2, 4)
    assert page.evaluate("[explorer.state.view, explorer.state.query, explorer.state.key]") == ["sentence", 4, 3]
    check(page, tiny, OWN, 1, 2, 4, 3)
    assert page.locator("#tip").inner_text().endswith("click again: why?")
    page.mouse.click(*at_cell(page, 4, 3))
    ready(page)
    assert page.evaluate("explorer.state.view") == "why"
    check(page, tiny, OWN, 1, 2, 4, 3)
    lead = page.locator("#lead").inner_text()
    share = everything(tiny, OWN)[0].layers[1].attention[2, 4, 3]
    assert lead.startswith(f"Why does “sat” give {share:.2f} of its attention to “man” in head 1.2?")


def test_a_curve_is_a_connection_too(show, live):
    page = show(live, "view=sentence&layer=1&head=2")
    until(page, "explorer.live.typing.ready")
    box = page.locator("#canvas").bounding_box()
    curve = "explorer.views.sentence.drawn.find(({i, j}) => i === 4 && j === 3).points"
    (x1, y1), (x2, y2) = page.evaluate(curve)
    page.mouse.click(box["x"] + (x1 + x2) / 2, box["y"] + (y1 + y2) / 2)  # a curve passes through its middle
    explained(page, 1, 2, 4)
    assert page.evaluate("[explorer.state.query, explorer.state.key]") == [4, 3]


def test_a_part_leads_to_the_head_that_wrote_it_and_there_is_a_way_back(show, live, tiny):
    page = show(live, LINKED)
    explained(page, 1, 2, 6)
    check(page, tiny, TYPED, 1, 2, 6, 5)
    page.locator("#why td button", has_text="head 0.3").first.click()
    explained(page, 0, 3, 5)
    assert (
        page.locator("#why p").first.inner_text().startswith("Head 0.3: “old” gives 0.94 of its attention to “fisher”")
    )
    assert not page.locator("#why td button").count()  # down to words and places
    until(page, "location.hash.includes('trail=1.2.6.5')")
    copied = page.evaluate("location.hash.slice(1)")
    page.go_back()
    explained(page, 1, 2, 6)
    page = show(live, copied)  # a link has the way back, too
    explained(page, 0, 3, 5)
    assert page.locator("#why-back").inner_text() == "‹ back to head 1.2: fisher → old"
    page.click("#why-back")
    explained(page, 1, 2, 6)
    check(page, tiny, TYPED, 1, 2, 6, 5)
    assert page.evaluate("explorer.state.trail") == "" and page.locator("#why-back").is_hidden()


def test_a_name_in_the_picture_leads_on(show, live):
    page = show(live, LINKED)
    explained(page, 1, 2, 6)
    box = page.locator("#canvas").bounding_box()
    link = page.evaluate("explorer.views.why.links.find((link) => link.part === 'head 0.3')")
    x, y = box["x"] + link["x"] + link["width"] / 2, box["y"] + link["y"] + link["height"] / 2
    page.mouse.move(x, y)
    ready(page)
    assert page.locator("#tip").inner_text() == "head 0.3 wrote this part of “old”: where did it attend, and why?"
    page.mouse.click(x, y)
    explained(page, 0, 3, 5)


def test_another_key_is_a_contrast_and_the_address_knows_it(show, live, tiny):
    page = show(live, f"{LINKED}&instead=10")
    explained(page, 1, 2, 6)
    check(page, tiny, TYPED, 1, 2, 6, 5, instead=10)
    assert rows(page)[-1][0] == "sum: the score, less that of “boat”"
    page.select_option("#why-instead", "-1")
    ready(page)
    check(page, tiny, TYPED, 1, 2, 6, 5)
    assert rows(page)[-1][0] == "sum: the score, less its mean over the keys"
    page.select_option("#why-key", "-1")
    ready(page)
    check(page, tiny, TYPED, 1, 2, 6, 5)  # the most attended one
    page.select_option("#why-key", "4")
    ready(page)
    check(page, tiny, TYPED, 1, 2, 6, 4)


def test_pairs_and_heads_that_are_off(show, live, tiny):
    page = show(live, "view=why&sentence=1&layer=3&head=1&query=9&key=4")
    explained(page, 3, 1, 9)
    check(page, tiny, PAIR, 3, 1, 9, 4)
    page = show(live, f"{LINKED}&without=0.3_0.1")
    explained(page, 1, 2, 6)
    check(page, tiny.without_heads([(0, 3), (0, 1)]), TYPED, 1, 2, 6, 5)
    page.evaluate("explorer.live.switchHeads('0.3')")
    until(page, "explorer.why.found.request.off.join() === '0.3'")
    ready(page)
    check(page, tiny.without_heads([(0, 3)]), TYPED, 1, 2, 6, 5)


def test_a_token_that_is_off_gets_nothing_and_the_others_more(show, live, tiny):
    page = show(live, "view=why&layer=1&head=2&query=4&key=3&off=2")
    explained(page, 1, 2, 4)
    row = everything(tiny, OWN)[0].layers[1].attention[2, 4]
    assert float(rows(page)[-1][2]) == pytest.approx(row[3] / (1 - row[2]), abs=0.006)


def test_while_one_types_the_reasons_change(show, live, tiny):
    page = show(live, "view=why&layer=1&head=2&query=4&key=3")
    explained(page, 1, 2, 4)
    text = "The young dog ran after his ball."
    page.fill("#text", text)
    answered(page, text)
    until(page, f"explorer.why.found.request.text === {text!r}")
    ready(page)
    check(page, tiny, text, 1, 2, 4, 3)


def test_by_keyboard_and_for_those_who_hear(show, live):
    page = show(live, "view=sentence&layer=1&head=2")
    until(page, "explorer.live.typing.ready")
    for key in ("n", "n", "n", "n", "n", "k"):
        page.keyboard.press(key)
    page.keyboard.press("7")
    explained(page, 1, 2, 4)
    heard = page.locator("#live").inner_text()
    assert "Head 1.2: “sat” gives 0.9" in heard and " position × position; " in heard
    assert "sum: the score, less its mean over the keys" in heard and "nearness" not in heard
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('#why td button')"):
            break
    page.keyboard.press("Enter")
    until(page, "explorer.state.layer === 0 && explorer.why.found.request.why.layer === 0")
    ready(page)
    assert page.evaluate("document.activeElement.id") == "why-back"
    page.keyboard.press("Enter")
    explained(page, 1, 2, 4)
    assert page.evaluate("document.activeElement.id") == "canvas"


def test_circuits_are_pythons(show, live, tiny):
    page = show(live, "view=circuit&sentence=1&arrows=60")
    until(page, "explorer.why.circuit?.arrows")
    ready(page)
    (trace,) = everything(tiny, PAIR)
    shown = page.locator("#circuit tbody tr").evaluate_all(
        "rows => rows.map((r) => [...r.cells].map((c) => c.innerText))"
    )
    assert len(shown) == 60
    for arrow, side, share in shown[:20]:
        writer, reader = arrow.split(" → ")
        layer, head = map(int, reader.split("."))
        name = f"head {writer}"
        asked = Question(side, *((name, "") if side == "query" else ("", name)))
        parts = minibert.whatif.attribution.parts_of_states(tiny, trace, layer)
        found = answer(tiny, trace, layer, head, (asked,), parts)
        expected = found.value[0] / (1 if side == "value" else found.lead)
        assert float(share.removesuffix(" %")) == pytest.approx(100 * expected, abs=0.6), arrow


def test_an_arrow_opens_the_pair_where_it_is_largest(show, live):
    page = show(live, f"view=circuit&{OF_TYPED}")
    until(page, "explorer.why.circuit?.arrows")
    ready(page)
    assert page.evaluate("explorer.views.circuit.curves.length") == 12
    page.locator("[data-state=arrows]").evaluate("(e) => { e.value = 5; e.dispatchEvent(new Event('input')); }")
    ready(page)
    assert page.evaluate("explorer.views.circuit.curves.length") == page.locator("#circuit tbody tr").count() == 5
    until(page, "location.hash.includes('arrows=5')")
    box = page.locator("#canvas").bounding_box()
    arrow = page.evaluate("explorer.views.circuit.curves[0].arrow")
    (x1, y1), (x2, y2) = page.evaluate("explorer.views.circuit.curves[0].points")
    x, y = box["x"] + (x1 + x2) / 2, box["y"] + (y1 + y2) / 2
    page.mouse.move(x, y)
    ready(page)
    told = page.locator("#tip").inner_text()
    assert told.startswith(f"{arrow['from']} → {arrow['to']}: {100 * arrow['share']:.0f} % of the score comes from ")
    page.mouse.click(x, y)
    layer, head = map(int, arrow["to"].split("."))
    explained(page, layer, head, arrow["query"])
    assert page.evaluate("[explorer.state.view, explorer.state.key]") == ["why", arrow["key"]]
    page.keyboard.press("8")
    ready(page)
    page.locator("#circuit button").nth(1).click()
    assert page.evaluate("explorer.state.view") == "why"


def test_a_head_that_is_off_has_no_arrows(show, live):
    page = show(live, f"view=circuit&without=1.2&arrows=60&{OF_TYPED}")
    until(page, "explorer.why.circuit?.arrows")
    arrows = page.evaluate("explorer.why.circuit?.arrows")
    assert len(arrows) > 20 and not [
        a for a in arrows if a["from"] == "1.2" or (a["to"], a["side"]) == ("1.2", "value")
    ]


def saved(page):
    with page.expect_download() as waiting:
        page.click("button[data-do=svg]")
    return " ".join(ET.fromstring(waiting.value.path().read_bytes()).itertext())


def test_the_saved_pictures_say_what_they_show(show, live):
    page = show(live, LINKED)
    explained(page, 1, 2, 6)
    words = saved(page)
    for said in ("layer 1, head 2", TYPED, "head 0.3", "+5.14", "0.12", "73 other terms", "sum: the score", "÷ √64"):
        assert said in words, said
    assert "nearness" not in words
    page.keyboard.press("8")
    until(page, "explorer.why.circuit?.arrows")
    ready(page)
    words = saved(page)
    for said in ("Circuits", TYPED, "layer 3", "1.2", "previous", "q: in queries, k: in keys"):
        assert said in words, said


def test_a_page_without_the_model_has_none_of_it(show, tiny, tmp_path):
    page = show(explore(tiny, [OWN], live=False).save(tmp_path / "still.html"), "view=why&query=3")
    assert page.evaluate("explorer.state.view") == "heads"
    assert page.locator("nav label:visible").count() == 5 and page.locator("#why-section").is_hidden()
    page.keyboard.press("3")
    page.keyboard.press("n")
    page.keyboard.press("k")
    ready(page)
    assert page.locator("#why-section").is_hidden() and page.evaluate("explorer.state.view") == "sentence"


def test_with_a_finger_a_second_tap_asks_why(show, live):
    page = show(live, "view=sentence&layer=1&head=2", (390, 844), has_touch=True, is_mobile=True)
    until(page, "explorer.live.typing.ready && !explorer.live.model.busy")
    ready(page)
    for view in ("sentence", "why"):
        box = page.locator("#canvas").bounding_box()
        points = "explorer.views.sentence.drawn.find(({i, j}) => i === 4 && j === 3).points"
        (x1, y1), (x2, y2) = page.evaluate(points)
        page.touchscreen.tap(box["x"] + (x1 + x2) / 2, box["y"] + (y1 + y2) / 2)
        until(page, f"explorer.state.view === '{view}' && explorer.state.key === 3")
        explained(page, 1, 2, 4)
    box, link = page.locator("#canvas").bounding_box(), page.evaluate("explorer.views.why.links[0]")
    page.touchscreen.tap(box["x"] + link["x"] + link["width"] / 2, box["y"] + link["y"] + link["height"] / 2)
    until(page, "explorer.state.trail === '1.2.4.3'")
    page.locator("#tip").wait_for(state="hidden")
    page.locator("#why-back").tap()
    explained(page, 1, 2, 4)


def test_an_address_is_not_trusted(show, live):
    page = show(live, "view=why&layer=1&head=2&query=4&key=99&instead=77&trail=9.9.9.9_x&arrows=0")
    explained(page, 1, 2, 4)
    assert page.evaluate("[explorer.state.trail, explorer.state.arrows]") == ["", 12]
    assert len(rows(page)) == 10 and page.locator("#why-back").is_hidden()
    page = show(live, "view=why&layer=1&head=2&query=4&trail=9.9.9.9_1.2.77.1")
    explained(page, 1, 2, 4)
    assert page.locator("#why-back").is_hidden()  # this model has no such heads, this sentence no such tokens


def test_in_japanese(show, tiny, tmp_path):
    file = explore(tiny, [OWN], language="ja").save(tmp_path / "ja.html")
    page = show(file, "view=why&layer=1&head=2&query=4&key=3")
    explained(page, 1, 2, 4)
    names = [name for name, *_ in rows(page)]
    assert "位置 × 位置" in names and not re.search("[a-zA-Z]", "".join(names))
    for view in ("why", "circuit"):
        page.evaluate(f"explorer.set({{ view: '{view}' }})")
        until(page, "explorer.why.found || explorer.why.circuit?.arrows")
        text = page.locator("aside").inner_text()
        for english in ("position", "without", "Largest", "share", "head ", "sum"):
            assert english not in text, english

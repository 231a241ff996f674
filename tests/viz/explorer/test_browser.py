"""The explorer in a real browser, opened from a file with the network cut off: every view and every control.

A message on the console, an error, or a request to anywhere fails the test it happens in.
"""

import io
import re
import time
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import viz
from minibert.explorer import explore
from tests.viz.explorer.conftest import ready
from tests.viz.explorer.test_explorer import made_up
from viz.explorer import build, heads, size
from viz.explorer.sentence import Sentence
from viz.explorer.words import WORDS
from viz.web.assemble import assemble

TEXTS = [
    "The brown capybara is sleeping now.",
    "The cat sat on the mat because it was warm.",
    ("Where is the old library?", "It is behind the church."),
    "A dog barked, and another dog answered from the hill.",
]
HOSTILE = [
    "[CLS]",
    "</script><script>window.pwned=1</script>",
    "<img src=x onerror=window.pwned=2>",
    "\"'&amp;<b>",
    "مرحبا بالعالم",
    "👩‍🚀",
    "\u202edesrever",
    "a\u0000b\u2028c",
    "javascript:window.pwned=3",
    "${window.pwned=4}",
    "[SEP]",
]
VIEWS = ("heads", "points", "sentence", "near", "average")


@pytest.fixture(scope="module")
def traces(minilm):
    return minilm.batch(TEXTS)


@pytest.fixture(scope="module")
def file(minilm, tmp_path_factory):
    return explore(minilm, TEXTS, drawn="exact").save(tmp_path_factory.mktemp("explorer") / "page.html")


def state(page, name):
    return page.evaluate(f"explorer.state.{name}")


def address(page):
    page.wait_for_timeout(200)  # it is written a moment after the last change
    return page.evaluate("location.hash")


def where(page, inner):
    """A place on the canvas, given as JavaScript [x, y], on the screen."""
    box = page.locator("#canvas").bounding_box()
    x, y = page.evaluate(inner)
    return box["x"] + x, box["y"] + y


def point(page, side, token, cloud="explorer.cloud"):
    return where(page, f"{cloud}.place({side}, {token})")


def cell(page, layer, head):
    found = f"explorer.views.heads.cells.find((c) => c.layer === {layer} && c.head === {head})"
    return where(page, f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])({found})")


def hover(page, x, y):
    page.mouse.move(x, y)
    ready(page)


def click(page, x, y):
    page.mouse.click(x, y)
    ready(page)


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)
    ready(page)


def tip(page):
    return page.locator("#tip").inner_text().splitlines()


def svg(page):
    with page.expect_download() as waiting:
        page.click("button[data-do=svg]")
    return ET.fromstring(waiting.value.path().read_bytes())


def count(drawing, tag):
    return sum(1 for _ in drawing.iter("{http://www.w3.org/2000/svg}" + tag))


def lines(drawing):
    """Attention lines: paths of the colour of attention, or of what is chosen."""
    return [p for p in drawing.iter("{http://www.w3.org/2000/svg}path") if p.get("stroke") in ("#4f46c8", "#a84b08")]


# ---- the four views


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_draws(show, file, view, theme):
    page = show(file, f"view={view}&layer=0&head=2", color_scheme=theme)
    assert page.locator("#title").inner_text() == "minibert · model"
    picture = Image.open(io.BytesIO(page.locator("#canvas").screenshot())).convert("RGB")
    colours = picture.getcolors(1 << 24)
    paper = (255, 255, 255) if theme == "light" else (18, 21, 28)
    assert max(colours)[1] == paper
    assert len(colours) > 20
    body = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert body == f"rgb{paper}"


def test_matrix_hover_names_the_head_and_click_opens_it(show, file):
    page = show(file)
    hover(page, *cell(page, 1, 8))
    assert tip(page)[0] == "layer 1, head 8"
    assert "kind of head: next" in tip(page)
    click(page, *cell(page, 1, 8))
    assert (state(page, "view"), state(page, "layer"), state(page, "head")) == ("points", 1, 8)


def test_matrix_by_keyboard(show, file):
    page = show(file, "layer=0&head=0")
    page.focus("#canvas")
    press(page, "ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft")
    assert (state(page, "layer"), state(page, "head")) == (1, 1)
    assert "layer 1, head 1" in page.locator("#live").inner_text()
    press(page, "Enter")
    assert state(page, "view") == "points"


def test_matrix_orders_and_marks_heads_by_any_column(show, file):
    page = show(file)
    assert page.locator("#ranking li").first.inner_text().split("\n")[0] == "layer 0, head 2"
    assert "previous (5)" in page.locator("#shade-legend").inner_text()
    names = page.locator("select[data-state=order] option").evaluate_all("options => options.map((o) => o.value)")
    assert {"kind", "to_previous", "entropy", "exact_nearest1_2d", "paper_scale"} < set(names)
    for name in names:
        page.select_option("select[data-state=order]", name)
        if name != "layer":
            page.select_option("select[data-state=shade]", name)
            assert page.locator("#about").inner_text()
        ready(page)
        order = page.evaluate("explorer.views.heads.cells.map(({layer, head}) => [layer, head])")
        assert sorted(map(tuple, order)) == [(i, j) for i in range(6) for j in range(12)]
        if name == "to_previous":
            assert order[0] == [0, 2]
    page.locator("#ranking button").first.click()
    assert state(page, "view") == "points"


def test_hovering_a_point_tells_its_numbers(show, file, traces):
    page = show(file, "view=points&layer=2&head=5&method=paper")
    trace, start = traces[1], len(traces[0].tokens)
    for side, name, array in ((0, "query", trace.layers[2].query), (1, "key", trace.layers[2].key)):
        position = next(
            i
            for i in range(len(trace.tokens))
            if page.evaluate(
                f"(([x, y]) => {{ const h = explorer.views.points.hit(explorer, x, y);"
                f" return h.point.side === {side} && h.point.token === {start + i}; }})"
                f"(explorer.cloud.place({side}, {start + i}))"
            )
        )
        hover(page, *point(page, side, start + position))
        title, *lines = tip(page)
        at, norm, place, text = lines[-4:]
        assert title == f"{trace.tokens[position]} ({name})"
        assert at == f"position {position} of sentence 2"
        assert float(norm.split()[1]) == pytest.approx(np.linalg.norm(array[5, position]), abs=0.006)
        assert len(re.findall(r"-?\d+\.\d\d", place)) == 2
        assert text.startswith("The cat sat on the mat")  # as it was written


def test_clicking_a_point_draws_its_lines(show, file, traces):
    page = show(file, "view=points&layer=0&head=0&sentence=1")
    assert lines(svg(page)) == []
    start, query = len(traces[0].tokens), 2
    attention = traces[1].layers[0].attention[0, query]
    click(page, *point(page, 0, start + query))
    assert (state(page, "sentence"), state(page, "query")) == (1, query)
    assert len(lines(svg(page))) == min(3, (attention >= 0.05).sum())
    page.locator("input[data-state=top]").fill("10")
    page.locator("input[data-state=above]").fill("0.02")
    expected = np.sort(attention[attention >= 0.02])[-10:]
    drawn = lines(svg(page))
    assert len(drawn) == len(expected)
    opacity = [float(line.get("opacity", 1)) for line in drawn]
    np.testing.assert_allclose(opacity, 0.12 + 0.88 * expected, atol=0.006)  # opacity by weight
    assert page.locator("#all-lines").is_hidden()  # it would do nothing
    page.check("input[data-state=only]")
    assert page.locator("#all-lines").is_visible()
    press(page, "Escape")
    assert len(lines(svg(page))) > len(expected)  # of the whole sentence
    page.uncheck("input[data-state=lines]")
    assert lines(svg(page)) == []


def test_zoom_pan_and_labels_that_thin_out(show, tmp_path):
    rng = np.random.default_rng(0)
    arrays = rng.normal(size=(2, 60, 1, 1, 20, 4)).astype(np.float32)
    tokens = [[f"token{i}" for i in range(20)]] * 60
    sentences = [Sentence(*parts) for parts in zip(tokens, *arrays, strict=True)]
    many = viz.explore(sentences).save(tmp_path / "many.html")
    page = show(many, "view=points")
    far = count(svg(page), "text")
    hashes = [address(page)]
    box = page.locator("#canvas").bounding_box()
    page.mouse.move(box["x"] + 400, box["y"] + 300)
    page.mouse.wheel(0, -900)
    ready(page)
    assert state(page, "zoom") > 3
    assert count(svg(page), "text") > far
    hashes.append(address(page))
    before = point(page, 0, 0)
    page.mouse.move(box["x"] + 400, box["y"] + 300)
    page.mouse.down()
    page.mouse.move(box["x"] + 460, box["y"] + 340, steps=3)
    page.mouse.up()
    ready(page)
    after = point(page, 0, 0)
    np.testing.assert_allclose(np.subtract(after, before), [60, 40], atol=0.5)
    assert page.locator("select[data-state=color] option[value=segment]").count() == 0  # no sentence is a pair
    hashes.append(address(page))
    assert len(set(hashes)) == 3
    page.click("button[data-do=zoom-all]")
    assert state(page, "zoom") == 1
    for name, sign in (("zoom-in", 1), ("zoom-out", -1)):
        zoom = state(page, "zoom")
        page.click(f"button[data-do={name}]")
        assert (state(page, "zoom") - zoom) * sign > 0
    page.uncheck("input[data-state=labels]")
    assert count(svg(page), "text") < 25  # numbers on the axes


def test_size_by_norm(show, file):
    page = show(file, "view=points")

    def radii():
        return {c.get("r") for c in svg(page).iter("{http://www.w3.org/2000/svg}circle")}

    assert len(radii()) < 4
    page.check("input[data-state=sized]")
    assert len(radii()) > 5


def test_three_dimensions_turn(show, file):
    page = show(file, "view=points&layer=1&head=3")
    page.check("input[data-state=dims][value='3']", force=True)
    ready(page)
    before = point(page, 0, 3)
    box = page.locator("#canvas").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 500)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 450, steps=4)
    page.mouse.up()
    ready(page)
    assert state(page, "turn") != 0.6
    assert np.hypot(*np.subtract(point(page, 0, 3), before)) > 5


def test_methods_move_into_each_other(show, file):
    moving = show(file, "view=points&method=raw&layer=1&head=3", motion="no-preference")
    start = point(moving, 1, 4)
    moving.check("input[data-state=method][value=exact]", force=True)
    moving.wait_for_selector("html[data-busy=true]", state="attached")
    ready(moving)
    end = point(moving, 1, 4)
    assert np.hypot(*np.subtract(end, start)) > 5
    assert moving.locator("#measures th.chosen").inner_text() == "exact"
    column = {
        method: moving.locator(f"#measures tr:nth-child(2) td:nth-child({i + 2})").inner_text()
        for i, method in enumerate(("raw", "paper", "exact"))
    }
    assert column["exact"] == "1.00"  # nearest@1 in the full space
    assert float(column["raw"]) < 1
    calm = show(file, "view=points&method=raw&layer=1&head=3", motion="reduce")
    calm.check("input[data-state=method][value=exact]", force=True)
    calm.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert calm.get_attribute("html", "data-busy") == "false"
    np.testing.assert_allclose(point(calm, 1, 4), end, atol=0.5)


def test_stepping_to_the_neighbouring_head(show, file):
    page = show(file, "view=points&layer=5&head=11")
    page.click("button[aria-label='next head']")
    page.click("button[aria-label='next layer']")
    assert (state(page, "layer"), state(page, "head")) == (0, 0)
    page.click("button[aria-label='previous layer']")
    page.click("button[aria-label='previous head']")
    page.select_option("select[aria-label=layer]", "3")
    assert (state(page, "layer"), state(page, "head")) == (3, 11)
    assert page.locator("#head-kind").inner_text().startswith("Kind: ")


def test_search_counts_hits_in_all_heads(show, file, traces):
    page = show(file, "layer=0&head=0")
    page.fill("#find", "the")
    ready(page)
    tokens = sum(t.tokens.count("the") for t in traces)
    hits = {
        (layer, head): sum(
            trace.tokens[key] == "the"
            for trace in traces
            for key in trace.layers[layer].attention[head].argmax(axis=-1)
        )
        for layer in range(6)
        for head in range(12)
    }
    most = f"Queries whose most attended key is one of them, in layer 0, head 0: {hits[0, 0]}."
    assert page.locator("#found").inner_text().startswith(f"Tokens found: {tokens}. {most}")
    shown = [text for text in (t.text or "" for t in svg(page).iter()) if re.fullmatch(r"\d+ (queries|query)", text)]
    assert [int(text.split()[0]) for text in shown] == list(hits.values())
    best = page.locator("#ranking li").first.inner_text().split("\n")
    assert int(best[-1]) == max(hits.values())
    press(page, "Enter", "2")
    drawing = list(svg(page).iter())
    veil = next(i for i, e in enumerate(drawing) if e.tag.endswith("rect") and e.get("opacity") == "0.8")
    below = [e for e in drawing[:veil] if e.tag.endswith("circle")]  # all the others, faded together by one veil
    assert len(below) == sum(len(t.tokens) for t in traces) - tokens + 1  # and one in the legend
    page.fill("#find", "zebra")
    assert page.locator("#found").inner_text() == "not found"


# ---- the sentence


def map_cell(page, i, j):
    return where(
        page,
        f"((v) => [v.map.x + v.widest + 6 + ({j} + 0.5) * v.cell, v.map.y + 26 + v.widest + ({i} + 0.5) * v.cell])"
        "(explorer.views.sentence)",
    )


def all_of(traces, layer, head):
    """Queries and keys of all sentences in a head."""
    return [np.concatenate([getattr(t.layers[layer], name)[head] for t in traces]) for name in ("query", "key")]


def sentences_of(traces):
    return np.repeat(np.arange(len(traces)), [len(t.tokens) for t in traces])


def test_heatmap_and_points_are_linked(show, file, traces):
    page = show(file, "view=sentence&layer=3&head=7&sentence=1")
    attention = traces[1].layers[3].attention[7]
    for i, j in ((0, 0), (2, 5), (8, 1), (12, 12)):
        hover(page, *map_cell(page, i, j))
        title, weight, distance = tip(page)
        assert (title, weight) == (f"{traces[1].tokens[i]} → {traces[1].tokens[j]}", f"attention {attention[i, j]:.3f}")
        moved = viz.normalize(*all_of(traces, 3, 7), sentences=sentences_of(traces))
        q, k = (x[len(traces[0].tokens) :] for x in (moved.query, moved.key))
        assert float(distance.split()[1]) == pytest.approx(np.linalg.norm(q[i] - k[j]), abs=0.02)
        assert page.evaluate("[explorer.hovered(0), explorer.hovered(1)]") == [[i], [j]]
    rings = [c for c in svg(page).iter("{http://www.w3.org/2000/svg}circle") if c.get("fill") == "none"]
    assert len(rings) == 0  # the pointer has left
    start = len(traces[0].tokens)
    hover(page, *point(page, 0, start + 3, "explorer.views.sentence.points.cloud"))
    assert page.evaluate("explorer.hovered(0)") == [3]
    assert page.evaluate("[...explorer.views.sentence.lit(explorer, 0)]") == [3]
    x, y = where(page, "((v) => [v.curves.x + 10, v.curves.y + 32 + 4.5 * v.row])(explorer.views.sentence)")
    hover(page, x, y)
    assert page.evaluate("explorer.hovered(0)") == [4]
    click(page, *map_cell(page, 2, 5))
    assert (state(page, "query"), state(page, "key")) == (2, 5)
    assert page.evaluate("explorer.views.sentence.points.shown.length") == sum(len(t.tokens) for t in traces)


def test_tokens_switched_off_renormalise_the_rows_and_the_page_says_so(show, file, traces):
    page = show(file, "view=sentence&layer=3&head=7&sentence=1&query=2&key=5")
    attention = traces[1].layers[3].attention[7]
    assert page.locator("#off-note").is_hidden()
    buttons = page.locator("#tokens button")
    assert buttons.all_inner_texts() == list(traces[1].tokens)
    buttons.nth(0).click()
    buttons.nth(12).click()
    assert buttons.nth(0).get_attribute("aria-pressed") == "false"
    assert page.locator("#off-note").inner_text().startswith("Tokens switched off: 2. Rows are renormalised")
    left = attention[2, 5] / (1 - attention[2, 0] - attention[2, 12])
    assert float(page.locator("#pair-attention").inner_text()) == pytest.approx(left, abs=6e-4)
    rank = 1 + sum(attention[2, j] > attention[2, 5] for j in range(1, 12))
    assert f"Key number {rank} of 11 for this query" in page.locator("#maths").inner_text()
    sums = page.evaluate(
        "Array.from({length: 13}, (_, i) => explorer.attention().slice(13 * i, 13 * i + 13).reduce((a, b) => a + b))"
    )
    np.testing.assert_allclose(sums, [0] + [1] * 11 + [0], atol=1e-12)
    page.click("button[data-do=all-on]")
    assert page.locator("#off-note").is_hidden()
    assert float(page.locator("#pair-attention").inner_text()) == pytest.approx(attention[2, 5], abs=6e-4)


def test_words_instead_of_pieces(show, file, traces):
    page = show(file, "view=sentence&layer=2&head=4")
    assert list(traces[0].tokens[3:6]) == ["cap", "##y", "##bara"]
    page.check("input[data-state=words]")
    ready(page)
    assert page.locator("#words-note").is_visible()
    assert page.evaluate("explorer.views.sentence.items[3].label") == "capybara"
    attention = traces[0].layers[2].attention[4]
    hover(page, *map_cell(page, 3, 2))
    assert tip(page)[1] == f"attention {attention[3:6, 2].mean():.3f}"
    hover(page, *map_cell(page, 4, 3))
    assert tip(page)[1] == f"attention {attention[6, 3:6].sum():.3f}"
    assert page.evaluate("explorer.hovered(1)") == [3, 4, 5]


def test_the_points_of_a_long_sentence_stay_in_sight(show, tmp_path):
    made = made_up([60], layers=1, heads=1)
    page = show(viz.explore(made).save(tmp_path / "long.html"), "view=sentence")
    inner = "(({ y }) => [y, explorer.window.y])(explorer.views.sentence.cloudBox)"
    first = page.evaluate(inner)
    page.evaluate("document.getElementById('stage').scrollTo(0, 300)")
    ready(page)
    after = page.evaluate(inner)
    assert after[1] == 300 and after[0] - first[0] == 300


def test_pairs_are_coloured_by_segment(show, file):
    page = show(file, "view=sentence&sentence=2")

    def bars():
        return {r.get("fill") for r in svg(page).iter("{http://www.w3.org/2000/svg}rect") if r.get("width") == "3"}

    assert len(bars()) == 2
    page.select_option("select[data-state=sentence]", "0")
    ready(page)
    assert len(bars()) == 1


# ---- averages, colours, numbers


def test_averages_tell_their_numbers(show, file, traces):
    page = show(file, "view=average&layer=0&head=2")
    attention = [t.layers[0].attention[2] for t in traces]
    before = np.concatenate([np.diagonal(a, -1) for a in attention]).mean()
    x, y = where(
        page, "((v) => [v.bars.x + (explorer.data.reach - 0.5) * v.step, v.bars.y + 20])(explorer.views.average)"
    )
    hover(page, x, y)
    assert tip(page) == ["key at −1", f"mean attention {before:.3f}"]
    texts = svg(page).iter("{http://www.w3.org/2000/svg}text")
    signs = sorted((float(text.get("x")), int(text.text.replace("−", "-"))) for text in texts if text.text[0] in "+−")
    assert len(signs) > 4 and [offset for _, offset in signs] == sorted(offset for _, offset in signs)
    x, y = where(page, "((v) => [v.map.x + 1.5 * v.cell, v.map.y + 2.5 * v.cell])(explorer.views.average)")
    hover(page, x, y)
    mean = f"mean attention {np.mean([a[2, 1] for a in attention]):.3f}"
    assert tip(page) == ["query at 2, key at 1", mean, "over 4 of 4 sentences"]
    assert page.locator("#head-kind").inner_text().startswith("Kind: previous")
    assert re.search(r"(9\d|100) % of the attention from words to words", page.locator("#head-evidence").inner_text())
    page.mouse.move(2, 2)
    page.focus("#canvas")
    press(page, "ArrowLeft")
    assert tip(page) == ["key at −1", f"mean attention {before:.3f}"]
    assert page.locator("#live").inner_text() == f"key at −1, mean attention {before:.3f}"
    press(page, "ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight")
    assert tip(page) == ["query at 2, key at 1", mean, "over 4 of 4 sentences"]
    press(page, "ArrowUp", "ArrowUp", "ArrowUp")
    assert tip(page)[0] == "key at 0"


def test_every_colour_has_a_legend(show, file):
    page = show(file, "view=points&layer=1&head=3")
    names = page.locator("select[data-state=color] option").evaluate_all("options => options.map((o) => o.value)")
    wanted = {"type", "layer", "position", "mod5", "norm", "length", "frequency", "sentence", "segment", "special"}
    assert set(names) == wanted
    for name in names:
        page.select_option("select[data-state=color]", name)
        ready(page)
        legend = page.locator("#legend").inner_text()
        assert "query" in legend and "key" in legend
        fills = {c.get("fill") for c in svg(page).iter("{http://www.w3.org/2000/svg}circle")}
        assert len(fills) >= {"type": 1, "layer": 1, "mod5": 5, "sentence": 4, "segment": 2, "special": 2}.get(name, 4)


def test_the_numbers_of_a_pair(show, file, traces):
    page = show(file, "view=points&layer=4&head=9&sentence=3")
    trace, layer, head, i = traces[3], traces[3].layers[4], 9, 3
    j = int(layer.attention[head, i].argsort()[-2])  # of a key with hardly any attention, a wrong share looks right
    assert trace.tokens.count(trace.tokens[j]) == 1 and layer.attention[head, i, j] > 0.02
    assert "Choose a query and a key" in page.locator("#maths").inner_text()
    press(page, "n", "n", "n", "n")
    assert state(page, "query") == i
    page.locator("#maths tbody button").get_by_text(trace.tokens[j], exact=True).first.click()
    assert state(page, "key") == j
    steps = {}
    for step in page.locator("#maths .step").all():
        name, value = step.locator("span").inner_text(), step.locator("output").inner_text()
        steps[name.removesuffix("i").strip()] = value.replace("−", "-")

    def number(name):
        found = next(value for key, value in steps.items() if key.startswith(name))
        return float(found.split()[0])

    dot = float(layer.query[head, i] @ layer.key[head, j])
    scores = layer.scores[head, i]
    assert number("q · k") == pytest.approx(dot, abs=1e-3)
    assert number("÷ √32 = 5.657") == pytest.approx(scores[j], abs=1e-3)
    assert number("e^(score") == pytest.approx(np.exp(scores[j] - scores.max()), abs=1e-3)
    total = float(next(name for name in steps if name.startswith("÷ their sum")).split()[-1])
    assert total == pytest.approx(np.exp(scores - scores.max()).sum(), abs=1e-3)
    assert number("÷ their sum") == pytest.approx(layer.attention[head, i, j], abs=5.1e-4)
    lengths = np.linalg.norm(layer.value[head], axis=-1)
    moved = layer.attention[head, i] * lengths
    assert number("× length of the value") == pytest.approx(moved[j], abs=1e-3)
    assert number("share of all that arrives") == pytest.approx(100 * moved[j] / moved.sum(), abs=0.06)
    rows = page.locator("#maths tbody tr")
    assert rows.count() == len(trace.tokens)
    n = viz.normalize(*all_of(traces, 4, 9), sentences=sentences_of(traces))
    start = sum(len(t.tokens) for t in traces[:3])
    distance = np.linalg.norm(n.query[start + i] - n.key[start + j])
    assert float(page.locator("#pair-distance").inner_text()) == pytest.approx(distance, abs=0.02)
    terms = [number(name) for name in ("|q~|²", "+ |k~|²", "− 2 q~ · k~")]
    assert sum(terms) == pytest.approx(distance**2, abs=0.05)
    shown = [float(rows.nth(r).locator("td").nth(2).inner_text()) for r in range(rows.count())]
    np.testing.assert_allclose(shown, np.sort(layer.attention[head, i])[::-1], atol=5.1e-4)
    assert page.locator("#maths canvas").is_visible()
    assert page.locator("#maths tr.chosen td").first.inner_text() == trace.tokens[j]
    press(page, "Shift+Tab", "Enter")  # the row keeps its place for the keyboard
    assert state(page, "key") != j
    assert page.evaluate("document.activeElement.closest('tr').classList.contains('chosen')")
    page.click("#clear")
    assert (state(page, "query"), state(page, "key")) == (-1, -1)
    assert page.locator("#clear").is_hidden()


# ---- saving, the address, keys, small screens


def test_the_ring_tells_at_which_distance_it_begins(show, file, traces):
    page = show(file, "view=near&method=raw&layer=1&head=3&sentence=1&query=3")
    titles = [text.text for text in svg(page).iter("{http://www.w3.org/2000/svg}text")]
    (middle,) = (
        float(found[1]) for text in titles if (found := re.search(r"the middle is at (\S+), not 0$", text or ""))
    )
    layer = traces[1].layers[1]
    distance = np.linalg.norm(layer.query[3, 3] - layer.key[3], axis=-1)
    radius = page.evaluate(
        "(({marks, ring}) => marks.sort((a, b) => a.j - b.j).map(({x, y}) => "
        "Math.hypot(x - ring.x - ring.width / 2, y - ring.y - ring.height / 2)))(explorer.views.near)"
    )
    slope, zero = np.polyfit(distance, radius, 1)
    assert middle == pytest.approx(-zero / slope, abs=0.006)
    assert middle > 1


def test_a_saved_picture_is_whole_and_explains_its_colours(show, tmp_path):
    arrays = np.random.default_rng(0).normal(size=(2, 1, 1, 90, 4)).astype(np.float32)
    long = viz.explore([Sentence([f"w{i}" for i in range(90)], *arrays)]).save(tmp_path / "long.html")
    drawing = svg(show(long, "view=sentence&color=position"))
    assert float(drawing.get("width")) > 90 * 12  # wider than the screen: what one scrolls to is in it
    texts = [t.text for t in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert {"position:", "0", "89"} < set(texts)
    assert texts.count("w89") >= 4  # as a query and as a key, in the curves and in the heatmap


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_can_be_saved(show, file, view):
    page = show(file, f"view={view}&layer=1&head=3&query=2")
    drawing = svg(page)
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    assert count(drawing, "text") > 5
    texts = [t.text for t in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[0].startswith("minibert · model")
    with page.expect_download() as waiting:
        page.click("button[data-do=png]")
    picture = Image.open(waiting.value.path())
    size = page.evaluate("explorer.size")
    assert picture.width == 2 * size["width"]
    assert len(picture.convert("RGB").getcolors(1 << 24)) > 20
    named = {"heads": "exact", "average": "1.3"}.get(view, "1.3-exact-s1-q2")
    assert waiting.value.suggested_filename == f"model-{view}-{named}.png"


def test_the_address_holds_the_view(show, file):
    page = show(file, "view=points")
    page.select_option("select[data-state=sentence]", "1")
    page.select_option("select[data-state=color]", "mod5")
    page.check("input[data-state=method][value=paper]", force=True)
    page.check("input[data-state=sized]")
    page.fill("#find", "cat & <b>")
    page.locator("input[data-state=top]").fill("7")
    page.click("button[data-do=zoom-in]")
    page.click("button[data-do=theme]")
    kept = page.evaluate("explorer.state")
    again = show(file, address(page).removeprefix("#"))
    assert again.evaluate("explorer.state") == kept
    assert again.get_attribute("html", "data-theme") == "dark"
    again.evaluate("location.hash = '#view=average&layer=4'")
    again.wait_for_selector("#profile")
    assert (state(again, "view"), state(again, "layer")) == ("average", 4)


@pytest.mark.parametrize(
    "bad", ["view=<script>&layer=99&zoom=NaN&query=500&sentence=77", "%%%&&==&off=x", "query=12&key=14"]
)
def test_a_wrong_address_does_no_harm(show, file, bad):
    page = show(file, bad)
    assert state(page, "view") == "heads"
    press(page, "2", "3", "4")


def test_everything_by_keyboard(show, file):
    page = show(file, "layer=0&head=0")
    press(page, "2")
    assert state(page, "view") == "points"
    press(page, "]", "}", "m", "d", "s")
    found = page.evaluate(
        "(({head, layer, method, dims, sentence}) => [head, layer, method, dims, sentence])(explorer.state)"
    )
    assert found == [1, 1, "attention", 3, 1]
    press(page, "ArrowLeft", "ArrowUp", "+")
    assert state(page, "turn") == pytest.approx(0.5) and state(page, "zoom") > 1
    press(page, "S", "0", "d", "ArrowRight", "[", "{", "n", "k")
    assert (state(page, "query"), state(page, "x")) == (0, pytest.approx(0.1))
    row = page.evaluate("[...explorer.attention().slice(0, explorer.data.sentences[0].size)]")
    assert state(page, "key") == int(np.argmax(row))
    press(page, "x")
    assert state(page, "off") == str(int(np.argmax(row)))
    press(page, "3", "w", "ArrowDown", "ArrowRight", "t")
    assert state(page, "words") is True and state(page, "theme") == "dark" and state(page, "query") == 1
    press(page, "Escape", "?")
    assert page.locator("#help").is_visible() and state(page, "query") == -1
    press(page, "Escape")
    assert page.locator("#help").is_hidden()
    press(page, "/")
    page.keyboard.type("dog1")
    assert state(page, "find") == "dog1" and state(page, "view") == "sentence"
    press(page, "Escape", "5", "1")
    assert state(page, "view") == "heads"


def test_tab_reaches_every_control_and_each_has_a_name(show, file):
    page = show(file, "view=sentence&query=1&key=2&off=3")
    unnamed = page.evaluate(
        "[...document.querySelectorAll('button, input, select, canvas, table, dialog')].filter((e) => !e.hidden && "
        "!e.closest('[hidden]') && !(e.getAttribute('aria-label') || e.labels?.[0]?.textContent.trim() "
        "|| (e.tagName === 'BUTTON' && e.textContent.trim())))"
        ".map((e) => e.outerHTML)"
    )
    assert unnamed == []
    reached = set()
    for _ in range(110):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "(({dataset, id}) => (dataset.state ?? '') + (dataset.do ?? '') + id)(document.activeElement)"
            )
        )
    assert {
        "view",
        "findfind",
        "svg",
        "png",
        "theme",
        "canvas",
        "layer",
        "head",
        "sentence",
        "words",
        "method",
        "color",
        "top",
        "above",
    } <= reached


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("size", [(390, 844), (320, 568), (1280, 720), (768, 1024)])
def test_nothing_is_wider_than_the_screen(show, file, view, size):
    page = show(file, f"view={view}&sentence=2&query=3&key=1&layer=0&head=2", size)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= size[0]
    outside = page.evaluate(
        "[...document.querySelectorAll('header *, aside *')].filter((e) => e.offsetParent && e.offsetWidth > 0 "
        "&& e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML.slice(0, 80))"
    )
    assert outside == []
    if size[0] > 1000:
        assert page.evaluate("document.scrollingElement.scrollHeight") <= size[1]
        for way in ("Width", "Height"):  # a short sentence needs no scrolling
            assert page.evaluate(f"(s => s.scroll{way} - s.client{way})(document.getElementById('stage'))") == 0


def test_fingers(show, file):
    page = show(file, "view=points", (390, 844), has_touch=True, is_mobile=True)
    x, y = point(page, 0, 3)
    page.touchscreen.tap(x, y)
    ready(page)
    assert state(page, "query") >= 0 or state(page, "key") >= 0


# ---- hostile texts, frames, size


def test_texts_are_shown_and_run_nothing(show, tmp_path):
    arrays = np.random.default_rng(0).normal(size=(2, 2, 2, len(HOSTILE), 4)).astype(np.float32)
    page_file = viz.explore(
        [Sentence(HOSTILE, *arrays)],
        title="</title><img src=x onerror=window.pwned=5>",
        notes=["<script>window.pwned=6</script>"],
    ).save(tmp_path / "hostile.html")
    for view in VIEWS:
        page = show(page_file, f"view={view}&query=1&key=2")
        assert page.evaluate("window.pwned") is None
        assert page.locator("img").count() == 0
        assert page.locator("script").count() == 5
        assert page.locator("#title").inner_text() == "</title><img src=x onerror=window.pwned=5>"
        if view == "sentence":
            assert page.locator("#tokens button").evaluate_all("all => all.map((b) => b.textContent)") == HOSTILE
            hover(page, *map_cell(page, 1, 2))
            assert tip(page)[0] == f"{HOSTILE[1]} → {HOSTILE[2]}"
        if view in ("points", "sentence"):
            texts = {t.text for t in svg(page).iter("{http://www.w3.org/2000/svg}text")}
            assert HOSTILE[2] in texts or view == "sentence"
            assert HOSTILE[5] in texts
        page.fill("#find", HOSTILE[1])
        ready(page)
        assert page.locator("#found").inner_text().startswith("Tokens found: 1.")
        assert page.evaluate("window.pwned") is None


def test_a_frame_in_a_notebook(show, file, tmp_path, traces):
    explorer = build.Explorer(file.read_text(encoding="utf-8"))
    attentions = [layer.attention for layer in traces[0].layers]
    shown = viz.explorer.trace_html(traces[0].tokens, attentions)
    notebook = tmp_path / "notebook.html"
    notebook.write_text(f"<!doctype html><meta charset=utf-8>{explorer._repr_html_()}{shown}", encoding="utf-8")
    context_page = show_frames(show, notebook)
    large, small = context_page.frames[1:]
    assert large.locator("#title").inner_text() == "minibert · model"
    large.locator("nav input[value=sentence]").check(force=True)
    large.wait_for_selector("#tokens button")
    assert small.locator("thead th").all_inner_texts()[0] == "[CLS]"
    small.select_option("#layer", "3")
    small.select_option("#head", "7")
    assert context_page.locator("iframe").evaluate_all("all => all.every((frame) => frame.title)")
    cell = small.locator("tbody tr").nth(2).locator("td").nth(1)
    cell.hover()
    weight = attentions[3][7, 2, 1]
    assert small.locator("#note").inner_text() == f"{traces[0].tokens[2]} → {traces[0].tokens[1]}: {weight:.3f}"
    assert small.locator("tbody td").count() == len(traces[0].tokens) ** 2
    small.focus("#map")
    context_page.keyboard.press("ArrowDown")
    weight = attentions[3][7, 3, 1]
    assert small.locator("#note").inner_text() == f"{traces[0].tokens[3]} → {traces[0].tokens[1]}: {weight:.3f}"
    small.select_option("#head", "6")  # what is pointed at stays so
    assert small.locator("#note").inner_text().endswith(f": {attentions[3][6, 3, 1]:.3f}")


def show_frames(show, notebook):
    """A page that is not an explorer itself has no data-busy; say it is ready."""
    text = notebook.read_text(encoding="utf-8")
    notebook.write_text(text.replace("<!doctype html>", "<!doctype html><html data-busy=false>"), encoding="utf-8")
    page = show(notebook)
    for frame in page.frames[1:]:
        frame.wait_for_selector("select", state="attached")
    return page


def test_sentences_that_are_not_whole_say_so(show, tmp_path):
    rng = np.random.default_rng(0)
    arrays = rng.normal(size=(2, 40, 2, 2, 20, 4)).astype(np.float32)
    tokens = [[f"t{i}" for i in range(20)]] * 40
    sentences = [Sentence(*parts) for parts in zip(tokens, *arrays, strict=True)]
    small = viz.explore(sentences, size=600_000).save(tmp_path / "some.html")
    page = show(small, "view=points&sentence=39&only=true")
    assert "(points only)" in page.locator("select[data-state=sentence] option").nth(39).inner_text()
    assert "did not fit into the file" in page.locator("#maths").inner_text()
    assert count(svg(page), "circle") == 20 + 1  # and one in the legend
    page.check("input[data-state=method][value=raw]", force=True)
    ready(page)
    assert count(svg(page), "circle") == 1
    assert any("did not fit" in (t.text or "") for t in svg(page).iter())
    press(page, "3", "n", "k", "x", "w")
    assert any("did not fit into the file" in (t.text or "") for t in svg(page).iter())
    page.click("details:has(#notes) summary")
    assert "did not fit" in page.locator("#notes").inner_text()


def test_a_large_page_opens_and_pans(show, tmp_path, capsys):
    """12 x 12 heads of 10,000 points: how long it takes is told, not asserted."""
    layer = large_layer()
    large = tmp_path / "large.html"
    large.write_text(layer, encoding="utf-8")
    began = time.perf_counter()
    page = show(large)
    opened = time.perf_counter() - began
    page = show(large, "view=points")
    frames = page.evaluate(
        """async () => {
          const canvas = document.getElementById("canvas");
          const box = canvas.getBoundingClientRect();
          const send = (type, x, y) => canvas.dispatchEvent(
            new PointerEvent(type, {pointerId: 1, clientX: box.x + x, clientY: box.y + y, bubbles: true}));
          canvas.setPointerCapture = () => {};
          send("pointerdown", 400, 300);
          const times = [];
          for (let i = 0; i < 60; i++) {
            await new Promise((next) => requestAnimationFrame(next));
            const start = performance.now();
            send("pointermove", 400 + 2 * i, 300 + i);
            await new Promise((next) => requestAnimationFrame(next));
            times.push(performance.now() - start);
          }
          send("pointerup", 520, 360);
          return times;
        }"""
    )
    with capsys.disabled():
        size = large.stat().st_size / 1e6
        rate = 1000 / np.median(frames)
        print(f"\n12 x 12 heads x 10,000 points: {size:.1f} MB, opens in {opened:.2f} s, {rate:.0f} frames a second")
    assert state(page, "x") != 0


def large_layer():
    """A page of 144 heads x 10,000 points: one head, made up, a hundred and forty-four times."""
    rng = np.random.default_rng(0)
    tokens = [f"t{i % 97}" for i in range(20)]
    arrays = rng.normal(size=(2, 250, 1, 1, 20, 8)).astype(np.float32)
    sentences = [Sentence(tokens, query, key) for query, key in zip(*arrays, strict=True)]
    kept = size.kept(np.full(250, 20), 144, size.SIZE)
    contents = replace(size.fit(sentences, size.SIZE, [], "exact", False), whole=kept[:, :1, None], vectors=False)
    found, (packed,) = heads.explore_layer(sentences, 0, contents)
    columns = build.columns([found], WORDS.of())
    data = {
        "title": "large", "notes": [], "layers": 12, "heads": 12, "headSize": 8, "methods": ["raw", "paper", "exact"],
        "drawn": "exact", "reach": 10, "across": 20, "vocabulary": [f"t{i}" for i in range(97)],
        "sentences": [
            {"tokens": [i % 97 for i in range(20)], "words": list(range(20)), "segments": [0] * 20,
             "kept": None if k[0] else []}
            for k in kept
        ],
        "columns": [{**column, "values": column["values"] * 144} for column in columns],
        "evidence": build.evidence([found]) * 144, "tour": [], "live": None,
        "packed": [packed] * 144,
    }  # fmt: skip
    return assemble("page.html", "main.mjs", "style.css", data, "large", build.PAGE, words=WORDS.of())

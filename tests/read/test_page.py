"""The page of `minibert read` in a real browser, opened from a file with the network cut off.

A message on the console, an error, or a request to anywhere fails the test it happens in.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import minibert
from tests.checkpoint.test_families import write as write_relative

TEXT = "The brown capybara is sleeping now."
SENTENCE = "the old man sat down in his chair and opened the letter that she had sent"
SIZES = {"desktop": (1400, 900), "tablet": (820, 1100), "phone": (390, 844)}
OPENED = "#array=attention_HTS&layer=1&head=2&row=2&column=1"


@pytest.fixture(scope="module")
def bert():
    return minibert.load("tiny")


@pytest.fixture(scope="module")
def file(bert, tmp_path_factory):
    return bert.read(TEXT).save(tmp_path_factory.mktemp("reading") / "read.html")


def number(text):
    return float(text.replace("−", "-"))


def same_to_four_digits(text, x):
    return abs(number(text) - x) <= 0.5001 * 10 ** (np.floor(np.log10(abs(x))) - 3) + 1e-12


def test_the_lines_shown_are_the_files(show, file):
    page = show(file)
    root = Path(minibert.__file__).parents[1]
    for chapter in page.query_selector_all("section.chapter"):
        lines = page.evaluate("c => [...c.querySelectorAll('.row > code')].map((x) => x.textContent)", chapter)
        name = chapter.get_attribute("aria-label")
        assert lines == (root / name).read_text(encoding="utf-8").splitlines(), name


def test_a_number_its_place_and_its_arithmetic(show, file, bert):
    page = show(file, OPENED)
    attention = bert(TEXT).layers[1].attention[2]
    assert page.text_content("#array-shape") == "4 heads × 12 queries × 12 keys"
    assert page.text_content("#cell .where") == "head 2, query brown (2), key the (1)"
    assert same_to_four_digits(page.text_content("#cell b"), attention[2, 1])
    assert "encoder layer 1" in page.text_content("#array-where")
    words = page.text_content("#arithmetic")
    assert "softmax" in words and "attention.py" in words
    page.focus("#heat")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert page.text_content("#cell .where") == "head 2, query cap (3), key brown (2)"
    assert same_to_four_digits(page.text_content("#cell b"), attention[3, 2])
    page.select_option("#picks select[data-pick='head']", "1")
    assert same_to_four_digits(page.text_content("#cell b"), bert(TEXT).layers[1].attention[1, 3, 2])
    page.select_option("#picks select[data-pick='encoder layer']", "3")
    page.wait_for_selector("#array-where:has-text('layer 3')")
    assert same_to_four_digits(page.text_content("#cell b"), bert(TEXT).layers[3].attention[1, 3, 2])
    assert "encoder layer 3" in page.text_content("#path option:checked")


def test_a_product_is_written_term_by_term(show, file, bert):
    page = show(file, "#array=scores_HTS&layer=1&head=2&row=2&column=1")
    layer = bert(TEXT).layers[1]
    rows = page.query_selector_all("#arithmetic .block:first-of-type .terms tbody tr")
    assert len(rows) == 64
    products = layer.query[2, 2] * layer.key[2, 1]
    for row, query, key, product in zip(rows, layer.query[2, 2], layer.key[2, 1], products, strict=True):
        shown = [cell.text_content() for cell in row.query_selector_all("td")][:3]
        assert all(abs(number(a) - b) < 6e-4 * abs(b) for a, b in zip(shown, (query, key, product), strict=True))
    total = page.text_content("#arithmetic .block summary b")
    assert same_to_four_digits(total, float(8 * layer.scores[2, 2, 1]))
    written = page.text_content("#arithmetic .block .written")
    assert "√(64)" in written and same_to_four_digits(written.split("= ")[1], float(layer.scores[2, 2, 1]))


def test_softmax_is_exp_over_its_sum(show, file, bert):
    page = show(file, OPENED)
    scores = bert(TEXT).layers[1].scores[2, 2]
    share = np.exp(scores[1]) / np.exp(scores).sum()
    written = page.query_selector_all("#arithmetic .written b")
    assert any(same_to_four_digits(b.text_content(), share) for b in written)
    terms = page.query_selector_all("#arithmetic .terms tbody tr")
    assert [row.query_selector("th").text_content() for row in terms[:3]] == ["[CLS]", "the", "brown"]


def test_the_legend_tells_how_wide_the_layers_are_where_embeddings_are_narrower(show, tmp_path):
    write_relative(tmp_path, "electra", "ForPreTraining", 5, embedding_size=20)
    bert = minibert.load(tmp_path)
    page = show(bert.read("the capybara").save(tmp_path / "read.html"))
    assert bert.config.embedding_size < bert.config.hidden_size
    legend = page.inner_text(".legend").replace("\u00a0", " ")
    assert f"{bert.config.hidden_size} hidden numbers" in legend
    assert f"{bert.config.head_size} numbers per head" in legend  # "exact" has one more


def test_whatever_can_be_written_out_comes_to_what_was_recorded(show, file):
    """Every array that a line made: the arithmetic of one of its numbers has that number as its result."""
    page = show(file)
    good, bad = page.evaluate("""async () => {
        const { recording: r } = window.reading;
        let good = 0;
        const bad = [];
        for (let v = 0; v < r.visits.length; v++) {
          for (const [name, x] of Object.entries(r.visits[v].made)) {
            if (!Array.isArray(x)) continue;
            const a = r.arrays[x[0]];
            if (a.rows === 0) continue;
            const n = await r.numbers(x[0]);
            const index = a.shape.map((size, k) => (7 * v + 13 * k) % (k === 0 && a.rows !== null ? a.rows : size));
            const block = (await window.reading.explain(v, name, index)).find((b) => b.written);
            if (!block) continue;
            const wanted = n[index.reduce((flat, place, k) => flat * a.shape[k] + place, 0)];
            const scale = Math.abs(wanted) + 1e-3 * Math.max(Math.abs(a.low), Math.abs(a.high)) + 1e-12;
            if (Math.abs(block.value - wanted) / scale < 1e-3) good++;
            else bad.push(`${name} ${index}: ${block.written} = ${block.value}, not ${wanted} (${block.source})`);
          }
        }
        return [good, bad];
    }""")
    assert not bad and good > 100


def words(tokens):
    """A text of this many tokens, with [CLS] and [SEP]."""
    sentence = SENTENCE.split()
    return " ".join((sentence * 9)[: tokens - 2])


@pytest.fixture(scope="module", params=[54, 76, 128])
def long_file(bert, request, tmp_path_factory):
    text = words(request.param)
    assert len(bert.encode(text)) == request.param
    return bert.read(text).save(tmp_path_factory.mktemp("long") / "read.html")


def test_the_questions_of_a_long_text_are_answered_too(show, long_file):
    assert long_file.stat().st_size < 11.8e6
    page = show(long_file)
    assert page.locator(".questions li").count() == 4
    for number in range(4):
        name = page.evaluate("(i) => window.reading.recording.questions[i].name", number)
        page.locator(".questions li > button").nth(number).click()
        page.wait_for_function("(name) => document.querySelector('#array-name').textContent === name", arg=name)
        page.wait_for_selector("#arithmetic .written")
        page.wait_for_timeout(200)
        assert "Not written out" not in page.text_content("#arithmetic")
        page.locator(".questions summary").nth(number).click()
        assert len(page.locator(".questions details p").nth(number).inner_text()) > 40
    assert "divided by √64 = 8" in page.text_content(".questions table") and "not divided" in page.text_content("table")


IN_SIGHT = """() => {
    const { heat: { box }, index } = window.reading.inspector;
    const [row, column] = index.slice(-2);
    const cells = document.querySelector("#cells").getBoundingClientRect();
    const [left, top] = [cells.left + column * box.width, cells.top + row * box.height];
    const [right, bottom] = [left + box.width, top + box.height];
    const frame = document.querySelector("#chosen").getBoundingClientRect();
    if (Math.hypot(frame.left - left, frame.top - top, frame.right - right, frame.bottom - bottom) > 1) return false;
    const frames = ["#heat", "#inspector"].map((name) => document.querySelector(name).getBoundingClientRect());
    const inside = (f) => f.left <= left + 1 && f.top <= top + 1 && right <= f.right + 1 && bottom <= f.bottom + 1;
    return frames.every(inside);
}"""


PRESS_OFTEN = """([key, times]) => {
    const press = () => new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
    for (let i = 0; i < times; i++) document.activeElement.dispatchEvent(press());
}"""


@pytest.mark.parametrize("size", SIZES)
def test_the_chosen_number_is_in_sight(show, long_file, size):
    page = show(long_file, "#array=attention_HTS&layer=1&head=2&row=49&column=48", SIZES[size])
    assert page.text_content("#cell .where").endswith("(48)") and page.evaluate(IN_SIGHT)
    assert "In sight: query" in page.text_content("#sight")
    page.focus("#heat")
    for key in ("ArrowUp", "ArrowLeft", "ArrowDown", "ArrowRight"):
        page.evaluate(PRESS_OFTEN, [key, 39])
        page.keyboard.press(key)
        assert page.evaluate(IN_SIGHT), key


def test_no_sign_of_an_equation_is_left_raw(show, file):
    page = show(file)
    cells = page.evaluate("[...document.querySelectorAll('.equations td:not(.remark)')].map((x) => x.textContent)")
    assert len(cells) > 100 and page.locator(".equations sub").count() > 20
    raw = re.compile(r"[_^~*`]|->|<=|\b(sqrt|Phi|pi)\b|\bsum(?! over)")
    assert [cell for cell in cells if raw.search(cell)] == []


def test_thumbnails_are_drawn_beside_the_lines(show, file, bert):
    page = show(file, OPENED)
    page.wait_for_timeout(500)
    chip = page.query_selector(".row.now .chip")
    assert chip.query_selector("code").text_content() == "attention_HTS"
    assert page.evaluate(
        "c => new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size > 20",
        chip.query_selector("canvas"),
    )
    attention = bert(TEXT).layers[1].attention
    mean, spread = re.search(r"mean (\S+), spread (\S+)", chip.text_content()).groups()
    assert number(mean) == pytest.approx(attention.mean(), rel=0.06)
    assert number(spread) == pytest.approx(attention.std(), rel=0.06)
    chips = page.evaluate("[...document.querySelectorAll('.chip')].map((c) => c.dataset.name)")
    for name in ("hidden_TD", "query_HTK", "scores_HTS", "context_HTK", "intermediate_TF"):
        assert name in chips


def test_stepping_goes_through_the_pass_as_it_ran(show, file):
    page = show(file)
    steps = page.evaluate("window.reading.recording.steps.length")
    page.evaluate("window.reading.goStep(0)")
    for _ in range(25):
        page.keyboard.press("ArrowRight")
    assert page.evaluate("window.reading.step") == 25
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("window.reading.step") == 24
    for _ in range(40):
        before = page.evaluate("window.reading.recording.path(window.reading.visit.call).length")
        page.keyboard.press("Shift+ArrowRight")
        assert page.evaluate("window.reading.recording.path(window.reading.visit.call).length") <= before
    page.keyboard.press("Shift+ArrowLeft")
    assert page.query_selector(".row.now") is not None
    page.evaluate("window.reading.goStep(1e9)")
    assert page.text_content("#count") == f"{steps} of {steps}"
    page.keyboard.press("ArrowRight")
    assert page.text_content("#count") == f"{steps} of {steps}"


def test_every_step_can_be_gone_to(show, file):
    page = show(file)
    assert (
        page.evaluate("""() => {
        const { reading } = window;
        for (let step = 0; step < reading.recording.steps.length; step++) {
          const { visit, back } = reading.recording.steps[step];
          reading.go(visit, { back });
          if (reading.step !== step || !document.querySelector('.row.now')) return step;
        }
        return -1;
    }""")
        == -1
    )


def test_the_call_above_a_function_can_be_changed(show, file):
    page = show(file)
    select = page.query_selector("select[aria-label='which call of softmax is shown']")
    options = [option.text_content() for option in select.query_selector_all("option")]
    assert len(options) == 4 and "encoder layer 2" in options[2] and "attend" in options[2]
    select.select_option(index=2)
    path = page.evaluate(
        "[...document.querySelectorAll('#path li')].map((x) => (x.querySelector('option:checked') ?? x).textContent)"
    )
    assert path[-4:] == ["attention block", "self attention", "attend", "softmax"] and "encoder layer 2" in path


def test_the_address_brings_the_view_back(show, file):
    page = show(file, OPENED)
    page.wait_for_timeout(500)  # it is written a moment later
    address = page.evaluate("location.hash")
    assert "step=" in address and "at=2.2.1" in address
    again = show(file, address)
    assert again.text_content("#cell .where") == "head 2, query brown (2), key the (1)"
    again.evaluate("document.querySelector('.chip.given[data-name=query_HTK]').click()")
    again.wait_for_url(re.compile("array=given"))
    where = again.text_content("#array-where")
    assert where.startswith("given to ")
    page.evaluate("(hash) => { location.hash = hash; }", again.evaluate("location.hash"))
    page.locator("#array-where", has_text=where).wait_for()
    outer = again.evaluate("window.reading.recording.path(window.reading.open.call).at(-4)")  # the encoder
    again.evaluate("(call) => window.reading.show(call, null, 'hidden_TD')", outer)
    again.wait_for_url(re.compile("call="))
    where = again.text_content("#array-where")
    page.evaluate("(hash) => { location.hash = hash; }", again.evaluate("location.hash"))
    page.locator("#array-where", has_text=where).wait_for(timeout=5000)  # what a caller was given, too


@pytest.mark.parametrize(
    "nonsense", ["array=__proto__&layer=9", "step=99999999&at=x.y", "step=1e3&array=given%20x", "%E0%A4%A"]
)
def test_an_address_of_nonsense_is_no_error(show, file, nonsense):
    page = show(file)
    page.evaluate("(hash) => { location.hash = hash; }", nonsense)
    page.wait_for_timeout(300)
    assert page.query_selector(".row.now") is not None


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_wider_than_the_screen(show, file, size):
    page = show(file, OPENED, SIZES[size])
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]


def test_it_opens_quickly_enough_to_be_used(show, file):
    """Not a benchmark: only that nothing of it is slow without bound."""
    page = show(file)
    assert page.evaluate("performance.getEntriesByType('navigation')[0].domComplete") < 20_000


HOSTILE = "</script><script>window.pwned=1</script> <img src=x onerror=window.pwned=2> &amp; {{data}} [MASK]"


def test_hostile_text_is_text(show, bert, tmp_path):
    page = show(bert.read(HOSTILE).save(tmp_path / "read.html"), "#array=attention_HTS&layer=0")
    assert page.evaluate("window.pwned") is None
    assert page.text_content("#sentence") == HOSTILE and page.text_content("#welcome bdi") == HOSTILE
    assert page.evaluate("document.images.length") == 0


def axe():
    """The text of axe-core, from `npm install axe-core`, here or globally; or from the file that AXE_CORE names."""
    places = [os.environ.get("AXE_CORE"), Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"]
    if shutil.which("npm"):
        root = subprocess.run(["npm", "root", "-g"], capture_output=True, text=True).stdout.strip()
        places.append(Path(root) / "axe-core/axe.min.js")
    return next((Path(p).read_text(encoding="utf-8") for p in places if p and Path(p).is_file()), None)


@pytest.mark.parametrize(("size", "scheme"), [("desktop", "dark"), ("phone", "light")])
def test_axe_finds_nothing(show, file, size, scheme):
    source = axe()
    if source is None:
        pytest.skip("no axe-core here: npm install axe-core")
    page = show(file, OPENED, SIZES[size], scheme, bypass_csp=True)
    page.evaluate(source)
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    parts = [["header"], ["#bar"], ["#welcome"], ["#inspector"], ["#chapter-2"], ["#live"]]  # all chapters are alike
    found = page.evaluate("([include, rules]) => axe.run({include}, {runOnly: rules})", [parts, rules])
    assert not [(v["id"], v["nodes"][0]["html"][:200], v["nodes"][0]["failureSummary"]) for v in found["violations"]]


def test_the_link_to_the_explorer_shows_the_same(show, bert, tmp_path):
    path = minibert.read.build.read(bert, TEXT, explorer="explorer.html").save(tmp_path / "read.html")
    page = show(path, OPENED)
    link = page.get_attribute("#elsewhere a", "href")
    assert link == "explorer.html#view=sentence&layer=1&head=2&query=2&key=1"
    assert re.fullmatch(r"head 2 of layer 1 in the explorer", page.text_content("#elsewhere a"))

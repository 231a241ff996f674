"""What the page says is true in the setting at hand."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from minibert.explorer import explore
from tests.viz.explorer.conftest import answered, ready, until
from viz.explorer.words import WORDS

SENTENCE = "The brown capybara is sleeping now."
MOVES = ("raw", "paper", "exact", "attention")


def number(text: str, before: str) -> int:
    """The number that stands after some words."""
    return int(re.search(re.escape(before) + r" (\d+)", text)[1])


def test_why_near_says_what_is_true_with_each_move(show, live, tiny):
    """The two numbers against distances computed here; the reason is that of the move, in both languages."""
    trace = tiny(SENTENCE)
    page = show(live, "view=near&query=1")
    numbers = {move: set() for move in MOVES}
    for layer, head in ((0, 1), (1, 2), (3, 3)):
        query_TK, key_TK = (getattr(trace.layers[layer], name)[head] for name in ("query", "key"))
        attention_TT = trace.layers[layer].attention[head]
        for move in MOVES:
            for q in (1, 4, 8):
                page.evaluate(f"explorer.set({{layer: {layer}, head: {head}, method: '{move}', query: {q}}})")
                told = page.locator("#lead").inner_text()
                most = int(attention_TT[q].argmax())
                first = f"“{trace.tokens[q]}” attends most to “{trace.tokens[most]}” ({attention_TT[q, most]:.2f})."
                assert told.startswith(first)
                flat = page.evaluate(
                    "(({ head, data, state: { method, query } }) => { const at = head.positions(method);"
                    " return data.sentences[0].tokens.map((_, j) => Math.hypot(at[3 * query] - at[3 * (data.size + j)],"
                    " at[3 * query + 1] - at[3 * (data.size + j) + 1])); })(explorer)"
                )
                rank = 1 + sum(d < flat[most] - 1e-9 for d in flat)
                if move == "attention":
                    assert number(told, "shows attention: in it, that key is number") == rank
                else:
                    assert number(told, "there it is number" if move == "exact" else ", and number") == rank
                full = number(told, "that key is number" if move != "attention" else "moved: there that key is number")
                if move in ("raw", "attention"):
                    distance_T = np.linalg.norm(query_TK[q] - key_TK, axis=-1)
                    assert full == 1 + (distance_T < distance_T[most] - 1e-4).sum()
                assert full == 1 or move != "exact"
                named = {"raw": "Nothing is moved", "attention": "plane “nearness”"}.get(move, f"move “{move}”")
                assert named in told
                numbers[move].add((full, rank))
    assert numbers["raw"] != {(1, 1)} != numbers["paper"] and any(full > 1 for full, _ in numbers["attention"])
    page.evaluate("explorer.set({dims: 3, method: 'exact'})")
    assert "The 3-D picture keeps" in page.locator("#lead").inner_text()
    said = [[WORDS.of(language)[f"lead_near_{move}"] for move in MOVES] for language in ("en", "ja")]
    assert all(len(set(texts)) == len(MOVES) for texts in said)


def test_the_whole_way_of_a_sentence_of_the_page(show, live, tiny):
    """It runs without a word being typed; lengths and cosines are those of Python's states."""
    page = show(live, "view=way&query=2")
    until(page, "explorer.views.way.rows.length")
    assert page.evaluate("[explorer.state.text, explorer.state.sentence, explorer.data.typed]") == ["", 0, None]
    states = [state[2] for state in tiny(SENTENCE).hidden_states]
    found = page.evaluate(
        "explorer.views.way.rows.map(({ step }) => step).filter(({ name }) => name === 'embeddings' || name === 'norm')"
    )
    found = [found[0], *found[2::2]]  # the embeddings, and what each layer hands on
    cosine = [state @ states[-1] / np.linalg.norm(state) / np.linalg.norm(states[-1]) for state in states]
    np.testing.assert_allclose([step["towards"] for step in found], cosine, atol=2e-3)
    np.testing.assert_allclose(
        [step["length"] for step in found], [np.linalg.norm(state) for state in states], rtol=2e-3
    )
    assert cosine[0] < 0.5 and found[-1]["towards"] == pytest.approx(1)
    texts = page.evaluate(
        "(() => { const all = []; explorer.painter.text = (text) => all.push(text); explorer.paint(0); return all; })()"
    )
    assert {"cosine with the last state", "embeddings: word + position + segment", f"{cosine[0]:.2f}"} <= set(texts)
    page.evaluate("explorer.choose({ sentence: 2, query: 1 })")  # of another sentence, without another click
    until(page, "explorer.live.own.sentence === 2")
    ready(page)
    assert page.evaluate("explorer.views.way.rows.length > 0")


def test_a_token_that_is_off_means_the_same_in_every_sentence(show, live, tiny):
    """The whole model runs without attention to it: listed, opened by an address, typed, and with a head off too."""
    state = "view=sentence&layer=2&head=0&query=2"
    page = show(live, f"{state}&text={SENTENCE}&off=1")
    answered(page, SENTENCE)
    row = page.evaluate("[...explorer.row(2)]")
    note = page.locator("#off-note").inner_text()
    assert row[0] > tiny(SENTENCE).layers[2].attention[0][2, 0] + 0.2 and "The model ran without" in note
    page = show(live, f"{state}&off=1")  # an address
    answered(page, SENTENCE)
    assert page.evaluate("[...explorer.row(2)]") == row and page.locator("#off-note").inner_text() == note
    page = show(live, state)  # a click
    page.locator("#tokens button").nth(1).click()
    answered(page, SENTENCE)
    assert page.evaluate("[...explorer.row(2)]") == row and page.locator("#off-note").inner_text() == note
    assert page.evaluate("explorer.state.query") == 2
    page.keyboard.press("s")
    assert page.evaluate("[explorer.state.sentence, explorer.state.off]") == [1, ""]  # the next in the list
    page.keyboard.press("S")
    page.locator("#tokens button").nth(1).click()
    answered(page, SENTENCE)
    page.locator("#head-switches button", has_text="1.0").click()
    until(page, "explorer.data.typed.request.off.length")
    ready(page)
    assert page.locator("#off-note").inner_text() == note
    assert page.evaluate("explorer.data.typed.request.hidden") == [1]
    page = show(live, state)
    page.evaluate("explorer.live.model = undefined")  # a browser that does not let a page run one
    page.locator("#tokens button").nth(1).click()
    page.locator("#head-switches button", has_text="1.0").click()
    left = tiny(SENTENCE).layers[2].attention[0][2, 0] / (1 - tiny(SENTENCE).layers[2].attention[0][2, 1])
    assert page.evaluate("explorer.row(2)[0]") == pytest.approx(left, abs=1e-3)
    assert page.locator("#off-note").inner_text().endswith("No model runs in this page.")
    assert page.evaluate("explorer.state.without") == ""


def test_the_tours_hidden_word_gives_its_share_in_proportion(show, live, tiny):
    page = show(live)
    step = next(step for step in page.evaluate("explorer.data.tour") if step["title"] == "Hide a word")
    page.evaluate(f"explorer.visit({step['at']!r})")
    answered(page, SENTENCE)
    head = page.evaluate("explorer.state.head")
    before = tiny(SENTENCE).layers[0].attention[head][2]
    assert before[1] > 0.3  # there is something to give away
    expected = before / (1 - before[1])
    expected[1] = 0
    np.testing.assert_allclose(page.evaluate("[...explorer.row(2)]"), expected, atol=1e-3)


TYPED = "She opened the [MASK] and went out."
CHANGED = f"text={TYPED}&without=0.2_3.0&off=2&layer=1&head=2&query=4&key=1&method=raw"
WHAT_WAS_CHANGED = "heads switched off: 0.2, 3.0 · tokens switched off: opened"
PAIR = "query “[MASK]” · key “she”"
CAPTIONS = {
    "heads": f"All heads · raw · Mark heads by: kind of head · Typed: “{TYPED}” · {WHAT_WAS_CHANGED}",
    "points": f"One head · layer 1, head 2 · raw · Typed: “{TYPED}” · {PAIR} · {WHAT_WAS_CHANGED}",
    "sentence": f"Sentence · layer 1, head 2 · raw · Typed: “{TYPED}” · {PAIR} · {WHAT_WAS_CHANGED}",
    "near": f"Why near? · layer 1, head 2 · raw · Typed: “{TYPED}” · {PAIR} · {WHAT_WAS_CHANGED}",
    "average": "Averages · layer 1, head 2",
    "way": f"Whole way · Typed: “{TYPED}” · token “[MASK]” · {WHAT_WAS_CHANGED}",
    "why": f"Why this key? · layer 1, head 2 · Typed: “{TYPED}” · {PAIR} · {WHAT_WAS_CHANGED}",
    "circuit": f"Circuits · Largest arrows: 12 · Typed: “{TYPED}” · {WHAT_WAS_CHANGED}",
}


def saved(page, kind="svg"):
    """The texts of the view as a file, as far as its date, and the file's name."""
    with page.expect_download() as waiting:
        page.click(f"button[data-do={kind}]")
    drawing = ET.fromstring(waiting.value.path().read_bytes() if kind == "svg" else "<svg/>")
    texts = [text.text or "" for text in drawing.iter("{http://www.w3.org/2000/svg}text")]
    caption = re.match(r"minibert · tiny · (.*) · \d{4}-\d\d-\d\d", "".join(texts))
    return caption and caption[1], waiting.value.suggested_filename, texts


def test_a_saved_picture_says_what_it_shows_and_what_was_changed(show, live):
    page = show(live, f"view=heads&{CHANGED}")
    answered(page, TYPED)
    names = {}
    for view, expected in CAPTIONS.items():
        page.evaluate(f"explorer.set({{ view: '{view}' }})")
        answered(page, TYPED)
        until(page, "explorer.state.view !== 'way' || explorer.data.typed.way")
        caption, names[view], texts = saved(page)
        assert caption == expected
        sides = [text for text in texts[:6] if text in ("query", "key")]  # what discs and diamonds are
        assert sides[:2] == (["query", "key"] if view in ("heads", "points", "sentence", "near") else []), view
    changes = "off-0.2_3.0-hidden-2.svg"
    assert names["sentence"].startswith("tiny-sentence-1.2-raw-She-opened-the-MASK")
    assert names["average"] == "tiny-average-1.2.svg"
    assert all(name.endswith(changes) for view, name in names.items() if view != "average")
    assert "-q4-off" in names["way"] and "-q4-k1-" in names["why"]
    page.evaluate("explorer.set({ view: 'sentence', words: true, dims: 3, find: 'door', off: '' })")
    answered(page, TYPED)
    caption, name, _ = saved(page)
    assert "raw · 3-D · search words: door · words instead of pieces · Typed" in caption and "tokens" not in caption
    assert "-raw-3d-door-words-She" in name and "hidden" not in name
    page.evaluate("explorer.live.onlyHead()")
    until(page, "explorer.data.typed.request.off.length === 15")
    ready(page)
    assert saved(page)[0].endswith("all heads switched off but: 1.2")


def test_files_of_other_sentences_and_settings_have_other_names(show, live):
    page = show(live, "view=sentence&query=1")
    names = [saved(page)[1]]
    assert names == ["tiny-sentence-1.2-nearness-s1-q1.svg"]
    for text in ("It is here?", "It is here!", "猫"):
        page.evaluate(f"explorer.live.type({text!r}, '')")
        answered(page, text)
        names.append(saved(page)[1])
    page.evaluate("explorer.live.switchHeads('0.1')")
    until(page, "explorer.data.typed.request.off.length")
    ready(page)
    names += [saved(page)[1], saved(page, "png")[1]]
    assert len(set(names)) == len(names) == 6
    assert names[5].endswith("-off-0.1.png") and "猫" in names[3]


# ---- what is seen


DRAWN = """(() => {
  const { painter, canvas } = explorer;
  const ruler = document.createElement("canvas").getContext("2d");
  const found = [];
  painter.text = (text, x, y, { size = 12, weight = 400, align = "left", turned = false } = {}) => {
    ruler.font = `${weight} ${size}px ${getComputedStyle(document.body).fontFamily}`;
    const { width } = ruler.measureText(text.trimEnd());
    const left = x - { left: 0, center: width / 2, right: width }[align];
    found.push({ text, turned, x: left, y: y - size / 2, width, height: size });
  };
  painter.rect = (x, y, width, height) => found.push({ x, y, width, height });
  explorer.paint(0);
  delete painter.text;
  delete painter.rect;
  return found;
})()"""


def drawn(page):
    """What the view writes, as boxes with their texts, and its rectangles, which have none."""
    found = page.evaluate(DRAWN)
    texts = [box for box in found if box.get("text") and not box["turned"]]
    return texts, [box for box in found if "text" not in box]


def overlap(a, b, by=1):
    """Whether two boxes have more than a pixel in common, both ways."""
    return all(
        min(a[at] + a[size], b[at] + b[size]) - max(a[at], b[at]) > by for at, size in (("x", "width"), ("y", "height"))
    )


def test_no_label_is_cut_or_lies_over_another(show, live):
    text = "She opened the [MASK]."
    for size in ((390, 844), (960, 600), (1280, 720)):
        page = show(live, f"view=way&text={text}", size)
        answered(page, text)
        until(page, "explorer.views.way.rows.length")
        texts, _ = drawn(page)
        assert not any("…" in box["text"] for box in texts), size
        assert all(box["x"] + box["width"] <= page.evaluate("explorer.size.width") for box in texts), size
        queries = range(12) if size[0] == 390 else (1,)
        for move, query in [("exact", 3), *(("raw", query) for query in queries)]:
            near = f"view: 'near', sentence: 0, layer: 1, head: 2, method: '{move}', query: {query}"
            page.evaluate(f"explorer.choose({{ {near} }})")
            ready(page)
            ring = page.evaluate("explorer.views.near.ring")
            right = ring["x"] + ring["width"]
            texts, _ = drawn(page)
            lines = [box for box in texts if box["y"] < ring["y"] + 20 and box["x"] == ring["x"]]
            title = "".join(box["text"] for box in lines)
            assert re.fullmatch(r"distances from “.+” in the full space; the middle is at [0-9.]+, not 0", title)
            assert all(box["x"] + box["width"] <= right for box in lines)
            inside = [box for box in texts if box not in lines and overlap(box, ring)]
            assert len(inside) == 12 + 3 + 2  # a key each, the circles, the query and the distance in the middle
            wrong = [(a["text"], b["text"]) for i, a in enumerate(inside) for b in inside[:i] if overlap(a, b, 2)]
            assert not wrong, (size, move, wrong)


def test_the_scale_of_a_heatmap_has_its_place(show, live):
    for text, size in (("tired", (1440, 900)), ("tired", (390, 844)), (SENTENCE, (390, 844))):
        page = show(live, f"view=sentence&text={text}", size)
        answered(page, text)
        texts, _ = drawn(page)
        (scale,) = [box for box in texts if box["text"].startswith("1 attention")]
        assert scale["x"] + scale["width"] <= size[0]
        assert not overlap(scale, page.evaluate("explorer.views.sentence.cloudBox"))


def test_labels_hide_no_disc(show, live):
    page = show(live, "view=points&only=true&layer=1&head=2")
    texts, _ = drawn(page)
    middles = page.evaluate(
        "[...Array(explorer.data.points).keys()].filter((p) => explorer.cloud.visible(p))"
        ".map((p) => [explorer.cloud.screen[2 * p], explorer.cloud.screen[2 * p + 1]])"
    )
    labels = [box for box in texts if box["text"] in page.evaluate("explorer.sentence.tokens")]
    assert len(middles) == 24 and len(labels) > 12
    discs = [{"x": x - 5, "y": y - 5, "width": 10, "height": 10} for x, y in middles]
    assert not [box["text"] for box in labels for disc in discs if overlap(box, disc, 0)]


def test_guesses_of_all_masks_are_in_sight(show, live):
    text = "The [MASK] sat on the [MASK] and looked at [MASK]."
    for size in ((1440, 900), (390, 844)):
        page = show(live, f"view=sentence&text={text}", size)
        answered(page, text)
        row = page.locator("#words-row")
        assert row.locator(".guessed").count() == 3
        assert row.evaluate("row => row.scrollHeight <= row.clientHeight"), size


def test_words_that_the_model_does_not_know_and_blanks_are_named(show, live):
    doubts = "#doubts"
    page = show(live, "view=sentence")
    assert page.locator(doubts).is_hidden()
    for text, expected in {
        "猫は魚 and a dog.": "Unknown to this model: 3 of 7 tokens. It reads [UNK] in the place of each, whatever is "
        "written there.",
        "She opened the ___.": "“___” is not the mask token: the model reads its characters. Write [MASK].",
        "She [mask] it.": "“[mask]” is not the mask token: the model reads its characters. Write [MASK].",
        "She opened the [MASK].": "",
    }.items():
        page.evaluate(f"explorer.live.type({text!r}, '')")
        answered(page, text)
        assert page.locator(doubts).inner_text() == expected if expected else page.locator(doubts).is_hidden()
    page.evaluate("explorer.choose({ sentence: 0 })")
    assert page.locator(doubts).is_hidden()
    page.click("button[data-do=help]")
    assert "vocabulary of the model lacks" in page.locator(".terms dt:text-is('[UNK]') + dd").inner_text()


def test_a_page_without_a_model_counts_unknown_words_too(show, tiny, tmp_path):
    file = explore(tiny, ["猫は魚 and a dog.", "A dog barked."], live=False).save(tmp_path / "still.html")
    page = show(file, "view=sentence")
    assert page.locator("#doubts").inner_text().startswith("Unknown to this model: 3 of 7 tokens. It reads [UNK]")
    page.evaluate("explorer.choose({ sentence: 1 })")
    assert page.locator("#doubts").is_hidden()


def test_a_phone_shows_what_is_left_without_a_term_as_a_bar(show, live):
    page = show(live, "view=why&layer=1&head=2&query=3&key=2", (390, 844))
    until(page, "explorer.why.reasons")
    ready(page)
    shares = page.evaluate("explorer.why.reasons.terms.map((term) => term.without)")
    _, rects = drawn(page)
    bars = [one["width"] for one in rects if one["height"] == 8 and one["x"] == pytest.approx(374 - 72)]
    whole, left = bars[::2], bars[1::2]
    assert whole[: len(shares)] == [72] * len(shares)
    np.testing.assert_allclose(left[: len(shares)], 72 * np.array(shares), atol=0.01)


def test_a_chosen_key_outlives_the_typing_of_another_sentence(show, live):
    page = show(live, "view=sentence&query=5&key=4")
    page.click("#text")
    page.keyboard.press("Control+a")
    page.keyboard.type("The ")
    answered(page, "The ")
    assert page.evaluate("[explorer.state.query, explorer.state.key]") == [-1, -1]
    page.keyboard.type("ships came home.")
    answered(page, "The ships came home.")
    assert page.evaluate("[explorer.state.query, explorer.state.key]") == [5, 4]
    page.keyboard.press("Escape")  # out of the field: what does not reach is gone
    for text in ("A.", "The ships came home."):
        page.evaluate(f"explorer.live.type({text!r}, '')")
        answered(page, text)
    assert page.evaluate("[explorer.state.query, explorer.state.key]") == [-1, -1]


def test_only_the_picture_for_a_projector(show, live):
    page = show(live, "view=sentence", (960, 600))
    before = page.evaluate("explorer.size")
    page.click("#fold")
    ready(page)
    after = page.evaluate("explorer.size")
    assert after["width"] == 960 and after["height"] > before["height"] + 80
    assert page.locator("aside").is_hidden() and page.locator("#typing").is_hidden()
    until(page, "location.hash.includes('fold=true')")
    page = show(live, "view=heads&fold=true&step=1", (960, 600))  # the tour's card needs the panel
    assert page.locator("#tour").is_visible()


def test_paper_has_the_picture_and_what_was_changed_on_one_page(show, live):
    for view in ("way", "sentence"):
        page = show(live, f"view={view}&{CHANGED}")
        answered(page, TYPED)
        assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True))) == 1, view
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert CAPTIONS["sentence"] in page.locator("#printed").inner_text()
    assert page.locator(".guessed").is_visible() and page.locator("nav span:visible").all_inner_texts() == ["Sentence"]


def test_the_answer_of_the_tour_scrolls_into_sight(show, live):
    page = show(live, "step=1&view=heads", (1280, 560))
    step = 1 + page.evaluate("explorer.data.tour.findIndex(({ at }) => at.startsWith('view=why'))")
    page.evaluate(f"explorer.visit(explorer.data.tour[{step - 1}].at + '&step={step}')")
    answered(page)
    page.locator("#tour .guesses button").first.click()
    ready(page)
    (card, told) = (page.locator(one).bounding_box() for one in ("#tour", "#tour .answer"))
    assert told["y"] + told["height"] <= card["y"] + card["height"] + 1

"""The live page in a browser: what is typed, masked, switched off; that it is Python's model; that all can use it."""

import base64
import io
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minibert.explorer import explore
from tests.support.browser import launch, only_dejavu
from tests.viz.explorer.conftest import answered, ready, until
from tests.viz.explorer.test_live import MANY, check_found, sentences

MASKED = "She opened the [MASK]."
HOSTILE = [
    "</script><script>window.pwned=1</script>",
    "<img src=x onerror=window.pwned=2>",
    "javascript:window.pwned=3 ${window.pwned=4} {{data}}",
    "\u202edesrever a\u0000b\u2028c 👩‍🚀 مرحبا",
]
VIEWS = ("heads", "points", "sentence", "near", "average", "way", "why", "circuit")


def guesses(page, item=0):
    return page.locator(".guessed").nth(item).locator("button").all_inner_texts()


def test_typing_masking_and_taking_a_guess(show, live, tiny):
    page = show(live, "view=sentence")
    page.fill("#text", "She opened the door.")
    answered(page, "She opened the door.")
    assert page.locator("#words-row button").all_inner_texts() == ["She", "opened", "the", "door", "."]
    page.locator("#words-row button").nth(3).click()
    answered(page, MASKED)
    assert page.input_value("#text") == MASKED
    expected = tiny.fill_mask(MASKED)[0]
    shown = guesses(page)
    assert [text.split()[0] for text in shown] == [token for token, _ in expected]
    assert float(shown[0].split()[1]) == pytest.approx(100 * expected[0][1], abs=0.51)
    until(page, "/^#view=sentence&text=She%20opened.*MASK/.test(location.hash)")  # the address follows in a moment
    page.locator(".guessed button").nth(2).click()  # the third guess is taken
    answered(page, f"She opened the {expected[2][0]}.")
    until(page, f"location.hash.includes({expected[2][0]!r})")
    page.go_back()
    answered(page, MASKED)
    page.locator("button.mask").click()  # the address knows the word under the mask
    answered(page, "She opened the door.")


def test_a_shared_address_gives_the_masked_words_back(show, live):
    page = show(live, "view=sentence")
    page.fill("#text", "She opened the [MASK].")  # what is under this one nobody knows
    answered(page, MASKED)
    page.locator("#words-row button.word").nth(1).click()
    answered(page, "She [MASK] the [MASK].")
    page.locator("#words-row button.word").nth(0).click()
    answered(page, "[MASK] [MASK] the [MASK].")
    until(page, "location.hash.includes('masked=She%20opened')")
    copied = page.evaluate("location.hash.slice(1)")
    page = show(live, copied)
    answered(page, "[MASK] [MASK] the [MASK].")
    page.locator("button.mask").nth(1).click()
    answered(page, "[MASK] opened the [MASK].")
    page.locator("button.mask").nth(1).click()  # not known: type it
    assert page.evaluate("document.activeElement.id") == "text"
    page.click("#reset")
    answered(page, MASKED)


def test_the_address_is_copied_or_shown(show, live):
    page = show(live, f"view=way&text={MASKED}")
    answered(page, MASKED)
    part = "#view=way&text=She%20opened%20the%20%5BMASK%5D.&query=4"
    for allowed in (True, False):
        page.evaluate(
            "(allowed) => Object.defineProperty(navigator, 'clipboard', { configurable: true, value: { writeText: "
            "(text) => (allowed ? Promise.resolve((window.copied = text)) : Promise.reject(new Error())) } })",
            allowed,
        )
        page.click("button[data-do=link]")
        shown = page.locator("#info-text input")
        if allowed:
            until(page, "window.copied")
            assert page.evaluate("window.copied") == page.evaluate("location.href.split('#')[0]") + part
            assert shown.input_value() == part  # for others, who have the file elsewhere
            page.click("#info-text button")
            until(page, f"window.copied === {part!r}")
        else:
            whole, short = shown.evaluate_all("all => all.map((field) => field.value)")
            assert short == part and whole.endswith(f"/tiny.html{part}")
            assert "copied" not in page.locator("#info-text").inner_text()
        page.keyboard.press("Escape")


def test_the_token_of_the_whole_way_is_chosen_there(show, live):
    page = show(live, f"view=way&text={MASKED}")
    answered(page, MASKED)
    assert page.locator("#way-token option:checked").inner_text() == "4  [MASK]"
    page.select_option("#way-token", "2")
    assert page.evaluate("explorer.state.query === 2")
    until(page, "explorer.data.typed.request.token === 2")
    answered(page, MASKED)
    assert "here “opened”" in page.locator("#lead").inner_text()


def test_the_tour_keeps_the_guesses_back_until_it_is_answered(show, live):
    page = show(live)
    step = 1 + page.evaluate("explorer.data.tour.findIndex((step) => step.hidden && step.at.includes('text='))")
    page.evaluate(f"explorer.visit(explorer.data.tour[{step - 1}].at + '&step={step}')")
    answered(page)
    assert guesses(page) == ["think of a word, then click to see the guesses"]
    assert "[MASK]:" not in page.locator("#live").inner_text()
    page.click("#tour .guesses button")
    assert len(guesses(page)) == 5 and guesses(page)[0].startswith("letter")


def test_heads_off_tokens_hidden_and_all_brought_back(show, live, tiny):
    page = show(live, f"view=heads&text={MASKED}")
    answered(page, MASKED)
    before = guesses(page)
    page.locator("#head-switches button", has_text="0.2").click()
    until(page, "explorer.data.typed.request.off.length === 1")
    answered(page, MASKED)
    after = guesses(page)
    assert after[0].startswith("door 43 % (was 75 %)") and before[0] == "door 75 %"
    moved = page.evaluate("explorer.data.typed.moved")
    assert max(moved[:4]) < 1e-6 < min(moved[4:])  # the first layer does not notice
    assert page.locator("#head-switches button[aria-pressed=false]").all_inner_texts() == ["0.2"]
    page.locator("#head-switches button", has_text="layer 3").click()
    until(page, "explorer.data.typed.request.off.length === 5")
    page.click("button[data-do=heads-on]")
    until(page, "explorer.data.typed.request.off.length === 0")
    page.keyboard.press("3")
    page.locator("#tokens button", has_text="opened").click()
    until(page, "explorer.data.typed.request.hidden.join() === '2'")
    answered(page, MASKED)
    attention = np.array(page.evaluate("[...explorer.data.typed.layers[1].attention]")).reshape(4, 7, 7)
    others = [t for t in range(7) if t != 2]
    assert (attention[:, others, 2] == 0).all() and (attention[:, 2, 2] > 0).all()
    np.testing.assert_allclose(attention.sum(axis=-1), 1, atol=1e-6)
    page.click("#reset")
    until(page, "explorer.data.typed.request.hidden.length === 0")
    answered(page, MASKED)
    assert guesses(page) == before


def test_a_typed_sentence_lands_where_the_pages_own_lies(show, live, tiny):
    """The same text, typed and from the page: the same points in all three pictures, to a thousandth of it."""
    text = "The brown capybara is sleeping now."
    page = show(live, f"view=points&text={text}")
    answered(page, text)
    apart = page.evaluate(
        """() => {
          let most = 0;
          const { data } = explorer;
          const [own, typed] = [data.sentences[0], data.sentences[data.own]];
          for (let index = 0; index < data.layers * data.heads; index++) {
            const head = data.head(Math.floor(index / data.heads), index % data.heads);
            for (const method of data.methods) {
              const at = head.positions(method);
              for (let side = 0; side < 2; side++) for (let i = 0; i < 3 * own.size; i++) {
                const [a, b] = [own, typed].map(({ start }) => at[3 * (side * data.size + start) + i]);
                most = Math.max(most, Math.abs(a - b));
              }
            }
          }
          return most;
        }"""
    )
    assert apart < 1e-3  # a root of a small difference, the height on the sphere, is the least exact


def in_the_browser(page, tiny, texts) -> dict:
    """What the page's own worker answers, against Python."""
    found = {"sentences": 0, "wrong": [], "attention": 0.0, "probability": 0.0}
    for text in texts:
        first, second = text if isinstance(text, tuple) else (text, "")
        page.evaluate(f"(([a, b]) => explorer.live.type(a, b))({json.dumps([first, second])})")
        answered(page, first, second)
        mine = page.evaluate(
            "(({ encoding, layers, guesses }) => [encoding.tokens, encoding.ids, layers.map((l) => [...l.attention]),"
            " guesses.map((g) => g[1])])(explorer.data.typed)"
        )
        trace, encoding = tiny(text), tiny.encode(text)
        if mine[:2] != [list(encoding.tokens), list(encoding.input_ids)]:
            found["wrong"].append((text, mine[0]))
        for layer, attention in zip(trace.layers, mine[2], strict=True):
            found["attention"] = max(found["attention"], np.abs(layer.attention.ravel() - attention).max())
        theirs = tiny.fill_mask(text) if mine[3] else []
        for some, others in zip(theirs, mine[3], strict=True):
            for (token, p), (other, q) in zip(some, others, strict=True):
                found["probability"] = max(found["probability"], abs(p - q))
                if token != other and abs(p - q) > 1e-4:
                    found["wrong"].append((text, token, other))
        found["sentences"] += 1
    return found


def test_the_browsers_model_is_pythons(show, live, tiny):
    check_found(in_the_browser(show(live, "view=sentence"), tiny, sentences(24)), 24)


@pytest.mark.thousand
def test_the_browsers_model_is_pythons_on_a_thousand_sentences(show, live, tiny, capsys):
    found = in_the_browser(show(live, "view=sentence"), tiny, sentences(MANY))
    with capsys.disabled():
        print(f"\n{found['sentences']} sentences in the browser: {len(found['wrong'])} wrong, attention within "
              f"{found['attention']:.1e}, probabilities within {found['probability']:.1e}")  # fmt: skip
    check_found(found, MANY)


def test_hostile_texts_typed_are_texts(show, live):
    for view in VIEWS:
        page = show(live, f"view={view}")
        for pair in zip(HOSTILE[::2], HOSTILE[1::2], strict=True):
            page.evaluate("explorer.live.type({}, {})".format(*map(json.dumps, pair)))
            answered(page)
            page.keyboard.press("n")
        assert page.evaluate("window.pwned") is None
        assert page.locator("img").count() == 0 and page.locator("script").count() == 4  # the weights are unpacked


def test_what_cannot_be_read_is_said(show, live):
    page = show(live, "view=sentence")
    page.fill("#text", "the " * 200)
    until(page, "document.getElementById('typing-status').textContent.includes('128 positions')")
    page.fill("#text", "\u200b")
    until(page, "document.getElementById('typing-status').textContent.includes('no word')")
    page.fill("#text", "")
    ready(page)
    assert page.evaluate("explorer.state.sentence") == 0
    status, words = page.locator("#typing-status"), page.locator("#words-row")
    assert status.inner_text() == "There is no word in the field. Shown is “The brown capybara is sleeping now.”"
    assert status.evaluate("note => getComputedStyle(note).color") == "rgb(168, 75, 8)"
    assert status.bounding_box()["y"] < words.bounding_box()["y"]  # beside the field, above the words of another text
    words.locator("button").nth(1).click()  # and it is that text whose word is masked
    answered(page, "The [MASK] capybara is sleeping now.")
    assert "tokens, computed in" in status.inner_text() and page.locator("#typing.wrong").count() == 0
    page = show(live, "view=points&text=%E2%80%8B")  # an address with such a text opens all the same
    until(page, "!explorer.wanted")
    ready(page)
    assert page.evaluate("explorer.state.sentence") == 0


def test_a_head_that_is_shown_while_it_is_off_says_so(show, live):
    page = show(live, f"view=sentence&layer=1&head=2&without=1.2&text={MASKED}")
    answered(page, MASKED)
    note = page.locator("#lead b")
    for view in ("sentence", "points", "near"):
        page.evaluate(f"explorer.set({{ view: '{view}', head: 2 }})")
        assert note.inner_text().startswith("Head 1.2 is switched off")
        page.evaluate("explorer.set({ head: 1 })")
        assert note.count() == 0
    page.evaluate("explorer.set({ view: 'average', head: 2 })")  # of the page's own sentences, with all heads
    assert note.count() == 0


def test_what_a_head_switched_off_changed_is_said_beside_the_switch(show, live, tiny):
    text = "The captain lost his [MASK] in the storm."
    page = show(live, f"view=sentence&text={text}", (390, 844))
    answered(page, text)
    page.locator("#head-switches button", has_text="1.2").click()
    until(page, "explorer.data.typed.moved")
    ready(page)
    field = "document.getElementById('text')"  # all of it is seen
    assert page.evaluate(f"{field}.scrollHeight <= {field}.clientHeight && {field}.scrollWidth <= {field}.clientWidth")
    token, before = tiny.fill_mask(text)[0][0]
    guessed = tiny.without_heads([(1, 2)]).fill_mask(text)[0]
    (first, share), after = guessed[0], dict(guessed)[token]
    told = f"first before: {token} {100 * before:.1f} % → {100 * after:.1f} %"
    assert page.locator("#heads-told").inner_text() == f"{told}; first now: {first} {100 * share:.1f} %"
    assert told in page.locator(".guessed").inner_text()
    page.locator("#heads-on").click()
    until(page, "!explorer.data.typed.moved")
    assert page.locator("#heads-told").inner_text() == ""


def test_a_second_sentence_and_the_way_of_a_token(show, live, tiny):
    text = ("Where is the captain?", "He is in his [MASK].")
    page = show(live, "view=way&query=11&text=Where%20is%20the%20captain%3F&second=He%20is%20in%20his%20%5BMASK%5D.")
    answered(page, *text)
    assert page.evaluate("explorer.data.sentences.at(-1).segments") == list(tiny.encode(text).token_type_ids)
    way = page.evaluate("explorer.data.typed.way")
    trace = tiny(text)
    outputs = [step for step in way if step["name"] == "norm"][1::2]
    lengths = [np.linalg.norm(hidden[11]) for hidden in trace.hidden_states[1:]]
    np.testing.assert_allclose([step["length"] for step in outputs], lengths, rtol=1e-4)
    assert [token for token, _ in outputs[-1]["guesses"]] == [token for token, _ in tiny.fill_mask(text)[0]]
    heads = [step for step in way if step["name"] == "head"]
    assert len(heads) == 16
    weight = tiny.weights.layers[2].attention_output.weight
    context = trace.layers[2].context[11]
    part = weight[:, 64:128] @ context[64:128]
    assert heads[9]["length"] == pytest.approx(np.linalg.norm(part), rel=1e-3)


def test_back_to_another_view_of_the_same_typed_sentence(show, live):
    page = show(live, f"view=sentence&layer=1&text={MASKED}")
    answered(page, MASKED)
    page.wait_for_timeout(300)
    page.keyboard.press("}")
    until(page, "location.hash.includes('layer=2')")
    page.go_back()
    until(page, "explorer.state.layer === 1 && !explorer.store.wanted")
    ready(page)
    assert page.locator("[data-state=layer]").first.input_value() == "1"


def test_the_newest_keystroke_wins(show, live):
    page = show(live, "view=heads")
    page.click("#text")
    page.keyboard.press("Control+a")
    page.keyboard.type("The ships came home in the morning.")
    answered(page, "The ships came home in the morning.")
    assert page.evaluate("explorer.state.sentence") == page.evaluate("explorer.data.own")
    page.keyboard.press("Escape")
    page.keyboard.press("]")  # letters are short cuts again outside the box


def test_the_tour_leads_through(show, live):
    page = show(live)
    page.click("button[data-do=tour]")
    steps = page.evaluate("explorer.data.tour.length")
    assert 8 <= steps <= 12
    for step in range(1, steps + 1):
        ready(page)
        assert page.locator("#tour h2").inner_text().startswith(f"{step} / {steps}")
        assert page.locator("#tour-back").is_disabled() == (step == 1)
        button = page.locator("#tour .guesses button")
        if button.count():
            button.last.click()
            assert page.locator("#tour .answer").inner_text()
        if page.evaluate("explorer.state.text"):
            answered(page)
        page.click("#tour-next")
    assert page.locator("#tour").is_hidden()


def test_the_first_question_is_not_answered_above_the_picture(show, live):
    page = show(live, "step=1&view=points&only=true")
    assert page.locator("#lead").is_hidden() and page.locator("#legend").is_hidden()
    page.locator("#tour .guesses button").first.click()
    assert page.locator("#lead").is_visible() and page.locator("#legend").is_visible()


def test_on_a_phone_the_tours_card_stands_above_the_picture(show, live):
    page = show(live, "view=points&step=1", (390, 844))
    card, picture = (page.locator(one).bounding_box() for one in ("#tour", "#frame"))
    assert card["y"] + card["height"] <= picture["y"] < 844
    page.locator("#tour .guesses button").first.click()
    assert page.locator("#tour .guesses .right").inner_text().startswith("A disc is what a token looks for")


def test_from_a_typed_sentence_back_to_one_of_the_page(show, live):
    page = show(live, f"view=heads&text={MASKED}")
    answered(page, MASKED)
    page.select_option("select[data-state=sentence]", "0")
    ready(page)
    assert page.input_value("#text") == "The brown capybara is sleeping now."
    assert page.evaluate("[explorer.state.view, explorer.state.text]") == ["heads", ""]


def test_the_tours_answers_are_true(show, live):
    """Each number of an answer, against what the page shows at the step's own address."""
    page = show(live)
    steps = {step["title"]: step for step in page.evaluate("explorer.data.tour")}

    def at(title, what="0"):
        page.evaluate(f"explorer.visit({json.dumps(steps[title]['at'])})")
        ready(page)
        if "text=" in steps[title]["at"]:
            until(page, "explorer.data.typed && !explorer.live.model.busy && !explorer.wanted")
            ready(page)
        return page.evaluate(what)

    def said(title):
        return [int(number) for number in re.findall(r"(\d+) %", steps[title]["answer"])]

    value = "explorer.data.columnValue('{}', explorer.state.layer, explorer.state.head) * 100"
    first = " is number 1 by distance in the full space"
    previous = page.evaluate("Math.max(...explorer.data.column('to_previous').values)")
    assert said("A head with a habit") == [round(100 * previous)]
    raw = at("Near, or attended?", value.format("raw_nearest1_full"))
    assert said("Near, or attended?") == [round(raw)] and raw < 100
    assert first not in page.locator("#lead").inner_text()  # the query shown is one of those
    flat = at("Moved, and the same attention", value.format("exact_nearest1_2d"))
    assert said("Moved, and the same attention") == [100, round(flat)] and flat < 100
    assert first in page.locator("#lead").inner_text()
    at("Mask a word")
    assert guesses(page)[0] == f"letter {said('Mask a word')[0]} %"
    at("Which head matters most?")
    before, after, worst = said("Which head matters most?")
    assert guesses(page)[0] == f"letter {after} % (was {before} %)"
    name = re.search(r"Head (\d\.\d) matters most", steps["Which head matters most?"]["answer"])[1]
    page.evaluate(f"explorer.live.switchHeads('{name}')")
    until(page, f"explorer.data.typed.request.off.join() === '{name}'")
    ready(page)
    assert guesses(page)[0] == f"letter {worst} % (was {before} %)"
    across = at(
        "Two sentences",
        """(() => {
          const { data, state } = explorer;
          const { size, words, segments } = data.sentences[data.own];
          const of = (layer, head) => {
            const all = data.head(layer, head).part(data.typed.layers[layer].attention);
            const asking = [...Array(size).keys()].filter((i) => segments[i] && words[i] !== null);
            const share = (i) => segments.reduce((sum, segment, j) => sum + (segment ? 0 : all[i * size + j]), 0);
            return (100 * asking.reduce((sum, i) => sum + share(i), 0)) / asking.length;
          };
          const [all, at] = [explorer.attention(), (name) => data.sentences[data.own].tokens.indexOf(name)];
          const even = segments.filter((segment) => !segment).length / size;
          return [100 * all[at("cabin") * size + at("captain")], of(state.layer, state.head), 100 * even, of(1, 2)];
        })()""",
    )
    np.testing.assert_allclose(said("Two sentences"), across, atol=0.51)
    assert "“cabin” gives" in steps["Two sentences"]["answer"]
    at("The whole way")
    until(page, "explorer.data.typed.way")
    best = page.evaluate("explorer.data.typed.way.filter((s) => s.guesses).map((s) => s.guesses[0])")
    shown = ", ".join(f"{word} {100 * share:.0f} %" for word, share in [best[0], *best[2::2]])
    assert f"is: {shown}." in steps["The whole way"]["answer"]
    firsts = [word == best[-1][0] for word, _ in best[2::2]]
    layer = int(steps["The whole way"]["answer"].split()[2])
    assert all(firsts[layer:]) and not any(firsts[layer - 1 : layer])
    at("Why this key?")
    until(page, "explorer.why.reasons?.key === explorer.state.key")
    first, second, *_ = page.evaluate("explorer.why.reasons.terms")
    whole, back = page.evaluate("[explorer.why.reasons.sum, explorer.why.reasons.attention]")
    told = f"{steps['Why this key?']['text']} {steps['Why this key?']['answer']}"
    for number in (
        f"{first['value']:+.2f} of {whole:+.2f}",
        f"{second['value']:+.2f}",
        f"{first['without']:.2f}",
        f"{back:.2f}",
    ):
        assert number in told.replace("is +", "+"), number
    page.evaluate(f"explorer.why.follow({second['ofKey']!r}, explorer.why.reasons.key)")
    until(page, "explorer.why.found.request.why.layer === 0 && explorer.why.reasons")
    assert f"{page.evaluate('explorer.why.reasons.attention'):.2f} of its attention to “fisherman”. So" in told


def test_several_masks_are_told_apart_and_what_is_said_is_of_what_is_seen(show, live):
    text = "She [MASK] the door and went [MASK]."
    page = show(live, f"view=sentence&text={text}")
    answered(page, text)
    assert [line.inner_text() for line in page.locator(".guessed li:first-child").all()] == ["She ▢ the", "went ▢ ."]
    assert "tokens, computed in" in page.locator("#typing-status").inner_text()
    page.select_option("select[data-state=sentence]", "0")
    ready(page)
    assert page.locator("#typing-status").inner_text().startswith("The model is here: type")


def test_what_needs_a_query_has_one(show, live):
    page = show(live, "view=near")
    assert page.evaluate("explorer.state.query") == 1
    page.keyboard.press("Escape")
    assert page.evaluate("explorer.state.query") == -1  # until the next sentence
    page = show(live, f"view=way&text={MASKED}")
    answered(page, MASKED)
    until(page, "explorer.data.typed.way")
    assert page.evaluate("explorer.state.query") == 4


def test_a_trail_shows_what_moved(show, live):
    page = show(live, "view=points&method=raw&only=true&layer=1&head=2")
    trail = "explorer.views.points.hasTrail(explorer)"
    assert not page.evaluate(trail)
    before = page.evaluate("[...explorer.cloud.goal.positions].map((x) => x * explorer.cloud.goal.extent)")
    page.keyboard.press("m")
    ready(page)
    assert page.evaluate(trail)
    found = page.evaluate("[...explorer.cloud.trail].map((x) => x * explorer.cloud.goal.extent)")
    np.testing.assert_allclose(found, before, atol=1e-4)
    assert "queries are multiplied and keys divided by" in page.locator("#method-note").inner_text()
    page.keyboard.press("n")
    assert not page.evaluate(trail)
    page.keyboard.press("]")
    ready(page)
    assert not page.evaluate("Boolean(explorer.cloud.trail)")


@pytest.mark.parametrize("view", VIEWS)
def test_a_phone_has_room_for_the_picture(show, live, view):
    page = show(live, f"view={view}", (390, 844))
    assert page.locator("#canvas").bounding_box()["y"] < 0.4 * 844


@pytest.mark.skipif(sys.platform != "linux", reason="fontconfig says which fonts there are")
def test_a_phone_has_room_for_the_picture_with_the_widest_font(playwright, live, tmp_path):
    """What stands above the picture gives way to it, whatever font the phone has."""
    browser = launch(playwright, **only_dejavu(tmp_path))
    for (width, height), share in {(390, 844): 0.4, (360, 740): 0.5}.items():
        page = browser.new_page(viewport={"width": width, "height": height}, reduced_motion="reduce")
        page.goto(live.as_uri())
        for view in VIEWS:
            page.evaluate(f"explorer.set({{ view: '{view}' }})")
            ready(page)
            assert page.locator("#canvas").bounding_box()["y"] < share * height, (view, width)
            chosen, bar = (page.locator(which).bounding_box() for which in ("nav :checked + span", "nav"))
            assert bar["x"] <= chosen["x"] and chosen["x"] + chosen["width"] <= bar["x"] + bar["width"] + 1, view
        page.close()
    browser.close()


def test_every_control_explains_itself(show, live):
    page = show(live, "view=points&query=2&key=3")
    names = page.locator("button.info:visible").evaluate_all("all => all.map((b) => b.dataset.info)")
    assert len(names) > 20
    for name in set(names):
        page.locator(f"button.info[data-info={name}]:visible").first.click()
        assert len(page.locator("#info-text").inner_text()) > 30, name
        page.keyboard.press("Escape")
    assert page.locator("#info").is_hidden()


def test_back_goes_back_and_letters_can_be_switched_off(show, live):
    page = show(live)
    assert page.evaluate("[explorer.state.layer, explorer.state.head]") == [1, 2]
    page.wait_for_timeout(300)
    page.keyboard.press("2")
    page.wait_for_timeout(300)
    page.keyboard.press("]")
    page.wait_for_timeout(300)
    page.go_back()
    assert page.evaluate("[explorer.state.view, explorer.state.head]") == [
        "points",
        2,
    ]  # 1.2 looks most at the one before
    page.go_back()
    assert page.evaluate("explorer.state.view") == "heads"
    page.keyboard.press("?")
    page.uncheck("#help input")
    page.keyboard.press("Escape")
    page.keyboard.press("2")
    assert page.evaluate("explorer.state.view") == "heads"


def test_the_first_sentence_is_true_of_the_first_picture(show, live):
    """The share of queries whose most attended key is the nearest one, counted from the points that are drawn."""
    page = show(live)
    counted = page.evaluate(
        """() => {
          const { data, state } = explorer;
          const share = [];
          for (let index = 0; index < data.layers * data.heads; index++) {
            const head = data.head(Math.floor(index / data.heads), index % data.heads);
            const at = head.positions(state.method);
            let [hit, all] = [0, 0];
            for (const { number, start, size } of data.sentences) {
              const scores = head.scores(number);
              for (let i = 0; i < size; i++) {
                const off = (j, c) => at[3 * (start + i) + c] - at[3 * (data.size + start + j) + c];
                const far = (j) => Math.hypot(off(j, 0), off(j, 1));
                const keys = [...Array(size).keys()];
                const near = keys.reduce((a, b) => (far(b) < far(a) ? b : a));
                const most = keys.reduce((a, b) => (scores[i * size + b] > scores[i * size + a] ? b : a));
                hit += near === most;
                all += 1;
              }
            }
            share.push(hit / all);
          }
          return share.reduce((a, b) => a + b) / share.length;
        }"""
    )
    said = int(page.locator("#lead").inner_text().split(" % of the queries")[0].split()[-1])
    assert said == pytest.approx(100 * counted, abs=1)


# ---- for everybody


SIZES = {"laptop": (1280, 800), "tablet": (768, 1024), "phone": (390, 844)}
SOME = [("laptop", "light"), ("phone", "dark")]


@pytest.mark.parametrize(
    ("size", "theme"),
    [
        pytest.param(size, theme, marks=() if (size, theme) in SOME else pytest.mark.grid)
        for size in SIZES
        for theme in ("light", "dark")
    ],
)
def test_axe_finds_nothing(show, live, size, theme):
    """Every view with a mask and its guesses, a head off, a pair chosen; the tour; and the windows that open."""
    axe = pytest.importorskip("axe_playwright_python", reason="no axe here: pip install axe-playwright-python")
    source = (Path(axe.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    state = f"view=heads&query=3&key=1&without=0.2&text={MASKED}"
    page = show(live, state, SIZES[size], color_scheme=theme, bypass_csp=True)
    answered(page, MASKED)
    page.evaluate(source)

    def check(where):
        found = page.evaluate(
            "axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })"
        )
        wrong = [(v["id"], [node["html"][:120] for node in v["nodes"]][:4]) for v in found["violations"]]
        assert not wrong, (where, wrong)

    for view in VIEWS:
        page.evaluate(f"explorer.set({{ view: '{view}', step: {1 if view == 'points' else 0} }})")
        answered(page, MASKED)
        check(view)
    page.click("#second-open")
    check("a second sentence")
    page.locator("button.info:visible").first.click()
    check("an explanation")
    page.keyboard.press("Escape")
    page.click("button[data-do=help]")
    check("help")


def test_every_key_is_announced(show, live):
    """What changes the picture changes the text that is read out, and it names what changed."""
    page = show(live, "view=sentence&layer=1&head=2&query=3&key=2")
    heard = page.locator("#live").inner_text()
    for key, word in {
        "m": "raw", "d": "3-D", "w": "words instead", "]": "head 3", "}": "layer 2", "x": "switched off", "k": "key",
        "n": "query", "s": "sentence 2", "4": "Why near", "+": "times", "Escape": "Why near", "2": "One head",
    }.items():  # fmt: skip
        page.keyboard.press(key)
        until(page, "!explorer.live.model.busy")  # a token off: the model runs
        ready(page)
        before, heard = heard, page.locator("#live").inner_text()
        assert heard != before and word in heard, (key, heard)


def test_all_of_a_lesson_by_keyboard(show, live):
    """Type, mask a word, switch a head off, bring all back: Tab, Enter and letters only."""
    page = show(live)
    page.keyboard.press("e")
    page.keyboard.press("Control+a")
    page.keyboard.type("She opened the door.")
    answered(page, "She opened the door.")

    def tab_to(selector):
        for _ in range(80):
            page.keyboard.press("Tab")
            if page.evaluate(f"document.activeElement.matches({selector!r})"):
                return
        raise AssertionError(selector)

    tab_to("#words-row .item:nth-child(4) button")
    page.keyboard.press("Enter")
    answered(page, MASKED)
    assert "[MASK]: door 75 %" in page.locator("#live").inner_text()
    tab_to("#head-switches [aria-label^='head 0.2']")
    page.keyboard.press("Enter")
    until(page, "explorer.data.typed.request.off.join() === '0.2'")
    answered(page, MASKED)
    said = page.locator("#live").inner_text()
    assert "heads switched off: 0.2" in said and "[MASK]: door 43 %" in said
    assert page.evaluate("document.activeElement.textContent") == "0.2"  # one stays where one was
    page.keyboard.press("Enter")
    until(page, "explorer.data.typed.request.off.length === 0")


def paper(page):
    """The colour of most of the picture."""
    picture = base64.b64decode(page.evaluate("explorer.canvas.toDataURL()").split(",")[1])
    return max(Image.open(io.BytesIO(picture)).convert("RGB").getcolors(1 << 24))[1]


@pytest.mark.parametrize("view", VIEWS)
def test_on_paper_it_is_light_and_whole(show, live, view):
    page = show(live, f"view={view}", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.get_attribute("html", "data-theme") == "light"
    assert paper(page) == (255, 255, 255)
    assert not page.evaluate("Boolean(explorer.views.heads.waiting)")
    page.emulate_media(media="print")
    assert page.locator("aside").is_hidden() and page.locator("#lead").is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.get_attribute("html", "data-theme") == "dark"
    np.testing.assert_allclose(paper(page), (18, 21, 28), atol=1)  # a veil over pale points rounds it


def test_what_a_finger_has_tapped_is_told_until_it_taps_elsewhere(show, live):
    page = show(live, "view=points&only=true", (390, 844), has_touch=True, is_mobile=True)
    until(page, "explorer.live.typing.ready")
    page.evaluate("explorer.live.typing.say(JSON.parse(document.getElementById('words').textContent).typing_start)")
    box = page.locator("#canvas").bounding_box()
    x, y = page.evaluate("explorer.cloud.place(0, 3)")
    page.evaluate("explorer.live.receive({ ready: true })")  # the picture stays where it is when the model is unpacked
    page.touchscreen.tap(box["x"] + x, box["y"] + y)
    page.locator("#tip", has_text="(query)").wait_for()  # a finger's click comes later than its tap
    page.touchscreen.tap(20, 200)
    page.locator("#tip").wait_for(state="hidden")


def test_in_japanese(show, tiny, tmp_path):
    file = explore(tiny, ["It is warm."], language="ja").save(tmp_path / "ja.html")
    page = show(file, "view=points&query=1&key=2")
    text = page.evaluate("document.body.innerText")
    for english in ("Click a query", "attention", "Heads on", "layer", "distance"):
        assert english not in text.replace("nearest@1", ""), english

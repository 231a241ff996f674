"""How many dimensions a head needs: the page's numbers are NumPy's, and what it says of them is true."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import viz
from tests.viz.explorer.conftest import answered, ready
from tests.viz.explorer.test_said import drawn, saved

SENTENCE = "The brown capybara is sleeping now."
LONG = "In the morning the old fisherman pushed his boat into the cold grey water of the sea again."
HEAD = "view=sentence&layer=1&head=2"


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def left_by(scores, on, count):
    """Squared singular values of the centred scores of some tokens, and the attention that `count` of them leave."""
    inner = scores[np.ix_(on, on)].astype(np.float64)
    left, values, right = np.linalg.svd(inner - inner.mean(axis=-1, keepdims=True))
    attention = np.zeros(scores.shape)
    attention[np.ix_(on, on)] = softmax((left[:, :count] * values[:count]) @ right[:count])
    return values**2, attention


def made_up(draw, size, head_size, off):
    query, key = draw.normal(size=(2, size, head_size)) * draw.uniform(0.2, 2, head_size)
    x, y = draw.normal(size=(2, size, 2))
    return query, key, x, y, [i for i in range(size) if i not in off]


CASES = ((2, 4, ()), (5, 1, ()), (7, 3, (0, 6)), (12, 64, ()), (40, 8, (3,)), (90, 16, ()), (3, 4, (0, 2)))


def test_the_page_takes_scores_apart_as_numpy_does(tmp_path):
    """Singular values, the attention that is left, what pictures hold: fewer tokens than dimensions, more, and one."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node here: apt-get install nodejs")
    draw = np.random.default_rng(0)
    made = [made_up(draw, *case) for case in CASES]
    counts = [1, 1, 2, 3, 5, 3, 1]
    cases = [
        {
            "scores": (query @ key.T).astype(np.float32).ravel().tolist(),
            "size": len(query),
            "off": off,
            "most": query.shape[1],
            "x": x[on].tolist(),
            "y": y[on].tolist(),
            "count": count,
        }
        for (query, key, x, y, on), (_, _, off), count in zip(made, CASES, counts, strict=True)
    ]
    (tmp_path / "cases.json").write_text(json.dumps(cases), encoding="utf-8")
    script = Path(__file__).with_name("compare_flat.mjs")
    done = subprocess.run([node, script, tmp_path / "cases.json"], capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for one, (query, key, x, y, on), count in zip(found[:-1], made[:-1], counts[:-1], strict=True):
        squares, attention = left_by((query @ key.T).astype(np.float32), on, count)
        assert len(one["squares"]) == min(query.shape[1], len(on) - 1)
        np.testing.assert_allclose(one["squares"], squares[: len(one["squares"])], rtol=1e-5, atol=1e-6 * squares[0])
        np.testing.assert_allclose(np.reshape(one["attention"], attention.shape), attention, atol=1e-6)
        expected = viz.held(query[on], key[on], x[on], y[on])
        assert one["holds"] == pytest.approx(expected.share, abs=1e-5)
        assert one["held"] == pytest.approx(expected.bound(count - 1), abs=1e-5)
        assert one["needed"] == expected.dimensions(0.9)
    assert any(one["holds"] > 0.01 for one in found) and len({one["needed"] for one in found}) > 3
    assert found[-1]["squares"] == [] and found[-1]["attention"] == [0, 0, 0, 0, 1, 0, 0, 0, 0]  # only itself is left


def told(page):
    return page.locator("#flat-told").inner_text()


def expected_text(trace, page, layer, head, dims, on):
    """What is said without a choice: how many dimensions 90 % need, and what pictures hold."""
    q, k = (getattr(trace.layers[layer], name)[head][on] for name in ("query", "key"))
    size = len(trace.tokens)
    places = page.evaluate(
        "(({ head, data, state: { method }, sentence: { start } }) => [0, data.size].map((from) =>"
        f" [...head.positions(method).subarray(3 * (from + start), 3 * (from + start + {size}))]))(explorer)"
    )
    x, y = (np.reshape(side, (size, 3))[on][:, :dims] for side in places)
    held = viz.held(q, k, x, y)
    bound, holds = held.bound(dims), held.share
    method = page.evaluate("explorer.state.method").replace("attention", "nearness")
    assert holds <= bound
    return (
        f"90 % of this sentence's scores need {held.dimensions(0.9):.0f} of the head's {q.shape[-1]} dimensions. "
        f"No picture in {dims}-D can hold more than {100 * bound:.0f} %. "
        f"The picture “{method}” holds {100 * holds:.0f} %."
    )


def test_how_many_dimensions_a_head_needs(show, live, tiny):
    """Folded until it is opened; then what it says is true of each head, picture and number of axes."""
    trace = tiny(SENTENCE)
    page = show(live, HEAD)
    assert not page.locator("#flat-told").is_visible() and page.evaluate("explorer.memory.has('apart')") is False
    page.locator("#flat summary").click()
    ready(page)
    everything = list(range(len(trace.tokens)))
    texts = set()
    for layer, head, dims, method in ((1, 2, 2, "attention"), (1, 2, 3, "exact"), (3, 0, 2, "raw"), (0, 3, 2, "paper")):
        page.evaluate(f"explorer.set({{layer: {layer}, head: {head}, dims: {dims}, method: '{method}'}})")
        assert told(page) == expected_text(trace, page, layer, head, dims, everything)
        texts.add(told(page))
    assert len(texts) == 4
    assert page.evaluate("[explorer.state.flat, explorer.views.sentence.maps.length]") == [tiny.config.head_size, 1]
    assert page.locator("#flat-count").get_attribute("max") == page.locator("#flat-count").input_value() == "11"


def test_the_attention_that_fewer_dimensions_leave_stands_beside_the_true_one(show, live, tiny):
    trace = tiny(SENTENCE)
    scores, attention = trace.layers[1].scores[2], trace.layers[1].attention[2]
    on = list(range(len(scores)))
    page = show(live, HEAD)
    page.locator("#flat summary").click()
    page.locator("#flat-count").focus()
    for _ in range(8):
        page.keyboard.press("ArrowLeft")
    ready(page)
    squares, left = left_by(scores, on, 3)
    true, kept = page.evaluate("explorer.views.sentence.maps.map(({ weights }) => [...weights])")
    np.testing.assert_allclose(np.reshape(true, attention.shape), attention, atol=1e-4)
    np.testing.assert_allclose(np.reshape(kept, attention.shape), left, atol=1e-3)
    assert np.abs(attention - left).max() > 0.3  # they differ
    same = (left.argmax(axis=-1) == attention.argmax(axis=-1)).sum()
    assert 0 < same < 12
    first, rest = told(page).split(" queries. ")
    assert first == (
        f"3 of 64 dimensions hold {100 * squares[:3].sum() / squares.sum():.0f} % of this sentence's scores. "
        f"The most attended key stays the same for {same} of 12"
    )
    assert rest == expected_text(trace, page, 1, 2, 2, on)
    texts, _ = drawn(page)
    titles = {box["text"]: box for box in texts}
    true_title, title = titles["attention: row query, column key"], titles["with 3 of 64 dimensions"]
    assert true_title["y"] == title["y"] and title["x"] > true_title["x"] + true_title["width"]
    assert sum(box["text"] == "brown" for box in texts) == 3  # twice at the curves, and once for the rows of both
    for query, key in ((2, 1), (8, 7)):  # what the pointer finds in the second heatmap
        at = "((v) => [v.maps[1].x0 + {} * v.cell, v.maps[1].y0 + {} * v.cell])(explorer.views.sentence)"
        x, y = page.evaluate(at.format(key + 0.5, query + 0.5))
        box = page.locator("#canvas").bounding_box()
        page.mouse.move(box["x"] + x, box["y"] + y)
        ready(page)
        lines = page.locator("#tip").inner_text().split("\n")
        assert lines[0] == f"{trace.tokens[query]} → {trace.tokens[key]}"
        assert float(re.search(r"[\d.]+$", lines[1])[0]) == pytest.approx(attention[query, key], abs=1e-3)
        assert lines[2].startswith("with 3 of 64 dimensions: ")
        assert float(lines[2].split(": ")[1]) == pytest.approx(left[query, key], abs=1e-3)


def test_fewer_dimensions_in_an_address_a_caption_and_a_typed_sentence(show, live, tiny):
    page = show(live, f"{HEAD}&flat=2&query=3")
    assert page.locator("#flat-told").is_visible() and page.evaluate("explorer.store.hash").count("flat=2") == 1
    caption, name, _ = saved(page)
    assert "layer 1, head 2 · nearness · with 2 of 64 dimensions · “The brown" in caption
    assert name == "tiny-sentence-1.2-nearness-2-dimensions-s1-q3.svg"
    assert "with 2 of 64 dimensions" in page.locator("#live").inner_text()
    page.evaluate("explorer.set({ view: 'points' })")
    assert "64" not in saved(page)[0] and "64" not in page.locator("#live").inner_text()
    page.evaluate("explorer.set({ view: 'sentence' })")
    page.locator("#flat-count").focus()
    page.keyboard.press("End")  # all of them: the model as it is
    ready(page)
    assert "flat" not in page.evaluate("explorer.store.hash")
    assert page.evaluate("explorer.views.sentence.maps.length") == 1
    for wrong in ("0", "65", "1.5", "-1"):
        assert page.evaluate(f"explorer.visit('#{HEAD}&flat={wrong}') ?? explorer.state.flat") == 64
    page = show(live, f"{HEAD}&flat=2&text={SENTENCE}&off=0.11")
    answered(page, SENTENCE)
    hidden = page.evaluate("[...explorer.head.scores(explorer.state.sentence)]")
    on = list(range(1, 11))
    _, left = left_by(np.reshape(hidden, (12, 12)), on, 2)
    kept = page.evaluate("[...explorer.views.sentence.maps[1].weights]")
    np.testing.assert_allclose(np.reshape(kept, (12, 12)), left, atol=1e-5)
    page.evaluate("explorer.set({ words: true })")
    ready(page)
    words = page.evaluate("[...explorer.views.sentence.maps[1].weights]")
    assert len(words) == 81 and sum(words[9:18]) == pytest.approx(1)


@pytest.mark.parametrize("size", [(390, 844), (900, 700), (1280, 720)])
def test_both_heatmaps_have_their_place(show, live, size):
    for text in (SENTENCE, LONG):
        page = show(live, f"{HEAD}&flat=2&text={text}", size)
        answered(page, text)
        first, second = page.evaluate("explorer.views.sentence.maps")
        width = page.evaluate("explorer.whole.width")
        assert second["x"] + second["width"] <= width and not (
            first["x0"] < second["x0"] < first["x"] + first["width"] and second["y"] < first["y"] + first["height"] - 1
        )
        assert second["names"] == 0 if second["y"] == first["y"] else second["names"] == first["names"]

"""Parked attention in the page: of one query, of a head, and heads marked by it. The numbers are those of outputs."""

import re

import numpy as np
import pytest

from minibert.explorer import explore
from tests.viz.explorer.conftest import answered, ready

SENTENCE = "The brown capybara is sleeping now."


def outputs_of(bert, trace, layer, head):
    """What each key moves to each query, |attention value W_O|, [S, S]."""
    one = trace.layers[layer]
    size = one.value.shape[-1]
    weight = bert.weights.layers[layer].attention_output.weight[:, head * size :][:, :size]
    return one.attention[head] * np.linalg.norm(one.value[head] @ weight.T, axis=-1)


def shares(text):
    return [float(number) for number in re.findall(r"([\d.]+) %", text)]


def check_query(page, bert, trace, layer, head, query):
    """The line is true of the query; words alone have it."""
    page.evaluate(f"explorer.set({{layer: {layer}, head: {head}, query: {query}, key: -1}})")
    special = np.array([word is None for word in trace.words])
    if special[query]:
        assert page.locator("#parked").count() == 0
        return None
    row, moved = trace.layers[layer].attention[head][query], outputs_of(bert, trace, layer, head)[query]
    expected = [100 * row[special].sum(), 100 * moved[special].sum() / moved.sum()]
    most = trace.tokens[np.where(special, row, -1).argmax()]
    told = page.locator("#parked").inner_text()
    np.testing.assert_allclose(shares(told), expected, atol=0.51)
    assert told.startswith("The query parks ") and f"most of it on {most}. " in told
    return expected


@pytest.fixture(scope="module")
def parks(minilm, tmp_path_factory):
    """A page of a model whose heads park, without the model."""
    return explore(minilm, [SENTENCE, "It was cold in May."]).save(tmp_path_factory.mktemp("parks") / "page.html")


def test_what_a_query_parks_is_true_of_every_sentence(show, parks, minilm, live, tiny):
    page = show(parks, "view=sentence")
    found = []
    for number, text in enumerate((SENTENCE, "It was cold in May.")):
        page.evaluate(f"explorer.choose({{sentence: {number}}})")
        trace = minilm(text)
        for layer, head in ((0, 0), (2, 5), (5, 11)):
            found += [
                check_query(page, minilm, trace, layer, head, query) for query in (0, 1, 3, len(trace.tokens) - 1)
            ]
    numbers = np.array([pair for pair in found if pair])
    assert len(numbers) == 12 and np.abs(np.diff(numbers, axis=1)).max() > 10  # parked is not moved
    page = show(live, f"view=sentence&text={SENTENCE}")  # what the page's own model computes
    answered(page, SENTENCE)
    for layer, head in ((0, 1), (2, 3)):
        assert check_query(page, tiny, tiny(SENTENCE), layer, head, 2)
    page.evaluate("explorer.choose({sentence: 0})")  # and what Python wrote
    assert check_query(page, tiny, tiny(SENTENCE), 2, 3, 4)
    size = len(tiny(SENTENCE).tokens)
    page.evaluate("explorer.live.model = undefined")
    page.evaluate(f"explorer.set({{off: '0.{size - 1}'}})")
    assert page.locator("#parked").count() == 0  # no special token is left
    page.evaluate("explorer.set({off: '0'})")
    assert "most of it on [SEP]" in page.locator("#parked").inner_text()


def test_heads_that_park_are_named_and_can_be_marked(show, parks):
    page = show(parks, "view=heads&shade=parking")
    names, values, labels = page.evaluate(
        "(({ names, columns }) => { const { values, labels } = columns.find(({ name }) => name === 'parking');"
        " return [names, values, labels]; })(explorer.data)"
    )
    kinds = [labels[value] for value in values]
    assert kinds.count("no-op") > 3 and kinds.count("none") > 3
    legend = page.locator("#shade-legend").inner_text()
    assert f"no-op ({kinds.count('no-op')})" in legend and f"none ({kinds.count('none')})" in legend
    page.locator("#shade-legend button", has_text="no-op").click()
    ready(page)
    assert page.evaluate("explorer.store.hash").endswith("shade=parking&kind=no-op")
    page.locator("#ranking-all").click()
    listed = page.locator("#ranking li button").all_inner_texts()
    wanted = [name for name, kind in zip(names, kinds, strict=True) if kind == "no-op"]
    assert listed == ["layer {}, head {}".format(*name.split(".")) for name in wanted]
    sample = list(zip(names, kinds, strict=True))[::9]
    assert {"no-op", "none"} <= {kind for _, kind in sample}
    for name, kind in sample:
        layer, head = name.split(".")
        page.evaluate(f"explorer.set({{view: 'sentence', layer: {layer}, head: {head}}})")
        told = page.locator("#head-parking")
        assert told.is_visible() == (kind != "none")
        if kind != "none":
            values = page.evaluate(
                f"['parked', 'parked_moved'].map((one) => 100 * explorer.data.columnValue(one, {layer}, {head}))"
            )
            text = told.inner_text()
            np.testing.assert_allclose(shares(text), values, atol=0.51)
            assert text.startswith(f"Parking: {kind}. Words give ")
    page.evaluate("explorer.set({view: 'heads', shade: 'parked', kind: ''})")
    assert "parked attention" in page.locator("#about").inner_text()
    page.click("button[data-do=help]")
    terms = page.locator("#help .terms dt").all_inner_texts()
    assert {"parked attention", "no-op", "dimensions"} <= set(terms)

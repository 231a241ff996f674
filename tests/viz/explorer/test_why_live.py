"""Why, in the page's model: the terms of every score and the arrows between heads, against those in Python."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import minibert
from minibert.explorer import live_parts, why_not_live
from minibert.whatif.attribution import parts_of_states, score_parts
from minibert.whatif.composition import Question, answer
from tests.checkpoint.test_families import write
from tests.material import everything

TEXTS = ["In the morning the old fisherman pushed his boat into the water.", ("Who came?", "Nobody."), "No"]
FAMILIES = ["bert", "distilbert", "ernie", "electra", "roberta", "albert"]


def in_node(bert, texts, asked, folder, off=()):
    """What the page's model finds for these texts; asked: [layer, head, query] for each text."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node here: apt-get install nodejs")
    parts = live_parts(bert)
    pairs = [text if isinstance(text, tuple) else (text, "") for text in texts]
    cases = [
        {"text": first, "second": second, "off": [f"{layer}.{head}" for layer, head in off], "asked": one}
        for (first, second), one in zip(pairs, asked, strict=True)
    ]
    halves = [np.asarray(array, "<f2").tobytes() for array in parts.weights.values()]
    (folder / "settings.json").write_text(json.dumps(parts.head), encoding="utf-8")
    (folder / "weights.bin").write_bytes(b"".join(halves))
    (folder / "cases.json").write_text(json.dumps(cases), encoding="utf-8")
    script = Path(__file__).parent / "compare_why.mjs"
    done = subprocess.run([node, script, folder], capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def queries_of(bert, trace):
    """Every layer and head; of the queries the first, one in the middle and the last."""
    tokens = len(trace.tokens)
    places = sorted({0, tokens // 2, tokens - 1})
    heads = np.ndindex(bert.config.num_hidden_layers, bert.config.num_attention_heads)
    return [[layer, head, query] for layer, head in heads for query in places]


def check(bert, texts, folder, off=()):
    """Parts of states, terms and arrows are Python's: within 1e-4 of the largest number of their kind."""
    run = bert.without_heads(off) if off else bert
    traces = everything(run, *texts)
    asked = [queries_of(bert, trace) for trace in traces]
    for trace, places, found in zip(traces, asked, in_node(bert, texts, asked, folder, off), strict=True):
        assert found["tokens"] == list(trace.tokens) and found["same"]
        parts = [parts_of_states(run, trace, layer) for layer in range(bert.config.num_hidden_layers + 1)]
        for one, names, arrays in zip(parts, found["names"], found["states"], strict=True):
            assert tuple(names) == one.names
            within(np.reshape(arrays, one.vectors.shape), one.vectors)
        for (layer, head, query), terms in zip(places, found["terms"], strict=True):
            expected = score_parts(run, trace, layer, head, query, parts[layer]).parts
            mine, unit = np.reshape(terms, expected.shape), 1e-4 * np.abs(trace.layers[layer].scores).max()
            np.testing.assert_allclose(mine, expected, atol=unit)
            np.testing.assert_allclose(mine.sum((0, 1)), trace.layers[layer].scores[head, query], atol=unit)
        check_arrows(run, trace, parts, found["arrows"], off)
        assert found["largest"] == found["arrows"][:60]


def within(mine, expected):
    np.testing.assert_allclose(mine, expected, atol=1e-4 * np.abs(expected).max())


def check_arrows(bert, trace, parts, arrows, off):
    """Each share of each arrow, as the sums in Python have it. A head that is off moves nothing."""
    expected = {}
    for place in np.ndindex(bert.config.num_hidden_layers, bert.config.num_attention_heads):
        writers = [name for name in parts[place[0]].names if name.startswith("head ")]
        asked = [Question("query", name, "") for name in writers] + [Question("key", "", name) for name in writers]
        asked += [Question("value", "", name) for name in writers]
        found = answer(bert, trace, *place, tuple(asked), parts[place[0]])
        for question, value in zip(asked, found.value, strict=True):
            share = (0 if place in off else value) if question.side == "value" else value / found.lead
            name = (question.of_query or question.of_key).removeprefix("head ")
            expected[name, "{}.{}".format(*place), question.side] = share
    mine = {(arrow["from"], arrow["to"], arrow["side"]): arrow["share"] for arrow in arrows}
    assert list(mine.values()) == sorted(mine.values(), reverse=True) and all(share > 0 for share in mine.values())
    assert mine.keys() <= expected.keys()
    for place, share in expected.items():
        assert mine.get(place, min(0, share)) == pytest.approx(share, abs=1e-3), place


def test_terms_and_arrows_of_tiny_are_pythons(tmp_path):
    check(minibert.load("tiny"), TEXTS, tmp_path)


def test_a_head_that_is_off_has_written_nothing(tmp_path):
    check(minibert.load("tiny"), TEXTS[:1], tmp_path, [(0, 3), (1, 0)])


@pytest.mark.parametrize("family", FAMILIES)
def test_terms_and_arrows_of_the_relatives_are_pythons(family, tmp_path):
    model = write(tmp_path, family, "ForMaskedLM", seed=3, max_position_embeddings=60)
    for parameter in model.parameters():  # the page has float16
        parameter.data = parameter.data.half().float()
    model.save_pretrained(tmp_path)
    bert = minibert.load(tmp_path)
    if why_not_live(bert):
        pytest.fail(why_not_live(bert))
    check(bert, ["the quick capybara sleeps", ("the capybara sleeps.", "it is sleeping"), "nap"], tmp_path)

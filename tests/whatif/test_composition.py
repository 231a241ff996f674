"""What a head is made of, over the queries of a sentence: sums, the null as a mean over shuffles, the check."""

from dataclasses import replace

import numpy as np
import pytest

import minibert
from minibert.checkpoint.parameters import LinearWeights
from minibert.numerics import softmax
from minibert.survey.circuits import circuits
from minibert.whatif.attribution import moved_parts, parts_of_states, query_and_key_parts, without_terms
from minibert.whatif.composition import KINDS, Question, answer
from tests.checkpoint.test_families import write
from tests.material import everything

TEXT = "In the morning the old fisherman pushed his boat into the water."
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


@pytest.fixture(scope="module")
def tiny() -> minibert.Bert:
    return minibert.load("tiny")


def all_questions(names):
    """Every pair, and every part of the query, of the key and of what is moved."""
    pairs = [Question("pair", a, b) for a in names for b in names]
    sides = [Question("query", a, "") for a in names] + [Question("key", "", b) for b in names]
    return (*pairs, *sides, *(Question("value", "", b) for b in names))


def check_sums(bert, trace):
    """Pairs, kinds, parts of the query and of the key each add up to the lead; parts of what is moved to 1."""
    for layer in range(bert.config.num_hidden_layers):
        parts, scores = parts_of_states(bert, trace, layer), trace.layers[layer].scores
        count = len(parts.names)
        for head in range(bert.config.num_attention_heads):
            found = answer(bert, trace, layer, head, all_questions(parts.names), parts)
            kinds = answer(
                bert, trace, layer, head, tuple(Question("kinds", a, b) for a in KINDS for b in KINDS), parts
            )
            lead = (scores[head].max(-1) - scores[head].mean(-1)).mean()
            close = {"abs": 2e-5 * float(np.abs(scores).max())}
            assert found.lead == pytest.approx(lead, **close)
            of_pairs, of_query, of_key, moved = np.split(found.value, np.cumsum([count**2, count, count]))
            np.testing.assert_allclose(of_pairs.reshape(count, count).sum(1), of_query, **CLOSE)
            np.testing.assert_allclose(of_pairs.reshape(count, count).sum(0), of_key, **CLOSE)
            assert of_pairs.sum() == pytest.approx(lead, **close) and kinds.value.sum() == pytest.approx(lead, **close)
            if len(trace.tokens) > 1:
                assert moved.sum() == pytest.approx(1, abs=1e-5)


def test_sums_of_a_trained_model(tiny, sentences):
    for trace in everything(tiny, sentences[0], ("Who came?", "Nobody."), "No"):
        check_sums(tiny, trace)


@pytest.mark.parametrize("family", ["distilbert", "ernie", "roberta", "camembert", "electra", "albert"])
def test_sums_of_the_relatives(family, tmp_path):
    write(tmp_path, family, "Model")
    bert = minibert.load(tmp_path)
    for ids in ([5, 7, 9, 8, 7], [5]):
        check_sums(bert, bert(minibert.Encoding.from_ids(ids)))


def test_the_null_is_the_mean_over_all_shifts_of_the_words(tiny):
    """In all shifts together each word has been everywhere, as in all orders; special tokens stay in place."""
    trace = tiny(TEXT)
    parts = parts_of_states(tiny, trace, 1)
    asked = (Question("pair", "word", "head 0.3"), Question("query", "head 0.1", ""), Question("key", "", "head 0.3"))
    asked = (*asked, Question("value", "", "head 0.1"))
    found = answer(tiny, trace, 1, 2, asked, parts)
    query, key = query_and_key_parts(tiny, parts, 1, 2)
    best, words = trace.layers[1].scores[2].argmax(-1), np.arange(1, len(trace.tokens) - 1)
    index = {name: place for place, name in enumerate(parts.names)}
    linear = without_value_biases(tiny, 1)

    def move(parts):
        vectors = parts.vectors - parts.vectors.mean(axis=1, keepdims=True)
        less = replace(parts, vectors=vectors)
        return np.array([moved_parts(linear, trace, 1, 2, t, less).vectors.sum(1) for t in range(len(best))])

    moved = move(parts)
    whole = moved.sum(1)

    def lead(q, k):
        return (q * (k[best] - k.mean(0))).sum(-1).mean()

    seen = []
    for shift in range(len(words)):
        order = np.arange(len(best))
        order[words] = np.roll(words, shift)
        other = parts.vectors.copy()
        other[index["head 0.1"]] = other[index["head 0.1"]][order]
        there = move(replace(parts, vectors=other))
        seen.append(
            [
                lead(query[index["word"]], key[index["head 0.3"]][order]),
                lead(query[index["head 0.1"]][order], key.sum(0)),
                lead(query.sum(0), key[index["head 0.3"]][order]),
                (there[:, index["head 0.1"]] * whole).sum() / (whole**2).sum(),
            ]
        )
    np.testing.assert_allclose(found.value, seen[0], **CLOSE)
    np.testing.assert_allclose(found.null, np.mean(seen, axis=0), **CLOSE)
    assert (found.null < found.value / 2).all()
    left = whole - moved[:, index["head 0.1"]]
    assert found.without[-1] == pytest.approx(np.sqrt((left**2).sum() / (whole**2).sum()), abs=1e-5)


def without_value_biases(bert, layer):
    """What all tokens have alike is not asked about."""
    layers = list(bert.weights.layers)
    value = layers[layer].attention.value
    attention = layers[layer].attention._replace(value=value._replace(bias=np.zeros_like(value.bias)))
    layers[layer] = layers[layer]._replace(attention=attention)
    return replace(bert, weights=bert.weights._replace(layers=tuple(layers)))


def test_the_check_is_the_attention_without_the_terms(tiny):
    trace = tiny(TEXT)
    parts = parts_of_states(tiny, trace, 1)
    every = [("word", name) for name in parts.names]
    for question, terms in (
        (Question("pair", "word", "head 0.3"), [("word", "head 0.3")]),
        (Question("query", "word", ""), every),
        (Question("kinds", "word", "heads"), [pair for pair in every if pair[1].startswith("head ")]),
    ):
        rows = softmax(without_terms(tiny, trace, 1, 2, terms, parts)[2])
        best = trace.layers[1].attention[2].argmax(-1)
        expected = rows[np.arange(len(best)), best].mean()
        assert answer(tiny, trace, 1, 2, (question,), parts).without[0] == pytest.approx(expected, abs=1e-5)


# --- models made by hand ---------------------------------------------------------------------------------------------

FREE = slice(192, 256)
"""Directions that nothing but the made heads writes to."""


def copying(tiny, circuit):
    """`tiny`, changed such that head 0.3, which looks at the next token, copies the first 64 numbers of what it sees
    to FREE, where nothing else is. Head 1.0 compares the first 64 numbers of a query with FREE of the key if there is
    a circuit, otherwise with the same numbers of the key. The other heads of layer 1 see nothing.
    """
    w = tiny.weights
    embeddings = w.embeddings._replace(
        **{name: cleared(getattr(w.embeddings, name), columns=True) for name in ("word", "position", "token_type")},
        norm=plain(w.embeddings.norm),
    )
    first = w.layers[0]
    copy = np.zeros((256, 256), np.float32)
    copy[FREE, 192:] = 3 * np.eye(64)
    value = first.attention.value.weight.copy()
    value[192:] = np.eye(64, 256)
    first = first._replace(
        attention=first.attention._replace(value=LinearWeights(value, 0 * first.attention.value.bias)),
        attention_output=LinearWeights(copy, 0 * first.attention_output.bias),
        output=LinearWeights(cleared(first.output.weight), cleared(first.output.bias)),
        attention_norm=plain(first.attention_norm),
        output_norm=plain(first.output_norm),
    )
    second = w.layers[1]
    level = np.eye(64, dtype=np.float32) - 1 / 64  # norms put one number into all directions: it is not read
    query, key = np.zeros((2, 256, 256), np.float32)
    query[:64, :64] = 3 * level
    key[:64, FREE if circuit else slice(0, 64)] = 3 * level
    unread = second.attention.value.weight.copy()
    unread[:, FREE] = 0
    none = np.zeros(256, np.float32)
    second = second._replace(
        attention=second.attention._replace(
            query=LinearWeights(query, none), key=LinearWeights(key, none), value=LinearWeights(unread, none)
        )
    )
    return replace(tiny, weights=w._replace(embeddings=embeddings, layers=(first, second, *w.layers[2:])))


def cleared(array, columns=False):
    array = array.copy()
    array[(slice(None), FREE) if columns else FREE] = 0
    return array


def plain(norm):
    """The norm, as if it were not trained in FREE."""
    weight, bias = norm.weight.copy(), norm.bias.copy()
    weight[FREE], bias[FREE] = 1, 0
    return norm._replace(weight=weight, bias=bias)


LAYER_1 = [(1, head) for head in range(4)]


def test_a_head_made_to_read_what_another_wrote_has_this_arrow_alone(tiny, sentences):
    found = circuits(copying(tiny, circuit=True), sentences[:16], heads=LAYER_1)
    (arrow,) = found.arrows
    assert (arrow.writer, arrow.layer, arrow.head, arrow.side) == ((0, 3), 1, 0, "key")
    assert arrow.share == pytest.approx(1, abs=0.02)
    assert arrow.attention_without < 0.5 * arrow.attention
    largest = max((row for row in found.rows if row.side == "pair"), key=lambda row: row.mean)
    assert (largest.part_of_query, largest.part_of_key) == ("word", "head 0.3") and largest.above_null


def test_a_model_without_a_circuit_has_no_arrow(tiny, sentences):
    found = circuits(copying(tiny, circuit=False), sentences[:16], heads=LAYER_1)
    assert not found.arrows
    largest = max((row for row in found.rows if row.side == "pair"), key=lambda row: row.mean)
    assert (largest.head, largest.part_of_query, largest.part_of_key) == (0, "word", "word")
    seeing_nothing = [row for row in found.rows if row.head == 3 and row.side != "value"]
    assert seeing_nothing and not any(row.above_null or row.mean or row.share for row in seeing_nothing)


def test_what_sets_a_special_token_apart_from_any_word_is_not_above_the_null(tiny, sentences):
    """A query that is the same for all, and a key that only [CLS] has."""
    trace = tiny(sentences[0])
    word = parts_of_states(tiny, trace, 0).vectors[0]
    apart = word[0] - np.linalg.pinv(word[1:]) @ (word[1:] @ word[0])
    attention, none = tiny.weights.layers[0].attention, np.zeros(256, np.float32)
    query, key = np.zeros((2, 256, 256), np.float32)
    bias = none.copy()
    bias[0], key[0] = 8, 8 * apart / (apart @ apart)
    made = attention._replace(query=LinearWeights(query, bias), key=LinearWeights(key, none))
    layers = (tiny.weights.layers[0]._replace(attention=made), *tiny.weights.layers[1:])
    bert = replace(tiny, weights=tiny.weights._replace(layers=layers))
    found = circuits(bert, [sentences[0]] * 8, heads=[(0, 0)])
    _, attention, special = found.of_head((0, 0))
    (row,) = [
        row for row in found.rows if row.side == "pair" and (row.part_of_query, row.part_of_key) == ("biases", "word")
    ]
    assert special == 1 and attention > 0.9 and row.share > 0.9
    assert row.null == pytest.approx(row.mean) and not row.above_null
    assert row.attention_without < 0.5

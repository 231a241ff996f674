"""Every score as an exact sum of what wrote the query and the key, and models made by hand to be explained."""

from dataclasses import replace

import numpy as np
import pytest

import minibert
from minibert.checkpoint.parameters import LinearWeights
from minibert.numerics import softmax
from minibert.whatif.attribution import (
    embedding_parts,
    moved_parts,
    parts_of_states,
    score_parts,
    strongest_terms,
    without_terms,
)
from tests.checkpoint.test_families import write
from tests.material import everything
from tests.reference.oracle import random_checkpoint

CAPYBARA = "The brown capybara is sleeping now."


@pytest.fixture(scope="module")
def tiny() -> minibert.Bert:
    return minibert.load("tiny")


def check_sums(bert, texts):
    """States, scores and what heads move, against the arrays of the run: within 1e-5 of the largest."""
    for trace in everything(bert, *texts):
        for layer in range(bert.config.num_hidden_layers + 1):
            parts, state = parts_of_states(bert, trace, layer), trace.hidden_states[layer]
            assert len(parts.names) == len(set(parts.names)) == len(parts.vectors)
            np.testing.assert_allclose(parts.vectors.sum(0), state, atol=1e-5 * np.abs(state).max())
            if layer == bert.config.num_hidden_layers:
                continue
            fields = trace.layers[layer]
            for head in range(bert.config.num_attention_heads):
                for query in {0, len(trace.tokens) // 2, len(trace.tokens) - 1}:
                    row = score_parts(bert, trace, layer, head, query, parts)
                    expected, unit = fields.scores[head, query], 1e-5 * np.abs(fields.scores).max()
                    np.testing.assert_allclose(row.parts.sum((0, 1)), expected, atol=unit)
                    np.testing.assert_allclose(row.centred.sum((0, 1)), expected - expected.mean(), atol=2 * unit)
                    np.testing.assert_allclose(row.against(0).sum((0, 1)), expected - expected[0], atol=2 * unit)
                    moved = moved_parts(bert, trace, layer, head, query, parts).vectors.sum((0, 1))
                    added = fields.head_outputs[head, query]
                    np.testing.assert_allclose(moved, added, atol=1e-5 * np.abs(fields.head_outputs).max())
                lead = fields.scores[head].max(-1) - fields.scores[head].mean(-1)
                terms = strongest_terms(bert, trace, layer, head, parts)
                np.testing.assert_allclose(terms.sum(), lead.mean(), atol=2e-5 * np.abs(fields.scores).max())


def test_sums_are_the_scores_of_trained_models(tiny, minilm, sentences):
    check_sums(tiny, [*sentences[:10], "No", ("Who came?", "Nobody.")])
    check_sums(minilm, [*sentences[:3], "No", ("Who came?", "Nobody.")])


@pytest.mark.parametrize("seed", range(12))
def test_sums_are_the_scores_of_random_shapes(seed, tmp_path):
    random_checkpoint(tmp_path, seed)
    check_sums(minibert.load(tmp_path), ["a", "bcd ef"])


@pytest.mark.parametrize("family", ["distilbert", "ernie", "roberta", "camembert", "electra", "albert"])
def test_sums_are_the_scores_of_the_relatives(family, tmp_path):
    write(tmp_path, family, "Model")
    bert = minibert.load(tmp_path)
    ids = minibert.Encoding.from_ids([5, 7, 9, 8, 7])
    check_sums(bert, [ids])


def test_a_term_taken_out_of_the_scores_changes_its_head_alone(tiny):
    (trace,) = everything(tiny, CAPYBARA)
    scores = without_terms(tiny, trace, 1, 2, [("position", "position")])
    others = [0, 1, 3]
    np.testing.assert_array_equal(scores[others], trace.layers[1].scores[others])
    row = score_parts(tiny, trace, 1, 2, 4)
    a = row.names.index("position")
    np.testing.assert_allclose(scores[2, 4], trace.layers[1].scores[2, 4] - row.centred[a, a], atol=1e-4)
    resumed = tiny.resume(trace, layer=1, scores=scores)
    np.testing.assert_allclose(resumed.layers[1].attention[2], softmax(scores[2]), atol=1e-6)
    with pytest.raises(ValueError, match="'place' is none of the parts; expected one of word, position"):
        without_terms(tiny, trace, 1, 2, [("place", "word")])


def test_the_two_head_circuit_of_tiny(tiny, sentences):
    """Head 0.3 writes into each key which word comes next, and head 1.2 looks for it: on sentences nobody tuned to."""
    totals, attention = [], {(): [], (("word", "head 0.3"), ("head 0.1", "word")): [], (("position", "position"),): []}
    for trace in everything(tiny, *sentences[20:40]):
        parts = parts_of_states(tiny, trace, 1)
        totals.append(strongest_terms(tiny, trace, 1, 2, parts))
        for terms, found in attention.items():
            rows = softmax(without_terms(tiny, trace, 1, 2, terms, parts)[2])
            found.append(np.diagonal(rows, -1)[1:-1].mean())
    mean, names = np.mean(totals, axis=0), parts.names
    term = {(a, b): mean[i, j] for i, a in enumerate(names) for j, b in enumerate(names)}
    largest = sorted(term, key=term.get, reverse=True)
    assert largest[:2] == [("position", "position"), ("word", "head 0.3")]
    whole, without_circuit, without_position = (np.mean(found) for found in attention.values())
    assert whole > 0.85 and without_circuit < 0.75 and without_position < 0.3


def handmade(tiny, query, key, layer=0):
    """`tiny` with these query and key projections [64, 256] in one head of a layer. Its other heads see nothing."""
    attention = tiny.weights.layers[layer].attention
    size, hidden = tiny.config.head_size, tiny.config.hidden_size
    zero = np.zeros(hidden, np.float32)

    def only(rows):
        weight = np.zeros((hidden, hidden), np.float32)
        weight[:size] = rows
        return LinearWeights(weight, zero)

    changed = attention._replace(query=only(query), key=only(key))
    layers = list(tiny.weights.layers)
    layers[layer] = layers[layer]._replace(attention=changed)
    return replace(tiny, weights=tiny.weights._replace(layers=tuple(layers)))


def basis(vectors, size=64):
    """The directions, [size, D], in which these vectors differ most."""
    centred = vectors - vectors.mean(axis=0)
    return np.linalg.svd(centred, full_matrices=False)[2][:size]


def test_a_head_made_to_match_positions_is_explained_by_positions(tiny, sentences):
    trace = tiny(sentences[0])
    names, vectors = embedding_parts(tiny, trace)
    of_position = basis(vectors[names.index("position")], 8)
    rows = np.zeros((64, 256), np.float32)
    rows[:8] = 40 * (of_position - of_position @ np.linalg.pinv(basis(vectors[0], 12)) @ basis(vectors[0], 12))
    made = handmade(tiny, rows, rows)
    trace = made(sentences[0])
    terms = strongest_terms(made, trace, 0, 0)
    parts = parts_of_states(made, trace, 0)
    place = parts.names.index("position")
    assert np.unravel_index(terms.argmax(), terms.shape) == (place, place) and terms[place, place] > 0.7 * terms.sum()
    assert (trace.layers[0].attention[0].argmax(-1) == np.arange(len(trace.tokens))).mean() > 0.8  # its own place
    flat = softmax(without_terms(made, trace, 0, 0, [("position", "position")], parts)[0])
    assert np.diagonal(flat).mean() < 0.5 * np.diagonal(trace.layers[0].attention[0]).mean()


def test_a_head_made_to_match_words_is_explained_by_words(tiny):
    text = "The dog saw the cat and the cat saw the dog."
    trace = tiny(text)
    names, vectors = embedding_parts(tiny, trace)
    rows = np.zeros((64, 256), np.float32)
    found = basis(vectors[names.index("word")], 9)
    rows[: len(found)] = 20 * found
    made = handmade(tiny, rows, rows)
    trace = made(text)
    terms, word = strongest_terms(made, trace, 0, 0), names.index("word")
    assert np.unravel_index(terms.argmax(), terms.shape) == (word, word) and terms[word, word] > 0.7 * terms.sum()
    best = trace.layers[0].attention[0].argmax(-1)
    assert all(trace.input_ids[i] == trace.input_ids[j] for i, j in enumerate(best))


def test_a_head_that_sees_nothing_is_given_no_reason(tiny):
    made = handmade(tiny, np.zeros((64, 256)), np.zeros((64, 256)))
    assert not np.abs(strongest_terms(made, made(CAPYBARA), 0, 0)).any()


def test_a_trace_without_ids_is_named(tiny):
    with pytest.raises(ValueError, match="the trace has no input_ids"):
        parts_of_states(tiny, replace(tiny(CAPYBARA), input_ids=()), 0)

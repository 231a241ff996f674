"""Attention between words, without special tokens, as a mean: sums and shares that can be checked by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minibert
from minibert.survey import survey
from minibert.survey.pictures import Drawing, draw_attention
from minibert.whatif.summaries import Shares, between_tokens, between_words, without_special, word_attention

TEXTS = ["The brown capybara is sleeping now.", ("Capybaras swim.", "Unquestionably, capybaras do."), "[MASK] ☃ fell"]


@pytest.fixture(scope="module", params=TEXTS, ids=str)
def trace(request):
    return minibert.load("tiny")(request.param)


def test_to_a_word_is_the_sum_over_its_pieces_and_from_it_their_mean(trace):
    names, found = word_attention(trace)
    pieces = []  # the positions of each word; a special token is one
    for position, word in enumerate(trace.words):
        if word is not None and word == trace.words[position - 1]:
            pieces[-1].append(position)
        else:
            pieces.append([position])
    joined = ["".join(trace.tokens[i].removeprefix("##") for i in some) for some in pieces]
    assert list(names) == joined and found.shape == (4, 4, len(pieces), len(pieces)) and found.dtype == np.float32
    attention = trace.stacked("attention").astype(float)
    for i, of_query in enumerate(pieces):
        for j, of_key in enumerate(pieces):
            expected = sum(attention[..., q, k] for q in of_query for k in of_key) / len(of_query)
            np.testing.assert_allclose(found[..., i, j], expected, atol=1e-6)
            if len(of_query) == len(of_key) == 1:
                np.testing.assert_array_equal(found[..., i, j], trace.stacked("attention")[..., of_query[0], of_key[0]])
    np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-6)


def test_without_special_tokens_rows_are_shared_out_anew(trace):
    for of in (between_tokens, between_words):
        whole = of(trace, trace.stacked("attention"))
        found = without_special(whole)
        kept = [i for i, special in enumerate(whole.special) if not special]
        assert found.names == tuple(whole.names[i] for i in kept) and not any(found.special)
        assert {"[CLS]", "[SEP]"} & set(whole.names) and not {"[CLS]", "[SEP]"} & set(found.names)
        np.testing.assert_allclose(found.map.sum(axis=-1), 1, atol=1e-6)
        part = whole.map[..., kept, :][..., kept]
        np.testing.assert_allclose(found.map * part.sum(axis=-1, keepdims=True), part, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_rows_sum_to_1_whatever_the_words(data):
    """A row that gives all to special tokens is shared out evenly."""
    size = data.draw(st.integers(1, 6))
    special = tuple(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    shares = rng.dirichlet(np.ones(size), (2, size)).astype(np.float32)
    shares[0, 0] = np.eye(size)[0]
    found = without_special(Shares(shares, tuple("abcdef"[:size]), special))
    kept = special.count(False)
    assert found.map.shape == (2, kept, kept)
    if kept:
        np.testing.assert_allclose(found.map.sum(axis=-1), 1, atol=1e-6)
        if special[0]:
            return
        first = np.eye(kept)[0]
        np.testing.assert_allclose(found.map[0, 0], first, atol=1e-6)
    if not any(special):
        np.testing.assert_allclose(found.map, shares, atol=1e-6)


def test_a_row_of_zeros_is_shared_out_evenly():
    shares = np.array([[0, 0, 1], [0.5, 0.25, 0.25], [1, 0, 0]], np.float32)
    found = without_special(Shares(shares, ("a", "b", "[SEP]"), (False, False, True)))
    np.testing.assert_allclose(found.map, [[0.5, 0.5], [2 / 3, 1 / 3]], atol=1e-6)


@pytest.mark.parametrize("text", [TEXTS[0], TEXTS[1]], ids=str)
def test_the_picture_of_viz_has_the_same_numbers(text):
    bert = minibert.load("tiny")
    typed = text if isinstance(text, str) else " ||| ".join(text)
    found = survey(bert, [typed], choose=lambda sample: ([1], [2]))
    image = draw_attention(found, Drawing(words=True)).axes[0].images[0]
    np.testing.assert_allclose(image.get_array(), word_attention(bert(text))[1][1, 2], atol=1e-6)

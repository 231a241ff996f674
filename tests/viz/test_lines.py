"""Which lines are drawn, and words out of pieces."""

import tracemalloc

import numpy as np
import pytest

import viz

ATTENTION = np.array([[0.1, 0.7, 0.2], [0.3, 0.3, 0.4], [0.05, 0.9, 0.05]])


def pairs(lines):
    return [(int(i), int(j)) for i, j in zip(lines.query, lines.key, strict=True)]


def test_each_query_s_strongest_the_strongest_of_all_and_all_above():
    assert pairs(viz.choose_lines(ATTENTION)) == [(1, 2), (0, 1), (2, 1)]  # weakest first
    assert pairs(viz.choose_lines(ATTENTION, top=2)) == [(0, 1), (2, 1)]
    assert pairs(viz.choose_lines(ATTENTION, top=100))[-1] == (2, 1)
    assert len(viz.choose_lines(ATTENTION, top=100).query) == 9
    above = viz.choose_lines(ATTENTION, above=0.3)
    assert pairs(above) == [(1, 2), (0, 1), (2, 1)] and above.how == "all pairs with attention above 0.3"
    assert viz.choose_lines(ATTENTION, above=0.95).query.size == 0


def test_left_out_means_not_drawn_and_said_never_rescaled():
    lines = viz.choose_lines(ATTENTION, left_out=[False, True, False])
    assert pairs(lines) == [(2, 0), (0, 2)]
    np.testing.assert_allclose(lines.attention, [0.05, 0.2])
    assert "special tokens left out" in lines.how


def test_the_strongest_of_them_and_in_words():
    lines = viz.choose_lines(ATTENTION)
    assert lines.strongest(3) is lines
    few = lines.strongest(2)
    assert pairs(few) == [(0, 1), (2, 1)] and few.attention.tolist() == [0.7, 0.9]
    assert few.how == "each query's most attended key; of these the 2 strongest"


def test_sentences_never_meet():
    lines = viz.choose_lines([ATTENTION, ATTENTION[:2, :2]], [0, 0, 0, 1, 1], top=100)
    assert len(lines.query) == 13
    assert not any((i < 3) != (j < 3) for i, j in pairs(lines))
    assert lines.attention[-1] == 0.9 and pairs(lines)[-1] == (2, 1)


@pytest.mark.parametrize("wish", [{"top": 0}, {"above": 1}, {"above": -0.1}, {"top": 1, "above": 0.5}])
def test_wishes_that_make_no_sense(wish):
    with pytest.raises(ValueError, match=r"(top|above)"):
        viz.choose_lines(ATTENTION, **wish)


TOKENS = ["[CLS]", "brown", "cap", "##y", "##bara", "[SEP]", "brown", "[SEP]"]
PLACES = [None, (0, 0), (0, 1), (0, 1), (0, 1), None, (1, 0), None]


def test_pieces_merge_into_words_and_attention_stays_a_share():
    words = viz.find_words(TOKENS, PLACES)
    assert words.labels == ["[CLS]", "brown", "capybara", "[SEP]", "brown", "[SEP]"]
    assert words.of_token.tolist() == [0, 1, 2, 2, 2, 3, 4, 5]
    assert words.special.tolist() == [True, False, False, True, False, True]
    attention = np.random.default_rng(0).dirichlet(np.ones(8), size=(2, 8))
    (merged,) = words.attention([attention])
    np.testing.assert_allclose(merged.sum(axis=-1), 1, rtol=1e-6)
    np.testing.assert_allclose(merged[1, 1, 2], attention[1, 1, 2:5].sum(), rtol=1e-6)
    np.testing.assert_allclose(merged[0, 2, 1], attention[0, 2:5, 1].mean(), rtol=1e-6)
    points = np.arange(16.0).reshape(8, 2)
    np.testing.assert_allclose(words.mean(points)[2], points[2:5].mean(axis=0))


def test_words_of_several_sentences_keep_apart():
    words = viz.find_words(["a", "a", "##b"], [(0, 0), (0, 0), (0, 0)], [0, 1, 1])
    assert words.labels == ["a", "ab"] and words.sentences.tolist() == [0, 1]
    blocks = [np.ones((1, 1)), np.array([[0.5, 0.5], [0.2, 0.8]])]
    assert [block.shape for block in words.attention(blocks)] == [(1, 1), (1, 1)]


def test_a_link_goes_from_every_piece_to_every_piece():
    words = viz.find_words(TOKENS, PLACES)
    attention = np.arange(64.0).reshape(8, 8) / 64
    link = viz.link_words(words, "Capybara", "brown", attention)
    assert pairs(link) == [(2, 1), (2, 6), (3, 1), (3, 6), (4, 1), (4, 6)]
    np.testing.assert_array_equal(link.attention, attention[link.query, link.key])
    merged = viz.link_words(words, "capybara", "brown", words.attention([attention]), merged=True)
    assert pairs(merged) == [(2, 1), (2, 4)]
    many = viz.link_words(words, "capybara", "brown", np.stack([attention, 2 * attention]))
    np.testing.assert_array_equal(many.attention, [link.attention, 2 * link.attention])


def test_a_link_needs_both_words_in_one_sentence():
    words = viz.find_words(["a", "b"], [(0, 0), (0, 0)], [0, 1])
    with pytest.raises(ValueError, match="no sentence has both 'a' and 'b'; the words are: a, b"):
        viz.link_words(words, "a", "b", [np.ones((1, 1)), np.ones((1, 1))])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"attention": np.ones((12, 3, 3))}, r"of one head, \[3, 3\], not \[12, 3, 3\]"),
        ({"attention": [np.ones((12, 3, 3))]}, "of one head"),
        ({"attention": np.ones(3)}, r"must be \[N, N\]"),
        ({"attention": ATTENTION, "left_out": [True]}, r"left_out must be \[3\] of true and false"),
        ({"attention": ATTENTION, "left_out": [0, 2, 1]}, r"left_out must be \[3\] of true and false"),
        ({"attention": ATTENTION, "sentences": [0, 0]}, "about 3 tokens, but sentences has 2"),
    ],
)
def test_shapes_that_do_not_fit_are_named(arguments, says):
    with pytest.raises(ValueError, match=says):
        viz.choose_lines(**arguments)


def test_lists_will_do_and_several_blocks_are_several_sentences():
    assert pairs(viz.choose_lines(ATTENTION.tolist())) == pairs(viz.choose_lines(ATTENTION))
    assert pairs(viz.choose_lines([ATTENTION, ATTENTION[:2, :2]])) == [(4, 3), (1, 2), (0, 1), (3, 4), (2, 1)]


def test_the_strongest_of_many_heads_are_lines_not_heads():
    attention = np.array([[0.1, 0.5, 0.2], [0.2, 0.6, 0.9], [0.1, 0.2, 0.3], [0.2, 0.2, 0.2]])
    lines = viz.Lines(np.arange(3), np.arange(3) + 3, attention, "all")
    few = lines.strongest(2)
    assert few.query.tolist() == [1, 2] and few.key.tolist() == [4, 5] and few.attention.shape == (4, 2)
    assert lines.strongest(0).query.size == 0 and lines.strongest(0).attention.shape == (4, 0)
    assert lines[1].query.tolist() == [0, 1, 2] and lines[0].query.tolist() == [0, 2, 1]
    assert lines[0].attention.tolist() == [0.1, 0.2, 0.5]
    with pytest.raises(ValueError, match="0 or more"):
        lines.strongest(-1)


def test_red_lines_too_come_the_weakest_first():
    words = viz.find_words(["a", "b", "##b", "c"], [0, 1, 1, 2])
    attention = np.zeros((4, 4))
    attention[0, 1], attention[0, 2] = 0.7, 0.2
    link = viz.link_words(words, "a", "bb", attention)
    assert pairs(link) == [(0, 2), (0, 1)] and link.attention.tolist() == [0.2, 0.7]
    assert link.how == "a → bb"
    words = viz.find_words(["b", "a", "a", "b"], [0, 1, 0, 1], [0, 0, 1, 1])  # a link may begin where a sentence does
    link = viz.link_words(words, "a", "b", [np.array([[0.1, 0.2], [0.3, 0.4]]), np.array([[0.5, 0.6], [0.7, 0.8]])])
    assert pairs(link) == [(1, 0), (2, 3)] and link.attention.tolist() == [0.3, 0.6]


def test_words_take_attention_and_points_of_their_own_tokens_only():
    words = viz.find_words(TOKENS, PLACES, [0] * 6 + [1] * 2)
    one, other = np.eye(6), np.eye(2)
    with pytest.raises(ValueError, match=r"of sizes \[6, 2\], not \[\[6, 6\]\]"):
        words.attention([one])
    with pytest.raises(ValueError, match=r"one row per token"):
        words.mean(np.ones((7, 2)))
    with pytest.raises(ValueError, match="one entry per token each, not 8, 3 and 8"):
        viz.find_words(TOKENS, PLACES[:3])
    merged = words.attention([one, other])
    assert [block.shape for block in merged] == [(4, 4), (2, 2)]
    np.testing.assert_allclose(merged[0], np.eye(4))
    assert words.mean(np.float32(np.ones((3, 8, 2)))).dtype == np.float32


def test_words_of_ten_thousand_tokens_need_no_square_of_them():
    tokens = 10_000
    words = viz.find_words(["a"] * tokens, [i // 2 % 5 for i in range(tokens)], np.arange(tokens) // 10)
    tracemalloc.start()
    blocks = words.attention([np.full((10, 10), 0.1, np.float32)] * 1000)
    words.mean(np.ones((tokens, 8), np.float32))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(blocks) == 1000 and blocks[0].shape == (5, 5) and peak < 10e6

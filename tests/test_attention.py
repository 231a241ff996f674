"""The chapter: heads, scores, attention, context, and what leaves attention alone."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from minibert.attention import attend, merge_heads, self_attention, split_heads
from minibert.checkpoint.parameters import AttentionWeights, LinearWeights
from minibert.numerics import softmax

seeds = st.integers(0, 2**32 - 1)


def vectors(seed: int, heads=3, tokens=5, keys=7, head_size=4):
    random = np.random.default_rng(seed)
    shapes = ((heads, tokens, head_size), (heads, keys, head_size), (heads, keys, head_size))
    return [random.normal(size=shape).astype(np.float32) for shape in shapes]


@given(seeds)
def test_attend_is_torch_attention(seed):
    query, key, value = vectors(seed)
    scores, attention, context = attend(query, key, value)
    np.testing.assert_allclose(scores, np.einsum("htk,hsk->hts", query, key) / math.sqrt(4), atol=1e-5)
    np.testing.assert_allclose(attention, softmax(scores), atol=1e-6)
    theirs = torch.nn.functional.scaled_dot_product_attention(*(torch.from_numpy(x) for x in (query, key, value)))
    np.testing.assert_allclose(context, theirs, atol=1e-5)
    assert {array.dtype for array in (scores, attention, context)} == {np.dtype(np.float32)}


@given(st.integers(1, 6), st.integers(1, 9), st.integers(1, 5))
def test_merging_undoes_splitting_and_heads_are_contiguous_in_a_token(heads, tokens, head_size):
    x_TD = np.arange(tokens * heads * head_size, dtype=np.float32).reshape(tokens, -1)
    x_HTK = split_heads(x_TD, heads)
    assert x_HTK.shape == (heads, tokens, head_size)
    np.testing.assert_array_equal(x_HTK[-1, 0], x_TD[0, -head_size:])
    np.testing.assert_array_equal(merge_heads(x_HTK), x_TD)


def test_a_token_sees_its_own_sentence_only():
    random = np.random.default_rng(0)
    weights = AttentionWeights(
        *(
            LinearWeights(random.normal(size=(8, 8)).astype(np.float32), random.normal(size=8).astype(np.float32))
            for _ in range(3)
        )
    )
    hidden_TD = random.normal(size=(9, 8)).astype(np.float32)
    sentences = [slice(0, 4), slice(4, 9)]
    before = self_attention(hidden_TD, sentences, weights, heads=2)
    hidden_TD[:4] += 1
    after = self_attention(hidden_TD, sentences, weights, heads=2)
    np.testing.assert_array_equal(before[1]["context"], after[1]["context"])
    assert not np.allclose(before[0]["context"], after[0]["context"])


@given(seeds)
def test_the_free_moves_leave_attention_alone(seed):
    query, key, value = (x.astype(np.float64) for x in vectors(seed))
    random = np.random.default_rng(seed + 1)
    _, attention, context = attend(query, key, value)
    c = math.exp(random.uniform(-1, 1))
    matrix = random.normal(size=(4, 4)) + 4 * np.eye(4)
    extra = random.normal(size=(3, 7, 1))
    root = math.sqrt(5 / 4)  # one more coordinate changes K, and with it what scores are divided by
    moves = {
        "translation": (query, key + random.normal(size=4)),
        "scale": (c * query, key / c),
        "invertible map": (query @ matrix, key @ np.linalg.inv(matrix).T),
        "extra coordinate": (np.concatenate([query, 0 * query[..., :1]], -1) * root, np.concatenate([key, extra], -1)),
    }
    for name, (moved_query, moved_key) in moves.items():
        _, moved_attention, moved_context = attend(moved_query, moved_key, value)
        np.testing.assert_allclose(moved_attention, attention, atol=1e-9, err_msg=name)
        np.testing.assert_allclose(moved_context, context, atol=1e-9, err_msg=name)


def test_moving_queries_is_not_free():
    query, key, value = vectors(0)
    assert not np.allclose(attend(query + 1, key, value)[1], attend(query, key, value)[1], atol=1e-3)


def test_padding_masked_the_usual_way_agrees_with_no_padding():
    query, key, value = vectors(3, tokens=7)
    scores, _, _ = attend(query, key, value)
    real = 5
    mask = np.where(np.arange(7) < real, 0, np.finfo(np.float32).min).astype(np.float32)
    padded = softmax(scores + mask) @ value
    _, _, context = attend(query[:, :real], key[:, :real], value[:, :real])
    np.testing.assert_allclose(padded[:, :real], context, atol=1e-6)


def test_heads_must_divide():
    with pytest.raises(ValueError):
        split_heads(np.zeros((2, 7), dtype=np.float32), heads=3)

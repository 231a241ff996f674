"""Work shared out over threads: everything is done once, in order, and BLAS is left as it was."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from minibert.speed import cores
from minibert.trace import LAYER_FIELDS


@given(st.lists(st.integers(1, 60), max_size=40), st.integers(1, 8))
def test_dealing_gives_everything_once_and_evenly(sizes, hands):
    shares = cores.deal(sizes, hands)
    assert sorted(place for share in shares for place in share) == list(range(len(sizes)))
    loads = [sum(sizes[place] for place in share) for share in shares]
    assert max(loads) - min(loads) <= max(sizes, default=0)


@given(st.lists(st.integers(1, 200), min_size=1, max_size=20), st.integers(1, 4))
def test_sharing_out_keeps_the_order(sizes, threads):
    sentences = [[place] * size for place, size in enumerate(sizes)]
    with threadpool_limits(threads, user_api="blas"):
        places = cores.share_out(lambda some: [sentence[0] for sentence in some], sentences)
        assert places == list(range(len(sizes)))
        assert cores.cores() == threads


def test_each_share_has_one_thread_of_blas_and_an_error_gives_them_back():
    seen = []

    def fail(some):
        seen.append(cores.cores())
        raise ValueError("no")

    with threadpool_limits(3, user_api="blas"):
        with pytest.raises(ValueError, match="no"):
            cores.share_out(fail, [range(100)] * 3)
        assert cores.cores() == 3
    assert seen == [1, 1, 1]


def test_one_long_sentence_among_short_ones_is_not_left_to_one_core():
    calls = []

    def work(some):
        calls.append(len(some))
        return some

    with threadpool_limits(2, user_api="blas"):
        cores.share_out(work, [range(500), range(20), range(20)])
        cores.share_out(work, [range(10), range(20)])
        cores.share_out(work, [range(500)])
    assert calls == [3, 2, 1]


@pytest.mark.parametrize("threads", [1, 2, 3, None])
def test_results_do_not_depend_on_threads_or_batch(minilm, sentences, threads, monkeypatch):
    if threads is None:  # as without threadpoolctl
        monkeypatch.setattr(cores, "blas", lambda: None)
    texts = [*sentences[:12], " ".join(sentences[12:30])]
    with threadpool_limits(1, user_api="blas"):
        alone = [minilm(text) for text in texts]
    with threadpool_limits(threads, user_api="blas"):
        together = minilm.batch(texts)
        assert all(np.array_equal(a.pooled, b.pooled) for a, b in zip(together, minilm.batch(texts), strict=True))
    for ours, theirs in zip(together, alone, strict=True):
        np.testing.assert_allclose(ours.pooled, theirs.pooled, atol=1e-5)
        for layer, expected in zip(ours.layers, theirs.layers, strict=True):
            for name in LAYER_FIELDS:
                array = getattr(expected, name)
                np.testing.assert_allclose(getattr(layer, name), array, atol=1e-5 * max(1, np.abs(array).max()))

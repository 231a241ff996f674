"""Work shared out over threads: everything is done once, in order, and BLAS is left as it was."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from minibert.speed import cores
from minibert.trace import LAYER_FIELDS
from tests.material import everything


@given(st.lists(st.integers(1, 60), max_size=40), st.integers(1, 8))
def test_chunks_have_everything_once_and_are_even(sizes, count):
    chunks = cores.balanced(sizes, count)
    assert sorted(i for chunk in chunks for i in chunk) == list(range(len(sizes)))
    loads = [sum(sizes[i] for i in chunk) for chunk in chunks]
    assert max(loads) - min(loads) <= max(sizes, default=0)


def test_the_largest_is_placed_first():
    assert cores.balanced([1, 1, 1, 3], 2) == [[3], [0, 1, 2]]


@given(st.integers(0, 30), st.integers(1, 9))
def test_a_split_has_everything_once_in_order_and_evenly(count, parts):
    slices = cores.split(count, parts)
    assert [i for part in slices for i in range(count)[part]] == list(range(count))
    lengths = [len(range(count)[part]) for part in slices]
    assert len(slices) == max(1, min(count, parts)) and max(lengths) - min(lengths) <= 1


@given(st.lists(st.integers(1, 200), min_size=1, max_size=20), st.integers(1, 4))
def test_sharing_out_keeps_the_order(sizes, threads):
    sentences = [[i] * size for i, size in enumerate(sizes)]
    with threadpool_limits(threads, user_api="blas"):
        order = cores.share_out(lambda chunk: [sentence[0] for sentence in chunk], sentences)
        assert order == list(range(len(sizes)))
        assert cores.workers() == threads


def test_each_worker_has_one_thread_of_blas_and_an_error_gives_them_back():
    seen = []

    def fail(chunk):
        seen.append(cores.workers())
        raise ValueError("no")

    with threadpool_limits(3, user_api="blas"):
        with pytest.raises(ValueError, match="no"):
            cores.share_out(fail, [range(100)] * 3)
        assert cores.workers() == 3
    assert seen and set(seen) == {1}


def test_one_long_sentence_among_short_ones_is_not_left_to_one_core():
    calls = []

    def work(chunk):
        calls.append(len(chunk))
        return chunk

    with threadpool_limits(2, user_api="blas"):
        cores.share_out(work, [range(500), range(20), range(20)])
        cores.share_out(work, [range(10), range(20)])
        cores.share_out(work, [range(500)])
    assert calls == [3, 2, 1]


def test_a_long_batch_is_many_chunks_of_about_so_many_tokens():
    sizes = []

    def work(chunk):
        sizes.append(sum(map(len, chunk)))
        return chunk

    with threadpool_limits(2, user_api="blas"):
        cores.share_out(work, [range(50)] * 400)
        assert len(sizes) >= 16 and max(sizes) < 1.5 * cores.CHUNK_TOKENS
        sizes.clear()
        cores.share_out(work, [range(50)] * 20)
        assert sizes == [500, 500]


def test_several_are_at_work_at_the_same_time_and_no_more_than_wanted(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    cores.pool.cache_clear()
    meeting = threading.Barrier(3, timeout=20)
    assert cores.parallel_map(lambda i: meeting.wait() is not None and i, [0, 1, 2]) == [0, 1, 2]
    at_work, most = set(), []

    def work(i):
        at_work.add(i)
        most.append(len(at_work))
        time.sleep(0.01)
        at_work.remove(i)

    cores.parallel_map(work, list(range(12)), most=2)
    assert max(most) <= 2
    cores.pool.cache_clear()


def test_where_one_fails_no_other_is_begun_and_those_under_way_are_waited_for():
    begun, ended = [], []

    def work(i):
        begun.append(i)
        if i == 0:
            time.sleep(0.05)
            raise ValueError("no")
        time.sleep(0.2)
        ended.append(i)

    with pytest.raises(ValueError, match="no"):
        cores.parallel_map(work, list(range(20)), most=2)
    assert len(begun) <= 3 and sorted([0, *ended]) == sorted(begun)


def test_an_error_of_another_thread_is_raised():
    caller = threading.current_thread()

    def work(i):
        time.sleep(0.02)
        if threading.current_thread() is not caller:
            raise KeyError(i)

    if (os.cpu_count() or 1) > 1:
        with pytest.raises(KeyError):
            cores.parallel_map(work, list(range(8)))


def test_calls_may_be_nested():
    count = 3 * (os.cpu_count() or 1)
    nested = cores.parallel_map(lambda i: cores.parallel_map(lambda j: (i, j), range(count)), range(count))
    assert nested == [[(i, j) for j in range(count)] for i in range(count)]


def test_one_caller_at_a_time_sets_the_threads_of_blas():
    inside = []

    def other():
        with cores.one_thread():
            inside.append(True)

    with threadpool_limits(2, user_api="blas"):
        with cores.one_thread():
            thread = threading.Thread(target=other)
            thread.start()
            thread.join(0.1)
            assert not inside and cores.workers() == 1
            with cores.one_thread():  # the same thread may
                assert cores.workers() == 1
        thread.join(10)
        assert inside and cores.workers() == 2


def run(script: str, **options) -> subprocess.Popen:
    code = [sys.executable, "-c", textwrap.dedent(script)]
    return subprocess.Popen(code, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_process_forked_while_another_thread_is_at_work_is_free():
    process = run("""
        import os, threading, numpy
        from threadpoolctl import threadpool_limits
        from minibert.speed import cores
        threadpool_limits(2, user_api="blas")
        inside, leave = threading.Event(), threading.Event()
        def hold():
            with cores.one_thread():
                inside.set()
                leave.wait(20)
        threading.Thread(target=hold).start()
        inside.wait()
        child = os.fork()
        if child == 0:
            assert cores.workers() == 2, cores.workers()
            with cores.one_thread():
                assert cores.parallel_map(lambda i: i, [0, 1, 2]) == [0, 1, 2]
            os._exit(0)
        _, status = os.waitpid(child, 0)
        leave.set()
        print("child", os.waitstatus_to_exitcode(status))
    """)
    try:
        out, error = process.communicate(timeout=60)
    finally:
        process.kill()
    assert out == "child 0\n", error


@pytest.mark.skipif(os.name == "nt", reason="a console's Ctrl-C cannot be sent to one process on Windows")
def test_ctrl_c_is_heard_between_chunks():
    process = run("""
        import signal, time, numpy
        from threadpoolctl import threadpool_limits
        from minibert.speed import cores
        signal.signal(signal.SIGINT, signal.default_int_handler)  # shells switch it off in the background
        threadpool_limits(2, user_api="blas")
        def work(chunk):
            print("at work\\n", end="", flush=True)  # in one piece, as two are at work
            time.sleep(0.3)
            return chunk
        try:
            cores.share_out(work, [range(1000)] * 400)
        except KeyboardInterrupt:
            print("interrupted", cores.workers(), flush=True)
    """)
    assert process.stdout.readline() == "at work\n"
    process.send_signal(signal.SIGINT)
    try:
        out, error = process.communicate(timeout=30)
    finally:
        process.kill()
    assert out.splitlines()[-1] == "interrupted 2", error
    assert out.count("at work") < 10


@pytest.mark.parametrize("threads", [1, 2, 3, None])
def test_results_do_not_depend_on_threads_or_batch(minilm, sentences, threads, monkeypatch):
    if threads is None:  # as without threadpoolctl
        monkeypatch.setattr(cores, "blas", lambda: None)
    texts = [*sentences[:12], " ".join(sentences[12:30])]
    with threadpool_limits(1, user_api="blas"):
        alone = [everything(minilm, text)[0] for text in texts]
    with threadpool_limits(threads, user_api="blas"):
        together = everything(minilm, *texts)
        assert all(np.array_equal(a.pooled, b.pooled) for a, b in zip(together, minilm.batch(texts), strict=True))
    for ours, theirs in zip(together, alone, strict=True):
        np.testing.assert_allclose(ours.pooled, theirs.pooled, atol=1e-5)
        for layer, expected in zip(ours.layers, theirs.layers, strict=True):
            for name in LAYER_FIELDS:
                array = getattr(expected, name)
                np.testing.assert_allclose(getattr(layer, name), array, atol=1e-5 * max(1, np.abs(array).max()))
